"""Readings of staves with their places: tokens to page x, staves to systems, staves left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from omrcli.reading.decoding import Unit
from omrcli.score.assembly import StaffLine
from omrcli.staves.other_staves import PERCUSSION, OtherStaff, other_staff
from omrcli.tokens import Token, is_percussion

if TYPE_CHECKING:
    from omrcli.pipeline import StaffReading


def with_tokens(reading: StaffReading, line: StaffLine) -> StaffReading:
    """The reading with the tokens of a line, which are made of the same units."""
    tokens = tuple(line.tokens)
    return replace(reading, tokens=tokens, spans=find_spans(reading, tokens))


def as_sure_as_steady(reading: StaffReading) -> StaffReading:
    """The reading with its steadiness in the confidence of its tokens."""
    if reading.steadiness == 1:
        return reading
    steadiness = reading.steadiness
    tokens = (replace(item, confidence=steadiness * item.confidence) for item in reading.tokens)
    return replace(reading, tokens=tuple(tokens))


def without_percussion(
    readings: Sequence[StaffReading],
) -> tuple[tuple[StaffReading, ...], list[OtherStaff]]:
    """The staves of a page that show pitches, and those on which a percussion clef was read."""
    drums = [reading.staff for reading in readings if is_percussion(reading.tokens)]
    pitched = tuple(reading for reading in readings if reading.staff not in drums)
    return pitched, [other_staff(staff, PERCUSSION) for staff in drums]


def find_spans(
    reading: StaffReading, found: Sequence[Unit] | Sequence[Token]
) -> tuple[tuple[float, float], ...]:
    """Page x of what begins and ends where units of a reading do."""
    pairs = list(zip(reading.units, reading.unit_spans, strict=True))
    lefts = {unit.start: span[0] for unit, span in pairs}
    rights = {unit.end: span[1] for unit, span in pairs}
    return tuple((lefts[item.start], rights[item.end]) for item in found)


def place_lines(readings: Sequence[StaffReading]) -> Iterator[StaffLine]:
    """The staves with their places in their systems, for the score."""
    position = 0
    for index, reading in enumerate(readings):
        staff, before = reading.staff, readings[index - 1] if index else None
        same = before and (before.page, before.staff.system) == (reading.page, staff.system)
        position = position + 1 if same else 0
        box = (staff.x0, staff.y0, staff.x1, staff.y1)
        yield StaffLine(reading.tokens, reading.page, staff.system, position, box, reading.spans)
