"""What pokes into the picture of a staff from the staves above and below it, as on any page."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from .render import RenderedStaff

Gray = NDArray[np.uint8]

_PAPER = 255
#: Gap between the staff lines of neighbours, in interlines; what is nearer is another voice.
_NEAREST, _FARTHEST = 4.5, 11.0
#: Paper around the staff's own lines that a picture with neighbours has at most, in interlines.
_ROOM = 7.0
_TRIES = 4
_STAFF_HEIGHT = 4.0


def add_neighbours(
    staff: RenderedStaff,
    above: RenderedStaff | None,
    below: RenderedStaff | None,
    rng: np.random.Generator,
) -> RenderedStaff:
    """Let the staves above and below show at the edges of the picture of a staff.

    The picture grows by up to a few interlines. A neighbour never touches the staff's own ink and
    shows two of its lines at most, so that there is one staff to read; where that cannot be had, it
    is left out. Equal states of `rng` give equal pixels.

    Args:
        staff: the staff to read.
        above, below: neighbours of the same interline, or None.
        rng: decides on the distances.
    """
    pixels, top = _widen(staff, rng)
    unit = staff.interline
    for neighbour, side in ((above, -1), (below, 1)):
        if neighbour is None:
            continue
        for _ in range(_TRIES):
            gap = rng.uniform(_NEAREST, _FARTHEST) * unit
            away = (gap + _STAFF_HEIGHT * unit) * side
            layer = _lay(neighbour, pixels.shape, round(top + away - neighbour.top_line))
            if _is_apart(pixels, layer) and _lines_seen(top + away, unit, pixels.shape[0]) <= 2:
                pixels = np.minimum(pixels, layer)
                break
    return replace(staff, pixels=pixels, top_line=top)


def _widen(staff: RenderedStaff, rng: np.random.Generator) -> tuple[Gray, float]:
    """The picture with paper added above and below, and where its top line then is."""
    unit, height = staff.interline, staff.pixels.shape[0]
    room_below = height - staff.top_line - _STAFF_HEIGHT * unit
    above, below = rng.uniform(3, _ROOM, 2) * unit
    margins = (max(0, round(above - staff.top_line)), max(0, round(below - room_below)))
    pixels = np.pad(staff.pixels, (margins, (0, 0)), constant_values=_PAPER)
    return pixels, staff.top_line + margins[0]


def _lay(neighbour: RenderedStaff, shape: tuple[int, ...], row: int) -> Gray:
    """An empty picture of a shape with the neighbour in it from `row` (may be outside) down; what
    is too short is continued with its own beginning."""
    layer = np.full(shape, _PAPER, np.uint8)
    height, width = neighbour.pixels.shape
    first, last = max(0, row), min(shape[0], row + height)
    if first < last:
        strip = neighbour.pixels[first - row : last - row]
        layer[first:last] = np.tile(strip, (1, -(-shape[1] // width)))[:, : shape[1]]
    return layer


def _is_apart(pixels: Gray, layer: Gray) -> bool:
    """Whether a pixel of paper at least lies between the ink of two pictures."""
    near = cv2.erode(layer, np.ones((3, 3), np.uint8))
    return not bool(((pixels < _PAPER) & (near < _PAPER)).any())


def _lines_seen(top_line: float, unit: float, height: int) -> int:
    """How many of the five lines of a neighbour lie inside the picture."""
    return sum(0 <= top_line + line * unit < height for line in range(5))
