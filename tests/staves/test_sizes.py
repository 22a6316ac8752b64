"""Sizes of staves: grain is not taken for lines, small staves are found, a sheet is made once."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from omrcli.pages.image import PageImage
from omrcli.staves import sheet as staff_sheet
from omrcli.staves.other_staves import find_other_staves
from omrcli.staves.sizes import measure_interlines
from omrcli.staves.staff import find_staves
from tests.drawn import INTERLINE, draw_page

TOP = 60


def open_page(pixels: NDArray[np.uint8]) -> PageImage:
    return PageImage(pixels, "drawn", pixels.shape[1], pixels.shape[0])


def add_grain(pixels: NDArray[np.uint8], ink: int, spread: float) -> NDArray[np.uint8]:
    """Lines at so much ink on grainy paper of 200."""
    grain = np.random.default_rng(1).normal(0, spread, pixels.shape)
    return np.clip(200 - (255 - pixels) / 255.0 * ink + grain, 0, 255).astype(np.uint8)


def test_grain_as_dark_as_the_lines() -> None:
    pixels = add_grain(draw_page(4, 1400), 70, 30)
    assert measure_interlines(pixels)[0].size == pytest.approx(INTERLINE, abs=0.5)
    assert len(find_staves(open_page(pixels))) == 4


@pytest.mark.parametrize("share", [0.6, 0.7, 0.8, 1.3, 1.6])
def test_a_staff_of_another_size(share: float) -> None:
    page = draw_page(4, 1200)
    how = cv2.INTER_AREA if share < 1 else cv2.INTER_LINEAR
    other = cv2.resize(
        draw_page(1, round(1000 / share)), None, fx=share, fy=share, interpolation=how
    )
    other = np.pad(other, ((0, 0), (0, 1200 - other.shape[1])), constant_values=255)
    staves = find_staves(open_page(np.vstack([page, other])))
    assert len(staves) == 5
    assert staves[4].interline == pytest.approx(share * INTERLINE, rel=0.04)


def test_a_row_of_ledger_lines_is_no_staff() -> None:
    pixels = np.pad(draw_page(2), ((10 * INTERLINE, 0), (0, 0)), constant_values=255)
    top = TOP + 10 * INTERLINE
    for x in range(200, 480, 28):
        for line in range(1, 9):
            pixels[top - line * INTERLINE : top - line * INTERLINE + 2, x : x + 22] = 0
        cv2.line(pixels, (x + 18, top - 8 * INTERLINE), (x + 18, top), 0, 2)
    assert len(find_staves(open_page(pixels))) == 2


def test_broken_lines_are_one_staff() -> None:
    pixels = draw_page(3, 1200)
    rng = np.random.default_rng(2)
    for place in range(40, 1160, 8):
        for row in range(TOP + 192, TOP + 192 + 5 * INTERLINE, INTERLINE):
            if rng.random() < (0.75 if 400 < place < 620 else 0.4):
                pixels[row : row + 2, place : place + 8] = 255
    staves = find_staves(open_page(pixels))
    assert len(staves) == 3
    assert staves[1].x1 - staves[1].x0 > 1000


def test_the_sheet_of_a_page_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(draw_page(3))
    staves = find_staves(page)
    made: list[float] = []
    make = staff_sheet.make_sheet

    def spy(pixels: NDArray[np.uint8], interline: float) -> staff_sheet.Sheet:
        made.append(interline)
        return make(pixels, interline)

    monkeypatch.setattr(staff_sheet, "make_sheet", spy)
    assert find_other_staves(page, staves) == []
    assert made == []
    assert find_other_staves(open_page(page.pixels), staves) == []
    assert len(made) == 1
