"""Notes as they were played -> notes as they are written: on a grid, in voices, cut at barlines.

Times are quarter notes. A beat here is a quarter note, counted from the start of its measure.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from operator import attrgetter

#: Parts of a beat that what programs wrote is looked for on, the likeliest first.
_EXACT = (1, 2, 4, 3, 8, 6, 16, 5, 7, 12, 32)
#: A program wrote what begins, for the most part, exactly on the first eight; of what somebody
#: played one note in twenty does.
_USUAL, _MOSTLY = 8, 0.6
#: Parts of a beat that what people played is brought to, the finer ones for fast notes.
_PLAYED = ((4, 3), (8, 6))
#: What begins together, in parts of a beat, as nobody strikes a chord at once.
_TOGETHER = Fraction(1, 12)
_LONGEST = Fraction(16)  # a quadruple whole note
_SHORTEST = Fraction(1, 32)
#: More voices of a part nobody can read; the note that ends first makes room.
_MOST_VOICES = 4


@dataclass(frozen=True)
class Played:
    """A note that sounds from `start` to `end`; `key` is that of MIDI, `words` are sung to it."""

    key: int
    start: Fraction
    end: Fraction
    words: str = ""


@dataclass(frozen=True)
class Bar:
    """A measure: where it starts, and how long it is."""

    start: Fraction
    length: Fraction


@dataclass(frozen=True)
class Written:
    """A note, chord, or without keys a rest; `onset` counts from the start of the measure.

    Its `length` can be written as one note; what is longer is several, with ties between them.
    """

    onset: Fraction
    length: Fraction
    keys: tuple[int, ...] = ()
    starts_tie: bool = False
    stops_tie: bool = False
    words: str = ""


@dataclass
class _Chord:
    """Notes that begin and end together."""

    start: Fraction
    end: Fraction
    keys: tuple[int, ...]
    words: str


def notate(
    notes: Sequence[Played], bars: Sequence[Bar], tick: Fraction
) -> list[list[list[Written]]]:
    """The voices of each measure: those in which there is a note, each filled up with rests.

    Args:
        notes: of one part.
        bars: the measures, without a gap, that hold all notes.
        tick: the least time that a file tells apart.
    """
    grid = _Grid(notes, bars, tick)
    voices = _assign_voices(_make_chords(notes, grid))
    written: list[list[list[Written]]] = [[] for _ in bars]
    for chords in voices:
        for index, pieces in _cut_at_bars(chords, bars):
            written[index].append(list(_fill(pieces, bars[index], grid.tuplets(index))))
    return written


class _Grid:
    """The times that notes may begin and end at: each beat is cut into as few parts as will do."""

    def __init__(self, notes: Sequence[Played], bars: Sequence[Bar], tick: Fraction) -> None:
        self.end = bars[-1].start + bars[-1].length
        self._bars = bars
        self._tick = tick
        starts: dict[tuple[int, int], set[Fraction]] = defaultdict(set)
        times: dict[tuple[int, int], set[Fraction]] = defaultdict(set)
        for time, is_start in sorted(
            {(note.start, True) for note in notes} | {(note.end, False) for note in notes}
        ):
            *place, rest = self._locate(time)
            times[place[0], place[1]].add(rest)
            if is_start:
                starts[place[0], place[1]].add(rest)
        self._is_exact = self._looks_written([time for found in starts.values() for time in found])
        self._parts = {place: self._choose(starts[place], times[place]) for place in list(times)}

    def _looks_written(self, starts: Sequence[Fraction]) -> bool:
        exact = sum(any(self._fits([time], parts) for parts in _EXACT[:_USUAL]) for time in starts)
        return exact >= _MOSTLY * len(starts)

    def _fits(self, starts: Iterable[Fraction], parts: int, ends: Iterable[Fraction] = ()) -> bool:
        """Whether times are on a grid, but for rounding; programs let notes end a tick early."""
        return all(2 * _distance(time, parts) <= self._tick for time in starts) and all(
            _distance(time, parts) <= self._tick for time in ends
        )

    def _choose(self, starts: set[Fraction], times: set[Fraction]) -> int:
        """The number of parts of a beat that has these times."""
        if self._is_exact:
            for parts in _EXACT:
                if self._fits(starts, parts, times):
                    return parts
            for parts in _EXACT if starts else ():
                if self._fits(starts, parts):
                    return parts
        best = 0
        for pair in _PLAYED:
            best = min(pair, key=lambda parts: sum(_distance(time, parts) for time in times))
            if not _falls_together(starts, best):
                break
        return best

    def snap(self, time: Fraction) -> Fraction:
        """The time of the grid that is nearest."""
        index, beat, rest = self._locate(time)
        parts = self._parts.get((index, beat), 1)
        bar = self._bars[index]
        snapped = bar.start + beat + Fraction(round(rest * parts), parts)
        return min(snapped, bar.start + bar.length)

    def step(self, time: Fraction) -> Fraction:
        """The distance of times of the grid in a beat."""
        index, beat, _ = self._locate(time)
        return Fraction(1, max(4, self._parts.get((index, beat), 1)))

    def tuplets(self, index: int) -> dict[int, int]:
        """Parts of the beats of a measure that are cut into a number that is no power of 2."""
        beats = range(int(self._bars[index].length) + 1)
        found = {beat: self._parts.get((index, beat), 1) for beat in beats}
        return {beat: parts for beat, parts in found.items() if parts & (parts - 1)}

    def _locate(self, time: Fraction) -> tuple[int, int, Fraction]:
        """The index of a measure, a beat in it, and the time since that began."""
        index = _find_bar(self._bars, time)
        since = time - self._bars[index].start
        return index, int(since), since - int(since)


def _distance(time: Fraction, parts: int) -> Fraction:
    return abs(time - Fraction(round(time * parts), parts))


def _falls_together(starts: set[Fraction], parts: int) -> bool:
    """Whether notes that were not begun together would be, on a grid."""
    ordered = sorted(starts)
    return any(
        later - time > _TOGETHER and round(later * parts) == round(time * parts)
        for time, later in pairwise(ordered)
    )


def _find_bar(bars: Sequence[Bar], time: Fraction) -> int:
    """The index of the measure that a time lies in."""
    return max(0, bisect_right(bars, time, key=attrgetter("start")) - 1)


def _make_chords(notes: Sequence[Played], grid: _Grid) -> list[_Chord]:
    """What begins and ends together on the grid, by time, high ones first."""
    found: dict[tuple[Fraction, Fraction], list[Played]] = defaultdict(list)
    for note in notes:
        start = grid.snap(note.start)
        step = grid.step(start)
        start = min(start, grid.end - step)
        found[start, min(grid.end, max(grid.snap(note.end), start + step))].append(note)
    chords = [
        _Chord(
            start,
            end,
            tuple(sorted({note.key for note in together})),
            next((note.words for note in together if note.words), ""),
        )
        for (start, end), together in found.items()
    ]
    return sorted(chords, key=lambda chord: (chord.start, -chord.keys[-1], chord.end))


def _assign_voices(chords: Sequence[_Chord]) -> list[list[_Chord]]:
    """Chords in voices, in none of which two sound at once."""
    voices: list[list[_Chord]] = []
    for chord in chords:
        free = [voice for voice in voices if voice[-1].end <= chord.start]
        if free:
            min(free, key=lambda voice: abs(voice[-1].keys[-1] - chord.keys[-1])).append(chord)
        elif len(voices) < _MOST_VOICES:
            voices.append([chord])
        else:
            voice = min(voices, key=lambda voice: voice[-1].end)
            last = voice[-1]
            if last.start == chord.start:
                last.keys = tuple(sorted({*last.keys, *chord.keys}))
            else:
                last.end = chord.start
                voice.append(chord)
    return voices


def _cut_at_bars(
    chords: Sequence[_Chord], bars: Sequence[Bar]
) -> Iterator[tuple[int, list[Written]]]:
    """The measures in which a voice has notes, and these; their lengths may be of any kind."""
    found: dict[int, list[Written]] = defaultdict(list)
    for chord in chords:
        start, index, words = chord.start, _find_bar(bars, chord.start), chord.words
        while start < chord.end:
            bar = bars[index]
            end = min(chord.end, bar.start + bar.length)
            ties = end < chord.end, start > chord.start
            found[index].append(Written(start - bar.start, end - start, chord.keys, *ties, words))
            start, index, words = end, index + 1, ""
    yield from found.items()


def _fill(pieces: Sequence[Written], bar: Bar, tuplets: dict[int, int]) -> Iterator[Written]:
    """The notes of a voice in a measure and the rests between them, as they can be written."""
    now = Fraction(0)
    for piece in (*pieces, Written(max(bar.length, now), Fraction(0))):
        for length in _spell(now, piece.onset - now, tuplets):
            yield Written(now, length)
            now += length
        lengths = _spell(now, piece.length, tuplets)
        for number, length in enumerate(lengths):
            starts = piece.starts_tie or number + 1 < len(lengths)
            words = "" if number else piece.words
            yield Written(now, length, piece.keys, starts, piece.stops_tie or number > 0, words)
            now += length


def _spell(onset: Fraction, length: Fraction, tuplets: dict[int, int]) -> list[Fraction]:
    """The lengths of notes that together last so long, the first of them at `onset`."""
    found = []
    while length > 0:
        first = _first_length(onset, length, tuplets)
        found.append(first)
        onset, length = onset + first, length - first
    return found


def _first_length(onset: Fraction, length: Fraction, tuplets: dict[int, int]) -> Fraction:
    beat, rest = int(onset), onset - int(onset)
    left, end = 1 - rest, onset + length
    if _is_long_triplet(onset, length, tuplets):
        return length
    if beat in tuplets and (rest or length < 1):
        return _tuplet_length(rest, min(length, left), tuplets[beat])
    if end != int(end) and int(end) in tuplets and int(end) > beat:
        length = int(end) - onset  # the tuplet stands alone
    return _plain_length(rest, length, left)


def _is_long_triplet(onset: Fraction, length: Fraction, tuplets: dict[int, int]) -> bool:
    """Whether this is a quarter note of three in two beats, or a half note of three in four."""
    if length not in (Fraction(2, 3), Fraction(4, 3)) or onset % (3 * length) % length:
        return False
    inside = [time for time in (onset, onset + length) if time.denominator > 1]
    return all(tuplets.get(int(time), 1) % 3 == 0 for time in inside)


def _tuplet_length(rest: Fraction, length: Fraction, parts: int) -> Fraction:
    """The longest note at `rest` in a beat of so many parts that is no longer than `length`."""
    number = int(length * parts)
    if number < 1:
        return length  # the end of a measure within a beat; music21 finds a way to write it
    power = 1 << (number.bit_length() - 1)
    if parts % 3 == 0:
        is_half = length == Fraction(1, 2) and rest in (0, Fraction(1, 2))
        return length if is_half else Fraction(power, parts)
    dotted = power * 3 // 2
    return Fraction(dotted if power > 1 and dotted <= number else power, parts)


def _plain_length(rest: Fraction, length: Fraction, left: Fraction) -> Fraction:
    """The first of the notes without tuplets that last so long."""
    if _is_plain(length):
        return length
    if rest and left < length:
        return _plain_length(rest, left, left)
    longest = _LONGEST
    while longest > length and longest > _SHORTEST:
        longest /= 2
    if longest > length:
        return length  # shorter than any note: what is left by another grid
    dotted = longest * 3 / 2
    return dotted if dotted <= length else longest


def _is_plain(length: Fraction) -> bool:
    """Whether a length is that of a note with at most one dot."""
    if length > _LONGEST or length.denominator > _SHORTEST.denominator:
        return False
    odd = length.numerator
    while odd % 2 == 0:
        odd //= 2
    return odd in (1, 3) and not length.denominator & (length.denominator - 1)
