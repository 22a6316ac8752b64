"""Random rhythms: durations that fill a measure exactly, as composers place them on its beats."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from typing import TypeVar

import numpy as np

from omrcli.tokens import DURATIONS, Duration, TimeSignature

_T = TypeVar("_T")
#: The shortest length that can be written; measures that are no multiple of it cannot be filled.
SHORTEST = min(DURATIONS.values())
_BASES = tuple(DURATIONS)
_ZERO = Fraction(0)
#: A note that starts off its own grid (a syncopation) is this much rarer.
_SYNCOPATION = 0.12
_ENDS_BEAT = 3.0
#: How fast durations get rarer with every halving or doubling away from the usual one.
_FALL_OFF = 1.1


@dataclass(frozen=True)
class Dice:
    """Cheap draws from a NumPy generator."""

    rng: np.random.Generator

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return bool(self.rng.random() < probability)

    def below(self, end: int) -> int:
        """One of 0 .. end - 1."""
        return int(self.rng.random() * end)

    def pick(self, items: Sequence[_T], weights: Sequence[float] | None = None) -> _T:
        """One of the items, in proportion to the weights."""
        if weights is None:
            return items[self.below(len(items))]
        sums = list(accumulate(weights))
        return items[min(bisect(sums, self.rng.random() * sums[-1]), len(items) - 1)]


@dataclass(frozen=True)
class Palette:
    """The durations of a piece: their usual length in quarters, and how often (0..1) notes bear
    dots and beats become tuplets."""

    usual: float = 0.5
    dots: float = 0.15
    tuplets: float = 0.0


def beat_of(meter: TimeSignature | None) -> Fraction:
    """Length of a beat in quarters: three units in compound meters such as 6/8; 1 without a
    meter."""
    if meter is None:
        return Fraction(1)
    unit = Fraction(4, meter.unit)
    return unit * 3 if meter.unit >= 8 and meter.beats % 3 == 0 else unit


def can_fill(length: Fraction) -> bool:
    """Whether a measure of this length (quarters) can be filled with durations that exist."""
    return length > 0 and length % SHORTEST == 0


def fill_measure(
    length: Fraction, beat: Fraction, palette: Palette, dice: Dice, start: Fraction = _ZERO
) -> list[Duration]:
    """Durations that lead from `start` to `length` quarters after the barline; `can_fill` must
    hold for both, but `start` may be 0."""
    grid = _grid(length, start, palette.usual)
    choices = _choices(grid, palette)
    filled: list[Duration] = []
    at = start
    while at < length:
        open_choices = [c for c in choices if at + c.quarters <= length]
        weights = [c.weight * _fit(at, beat, c) for c in open_choices]
        chosen = dice.pick(open_choices, weights)
        at += chosen.quarters
        if palette.tuplets and dice.chance(palette.tuplets):
            filled += _split(chosen.duration, dice)
        else:
            filled.append(chosen.duration)
    return filled


@dataclass(frozen=True)
class _Choice:
    duration: Duration
    quarters: Fraction
    base: Fraction
    weight: float


def _grid(length: Fraction, start: Fraction, usual: float) -> Fraction:
    """The longest written length that divides both ends and is short beside the usual one."""
    lengths = [value for value in DURATIONS.values() if length % value == start % value == 0]
    short = [value for value in lengths if value <= usual / 2]
    return short[0] if short else lengths[-1]


@lru_cache(maxsize=512)
def _choices(grid: Fraction, palette: Palette) -> tuple[_Choice, ...]:
    """What may be drawn without leaving the grid, so that the rest can always be filled."""
    choices = []
    for base, value in DURATIONS.items():
        away = abs(math.log2(value) - math.log2(palette.usual))
        for dots in range(3):
            duration = Duration(base, dots)
            weight = math.exp(-_FALL_OFF * away) * (palette.dots**dots if dots else 1)
            if duration.quarters % grid == 0 and weight > 1e-4:
                choices.append(_Choice(duration, duration.quarters, value, weight))
    if not any(choice.quarters == grid for choice in choices):
        base = next(name for name, value in DURATIONS.items() if value == grid)
        choices.append(_Choice(Duration(base), grid, grid, 1e-3))
    return tuple(choices)


def _fit(at: Fraction, beat: Fraction, choice: _Choice) -> float:
    weight = 1.0 if at % choice.base == 0 else _SYNCOPATION
    if at % beat and (at + choice.quarters) % beat == 0:
        weight *= _ENDS_BEAT
    return weight


def _split(duration: Duration, dice: Dice) -> list[Duration]:
    """A tuplet that lasts as long as `duration`, or that itself where no usual one exists."""
    templates = _SPLITS.get(duration.dots)
    level = _BASES.index(duration.base)
    if not templates or not 2 < level < len(_BASES) - 3:
        return [duration]
    ratio, parts = dice.pick(templates, [weight for _, _, weight in templates])[:2]
    return [Duration(_BASES[level + down], dots, ratio) for down, dots in parts]


_Parts = tuple[tuple[int, int], ...]
# By the dots of the base that is split: ratio, parts as (halvings below the base, dots), weight.
_SPLITS: dict[int, tuple[tuple[tuple[int, int], _Parts, float], ...]] = {
    0: (
        ((3, 2), ((1, 0),) * 3, 12),
        ((3, 2), ((0, 0), (1, 0)), 2),
        ((3, 2), ((1, 0), (0, 0)), 1),
        ((3, 2), ((1, 1), (2, 0), (1, 0)), 1),
        ((3, 2), ((1, 0), (2, 0), (2, 0), (1, 0)), 1),
        ((6, 4), ((2, 0),) * 6, 2),
        ((5, 4), ((2, 0),) * 5, 1),
        ((7, 4), ((2, 0),) * 7, 0.5),
        ((9, 8), ((3, 0),) * 9, 0.2),
    ),
    1: (
        ((2, 3), ((1, 0),) * 2, 3),
        ((4, 3), ((1, 0),) * 4, 2),
        ((5, 3), ((1, 0),) * 5, 0.5),
        ((7, 6), ((2, 0),) * 7, 0.3),
    ),
}
