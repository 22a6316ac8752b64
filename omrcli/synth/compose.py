"""Random grammatical music as token sequences: what corpora hold too rarely, in readable places.

A staff is drawn in three steps: a plan (clef, key, meter, habits), then the rhythm of each measure,
then pitches from left to right with the accidentals in force.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from fractions import Fraction

import numpy as np

from omrcli.errors import UsageError
from omrcli.reading.alphabet import AccidentalState
from omrcli.tokens import (
    DURATIONS,
    STEPS,
    Barline,
    Clef,
    Duration,
    KeySignature,
    Multirest,
    Note,
    Pitch,
    Rest,
    Symbol,
    Tie,
    TimeSignature,
)

from .rhythm import Dice, Palette, beat_of, can_fill, fill_measure

# fmt: off
#: Clefs, time signatures and durations of grace notes, and how often they are drawn.
CLEFS = {
    "G2": 34, "F4": 18, "C1": 9, "C3": 9, "C4": 8, "C2": 3, "G1": 3, "F3": 4, "C5": 3, "F5": 2,
}
METERS = {
    "C": 14, "C/": 8, "4/4": 6, "3/4": 12, "2/4": 10, "6/8": 8, "3/8": 6, "2/2": 3, "3/2": 3,
    "12/8": 2, "9/8": 2, "4/2": 1.5, "6/4": 1.5, "5/4": 1, "7/8": 1, "5/8": 1, "3/1": 1, "7/4": 1,
    "4/8": 1, "2/8": 0.7, "1/4": 0.5, "1/2": 0.5, "2/1": 0.7, "4/1": 0.5, "11/4": 0.5, "8/4": 0.5,
    "12/4": 0.7, "12/16": 0.7, "24/16": 0.7, "6/16": 0.7, "9/16": 0.7, "8/16": 0.5, "8/8": 0.7,
    "9/4": 0.7, "6/2": 0.6, "8/2": 0.5, "2/3": 0.3, "3/6": 0.3, "8/12": 0.3, "2/48": 0.3,
}
_STEPS = {0: 10, 1: 22, -1: 24, 2: 9, -2: 9, 3: 5, -3: 5, 4: 3, -4: 3, 5: 2, -5: 2, 7: 1.5, -7: 1}
GRACES = {
    Duration("eighth"): 60, Duration("sixteenth"): 26, Duration("quarter"): 8,
    Duration("thirty_second"): 4, Duration("half"): 1.5, Duration("eighth", 1): 1,
    Duration("sixteenth", 1): 1,
}
# fmt: on
_ALTERS = {-2: 1, -1: 4, 0: 3, 1: 4, 2: 1}
_BARLINES = ("double", "repeat-start", "repeat-end", "repeat-both")
#: Staff positions (steps above the lowest line) that are usual, and the farthest that are drawn.
_USUAL, FARTHEST = (-2, 10), (-9, 17)


@dataclass(frozen=True)
class ComposeOptions:
    """How long sequences get, and which share (0..1) of them has what.

    `free` staves have measures of any length and every duration alike; `continued` ones begin
    without a time signature, as all staves of a page but the first; `barlines` have double and
    final barlines and repeats.

    Raises:
        UsageError: a share outside 0..1, or lengths out of order.
    """

    min_tokens: int = 8
    max_tokens: int = 70
    free: float = 0.08
    continued: float = 0.15
    pickups: float = 0.25
    multirests: float = 0.3
    rests: float = 0.7
    graces: float = 0.3
    ties: float = 0.3
    fermatas: float = 0.2
    changes: float = 0.12
    barlines: float = 0.15
    tuplets: float = 0.12
    chords: float = 0.1

    def __post_init__(self) -> None:
        if not 4 <= self.min_tokens <= self.max_tokens:
            raise UsageError("A composed staff needs 4 or more tokens, and min_tokens of them.")
        for item in fields(self)[2:]:
            if not 0 <= getattr(self, item.name) <= 1:
                raise UsageError(f"The share '{item.name}' must lie between 0 and 1.")


def compose_tokens(rng: np.random.Generator, options: ComposeOptions | None = None) -> list[str]:
    """One random staff as token texts; equal states of `rng` give equal texts.

    But for a pickup, a last measure that is cut off, free staves and meters such as 2/3, every
    measure fills its meter; a whole rest alone fills any.
    """
    options = options or ComposeOptions()
    dice = Dice(rng)
    plan = draw_plan(dice, options)
    return [str(symbol) for symbol in Composer(plan, dice, options).compose()]


@dataclass(frozen=True)
class Plan:
    """What holds for one staff: the signs at its start, and how often events get what."""

    clef: Clef
    key: KeySignature
    meter: TimeSignature
    shows_meter: bool
    free: bool
    length: int
    pickup: bool
    palette: Palette
    rests: float
    ties: float
    graces: float
    fermatas: float
    chords: float
    multirests: float
    changes: float
    barlines: float
    accidentals: float
    leaps: float
    range: tuple[int, int]


def draw_plan(dice: Dice, options: ComposeOptions) -> Plan:
    def share(name: str, *rates: float) -> float:
        return dice.pick(rates) if dice.chance(getattr(options, name)) else 0.0

    meter = _draw_meter(dice)
    return Plan(
        clef=_draw_clef(dice),
        key=_draw_key(dice),
        meter=meter,
        shows_meter=not dice.chance(options.continued),
        free=dice.chance(options.free),
        length=_draw_length(dice, options),
        pickup=dice.chance(options.pickups),
        palette=draw_palette(dice, meter, share("tuplets", 0.1, 0.3, 0.8)),
        rests=share("rests", 0.04, 0.1, 0.3),
        ties=share("ties", 0.04, 0.1, 0.3),
        graces=share("graces", 0.05, 0.15, 0.4),
        fermatas=share("fermatas", 0.05, 0.2, 0.6),
        chords=share("chords", 0.1, 0.4, 0.9),
        multirests=share("multirests", 0.2, 0.5),
        changes=share("changes", 0.1, 0.3),
        barlines=share("barlines", 0.3, 0.8),
        accidentals=dice.pick((0.01, 0.06, 0.15, 0.4)),
        leaps=dice.pick((0.02, 0.1, 0.4)),
        range=_draw_range(dice),
    )


def _draw_clef(dice: Dice) -> Clef:
    name = dice.pick(list(CLEFS), list(CLEFS.values()))
    return Clef(name[0], int(name[1]))


def _draw_key(dice: Dice) -> KeySignature:
    return KeySignature(dice.pick(range(-7, 8), [1 / (1.5 + abs(f)) for f in range(-7, 8)]))


def _draw_meter(dice: Dice) -> TimeSignature:
    return TimeSignature(dice.pick(list(METERS), list(METERS.values())))


def _draw_length(dice: Dice, options: ComposeOptions) -> int:
    """Tokens, about log-normal: half of all staves between 16 and 32."""
    drawn = round(22 * math.exp(0.5 * dice.rng.standard_normal()))
    return min(max(drawn, options.min_tokens), options.max_tokens)


def draw_palette(dice: Dice, meter: TimeSignature, tuplets: float) -> Palette:
    """Two to twelve notes fill a measure, whatever its meter."""
    length = float(_measure_length(meter))
    usual = length / (1.5 * math.exp(dice.rng.random() * math.log(8)))
    usual = 2.0 ** round(math.log2(min(max(usual, 1 / 16), 8)))
    return Palette(usual, dice.pick((0.03, 0.15, 0.35)), tuplets)


def _draw_range(dice: Dice) -> tuple[int, int]:
    if dice.chance(0.2):
        return FARTHEST
    low, high = _USUAL
    return low - dice.below(4), high + dice.below(4)


def _measure_length(meter: TimeSignature) -> Fraction:
    return meter.quarters if can_fill(meter.quarters) else Fraction(3)


class Composer:
    """Draws one staff; `symbols` grows from left to right."""

    def __init__(self, plan: Plan, dice: Dice, options: ComposeOptions) -> None:
        self.plan, self.dice, self.options = plan, dice, options
        self.meter, self.clef = plan.meter, plan.clef
        self.state = AccidentalState()
        self.symbols: list[Symbol] = []
        self.position = 4 + dice.below(5) - 2
        self.held: tuple[Pitch, ...] = ()  # what a tie that has begun leads to

    def compose(self) -> list[Symbol]:
        """The symbols of the staff."""
        self._open()
        first = True
        while len(self.symbols) < self.plan.length:
            if not first and self.dice.chance(self.plan.changes):
                self._change_signs()
            self._add_measure(first)
            self._add_barline()
            first = False
        self._close()
        return self.symbols

    def _add(self, symbol: Symbol) -> None:
        self.symbols.append(symbol)
        if not isinstance(symbol, Note):
            self.state.pass_other(symbol)

    def _open(self) -> None:
        self._add(self.clef)
        if self.plan.key.fifths:
            self._add(self.plan.key)
        if self.plan.shows_meter:
            self._add(self.meter)
        if self.dice.chance(self.plan.barlines * 0.3):
            self._add(Barline("repeat-start"))

    def _change_signs(self) -> None:
        """A new clef, key or meter at the start of a measure, at least one of them."""
        if self.held:
            return
        which = self.dice.below(7) + 1
        if which & 1:
            self._change_clef()
        key = _draw_key(self.dice)
        if which & 2 and key != self.state.key:
            self._add(key)
        meter = _draw_meter(self.dice)
        if which & 4 and meter != self.meter:
            self.meter = meter
            self._add(meter)

    def _change_clef(self) -> None:
        clef = _draw_clef(self.dice)
        if clef != self.clef:
            self.clef = clef
            self._add(clef)

    def _add_measure(self, first: bool) -> None:
        if not self.held and self.dice.chance(self.plan.multirests):
            self._add(Multirest(_draw_count(self.dice)))
        elif not self.held and self.dice.chance(self.plan.rests * 0.2):
            self._add(Rest(Duration("whole")))
        else:
            self._add_events(first)

    def _add_events(self, first: bool) -> None:
        for duration in self._rhythm(first):
            if len(self.symbols) >= self.options.max_tokens:
                break
            self._add_event(duration)

    def _rhythm(self, first: bool) -> list[Duration]:
        if self.plan.free:
            return [draw_duration(self.dice) for _ in range(1 + self.dice.below(8))]
        length = _measure_length(self.meter)
        beat = beat_of(self.meter) if can_fill(self.meter.quarters) else Fraction(1)
        palette = replace(self.plan.palette, usual=min(self.plan.palette.usual, float(length)))
        filled = fill_measure(length, beat, palette, self.dice)
        if first and self.plan.pickup and len(filled) > 1:
            return filled[1 + self.dice.below(len(filled) - 1) :]
        return filled

    def _add_event(self, duration: Duration) -> None:
        fermata = self.dice.chance(self.plan.fermatas)
        if not self.held and self.dice.chance(self.plan.rests):
            self._add(Rest(duration, fermata))
            return
        if not self.held:
            self._maybe_decorate()
        pitches = self.held or self._draw_pitches(duration, fermata=fermata)
        self.held = ()
        self._add_note(Note(pitches, duration, fermata=fermata))
        self._maybe_tie(pitches)

    def _maybe_tie(self, pitches: tuple[Pitch, ...]) -> None:
        if self.dice.chance(self.plan.ties):
            self._add(Tie())
            self.held = pitches

    def _maybe_decorate(self) -> None:
        """A change of clef within the measure, or grace notes."""
        if self.dice.chance(self.plan.changes * 0.1) and isinstance(self.symbols[-1], Note):
            self._change_clef()
        if self.dice.chance(self.plan.graces):
            duration = self.dice.pick(list(GRACES), list(GRACES.values()))
            for _ in range(self.dice.pick((1, 2, 3, 4), (8, 2, 1, 0.5))):
                pitches = self._draw_pitches(duration, grace=True)
                self._add_note(Note(pitches[-1:], duration, grace=True))

    def _add_note(self, note: Note) -> None:
        self._add(note)
        self.state.pass_written(note)

    def _draw_pitches(
        self, duration: Duration, grace: bool = False, fermata: bool = False
    ) -> tuple[Pitch, ...]:
        """The next note or chord; what it will last and bear matters to composers of the rare."""
        self._move()
        positions = [self.position]
        if self.dice.chance(self.plan.chords):
            for _ in range(self.dice.pick((1, 2, 3), (6, 3, 1))):
                positions.append(
                    positions[-1] + self.dice.pick((1, 2, 3, 4, 5, 7), (1, 6, 3, 2, 2, 1))
                )
        return tuple(self._pitch_at(position) for position in positions)

    def _move(self) -> None:
        low, high = self.plan.range
        if self.dice.chance(self.plan.leaps):
            self.position = low + self.dice.below(high - low + 1)
            return
        self.position += self.dice.pick(list(_STEPS), list(_STEPS.values()))
        if not low <= self.position <= high:  # turn back into the range
            self.position = min(max(self.position, low), high) + (2 if self.position < low else -2)

    def _pitch_at(self, position: int) -> Pitch:
        diatonic = min(max(self.clef.bottom_line + position, 0), 69)
        alter = self.state.expect(diatonic)
        if self.dice.chance(self.plan.accidentals):
            alter = self.dice.pick(list(_ALTERS), list(_ALTERS.values()))
        return Pitch(STEPS[diatonic % 7], alter, diatonic // 7)

    def _add_barline(self) -> None:
        kind = "single"
        if self.dice.chance(self.plan.barlines):
            kind = self.dice.pick(_BARLINES)
        self._add(Barline(kind))

    def _close(self) -> None:
        """End the staff with an event or a barline, and without a loose tie."""
        del self.symbols[self.options.max_tokens :]
        if self.held or not isinstance(self.symbols[-1], Barline):
            while not _may_end(self.symbols[-1]):
                self.symbols.pop()
        last = self.symbols[-1]
        if isinstance(last, Barline):
            if last.kind == "repeat-start" or self.dice.chance(0.15):
                self.symbols.pop()
            elif self.dice.chance(self.plan.barlines):
                self.symbols[-1] = Barline("final")


def _may_end(symbol: Symbol) -> bool:
    return isinstance(symbol, (Rest, Multirest)) or (isinstance(symbol, Note) and not symbol.grace)


def _draw_count(dice: Dice) -> int:
    """Measures of a multirest: mostly up to 99, small ones oftener, all sizes up to 1200."""
    return int(math.exp(dice.rng.random() * math.log(100 if dice.chance(0.85) else 1201)))


def draw_duration(dice: Dice) -> Duration:
    return Duration(dice.pick(list(DURATIONS)), dice.pick((0, 1, 2), (7, 3, 1)))


def compose_many(
    seed: int, number: int, options: ComposeOptions | None = None
) -> Iterator[list[str]]:
    """Staves 0 .. number - 1 of a seed; each depends on the seed and its own number alone."""
    for index in range(number):
        yield compose_tokens(np.random.default_rng((seed, index)), options)
