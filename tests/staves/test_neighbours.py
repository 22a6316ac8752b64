"""What belongs to the staff next to one is faded out of its picture, and nothing else."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from omrcli.pages.image import PageImage
from omrcli.staves.neighbours import cut_staves
from omrcli.staves.staff import StaffGeometry, find_staves, normalise_staff
from tests.drawn import INTERLINE, draw_page

GEOMETRY = StaffGeometry()
TOP = 60
#: Rows between the first lines of two staves, four interlines apart.
CLOSE = 8 * INTERLINE
X = 400


def draw_close_staves() -> NDArray[np.uint8]:
    """Two staves so close that each shows in the picture of the other."""
    page = draw_page()
    lines = page[TOP - 2 : TOP + 5 * INTERLINE].copy()
    page = np.pad(page, ((0, CLOSE), (0, 0)), constant_values=255)
    page[TOP - 2 + CLOSE : TOP + 5 * INTERLINE + CLOSE] = lines
    return page


def cut(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The picture of the first staff as it is, and without its neighbour."""
    page = PageImage(pixels, "drawn", pixels.shape[1], pixels.shape[0])
    staves = find_staves(page)
    assert len(staves) == 2
    return normalise_staff(page, staves[0], GEOMETRY).pixels, cut_staves(page, staves, GEOMETRY)[
        0
    ].pixels


def draw_note(pixels: NDArray[np.uint8], y: int, stem: int) -> None:
    """A note at a height in px, with a stem of so many px, upward if negative."""
    cv2.ellipse(pixels, (X, y), (8, 6), -20, 0, 360, 0, -1)
    cv2.line(pixels, (X + 6, y), (X + 6, y + stem), 0, 2)


def difference(before: NDArray[np.float32], after: NDArray[np.float32]) -> list[int]:
    """Rows in which something was faded out."""
    return [int(row) for row in np.flatnonzero((before - after).max(axis=1) > 0.3)]


def test_the_lines_of_a_close_staff_go() -> None:
    before, after = cut(draw_close_staves())
    line = GEOMETRY.top_line + 8 * GEOMETRY.interline
    assert before[line].mean() > 0.5
    assert after[line].max() < 0.1
    assert np.array_equal(before[: line - 2 * 8], after[: line - 2 * 8])


def test_a_note_that_hangs_on_the_other_staff_goes() -> None:
    pixels = draw_close_staves()
    draw_note(pixels, TOP + round(6.5 * INTERLINE), 4 * INTERLINE)
    head = GEOMETRY.top_line + round(6.5 * GEOMETRY.interline)
    before, after = cut(pixels)
    column = round((X - 20 + INTERLINE) * GEOMETRY.interline / INTERLINE)
    assert before[head, column - 2 : column + 3].max() > 0.8
    assert after[head, column - 2 : column + 3].max() < 0.1


def test_a_note_that_hangs_on_the_own_staff_stays() -> None:
    pixels = draw_close_staves()
    draw_note(pixels, TOP + round(6.5 * INTERLINE), -4 * INTERLINE)
    before, after = cut(pixels)
    assert min(difference(before, after)) > GEOMETRY.top_line + 7 * GEOMETRY.interline


def test_a_line_through_both_staves_and_lone_marks_stay() -> None:
    pixels = draw_close_staves()
    pixels[TOP : TOP + CLOSE + 4 * INTERLINE, X : X + 2] = 0
    pixels[TOP + 6 * INTERLINE : TOP + 7 * INTERLINE, X + 40 : X + 50] = 0
    before, after = cut(pixels)
    between = slice(GEOMETRY.top_line + 40, GEOMETRY.top_line + 58)
    assert np.array_equal(before[between], after[between])


def test_far_staves_are_cut_as_they_are() -> None:
    pixels = draw_page(2)
    page = PageImage(pixels, "drawn", pixels.shape[1], pixels.shape[0])
    staves = find_staves(page)
    for staff, image in zip(staves, cut_staves(page, staves, GEOMETRY), strict=True):
        assert np.array_equal(image.pixels, normalise_staff(page, staff, GEOMETRY).pixels)
