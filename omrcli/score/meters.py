"""The meter on which the staves of a system agree, where some of them misread or overlooked it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from omrcli.reading.alphabet import Codec
from omrcli.reading.decoding import Unit
from omrcli.tokens import Clef, KeySignature, Multirest, Rest, TimeSignature

from .measures import WHOLE_REST
from .words import Word, put_between

#: What speaks against a new meter for each staff that shows none, and for a meter for each measure
#: of a staff that it fits.
OVERLOOKED, FITS = 0.6, 0.5
PUT_RIGHT = 0.8


@dataclass(frozen=True)
class Row:
    """The words of a part's staff in a system."""

    part: int
    words: Sequence[Word]


@dataclass(frozen=True)
class Column:
    """A measure of a system: for each row the words [start, end)."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]


def agree_on_meters(
    rows: list[Row],
    columns: Sequence[Column],
    in_force: dict[int, TimeSignature],
    codec: Codec,
) -> list[tuple[int, str]]:
    """Put the time signatures of a system right; without columns they are only taken note of.

    `rows` are put right in place, `in_force` (meters by part) is what holds after them. Returns
    parts and sentences on what was put right in them.
    """
    told: list[tuple[int, str]] = []
    edits: list[_Edit] = []
    shown = [_shown(rows, column) for column in columns]
    for number, column in enumerate(columns):
        if not any(shown[number]):
            continue
        later = next((n for n in range(number + 1, len(columns)) if any(shown[n])), len(columns))
        lengths = _lengths(rows, columns[number:later])
        before = [_in_force(row.part, in_force) for row in rows]
        chosen = _choose(before, shown[number], lengths)
        for row, (sign, time) in enumerate(zip(shown[number], chosen, strict=True)):
            if time is None:
                continue
            part = rows[row].part
            in_force[part] = time
            is_lacking = sign is None and before[row] != time and any(lengths)
            if is_lacking or (sign is not None and sign.time != time):
                is_old = all(other is None or other.time != time for other in shown[number])
                put_in = None if is_old else time
                edits.append(_Edit(row, column.starts[row], column.ends[row], sign, put_in))
                told.append((part, _say(sign, put_in)))
    for edit in reversed(edits):
        rows[edit.row] = replace(rows[edit.row], words=edit.apply(rows[edit.row].words, codec))
    for content in rows if not columns else ():
        for word in content.words:
            if isinstance(word.symbol, TimeSignature):
                in_force[content.part] = word.symbol
    return told


def _in_force(part: int, in_force: dict[int, TimeSignature]) -> TimeSignature | None:
    """The meter of a part; of one that was absent so far, that of the others."""
    others = set(in_force.values())
    return in_force.get(part) or (others.pop() if len(others) == 1 else None)


@dataclass(frozen=True)
class _Sign:
    """A time signature before the first event of a measure: its place among the words."""

    time: TimeSignature
    place: int
    confidence: float


@dataclass(frozen=True)
class _Edit:
    """What is to be put right in the head of a measure of a row."""

    row: int
    start: int
    end: int
    sign: _Sign | None
    wanted: TimeSignature | None

    def apply(self, words: Sequence[Word], codec: Codec) -> list[Word]:
        """The words with the wanted time signature, or without any."""
        if self.wanted is None:
            return [
                word for n, word in enumerate(words) if self.sign is None or n != self.sign.place
            ]
        indices = codec.encode([str(self.wanted)])
        if self.sign is not None:
            old = words[self.sign.place]
            first, last = old.units[0], old.units[-1]
            units = tuple(Unit(index, PUT_RIGHT, first.start, last.end) for index in indices)
            span = (old.spans[0][0], old.spans[-1][1])
            new = Word(self.wanted, units, (span,) * len(units))
            return [*words[: self.sign.place], new, *words[self.sign.place + 1 :]]
        place = _place_for_meter(words, self.start, self.end)
        x = words[place - 1].spans[-1][1] if place else words[0].spans[0][0]
        units = tuple(Unit(index, PUT_RIGHT, 0, 0) for index in indices)
        return put_between(words, place, self.wanted, units, (x, x))


def _place_for_meter(words: Sequence[Word], start: int, end: int) -> int:
    """Behind the clef and key with which a measure begins."""
    place = start
    for number in range(start, end):
        if words[number].is_event:
            break
        if isinstance(words[number].symbol, (Clef, KeySignature)):
            place = number + 1
    return place


def _say(sign: _Sign | None, wanted: TimeSignature | None) -> str:
    if wanted is None:
        read = sign.time.text if sign else ""
        return f"time signature {read} was left out, as the other staves go on in their meter."
    if sign is None:
        return f"time signature {wanted.text} was put in, as on the other staves."
    return f"time signature {sign.time.text} was taken for {wanted.text}, as on the other staves."


def _shown(rows: Sequence[Row], column: Column) -> list[_Sign | None]:
    """For each row the time signature before the first event of a measure."""
    return [
        _find_sign(row.words, start, end)
        for row, start, end in zip(rows, column.starts, column.ends, strict=True)
    ]


def _find_sign(words: Sequence[Word], start: int, end: int) -> _Sign | None:
    found = None
    for place in range(start, end):
        symbol = words[place].symbol
        if words[place].is_event:
            break
        if isinstance(symbol, TimeSignature):
            found = _Sign(symbol, place, words[place].confidence)
    return found


def _lengths(rows: Sequence[Row], columns: Sequence[Column]) -> list[list[Fraction]]:
    """For each row the lengths of its measures; rests that last whatever the meter is are none."""
    lengths: list[list[Fraction]] = []
    for number, row in enumerate(rows):
        found = []
        for column in columns:
            events = [
                word
                for word in row.words[column.starts[number] : column.ends[number]]
                if word.is_event
            ]
            if events and not _lasts_any_meter(events):
                found.append(sum((word.quarters for word in events), Fraction(0)))
        lengths.append(found)
    return lengths


def _lasts_any_meter(events: Sequence[Word]) -> bool:
    return any(isinstance(word.symbol, Multirest) for word in events) or (
        len(events) == 1 and events[0].symbol == Rest(WHOLE_REST)
    )


def _choose(
    before: Sequence[TimeSignature | None],
    signs: Sequence[_Sign | None],
    lengths: Sequence[Sequence[Fraction]],
) -> list[TimeSignature | None]:
    """The meter of each row from here; None where that is not to be judged.

    `before` is what was in force.
    """
    votes: dict[TimeSignature, float] = defaultdict(float)
    for sign in signs:
        if sign is not None:
            votes[sign.time] += sign.confidence
    known = {time for time in before if time is not None}
    if len(known) > 1 or (len(votes) == 1 and None not in signs):  # meters of their own, or one
        return [sign.time if sign else None for sign in signs]
    for old in known:
        votes[old] += OVERLOOKED * signs.count(None)

    def weigh(time: TimeSignature) -> float:
        return votes[time] + FITS * sum(row.count(time.quarters) for row in map(list, lengths))

    best = max(votes, key=weigh)
    return [
        sign.time if sign and _keeps(sign.time, best, own) else best
        for sign, own in zip(signs, lengths, strict=True)
    ]


def _keeps(own: TimeSignature, other: TimeSignature, lengths: Sequence[Fraction]) -> bool:
    """Whether a row has a meter of its own: its measures fit that, and not the other's.

    3/4 and 6/8 are as long as each other and sound together, so that neither proves the other
    wrong.
    """
    if own.quarters == other.quarters:
        return _is_compound(own) != _is_compound(other)
    return len(lengths) > 1 and all(length == own.quarters for length in lengths)


def _is_compound(time: TimeSignature) -> bool:
    return time.beats > 3 and time.beats % 3 == 0
