"""Staves cut out of their pages while these are read, kept small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from omrcli.staves.staff import Staff

if TYPE_CHECKING:
    from omrcli.pipeline import PageReading

Pixels = NDArray[np.uint8]

#: Px per interline of a crop; finer pages are reduced. Sharp on a screen, and more than the 12 px
#: that training stores.
INTERLINE = 16.0
#: What a crop shows beside the staff, in interlines, unless another staff comes closer.
_ABOVE, _BELOW, _BESIDE = 6.5, 6.5, 1.5
#: Distance in interlines to the next staff's lines: a crop must show one staff only.
_CLEAR = 0.7
_WHITE, _BLACK = 235.0, 15.0  # greys of the paper and the ink of a crop
_LEAST_RANGE = 40.0  # between the two, or there is nothing to see
_GREYS = 16  # of a crop without loss: engraved pages have not many more
_MOST_WIDTH = 16_000  # px that a WebP image can have
_WEBP_QUALITY, _JPEG_QUALITY = 50, 60


@dataclass(frozen=True)
class Crop:
    """An image of one staff: `content` is a file of the type `kind` ("webp", "jpeg" or "png").

    `scale` is px per page px, `left` and `top` the page place of the corner; `interline` is in px
    of the crop.
    """

    content: bytes
    kind: str
    width: int
    height: int
    left: float
    top: float
    scale: float
    interline: float

    def x(self, page_x: float) -> float:
        """The crop's x of a page x."""
        return (page_x - self.left) * self.scale

    def y(self, page_y: float) -> float:
        """The crop's y of a page y."""
        return (page_y - self.top) * self.scale


class CropKeeper:
    """Is shown the pages as they are read, and keeps their staves."""

    def __init__(self) -> None:
        self.crops: list[Crop] = []

    def add(self, reading: PageReading) -> None:
        """Cut out all staves of a page, in reading order."""
        staves = [found.staff for found in reading.staves]
        for staff in staves:
            others = [other for other in staves if other is not staff]
            self.crops.append(cut_staff_image(reading.image.pixels, staff, others))


def cut_staff_image(page: Pixels, staff: Staff, others: Sequence[Staff] = ()) -> Crop:
    """Cut a staff out of its page (H, W), so far that it shows nothing of the others' lines."""
    space = staff.interline
    highest, lowest = staff.y0 - _ABOVE * space, staff.y1 + _BELOW * space
    for other in others:
        if min(other.x1, staff.x1) <= max(other.x0, staff.x0):
            continue
        if other.y1 < staff.y0:
            highest = max(highest, min(other.y1 + _CLEAR * space, staff.y0 - space))
        elif other.y0 > staff.y1:
            lowest = min(lowest, max(other.y0 - _CLEAR * space, staff.y1 + space))
    top, bottom = max(0, round(highest)), min(len(page), round(lowest))
    left = max(0, round(staff.x0 - _BESIDE * space))
    right = min(page.shape[1], round(staff.x1 + _BESIDE * space))
    return _pack(page[top:bottom, left:right], left, top, space)


def _pack(cut: Pixels, left: int, top: int, interline: float) -> Crop:
    cut = whiten(cut)
    scale = min(1.0, INTERLINE / interline, _MOST_WIDTH / max(cut.shape))
    if scale < 1:
        size = [max(1, round(side * scale)) for side in cut.shape[::-1]]
        cut = np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA), np.uint8)
    kind, content = compress(cut)
    height, width = cut.shape
    return Crop(content, kind, width, height, left, top, scale, interline * scale)


def whiten(pixels: Pixels) -> Pixels:
    """Stretch the greys of a dark photo, so that its paper is nearly white."""
    paper, ink = (float(np.percentile(pixels, share)) for share in (80, 0.5))
    if paper > _WHITE or paper - ink < _LEAST_RANGE:
        return pixels
    stretched = (pixels.astype(np.float32) - ink) * ((_WHITE - _BLACK) / (paper - ink)) + _BLACK
    return np.asarray(np.clip(stretched, 0, 255), np.uint8)


def compress(pixels: Pixels) -> tuple[str, bytes]:
    """The smallest of the files that show the pixels well: their type and content.

    Without loss engraved pages are smallest, with losses photos are.
    """
    few = np.round(pixels / 255 * (_GREYS - 1)) * (255 / (_GREYS - 1))
    plain = few.astype(np.uint8)
    found = [
        ("webp", _encode(".webp", plain, cv2.IMWRITE_WEBP_QUALITY, 101)),
        ("webp", _encode(".webp", pixels, cv2.IMWRITE_WEBP_QUALITY, _WEBP_QUALITY)),
        ("jpeg", _encode(".jpg", pixels, cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY)),
        ("png", _encode(".png", plain, cv2.IMWRITE_PNG_COMPRESSION, 9)),
    ]
    return min(found, key=lambda item: len(item[1]))


def _encode(suffix: str, pixels: Pixels, *options: int) -> bytes:
    _, packed = cv2.imencode(suffix, pixels, options)
    return bytes(packed)
