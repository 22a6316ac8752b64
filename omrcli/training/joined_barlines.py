"""Barlines of a stored staff drawn on to the staves above and below, as in any score of several
staves whose barlines run through the system."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from omrcli.staves.sheet import find_runs

Pixels = NDArray[np.uint8]

#: Ink (0..255) of a stroke, and what still counts as paper.
_INK, _PAPER = 110, 70
#: In interlines: the widest stroke of a barline, how far outside of the staff there must be paper,
#: and how far beside a stroke a note head would show.
_WIDEST, _CLEAR, _BESIDE = 0.9, 0.5, 0.6
#: In interlines: how near the next staff may be.
_NEAREST = 2.0


def find_barlines(pixels: Pixels, top_line: int, interline: int) -> Iterator[tuple[int, int]]:
    """First and end column of each stroke from the first staff line to the fifth that ends at both.

    Args:
        pixels: (H, W) uint8, 255 = ink, the staff straight and level.
        top_line: row of the first line.
        interline: in px.
    """
    bottom, unit = top_line + 4 * interline, interline
    away = max(2, round(_CLEAR * unit))
    full = pixels[top_line : bottom + 1].min(axis=0) > _INK
    above = pixels[top_line - away - 3 : top_line - 3].max(axis=0, initial=0)
    below = pixels[bottom + 4 : bottom + 4 + away].max(axis=0, initial=0)
    for start, end in find_runs(full):
        if end - start > _WIDEST * unit or max(above[start:end].max(), below[start:end].max()) > (
            _PAPER
        ):
            continue
        if not _has_head(pixels, (start, end), top_line, unit):
            yield start, end


def _has_head(pixels: Pixels, stroke: tuple[int, int], top_line: int, unit: int) -> bool:
    """Whether there is ink beside a stroke in the first or last space, as at the end of a stem.

    Ink in all four spaces is another stroke of the same barline.
    """
    reach = round(_BESIDE * unit)
    for left, right in ((stroke[0] - reach, stroke[0] - 1), (stroke[1] + 1, stroke[1] + reach)):
        columns = slice(max(0, left), max(0, right))
        tops = [top_line + space * unit for space in range(4)]
        spaces = [pixels[y + unit // 3 : y + unit - unit // 4, columns] > _INK for y in tops]
        inked = [bool(space.size) and bool(space.mean() > 0.5) for space in spaces]
        if (inked[0] or inked[3]) and not all(inked):
            return True
    return False


def join_barlines(
    pixels: Pixels, top_line: int, interline: int, rng: np.random.Generator
) -> Pixels:
    """The staff with its barlines drawn on to staves that would stand above, below or both.

    They reach the edge of the picture, or end where the next staff would begin. Equal states of
    `rng` give equal pixels.
    """
    bottom = top_line + 4 * interline
    sides = int(rng.integers(1, 4))  # above, below, both
    gaps = rng.uniform(_NEAREST, 12, 2) * interline
    first = max(0, top_line - round(gaps[0])) if sides & 1 else top_line
    last = min(len(pixels), bottom + round(gaps[1])) if sides & 2 else bottom + 1
    drawn: Pixels = pixels.copy()
    for start, end in find_barlines(pixels, top_line, interline):
        stroke = pixels[top_line : bottom + 1, start:end].min(axis=0)
        for rows in (slice(first, top_line), slice(bottom, last)):
            drawn[rows, start:end] = np.maximum(drawn[rows, start:end], stroke)
    return drawn
