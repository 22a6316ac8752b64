from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from omrcli.pages.image import PageImage
from omrcli.pages.warp import make_warp, turn_warp
from omrcli.reading.logits import Logits
from omrcli.staves.staff import Staff
from omrcli.upright.orientation import leaves_doubt, reads_better, sample_staves
from omrcli.upright.straighten import straighten, turn_page
from tests.drawn import draw_page

Gray = NDArray[np.uint8]


def page_of(pixels: Gray) -> PageImage:
    return PageImage(pixels, "drawn", pixels.shape[1], pixels.shape[0])


def turned(pixels: Gray, degrees: float, table: int = 90) -> Gray:
    """The picture turned on a dark table."""
    height, width = pixels.shape
    side = int(np.hypot(height, width)) + 20
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    matrix[:, 2] += (side / 2 - width / 2, side / 2 - height / 2)
    return np.asarray(cv2.warpAffine(pixels, matrix, (side, side), borderValue=table), np.uint8)


def slopes(staves: list[Staff]) -> Gray:
    return np.array([np.ptp(staff.lines[2]) / np.ptp(staff.xs) for staff in staves])


def test_a_level_page_passes_untouched() -> None:
    page = page_of(draw_page(4))
    assert straighten(page)[0] is page


def test_a_page_without_music_passes_untouched() -> None:
    for pixels in (np.full((600, 400), 255, np.uint8), np.full((8, 8), 0, np.uint8)):
        page = page_of(pixels)
        assert straighten(page)[0] is page


def test_a_crop_of_one_staff_is_not_bent() -> None:
    page = page_of(draw_page(1))
    assert straighten(page)[0] is page


@pytest.mark.parametrize("degrees", [20, -40, 100])
def test_a_page_turned_by_any_angle_becomes_level(degrees: float) -> None:
    page = page_of(turned(draw_page(5), degrees))
    straight, staves = straighten(page)
    assert len(staves) == 5
    assert slopes(staves).max() < 0.01
    assert (straight.width, straight.height) == page.pixels.shape[::-1]


@pytest.mark.parametrize("quarters", [1, 3])
def test_a_quarter_turn_is_undone_px_by_px(quarters: int) -> None:
    drawn = draw_page(5)
    straight, _ = straighten(page_of(np.rot90(drawn, quarters)))
    assert any(np.array_equal(straight.pixels, other) for other in (drawn, np.rot90(drawn, 2)))


def test_perspective_is_undone() -> None:
    drawn = draw_page(5)
    height, width = drawn.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    seen = np.array([[60, 160], [840, 20], [880, 900], [20, 760]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, seen)
    photo = np.asarray(cv2.warpPerspective(drawn, matrix, (900, 920), borderValue=80), np.uint8)
    _, staves = straighten(page_of(photo))
    assert len(staves) == 5
    assert slopes(staves).max() < 0.015


def test_the_warp_leads_back_to_the_page_given() -> None:
    drawn = draw_page(5)
    page = page_of(turned(drawn, 20))
    straight, staves = straighten(page)
    assert straight.warp is not None
    staff = staves[0]
    places = np.column_stack([staff.xs, staff.lines[0]])[5:-5]
    x, y = np.rint(straight.warp.page_points(places)).astype(int).T
    dark = np.min([page.pixels[y + dy, x] for dy in (-1, 0, 1)], axis=0)
    assert np.mean(dark < 100) > 0.95


def test_turning_a_page_four_times_leads_to_where_it_was() -> None:
    page = page_of(draw_page(2))
    once = turn_page(page, 1)
    back = turn_page(turn_page(once, 2), 1)
    assert np.array_equal(back.pixels, page.pixels)
    points = np.array([[0.0, 0.0], [123.0, 45.0]])
    assert back.warp is not None
    assert np.allclose(back.warp.page_points(points), points)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_turned_warp_finds_each_px(quarters: int) -> None:
    pixels = np.arange(35 * 70, dtype=np.int64).reshape(35, 70)
    moved = np.rot90(pixels, -quarters)
    warp = turn_warp(None, quarters, 70, 35)
    assert (warp.height, warp.width) == moved.shape
    x, y = np.rint(warp.page_points(np.array([[3.0, 4.0], [30.0, 20.0]]))).astype(int).T
    assert list(pixels[y, x]) == [moved[4, 3], moved[20, 30]]


def test_a_warp_draws_what_its_points_say() -> None:
    page = draw_page(2)
    warp = make_warp(300, 200, lambda points: points + np.array([40.0, 25.0]))
    assert np.array_equal(warp.apply(page, 1.0, 255), page[25:225, 40:340])
    outside = replace(warp, grid=warp.grid + 1e5)
    assert outside.apply(page, 1.0, 77).min() == outside.apply(page, 1.0, 77).max() == 77


def logits_of(first: float, others: float) -> Logits:
    """Two frames of blank, then signs of which the model is so sure; the blank is class 0."""
    values = np.full((8, 3), np.log(0.001), np.float32)
    values[:2, 0] = np.log(0.998)
    values[2:, 1] = np.log(others)
    values[2, 1] = np.log(first)
    return Logits(values)


def test_doubt_about_the_clef_leads_to_a_second_reading() -> None:
    sure, unsure = logits_of(0.999, 0.95), logits_of(0.6, 0.95)
    assert not leaves_doubt([sure, sure, sure], blank=0)
    assert leaves_doubt([unsure, unsure], blank=0)
    assert not leaves_doubt([], blank=0)
    assert reads_better([sure], [unsure], blank=0)
    assert not reads_better([unsure], [sure], blank=0)
    assert not reads_better([unsure], [unsure], blank=0)


def test_one_staff_must_be_read_surer_than_a_page() -> None:
    nearly = logits_of(0.999, 0.95)
    assert leaves_doubt([nearly], blank=0)
    assert not leaves_doubt([nearly] * 3, blank=0)
    assert not leaves_doubt([logits_of(0.9999, 0.95)], blank=0)


def test_a_few_staves_of_a_page_are_sampled() -> None:
    assert sample_staves(1) == [0]
    assert sample_staves(3) == [0, 1, 2]
    assert sample_staves(10) == [0, 3, 6, 9]


def test_a_box_leads_back_as_the_box_around_it() -> None:
    warp = turn_warp(None, 1, 70, 35)  # the image is 35 px wide and 70 high
    assert np.allclose(warp.page_box(2, 3, 12, 43), (3, 22, 43, 32))


def test_a_drawing_with_staves_is_not_even_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omrcli.upright.straighten.find_segments", pytest.fail)
    page = replace(page_of(draw_page(3)), dpi=300.0)
    straight, staves = straighten(page)
    assert straight is page
    assert len(staves) == 3


def test_a_page_whose_staves_are_all_found_is_not_bent() -> None:
    drawn = draw_page(5)
    matrix = np.array([[1, 0, 0], [0.06, 1, 0]])
    size = (drawn.shape[1], drawn.shape[0] + 60)
    page = page_of(np.asarray(cv2.warpAffine(drawn, matrix, size, borderValue=255), np.uint8))
    straight, staves = straighten(page)
    assert straight is page
    assert len(staves) == 5


def test_part_of_a_warp_leads_where_the_whole_does() -> None:
    warp = make_warp(300, 200, lambda points: points * 1.5 + 7)
    part = warp.cut((40, 30, 140, 90))
    assert (part.width, part.height) == (100, 60)
    points = np.array([[0.0, 0.0], [99.0, 12.0]])
    assert np.allclose(part.page_points(points), warp.page_points(points + np.array([40, 30])))


def test_a_table_is_cut_off_a_page_that_is_bent() -> None:
    drawn = draw_page(5)
    straight, _ = straighten(page_of(turned(drawn, 20, table=60)))
    assert np.allclose(straight.pixels.shape, drawn.shape, rtol=0.05)
