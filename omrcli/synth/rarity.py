"""Which tokens are rare: the tokens that a staff may hold, and how much each one is wanted.

Music is a long tail: a few tokens make up most of it, and most tokens are seen hardly ever. Here a
token is wanted the more, the less often composed music draws it. The counts are those of a
rehearsal that never changes, so that sample k of a data set still depends on its seed and on k.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, product
from math import exp
from pathlib import Path

from omrcli.tokens import (
    DURATIONS,
    STEPS,
    Clef,
    Duration,
    KeySignature,
    Multirest,
    Note,
    Pitch,
    Rest,
    Symbol,
    TimeSignature,
    parse_symbol,
    read_semantic,
)

from .compose import CLEFS, FARTHEST, GRACES, METERS, compose_many
from .rhythm import Dice, can_fill

#: Staves of the rehearsal (about a second), and their seed.
_REHEARSAL, _REHEARSAL_SEED = 400, 1781
#: A pitch this many steps away is 1/e as likely to follow.
_REACH = 5.0
_TRIES = 12
#: Lowest and highest pitch (diatonic) that music of one staff commonly has: B1 and F6.
_LOWEST, _HIGHEST = 13, 45
# How much is wanted of each sort, beside 1 for a plain note.
_DOTS = (1.0, 1.0, 0.4)
_LONGEST = {"quadruple_whole": 0.4, "hundred_twenty_eighth": 0.3}
_ALTERS = {0: 1.0, 1: 1.0, -1: 1.0, 2: 0.03, -2: 0.03}
#: Sharps of E and B, flats of C and F.
_ENHARMONIC = 0.5
_FERMATA, _SHORT_FERMATA = 0.4, 0.05
_GRACE = 0.4
_MULTIREST, _MOST_MEASURES = 0.5, 130

_Kind = tuple[Duration, bool, bool]  # duration, grace, fermata


@dataclass(frozen=True)
class _Choice:
    pitch: Pitch
    weight: float


class RareTokens:
    """Target tokens with weights, and draws from them.

    Only tokens that a composer places are kept: no chords, tuplets or barlines, and no durations
    that no measure of whole 128th notes can hold.

    Args:
        wanted: token text -> how much of it is wanted were it never seen.
        seen: how often each token was drawn; every time makes it less wanted.

    Raises:
        TokenError: a text is no token of the semantic encoding.
    """

    def __init__(self, wanted: Mapping[str, float], seen: Mapping[str, int]) -> None:
        symbols = {text: parse_symbol(text) for text in wanted}
        self.weights = {
            text: weight / (1 + seen.get(text, 0))
            for text, weight in wanted.items()
            if _is_target(symbols[text])
        }
        self._targets = [symbols[text] for text in self.weights]
        self._sums = list(accumulate(self.weights.values()))
        self._notes = _sort_notes(zip(self._targets, self.weights.values(), strict=True))

    def draw(self, dice: Dice) -> Symbol:
        """One of the targets in proportion to the weights."""
        place = bisect(self._sums, dice.rng.random() * self._sums[-1])
        return self._targets[min(place, len(self._targets) - 1)]

    def draw_fitting(self, dice: Dice, fits: Callable[[Symbol], bool]) -> Symbol | None:
        """One that fits, or None where a dozen draws gave none."""
        for _ in range(_TRIES):
            target = self.draw(dice)
            if fits(target):
                return target
        return None

    def draw_pitch(self, note: Note, bottom_line: int, position: int, dice: Dice) -> Pitch | None:
        """A pitch that makes `note` a rare one, rather near than far from a staff position.

        Args:
            note: gives duration, grace and fermata; its pitches do not matter.
            bottom_line: diatonic number of the lowest staff line.
            position: steps above it.
            dice: what draws.
        """
        choices = self._notes.get((note.duration, note.grace, note.fermata))
        if not choices:
            return None
        low, high = (bottom_line + end for end in FARTHEST)
        at = bottom_line + position
        open_choices = [c for c in choices if low <= c.pitch.diatonic <= high]
        weights = [c.weight * exp(-abs(c.pitch.diatonic - at) / _REACH) for c in open_choices]
        return dice.pick(open_choices, weights).pitch if open_choices else None


def _is_target(symbol: Symbol) -> bool:
    if isinstance(symbol, (Note, Rest)):
        whole = symbol.duration.tuplet is None and can_fill(symbol.duration.quarters)
        return whole and not (isinstance(symbol, Note) and len(symbol.pitches) > 1)
    return isinstance(symbol, (Clef, KeySignature, TimeSignature, Multirest))


def _sort_notes(targets: Iterable[tuple[Symbol, float]]) -> dict[_Kind, list[_Choice]]:
    notes: dict[_Kind, list[_Choice]] = {}
    for symbol, weight in targets:
        if isinstance(symbol, Note):
            kind = (symbol.duration, symbol.grace, symbol.fermata)
            notes.setdefault(kind, []).append(_Choice(symbol.pitches[0], weight))
    return notes


@lru_cache(maxsize=4)
def find_rare_tokens(vocabulary: Path | None = None) -> RareTokens:
    """What composed music has too little of, among the tokens of a vocabulary file or of the
    grammar.

    Args:
        vocabulary: token texts, separated by white space; every one is wanted alike. None takes
            the grammar: every pitch x duration that notation commonly has, grace notes, rests,
            clefs, keys, meters and multirests, the outlandish ones less wanted.

    Raises:
        InputError: the file cannot be read.
        TokenError: it holds what is no token of the semantic encoding.
    """
    wanted = dict.fromkeys(read_semantic(vocabulary), 1.0) if vocabulary else list_grammar()
    return RareTokens(wanted, _rehearse())


@lru_cache(maxsize=1)
def _rehearse() -> Counter[str]:
    """Token counts of a fixed set of composed staves."""
    return Counter(text for staff in compose_many(_REHEARSAL_SEED, _REHEARSAL) for text in staff)


def list_grammar() -> dict[str, float]:
    """Some 10,000 tokens of the semantic encoding -> how much each is wanted (0..1)."""
    wanted: dict[Symbol, float] = {}
    for (duration, share), fermata in product(_durations().items(), (False, True)):
        rate = share * (_fermata_rate(duration) if fermata else 1.0)
        wanted[Rest(duration, fermata)] = rate
        for pitch, weight in _pitches().items():
            wanted[Note((pitch,), duration, fermata=fermata)] = rate * weight
    for duration, (pitch, weight) in product(GRACES, _pitches().items()):
        wanted[Note((pitch,), duration, grace=True)] = _GRACE * weight
    for name in CLEFS:
        wanted[Clef(name[0], int(name[1]))] = 1.0
    wanted |= dict.fromkeys(map(KeySignature, range(-7, 8)), 1.0)
    wanted |= dict.fromkeys(map(TimeSignature, METERS), 1.0)
    wanted |= dict.fromkeys(map(Multirest, range(1, _MOST_MEASURES + 1)), _MULTIREST)
    return {str(symbol): weight for symbol, weight in wanted.items()}


def _durations() -> dict[Duration, float]:
    found = {
        Duration(base, dots): _LONGEST.get(base, 1.0) * share
        for base, (dots, share) in product(DURATIONS, enumerate(_DOTS))
    }
    return {d: share for d, share in found.items() if can_fill(d.quarters)}


def _fermata_rate(duration: Duration) -> float:
    return _FERMATA if duration.quarters >= 1 else _SHORT_FERMATA


def _pitches() -> dict[Pitch, float]:
    pitches = {}
    for diatonic, (alter, weight) in product(range(_LOWEST, _HIGHEST + 1), _ALTERS.items()):
        step = STEPS[diatonic % 7]
        rate = _ENHARMONIC if step + "b#"[alter > 0] in ("E#", "B#", "Cb", "Fb") else 1.0
        pitches[Pitch(step, alter, diatonic // 7)] = weight * (rate if alter else 1.0)
    return pitches
