"""Staves are joined into systems by what runs down between them, however the page was made."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from omrcli.pages.image import PageImage
from omrcli.staves.staff import find_staves
from tests.drawn import INTERLINE, draw_page

TOP, DISTANCE, LEFT, RIGHT = 60, 192, 20, 880
PAD = 60
Pixels = NDArray[np.uint8]


def find_systems(pixels: Pixels) -> list[int]:
    page = PageImage(np.ascontiguousarray(pixels), "drawn", pixels.shape[1], pixels.shape[0])
    return [staff.system for staff in find_staves(page)]


def draw_down(pixels: Pixels, first: int, last: int, x: int, width: int = 2) -> None:
    """A line from the top of a staff to the foot of another; the page is padded by `PAD`."""
    bottom = TOP + last * DISTANCE + 4 * INTERLINE
    pixels[TOP + first * DISTANCE : bottom, PAD + x : PAD + x + width] = 0


def draw_padded(staves: int) -> Pixels:
    return np.pad(draw_page(staves), ((0, 0), (PAD, 0)), constant_values=255)


def draw_choir() -> Pixels:
    """Two systems of three: a line and a bracket at the left, barlines only in the staves."""
    pixels = draw_padded(6)
    for first in (0, 3):
        draw_down(pixels, first, first + 2, LEFT)
        draw_down(pixels, first, first + 2, LEFT - 12, 6)
    for staff in range(6):
        draw_down(pixels, staff, staff, RIGHT)
    return pixels


def test_staves_without_anything_between_them() -> None:
    assert find_systems(draw_padded(3)) == [0, 1, 2]


def test_a_choir() -> None:
    assert find_systems(draw_choir()) == [0, 0, 0, 1, 1, 1]


def test_a_bracket_alone() -> None:
    pixels = draw_padded(3)
    draw_down(pixels, 0, 1, LEFT - 12, 6)
    assert find_systems(pixels) == [0, 0, 1]


def test_a_brace() -> None:
    pixels = draw_padded(3)
    foot = TOP + DISTANCE + 4 * INTERLINE
    middle = (TOP + foot) // 2
    x = PAD + LEFT - 8
    curve = [(x, TOP), (x - 8, TOP + 40), (x - 8, middle - 20), (x - 16, middle)]
    curve += [(x - 8, middle + 20), (x - 8, foot - 40), (x, foot)]
    cv2.polylines(pixels, [np.array(curve, np.int32)], False, 0, 4)
    assert find_systems(pixels) == [0, 0, 1]


def test_barlines_join_where_the_left_is_cut_off() -> None:
    pixels = draw_padded(3)
    for x in (300, 700, RIGHT):
        draw_down(pixels, 0, 1, x)
    assert find_systems(pixels[:, PAD + LEFT + 20 :]) == [0, 0, 1]


@pytest.mark.parametrize("degrees", [-2, 2])
def test_tilted(degrees: float) -> None:
    pixels = draw_choir()
    height, width = pixels.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    assert find_systems(cv2.warpAffine(pixels, turn, (width, height), borderValue=255)) == [
        *[0] * 3,
        *[1] * 3,
    ]


def test_faint_and_grainy() -> None:
    grain = np.random.default_rng(0).normal(0, 12, draw_choir().shape)
    pixels = np.clip(190 - 0.25 * (255 - draw_choir().astype(float)) + grain, 0, 255)
    assert find_systems(pixels.astype(np.uint8)) == [0, 0, 0, 1, 1, 1]


def test_systems_side_by_side_are_read_one_after_the_other() -> None:
    pixels = draw_padded(2)
    draw_down(pixels, 0, 1, LEFT)
    both = np.hstack([pixels, np.full((len(pixels), 100), 255, np.uint8), pixels])
    page = PageImage(both, "drawn", both.shape[1], both.shape[0])
    staves = find_staves(page)
    assert [staff.system for staff in staves] == [0, 0, 1, 1]
    assert [staff.x0 > pixels.shape[1] for staff in staves] == [False, False, True, True]


def find_places(pixels: Pixels) -> list[tuple[bool, int]]:
    """Of each staff in reading order: whether it is in the right half, and its top in px."""
    page = PageImage(np.ascontiguousarray(pixels), "drawn", pixels.shape[1], pixels.shape[0])
    return [(staff.x0 > pixels.shape[1] / 2, round(staff.y0)) for staff in find_staves(page)]


def test_two_pages_in_one_picture_are_read_one_after_the_other() -> None:
    left, right = draw_padded(3), draw_padded(4)[TOP // 2 :]
    high = max(len(left), len(right))
    halves = [
        np.pad(half, ((0, high - len(half)), (60, 60)), constant_values=255)
        for half in (left, right)
    ]
    found = find_places(np.hstack(halves))
    tops = [TOP + number * DISTANCE for number in range(3)]
    tops += [TOP // 2 + number * DISTANCE for number in range(4)]
    assert [right for right, _ in found] == [False] * 3 + [True] * 4
    assert [top for _, top in found] == pytest.approx(tops, abs=2)


def test_incipits_in_rows_and_a_broken_last_line_are_read_in_rows() -> None:
    page = np.pad(draw_page(1, 600), ((0, 0), (100, 0)), constant_values=255)
    row = np.hstack([page, page])
    assert [right for right, _ in find_places(row)] == [False, True]
    whole = draw_page(2, 1400)
    assert [right for right, _ in find_places(np.vstack([whole, row]))] == [
        *[False] * 3,
        True,
    ]


def test_the_black_edge_of_a_scan_joins_nothing() -> None:
    pixels = draw_padded(4)
    for first in (0, 2):
        draw_down(pixels, first, first + 1, LEFT)
    pixels[:, PAD + LEFT - 24 : PAD + LEFT - 19] = 0
    assert find_systems(pixels) == [0, 0, 1, 1]
