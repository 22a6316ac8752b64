"""Images drawn for the tests: staves of five lines with a few blobs for notes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

INTERLINE = 12
_MARGIN = 60


def draw_page(staves: int = 1, width: int = 900, clefs: bool = False) -> NDArray[np.uint8]:
    """A white page (H, W) with staves one below the other, interline 12 px; `clefs` draws something
    as large and dark as a clef at their left."""
    distance = 16 * INTERLINE
    page = np.full((2 * _MARGIN + (staves - 1) * distance + 4 * INTERLINE, width), 255, np.uint8)
    for number in range(staves):
        top = _MARGIN + number * distance
        for line in range(5):
            y = top + line * INTERLINE
            page[y : y + 2, 20 : width - 20] = 0
        if clefs:
            middle = (46, top + 2 * INTERLINE)
            cv2.ellipse(page, middle, (12, 2 * INTERLINE + 4), 8, 0, 360, 0, 4)
            cv2.line(page, (38, top + 40), (54, top + 6), 0, 3)
        for place, x in enumerate(range(120, width - 60, 90)):
            y = top + (place % 5) * INTERLINE
            cv2.ellipse(page, (x, y), (8, 6), -20, 0, 360, 0, -1)
            cv2.line(page, (x + 7, y), (x + 7, y - 3 * INTERLINE), 0, 2)
    return page


def write_page(path: Path, staves: int = 1) -> Path:
    """Write `draw_page` as an image in the format of the suffix."""
    cv2.imwrite(str(path), draw_page(staves, clefs=True))
    return path


def write_blank(path: Path, size: Sequence[int] = (200, 600)) -> Path:
    """Write an image of nothing but paper."""
    cv2.imwrite(str(path), np.full(tuple(size), 255, np.uint8))
    return path
