"""Notation that corpora of single lines hold next to never, put into their excerpts: octave clefs,
percussion staves, measure repeats, rhythm slashes and multirests.

What the staff shows stays the same but for these signs; notes under another clef keep their places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from omrcli.tokens import (
    STEPS,
    Barline,
    Clef,
    KeySignature,
    MeasureRepeat,
    Multirest,
    Note,
    PercussionClef,
    Pitch,
    Rest,
    Slash,
    Symbol,
    Tie,
    TimeSignature,
)

from .rhythm import Dice, beat_of
from .variation import Edit, edit_excerpt

#: Octave shifts of clefs, and how often: tenor voice and guitar first.
_SHIFTS = {-1: 12, 1: 4, 2: 1, -2: 1}
#: Signs whose octave clefs are common enough to be worth as many staves as others.
_SHIFTED_SIGNS = {"G": 1.0, "F": 0.8, "C": 0.3}
_TREBLE = Clef("G", 2)


def notate_uncommonly(texts: Sequence[str], dice: Dice) -> list[str]:
    """The excerpt with one of these kinds of notation; as it was where it has no room for it.

    Raises:
        TokenError: a text is none of the semantic encoding.
    """
    return edit_excerpt(texts, _EDITS, dice, most=1)


def _shift_clefs(symbols: list[Symbol], dice: Dice) -> list[Symbol]:
    """All clefs of one sign as octave clefs; the notes under them sound an octave off."""
    clefs = [symbol for symbol in symbols if isinstance(symbol, Clef)]
    if not clefs or not dice.chance(_SHIFTED_SIGNS[clefs[0].sign]):
        return symbols
    shift = dice.pick(list(_SHIFTS), list(_SHIFTS.values()))
    result: list[Symbol] = []
    octaves = 0
    for symbol in symbols:
        if isinstance(symbol, Clef):
            octaves = shift if symbol == clefs[0] else 0
            symbol = replace(symbol, octave_shift=octaves)
        result.append(_move(symbol, 7 * octaves) if isinstance(symbol, Note) else symbol)
    pitches = [pitch for note in result if isinstance(note, Note) for pitch in note.pitches]
    return result if all(0 <= pitch.octave <= 9 for pitch in pitches) else symbols


def _move(note: Note, steps: int) -> Note:
    """A note moved by staff steps, its alterations kept."""
    places = [(pitch.diatonic + steps, pitch.alter) for pitch in note.pitches]
    return replace(note, pitches=tuple(Pitch(STEPS[d % 7], alter, d // 7) for d, alter in places))


def _use_percussion(symbols: list[Symbol], dice: Dice) -> list[Symbol]:
    """A percussion staff: no key, no accidentals, notes at the same places of the staff."""
    result: list[Symbol] = []
    bottom = _TREBLE.bottom_line
    for symbol in symbols:
        if isinstance(symbol, Clef):
            bottom = symbol.bottom_line
            if not result:
                result.append(PercussionClef())
        elif isinstance(symbol, Note):
            moved = _move(symbol, _TREBLE.bottom_line - bottom)
            plain = tuple(replace(pitch, alter=0) for pitch in moved.pitches)
            if not all(0 <= pitch.octave <= 9 for pitch in plain):
                return symbols
            result.append(replace(moved, pitches=plain))
        # A tie would join other places where a clef changed.
        elif not isinstance(symbol, (KeySignature, Tie)):
            result.append(symbol)
    return result


def _measures(symbols: Sequence[Symbol]) -> Iterator[tuple[int, int, TimeSignature | None]]:
    """First and end of each measure that lies between barlines, holds nothing but notes and rests,
    and is reached by no tie; and its meter."""
    meter: TimeSignature | None = None
    start = None
    for place, symbol in enumerate(symbols):
        if isinstance(symbol, TimeSignature):
            meter = symbol
        if not isinstance(symbol, Barline):
            continue
        if start is not None and place > start:
            inside = symbols[start:place]
            tied = symbols[start - 2] == Tie() or Tie() in inside[-1:]
            if all(isinstance(each, (Note, Rest, Tie)) for each in inside) and not tied:
                yield start, place, meter
        start = place + 1


Filling = Callable[[TimeSignature | None], Sequence[Symbol]]


def _refill(symbols: list[Symbol], share: float, dice: Dice, filling: Filling) -> list[Symbol]:
    """The symbols with a share of their measures filled otherwise."""
    result = list(symbols)
    for start, end, meter in reversed(list(_measures(symbols))):
        if dice.chance(share) and (filled := filling(meter)):
            result[start:end] = filled
    return result


def _repeat_measures(symbols: list[Symbol], dice: Dice) -> list[Symbol]:
    """Some measures as signs that repeat the one before."""
    return _refill(symbols, dice.pick((0.25, 0.5)), dice, lambda meter: (MeasureRepeat(),))


def _slash_measures(symbols: list[Symbol], dice: Dice) -> list[Symbol]:
    """Some measures as a rhythm slash a beat."""

    def slashes(meter: TimeSignature | None) -> Sequence[Symbol]:
        beats = int(meter.quarters / beat_of(meter)) if meter else 4
        return (Slash(),) * beats if beats <= 6 else ()

    return _refill(symbols, dice.pick((0.3, 0.6)), dice, slashes)


def _rest_measures(symbols: list[Symbol], dice: Dice) -> list[Symbol]:
    """Multirests of few measures, which many editions draw as blocks, between some measures."""
    result = list(symbols)
    for start, _, _ in reversed(list(_measures(symbols))):
        if symbols[start - 1] == Barline() and dice.chance(0.3):
            result[start:start] = [Multirest(2 + min(dice.below(9), dice.below(9))), Barline()]
    return result


_EDITS: dict[Edit, float] = {
    _shift_clefs: 10,
    _use_percussion: 4,
    _repeat_measures: 3,
    _slash_measures: 2,
    _rest_measures: 3,
}
