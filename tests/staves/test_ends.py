"""A staff is followed to its ends where its lines are broken, and not into what is beside it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from omrcli.pages.image import PageImage
from omrcli.staves.staff import Staff, find_staves
from tests.drawn import INTERLINE, draw_page

TOP, LEFT, RIGHT = 60, 20, 880
FONT = cv2.FONT_HERSHEY_SIMPLEX


def find_one(pixels: NDArray[np.uint8]) -> Staff:
    (staff,) = find_staves(PageImage(pixels, "drawn", pixels.shape[1], pixels.shape[0]))
    return staff


def erase_lines(pixels: NDArray[np.uint8], lines: list[int], columns: slice) -> None:
    for line in lines:
        y = TOP + line * INTERLINE
        pixels[y - 1 : y + 4, columns] = 255


@pytest.mark.parametrize("kept", [[0, 4], [2], [1, 3]])
def test_lines_that_are_gone_under_the_clef(kept: list[int]) -> None:
    pixels = draw_page()
    erase_lines(pixels, [line for line in range(5) if line not in kept], slice(0, 100))
    staff = find_one(pixels)
    assert staff.x0 == pytest.approx(LEFT, abs=6)
    assert staff.x1 == pytest.approx(RIGHT, abs=3)


def test_a_name_beside_the_staff_is_none_of_it() -> None:
    pixels = np.pad(draw_page(), ((0, 0), (80, 0)), constant_values=255)
    cv2.putText(pixels, "Fl. 1", (10, TOP + 30), FONT, 0.9, 0, 2)
    assert find_one(pixels).x0 == pytest.approx(LEFT + 80, abs=3)


def test_a_bracket_beside_the_staff_is_none_of_it() -> None:
    pixels = np.pad(draw_page(), ((0, 0), (80, 0)), constant_values=255)
    pixels[TOP - 40 : TOP + 90, 84:90] = 0
    assert find_one(pixels).x0 == pytest.approx(LEFT + 80, abs=3)
