"""Where the sheet of paper lies in a picture of it on a darker table."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
#: (left, top, right, bottom) in px, the latter two exclusive.
Box = tuple[int, int, int, int]

#: Longest side in px at which the sheet is looked for, and the side there of what wipes ink off it.
_WORK_SIDE, _INK = 450, 9
#: How much lighter than the table, in grey levels, and how much of the picture a sheet must be.
_LEAST_CONTRAST, _LEAST_SHARE = 40.0, 0.05
#: How much of its box it must fill: a lit table does not, nor does a sheet that is still askew.
_LEAST_FILLED = 0.85
#: Share of the contrast that is there across its edge; a shadow fades.
_SHARPNESS, _EDGE = 0.6, 7


def find_sheet(pixels: Pixels) -> Box | None:
    """The box of the one upright sheet in a picture; None where it is not plain to see."""
    scale = min(1.0, _WORK_SIDE / max(pixels.shape))
    size = tuple(max(1, round(side * scale)) for side in pixels.shape[::-1])
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    bare = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((_INK, _INK), np.uint8))
    light = cv2.threshold(bare, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[1]
    count, labels, stats, _ = cv2.connectedComponentsWithStats(light, connectivity=4)
    if count < 2:
        return None
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    left, top, width, height, area = (int(value) for value in stats[largest])
    sheet = np.asarray(labels == largest, np.uint8)
    if area < max(_LEAST_SHARE * light.size, _LEAST_FILLED * width * height):
        return None
    if not _stands_out(np.asarray(bare, np.uint8), sheet):
        return None
    right, bottom = left + width, top + height
    return (
        *(max(0, round(left / scale)), max(0, round(top / scale))),
        *(min(pixels.shape[1], round(right / scale)), min(pixels.shape[0], round(bottom / scale))),
    )


def _stands_out(bare: Pixels, sheet: Pixels) -> bool:
    """Tell whether a sheet is lighter than what lies around it, from its very edge on."""
    kernel = np.ones((_EDGE, _EDGE), np.uint8)
    inner = sheet - cv2.erode(sheet, kernel)
    outer = cv2.dilate(sheet, kernel, iterations=2) - cv2.dilate(sheet, kernel)
    if not outer.any() or sheet.all():
        return False
    contrast = float(np.median(bare[sheet > 0])) - float(np.median(bare[sheet == 0]))
    step = float(np.median(bare[inner > 0])) - float(np.median(bare[outer > 0]))
    return contrast > _LEAST_CONTRAST and step > _SHARPNESS * contrast
