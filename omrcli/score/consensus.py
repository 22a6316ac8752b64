"""Barlines and meters on which the staves of a system agree, where some of them were misread.

A barline runs through all staves of a system, and one meter is for all. Of all ways to take
barlines as overlooked on some staves, or as misread on others, the cheapest is chosen (Viterbi from
left to right): it costs what speaks against it, and gains where measures fill the meter. Units are
put right before tokens are made of them, since an accidental ends at a barline.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from omrcli.reading.alphabet import Codec
from omrcli.reading.decoding import Unit
from omrcli.tokens import Barline, Multirest, Rest, Tie, TimeSignature

from .barlines import TOLERANCE
from .measures import WHOLE_REST
from .meters import Column, Row, agree_on_meters
from .parts import Arrangement, System
from .words import ReadStaff, Word, join_words, make_words, put_between

#: What it costs to take a barline for overlooked on a staff, and for misread on one that was sure
#: of it; and what a measure of one staff gains that fills a meter of the system.
OVERLOOKED, MISREAD, FITS = 0.5, 1.0, 0.5
#: How sure one can be of a barline that was put in.
PUT_RIGHT = 0.8
#: How far apart, in interlines, barlines stand that have a measure between them: further than the
#: strokes of a double barline or of two repeats. The places of signs are less certain.
EMPTY_MEASURE, AFTER_SIGNS = 5.0, 14.0


@dataclass(frozen=True)
class Consensus:
    """The staves as they agree, and sentences on what was put right."""

    staves: tuple[ReadStaff, ...]
    notices: tuple[str, ...] = ()


def agree_on_measures(
    staves: Sequence[ReadStaff], codec: Codec, arrangement: Arrangement
) -> Consensus:
    """Put barlines and meters right that the other staves of a system speak against.

    Args:
        staves: in reading order, with the units of a positional alphabet.
        codec: of that alphabet.
        arrangement: which staves sound together.
    """
    words = [make_words(staff, codec.decode) for staff in staves]
    notices: list[str] = []
    in_force: dict[int, TimeSignature] = {}
    for system in arrangement.systems:
        present = [
            (part, index) for part in system.present if (index := system.staves[part]) is not None
        ]
        interlines = [staves[index].interline for _, index in present]
        rows = [Row(part, words[index]) for part, index in present]
        columns: list[Column] = []
        if len(rows) > 1:
            agreed = _Barlines(rows, max(interlines), in_force, codec)
            rows, columns = agreed.rows, agreed.columns
            notices += _tell(system, rows, agreed.put_in, agreed.left_out, arrangement.parts)
        told = agree_on_meters(rows, columns, in_force, codec)
        notices += (f"{_place(system, part, arrangement.parts)}: {what}" for part, what in told)
        for (_, index), row in zip(present, rows, strict=True):
            words[index] = list(row.words)
    result = [
        staff if _units(found) == staff.units else join_words(found, staff)
        for found, staff in zip(words, staves, strict=True)
    ]
    return Consensus(tuple(result), tuple(notices))


def _units(words: Sequence[Word]) -> tuple[Unit, ...]:
    return tuple(unit for word in words for unit in word.units)


def _place(system: System, part: int, parts: int) -> str:
    return str(system).capitalize() + (f", part {part + 1}" if parts > 1 else "")


def _tell(
    system: System, rows: Sequence[Row], put_in: Counter[int], left_out: Counter[int], parts: int
) -> Iterator[str]:
    """Sentences on the barlines of a system that were put right; counted by part."""
    for row in rows:
        if count := put_in[row.part]:
            those = "1 barline was" if count == 1 else f"{count} barlines were"
            yield f"{_place(system, row.part, parts)}: {those} put in, as on the other staves."
        if count := left_out[row.part]:
            those = "1 barline was" if count == 1 else f"{count} barlines were"
            yield (
                f"{_place(system, row.part, parts)}: {those} left out, as the other staves have "
                "none there."
            )


# --- barlines -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Edge:
    """Barlines of a system at about one x: for each row the place of its word, None without one."""

    x: float
    own: tuple[int | None, ...]


class _Barlines:
    """The barlines of a system: which run through it, and the rows with these and no others."""

    def __init__(
        self,
        rows: Sequence[Row],
        interline: float,
        in_force: dict[int, TimeSignature],
        codec: Codec,
    ) -> None:
        self.rows = list(rows)
        self.put_in: Counter[int] = Counter()
        self.left_out: Counter[int] = Counter()
        self.columns: list[Column] = []
        self._codec = codec
        events = [word.x for row in rows for word in row.words if word.is_event]
        if not events:
            return
        self._first, self._last = min(events), max(events)
        self._lengths = _meter_lengths(rows, in_force)
        self._sums = [_sum_up(row.words) for row in rows]
        edges = self._find_edges(TOLERANCE * interline)
        chosen = self._choose(edges)
        self._apply(edges, chosen)

    def _find_edges(self, apart: float) -> list[_Edge]:
        """The barlines, from left to right; those before the first event of all open the system."""
        found = sorted(
            (word.x, row, place)
            for row, content in enumerate(self.rows)
            for place, word in enumerate(content.words)
            if isinstance(word.symbol, Barline) and word.x > self._first
        )
        groups: list[list[tuple[float, int, int]]] = []
        for item in found:
            if groups and item[0] - groups[-1][0][0] <= apart:
                groups[-1].append(item)
            else:
                groups.append([item])
        edges = []
        for group in groups:
            own: list[int | None] = [None] * len(self.rows)
            for _, row, place in group:
                own[row] = place
            edges.append(_Edge(sum(x for x, _, _ in group) / len(group), tuple(own)))
        return edges

    def _cuts(self, edge: _Edge) -> list[int]:
        """For each row the place before which an edge cuts it."""
        return [
            _place_at(row.words, edge.x) if own is None else own
            for row, own in zip(self.rows, edge.own, strict=True)
        ]

    def _choose(self, edges: Sequence[_Edge]) -> set[int]:
        """The edges (indices) that are believed."""
        starts = [[0] * len(self.rows), *map(self._cuts, edges)]
        best: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
        against = [self._misread(edge) for edge in edges]
        for number, edge in enumerate(edges, 1):
            ways = []
            for before, (cost, path) in enumerate(best):
                fitting = self._count_fitting(starts[before], starts[number])
                skipped = sum(against[before : number - 1])
                step = skipped + self._overlooked(edge, fitting) - FITS * fitting
                ways.append((cost + step, (*path, number - 1)))
            best.append(min(ways))
        ends = [len(row.words) for row in self.rows]
        closing = [
            (cost + sum(against[last:]) - FITS * self._count_fitting(starts[last], ends), path)
            for last, (cost, path) in enumerate(best)
        ]
        return set(min(closing)[1])

    def _misread(self, edge: _Edge) -> float:
        """What speaks against there being no barline: the staves that show one."""
        return sum(
            MISREAD * row.words[own].confidence
            for row, own in zip(self.rows, edge.own, strict=True)
            if own is not None
        )

    def _overlooked(self, edge: _Edge, fitting: int) -> float:
        """What speaks against a barline: the staves that lack it. At the end of the system, after a
        measure that is full, it is mostly overlooked."""
        if edge.x > self._last and 2 * fitting >= len(self.rows):
            return 0.0
        return OVERLOOKED * sum(
            own is None and not _in_multirest(row.words, _place_at(row.words, edge.x))
            for row, own in zip(self.rows, edge.own, strict=True)
        )

    def _count_fitting(self, starts: Sequence[int], ends: Sequence[int]) -> int:
        """How many rows fill a meter between two places."""
        return sum(
            end > start and sums[end] - sums[start] in self._lengths
            for sums, start, end in zip(self._sums, starts, ends, strict=True)
        )

    def _apply(self, edges: Sequence[_Edge], chosen: set[int]) -> None:
        """Put the rows right, and cut them into columns."""
        bounds: list[list[int]] = []
        for number, content in enumerate(self.rows):
            words, cuts = list(content.words), [0]
            shift = 0  # words put in so far
            kept = [edge.own[number] for edge in edges]
            for index, edge in enumerate(edges):
                own = edge.own[number]
                if index not in chosen:
                    if own is not None:
                        del words[own + shift]
                        shift -= 1
                        self.left_out[content.part] += 1
                    continue
                if own is not None:
                    cuts.append(own + shift + 1)
                    continue
                following = next(
                    (own for own in kept[index:] if own is not None), len(words) - shift
                )
                place = min(max(_place_at(words, edge.x), cuts[-1]), following + shift)
                if not _in_multirest(words, place):
                    words = self._put_in(words, place, edge)
                    shift += 1
                    # One at the end of the system changes no measure, and needs not be told.
                    self.put_in[content.part] += edge.x < self._last
                    place += 1
                cuts.append(place)
            self.rows[number] = replace(content, words=tuple(words))
            bounds.append([*cuts, len(words)])
        self.columns = [
            Column(tuple(starts), tuple(ends))
            for starts, ends in pairwise(zip(*bounds, strict=True))
        ]

    def _put_in(self, words: Sequence[Word], place: int, edge: _Edge) -> list[Word]:
        """The words with a barline of the kind that most rows show there."""
        shown = [
            word
            for row, own in zip(self.rows, edge.own, strict=True)
            if own is not None and own < len(row.words)
            for word in [row.words[own]]
            if isinstance(word.symbol, Barline)
        ]
        kinds = Counter(word.symbol for word in shown)
        symbol = max(kinds, key=lambda kind: (kinds[kind], kind != Barline()), default=Barline())
        assert isinstance(symbol, Barline)
        units = [Unit(index, PUT_RIGHT, 0, 0) for index in self._codec.encode([str(symbol)])]
        return put_between(words, place, symbol, units, (edge.x, edge.x))


def _meter_lengths(rows: Sequence[Row], in_force: dict[int, TimeSignature]) -> set[Fraction]:
    """The lengths of the meters that are in force before a system, or shown in it."""
    read = {
        word.symbol.quarters
        for row in rows
        for word in row.words
        if isinstance(word.symbol, TimeSignature)
    }
    return read | {in_force[row.part].quarters for row in rows if row.part in in_force}


def _sum_up(words: Sequence[Word]) -> list[Fraction]:
    """The quarters before each word, and at the end."""
    sums = [Fraction(0)]
    for word in words:
        sums.append(sums[-1] + word.quarters)
    return sums


def _place_at(words: Sequence[Word], x: float) -> int:
    """Before which word an x lies; a tie belongs to the note before it."""
    return next(
        (n for n, word in enumerate(words) if word.x > x and not isinstance(word.symbol, Tie)),
        len(words),
    )


def _in_multirest(words: Sequence[Word], place: int) -> bool:
    """Whether the measure around a place has a multirest, which other staves may write out."""
    for part in (reversed(words[:place]), iter(words[place:])):
        for word in part:
            if isinstance(word.symbol, Barline):
                break
            if isinstance(word.symbol, Multirest):
                return True
    return False


# --- measures in which nothing was read -----------------------------------------------------------


def fill_empty_measures(staff: ReadStaff, codec: Codec) -> ReadStaff:
    """The staff with a whole rest of confidence 0 in each measure in which nothing was read.

    Two barlines far enough from each other have a measure between them.
    """
    words = make_words(staff, codec.decode)
    rest = Rest(WHOLE_REST)
    units = [Unit(index, 0.0, 0, 0) for index in codec.encode([str(rest)])]
    filled: list[Word] = []
    begins: Word | None = None  # what the measure has so far, if that is no event
    for word in words:
        if isinstance(word.symbol, Barline) and begins is not None:
            left, right = begins.spans[-1][1], word.spans[0][0]
            is_barline = isinstance(begins.symbol, Barline)
            apart = EMPTY_MEASURE if is_barline else AFTER_SIGNS
            if right - left > apart * staff.interline:
                filled.append(word)
                filled = put_between(filled, len(filled) - 1, rest, units, (left, right))
                begins = word
                continue
        filled.append(word)
        if word.is_event:
            begins = None
        elif isinstance(word.symbol, Barline) or (begins is not None or not _has_events(filled)):
            begins = word
    return staff if len(filled) == len(words) else join_words(filled, staff)


def _has_events(words: Sequence[Word]) -> bool:
    return any(word.is_event for word in words)
