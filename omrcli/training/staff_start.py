"""What stands at the left end of a stored staff and is no part of its music: the line of a system,
and the measure number that many editions print there, which is easily taken for the 8 of a clef."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from omrcli.synth.lettering import FACES, Lettering
from omrcli.synth.raster import outline_words

Pixels = NDArray[np.uint8]

#: Ink (0..255) of a staff line.
_INK = 80
_SUBPIXELS, _SHIFT = 4, 4
#: In interlines: how far from the end of the staff a number begins, how high its base line stands
#: above the staff, and the size of its letters.
_PLACE, _HEIGHT, _SIZE = (-1.0, 2.0), (0.6, 4.0), (1.2, 2.6)
_LARGEST = 400


def find_left_end(pixels: Pixels, top_line: int, interline: int) -> int | None:
    """The first column of the staff lines of an ink image (H, W) uint8, None without lines."""
    rows = top_line + np.arange(5) * interline
    inked = pixels[np.minimum(rows[:, None] + [-1, 0, 1], len(pixels) - 1)].max(axis=1) > _INK
    starts = np.flatnonzero(inked.sum(axis=0) >= 4)
    return int(starts[0]) if len(starts) else None


def draw_system_line(
    pixels: Pixels, top_line: int, interline: int, rng: np.random.Generator
) -> Pixels:
    """Draw the line at the left end of a staff that joins it to the others of its system.

    It stands for no token, and without it in training a network takes line and clef for one sign.
    """
    left = find_left_end(pixels, top_line, interline)
    if left is None:
        return pixels
    top = 0 if rng.random() < 0.5 else top_line
    bottom = len(pixels) if rng.random() < 0.5 else top_line + 4 * interline
    drawn: Pixels = pixels.copy()
    width = int(rng.integers(1, 5))
    drawn[top:bottom, left : left + width] = rng.integers(180, 256)
    return drawn


def draw_measure_number(
    pixels: Pixels, top_line: int, interline: int, rng: np.random.Generator
) -> Pixels:
    """Print a measure number above the left end of a staff; never 8 or 15, which shift a clef."""
    left = find_left_end(pixels, top_line, interline)
    if left is None:
        return pixels
    number = int(np.exp(rng.uniform(np.log(2), np.log(_LARGEST))))
    lettering = Lettering(
        str(rng.choice(FACES)), bold=bool(rng.random() < 0.2), italic=bool(rng.random() < 0.4)
    )
    place, height, size = (rng.uniform(*each) * interline for each in (_PLACE, _HEIGHT, _SIZE))
    where = (max(0.0, left + place), top_line - height)
    letters = outline_words(str(number + (number in (8, 15))), where, size, lettering)
    mask = np.zeros((pixels.shape[0] * _SUBPIXELS, pixels.shape[1] * _SUBPIXELS), np.uint8)
    scale = _SUBPIXELS * 2**_SHIFT
    for letter in letters:
        contours = [np.rint(points * scale).astype(np.int32) for points in letter.contours]
        cv2.fillPoly(mask, contours, 255, shift=_SHIFT)
    cover = cv2.resize(mask, pixels.shape[::-1], interpolation=cv2.INTER_AREA)
    return np.maximum(pixels, np.asarray(cover, np.uint8))
