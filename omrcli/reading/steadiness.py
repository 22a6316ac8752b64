"""StaffImages, Logits -> how steadily staves are read: the confidence that a reading deserves.

A network is sure also of what it was never taught: handwriting, drums, letters. But there it reads
another thing as soon as the picture changes a little, whereas of print, however worn, it reads the
same. What leaves doubt is therefore read again in small changes, and the share of the signs that
change with them tells how far outside its domain the network is. Clean print costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from omrcli.metrics import count_edits

from .decoding import decode_greedy
from .logits import Logits

if TYPE_CHECKING:
    from omrcli.staves.staff import StaffGeometry, StaffImage

Floats = NDArray[np.float32]

#: Mean doubt in the signs of a staff up to which it is not read again.
_DOUBT = 0.02
#: How much wider, and how much higher around its middle line, a staff is made.
_WIDER, _HIGHER = 1.08, 1.05
#: Ink of the pixels that are added around all ink.
_THICKER = 0.7
#: Share of the signs that change at which confidence is halved, and how steeply it falls there. Of
#: 100 prints, worn and photographed, five change more than 0.08 and one more than 0.11; of staves
#: with something else most change more than 0.2. docs/calibration.md has figures.
_HALVED, _STEEP = 0.12, 8

Read = Callable[[list["StaffImage"]], Sequence[Logits]]


def measure_steadiness(
    staves: Sequence[StaffImage],
    logits: Sequence[Logits],
    geometry: StaffGeometry,
    blank: int,
    read: Read,
) -> list[float]:
    """A factor in 0..1 for the confidence in all that was read on each of some staves.

    `read` is how changed images are read; one call reads all that are needed.
    """
    signs = [_read_signs(item, blank) for item in logits]
    doubted = [index for index, item in enumerate(logits) if _leaves_doubt(item, blank)]
    changed = [image for index in doubted for image in _change(staves[index], geometry)]
    again = [_read_signs(item, blank) for item in read(changed)] if changed else []
    factors = [1.0] * len(logits)
    each = len(again) // max(len(doubted), 1)
    for place, index in enumerate(doubted):
        readings = again[place * each : (place + 1) * each]
        factors[index] = _weigh(signs[index], readings)
    return factors


def _leaves_doubt(logits: Logits, blank: int) -> bool:
    units = decode_greedy(logits.values, blank)
    return bool(units) and 1 - float(np.mean([unit.confidence for unit in units])) > _DOUBT


def _read_signs(logits: Logits, blank: int) -> list[str]:
    return [str(unit.index) for unit in decode_greedy(logits.values, blank)]


def _change(staff: StaffImage, geometry: StaffGeometry) -> Iterator[StaffImage]:
    """A staff made wider, its ink made thicker, and a staff made higher."""
    pixels = staff.pixels
    height, width = pixels.shape
    thick = cv2.dilate(pixels, np.ones((2, 2), np.uint8))
    thick = np.maximum(pixels, _THICKER * cv2.GaussianBlur(thick, (3, 3), 0))
    middle = geometry.top_line + 2 * geometry.interline
    higher = np.array([[1, 0, 0], [0, _HIGHER, (1 - _HIGHER) * middle]], np.float32)
    for image in (
        cv2.resize(pixels, (round(width * _WIDER), height)),
        thick,
        cv2.warpAffine(pixels, higher, (width, height)),
    ):
        yield replace(staff, pixels=np.ascontiguousarray(image, np.float32))


def _weigh(signs: Sequence[str], readings: Sequence[Sequence[str]]) -> float:
    """The factor that follows from the share of the signs that other readings change."""
    edits = sum(count_edits(signs, other).errors for other in readings)
    share = edits / (len(readings) * len(signs))
    return 1 / (1 + (share / _HALVED) ** _STEEP)
