"""Random music around rare tokens: each of them stands in a measure that is right otherwise.

Pieces are not strings of oddities: a rare note has the clef that it is written in, a measure that
it fits into, and a cell of notes that leads it back onto the beat.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TypeGuard

import numpy as np

from omrcli.tokens import (
    DURATIONS,
    Clef,
    Duration,
    KeySignature,
    Multirest,
    Note,
    Pitch,
    Rest,
    Symbol,
    TimeSignature,
)

from .compose import (
    CLEFS,
    FARTHEST,
    METERS,
    ComposeOptions,
    Composer,
    Plan,
    draw_palette,
    draw_plan,
)
from .rarity import RareTokens, find_rare_tokens
from .rhythm import Dice, beat_of, can_fill, fill_measure

#: Share of the measures after the first that hold a rare token of their own.
_MEASURES = 0.85
#: Share of the other notes whose pitch is drawn by rarity.
_PITCHES = 0.6
#: Staff positions that are read easily; a clef that puts a note there is so much likelier.
_COMFORT, _PREFERRED = (-5, 13), 5.0
#: The same for a key signature that spells the note without an accidental.
_SPELT = 2.0
_LENGTH_OF = {length: base for base, length in DURATIONS.items()}


def compose_rare_tokens(
    rng: np.random.Generator,
    rare: RareTokens | None = None,
    options: ComposeOptions | None = None,
) -> list[str]:
    """One random staff around rare tokens, as token texts; equal states of `rng` give equal texts.

    Args:
        rng: what draws.
        rare: what is wanted; None takes the rare tokens of the grammar.
        options: lengths and shares, as `compose_tokens` has them.
    """
    dice, options = Dice(rng), options or ComposeOptions()
    rare = rare or find_rare_tokens()
    target = rare.draw(dice)
    plan = _plan_around(target, draw_plan(dice, options), dice)
    return [str(symbol) for symbol in _RareComposer(plan, dice, options, rare, target).compose()]


def _plan_around(target: Symbol, plan: Plan, dice: Dice) -> Plan:
    """The plan with the signs at its start that the target needs."""
    if isinstance(target, Clef):
        return replace(plan, clef=target)
    if isinstance(target, KeySignature):
        return replace(plan, key=target) if target.fifths else plan
    if isinstance(target, TimeSignature):
        return _with_meter(replace(plan, shows_meter=True), target, dice)
    if isinstance(target, Note):
        pitch = target.pitches[0]
        plan = replace(plan, clef=_draw_clef(pitch, dice), key=_draw_key(pitch, dice))
    if _is_timed(target):
        return _with_room(plan, target.duration.quarters, dice)
    return plan


def _draw_clef(pitch: Pitch, dice: Dice) -> Clef:
    clefs = [Clef(name[0], int(name[1])) for name in CLEFS]
    positions = [pitch.diatonic - clef.bottom_line for clef in clefs]
    weights = [
        usual * _closeness(position)
        for usual, position in zip(CLEFS.values(), positions, strict=True)
    ]
    return dice.pick(clefs, weights)


def _closeness(position: int) -> float:
    if _COMFORT[0] <= position <= _COMFORT[1]:
        return _PREFERRED
    return 1.0 if FARTHEST[0] <= position <= FARTHEST[1] else 1e-6


def _draw_key(pitch: Pitch, dice: Dice) -> KeySignature:
    keys = [KeySignature(fifths) for fifths in range(-7, 8)]
    weights = [
        (_SPELT if key.alter_of(pitch.step) == pitch.alter else 1.0) / (2 + abs(key.fifths))
        for key in keys
    ]
    return dice.pick(keys, weights)


def _with_room(plan: Plan, length: Fraction, dice: Dice) -> Plan:
    """The plan with a meter whose measures hold `length` quarters; free where there is none."""
    if plan.free or _holds(plan.meter, length):
        return plan
    weights = [
        weight if _holds(TimeSignature(text), length) else 0 for text, weight in METERS.items()
    ]
    if not any(weights):
        return replace(plan, free=True)
    return _with_meter(plan, TimeSignature(dice.pick(list(METERS), weights)), dice)


def _holds(meter: TimeSignature, length: Fraction) -> bool:
    return can_fill(meter.quarters) and length <= meter.quarters


def _with_meter(plan: Plan, meter: TimeSignature, dice: Dice) -> Plan:
    return replace(plan, meter=meter, palette=draw_palette(dice, meter, plan.palette.tuplets))


def _is_timed(symbol: Symbol | None) -> TypeGuard[Note | Rest]:
    """Whether it takes time of the measure."""
    return isinstance(symbol, Rest) or (isinstance(symbol, Note) and not symbol.grace)


class _RareComposer(Composer):
    """A composer with one rare token in mind, and another when that one is placed."""

    def __init__(
        self, plan: Plan, dice: Dice, options: ComposeOptions, rare: RareTokens, target: Symbol
    ) -> None:
        super().__init__(plan, dice, options)
        self.rare = rare
        self.due: Symbol | None = target
        if isinstance(target, Note):
            self.position = target.pitches[0].diatonic - plan.clef.bottom_line

    def _add_measure(self, first: bool) -> None:
        if self.due is None and self.dice.chance(_MEASURES):
            self.due = self.rare.draw_fitting(self.dice, self._fits)
        if self.due is None or self.held:
            super()._add_measure(first)
            return
        if isinstance(self.due, (Clef, KeySignature, TimeSignature)):
            self._add_sign(self.due)
        if isinstance(self.due, Multirest):
            self._add(self.due)
            self.due = None
        else:
            self._add_events(first)

    def _fits(self, symbol: Symbol) -> bool:
        """Whether the staff may go on with it."""
        if _is_timed(symbol):
            room = self.plan.free or _holds(self.meter, symbol.duration.quarters)
            return room and (isinstance(symbol, Rest) or self._reaches(symbol.pitches[0]))
        return not isinstance(symbol, Note) or self._reaches(symbol.pitches[0])

    def _reaches(self, pitch: Pitch) -> bool:
        return _closeness(pitch.diatonic - self.clef.bottom_line) >= 1

    def _add_sign(self, sign: Clef | KeySignature | TimeSignature) -> None:
        """Change to a sign where it says something new."""
        self.due = None
        if isinstance(sign, Clef) and sign != self.clef:
            self.clef = sign
        elif isinstance(sign, TimeSignature) and sign != self.meter:
            self.meter = sign
        elif not isinstance(sign, KeySignature) or sign == self.state.key:
            return
        self._add(sign)

    def _rhythm(self, first: bool) -> list[Duration]:
        due = self.due
        if not _is_timed(due):
            return super()._rhythm(first)
        if self.plan.free or not _holds(self.meter, due.duration.quarters):
            around = super()._rhythm(first)
            around.insert(self.dice.below(len(around) + 1), due.duration)
            return around
        return _surround(due.duration, self.meter, self.plan, self.dice)

    def _add_event(self, duration: Duration) -> None:
        due = self.due
        if self.held or not _is_timed(due) or due.duration != duration:
            super()._add_event(duration)
            return
        self.due = None
        if isinstance(due, Rest):
            self._add(due)
        else:
            self._place(due)
            self._maybe_tie(due.pitches)

    def _place(self, note: Note) -> None:
        self.position = note.pitches[0].diatonic - self.clef.bottom_line
        self._add_note(note)

    def _maybe_decorate(self) -> None:
        due = self.due
        if isinstance(due, Note) and due.grace:
            self.due = None
            self._place(due)
        else:
            super()._maybe_decorate()

    def _draw_pitches(
        self, duration: Duration, grace: bool = False, fermata: bool = False
    ) -> tuple[Pitch, ...]:
        if self.dice.chance(_PITCHES):
            note = Note((), duration, grace, fermata)
            pitch = self.rare.draw_pitch(note, self.clef.bottom_line, self.position, self.dice)
            if pitch is not None:
                self.position = pitch.diatonic - self.clef.bottom_line
                return (pitch,)
        return super()._draw_pitches(duration, grace, fermata)


# --- rhythm ---------------------------------------------------------------------------------------


def _surround(duration: Duration, meter: TimeSignature, plan: Plan, dice: Dice) -> list[Duration]:
    """A measure that fills its meter and holds `duration`."""
    length, beat = meter.quarters, beat_of(meter)
    cell = _lead_back(duration, length, beat, dice)
    size = sum((d.quarters for d in cell), Fraction(0))
    step = _step_of(size, length)
    start = step * dice.below(int((length - size) / step) + 1)
    palette = replace(plan.palette, usual=min(plan.palette.usual, float(length)))
    before = fill_measure(start, beat, palette, dice) if start else []
    end = start + size
    after = fill_measure(length, beat, palette, dice, end) if end < length else []
    return before + cell + after


def _step_of(size: Fraction, length: Fraction) -> Fraction:
    """The longest written length, of those that divide both, that a cell may be shifted by."""
    return next(value for value in DURATIONS.values() if size % value == length % value == 0)


def _lead_back(duration: Duration, length: Fraction, beat: Fraction, dice: Dice) -> list[Duration]:
    """A cell with `duration` that ends on a pulse: a run or a dotted pair, and what is left of the
    pulse."""
    base = DURATIONS[duration.base]
    if duration.dots:
        cell = [duration, Duration(_LENGTH_OF[base / 2**duration.dots])]
    else:
        cell = [duration] * dice.pick((1, 2, 4), (2, 2, 1))
    size = sum((d.quarters for d in cell), Fraction(0))
    if size > length:
        return [duration]
    ends = (length, beat) if can_fill(beat) else (length,)  # the beat of 3/6 cannot be written
    pulse = next(v for v in DURATIONS.values() if v <= 1 and not any(e % v for e in ends))
    rest = _ladder(size, pulse)
    return cell + rest if dice.chance(0.5) else rest[::-1] + cell


def _ladder(size: Fraction, pulse: Fraction) -> list[Duration]:
    """Durations, each as long as all before it, from `size` up to `pulse`."""
    steps = []
    while size in _LENGTH_OF and size < pulse:
        steps.append(Duration(_LENGTH_OF[size]))
        size *= 2
    return steps
