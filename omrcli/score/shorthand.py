"""Measure repeats and rhythm slashes: what they stand for, so that a score can hold and play it.

A measure repeat becomes the notes of the measure before, a slash a rest of one beat. Both keep a
mark of the sign that they were read from: writers show the sign again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import groupby

from omrcli.tokens import (
    DURATIONS,
    Duration,
    MeasureRepeat,
    Multirest,
    Rest,
    Slash,
    Symbol,
    TimeSignature,
)

from .assembly import Item, Segment, Shorthand, Signs
from .measures import Part

_BEATS = {
    Duration(base, dots).quarters: Duration(base, dots) for base in DURATIONS for dots in (0, 1)
}
_QUARTER = Duration("quarter")


def expand_shorthand(segments: Sequence[Segment]) -> list[Segment]:
    """The segments of a part with what their signs stand for.

    A repeat with no measure before it stays a rest for the measure.
    """
    signs = Signs()
    expanded: list[Segment] = []
    for segment in segments:
        if any(item.shorthand for item in segment.items):
            before = expanded[-1].items if expanded else ()
            segment = replace(segment, items=tuple(_expand(segment.items, before, signs.time)))
        for item in segment.items:
            signs.take(item.symbol)
        expanded.append(segment)
    return expanded


def _expand(
    items: Sequence[Item], before: Sequence[Item], time: TimeSignature | None
) -> Iterator[Item]:
    notes = [item for item in before if item.is_event]
    repeatable = bool(notes) and not any(isinstance(item.symbol, Multirest) for item in notes)
    slashes = sum(item.shorthand == "slash" for item in items)
    alone = slashes == sum(item.is_event for item in items)
    for item in items:
        if isinstance(item.symbol, TimeSignature):
            time = item.symbol
        if item.shorthand == "repeat" and repeatable:
            # A tie out of the measure before does not lead into its repetition.
            yield from (
                replace(item, symbol=note.symbol, tied=note.tied and note is not notes[-1])
                for note in notes
            )
        elif item.shorthand == "slash":
            yield replace(item, symbol=Rest(_beat(time, slashes if alone else 0)))
        else:
            yield item


def _beat(time: TimeSignature | None, count: int) -> Duration:
    """The length of a slash, one of `count` that fill a measure (0: of any number)."""
    if time is None:
        return _QUARTER
    filling = _BEATS.get(time.quarters / count) if count else None
    return filling or _BEATS.get(Fraction(4, time.unit)) or _QUARTER


def shorthand_notices(parts: Sequence[Part]) -> Iterator[str]:
    """Sentences on the measures that were not read note by note."""
    for number, part in enumerate(parts, 1):
        place = f" of part {number}" if len(parts) > 1 else ""
        for kind, group in groupby(part.measures, lambda measure: measure.shorthand):
            if kind is None:
                continue
            measures = [measure.number for measure in group]
            several = len(measures) > 1
            named = f"Measure {measures[0]}"
            if several:
                named = f"Measures {measures[0]} to {measures[-1]}"
            yield named + place + _NOTICES[kind][several]


_NOTICES: dict[Shorthand, tuple[str, str]] = {
    "repeat": (
        " is a sign that repeats the measure before; its notes were written out.",
        " are signs that repeat a measure; its notes were written out.",
    ),
    "slash": (
        " shows rhythm slashes; rests were written for them.",
        " show rhythm slashes; rests were written for them.",
    ),
}


def sign_of(shorthand: Shorthand) -> Symbol:
    """The sign that was read where an event bears this mark."""
    return MeasureRepeat() if shorthand == "repeat" else Slash()
