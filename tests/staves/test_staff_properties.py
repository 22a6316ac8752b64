"""A staff is found again, and looks the same, wherever and however large it is."""

from __future__ import annotations

import io
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from omrcli.pages.image import PageImage, decode_image
from omrcli.staves.staff import Staff, StaffGeometry, StaffImage, find_staves, normalise_staff
from tests.drawn import INTERLINE, draw_page

Grey = NDArray[np.uint8]
PAGE = draw_page(1, 600)
FEW = settings(max_examples=12, deadline=None)
GEOMETRIES = st.builds(StaffGeometry, st.integers(6, 16), st.integers(3, 6), st.integers(3, 6))


def make_page(pixels: Grey) -> PageImage:
    return PageImage(np.ascontiguousarray(pixels), "drawn", pixels.shape[1], pixels.shape[0])


def find_one(pixels: Grey) -> Staff:
    (staff,) = find_staves(make_page(pixels))
    return staff


def resize(pixels: Grey, factor: float) -> Grey:
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=how), np.uint8)


def measure(staff: Staff) -> NDArray[np.float64]:
    """Left, right, and the mean row of each line, in page px."""
    return np.array([staff.x0, staff.x1, *(line.mean() for line in staff.lines)])


@FEW
@given(factor=st.floats(0.45, 5))
def test_the_size_of_the_scan_does_not_matter(factor: float) -> None:
    pixels = resize(PAGE, factor)
    near = 0.1 * INTERLINE
    found = measure(find_one(pixels))
    # Px centres, as cv2.resize has them; a left or right edge may be off by a px of the scan.
    expected = (measure(find_one(PAGE)) + 0.5) * factor - 0.5
    assert np.abs(found - expected)[2:].max() < near * factor
    assert np.abs(found - expected)[:2].max() < 2 * near * factor + 1


@FEW
@given(left=st.integers(0, 150), right=st.integers(0, 150), above=st.integers(0, 90))
def test_margins_move_a_staff(left: int, right: int, above: int) -> None:
    pixels = np.pad(PAGE, ((above, 0), (left, right)), constant_values=255)
    moved = measure(find_one(pixels)) - measure(find_one(PAGE))
    assert np.abs(moved[:2] - left).max() < 0.2 * INTERLINE
    assert np.abs(moved[2:] - above).max() < 0.1 * INTERLINE


@FEW
@given(left=st.integers(0, 30), right=st.integers(0, 30), above=st.integers(0, 59))
def test_cutting_margins_off_keeps_the_picture(left: int, right: int, above: int) -> None:
    geometry = StaffGeometry()
    whole = normalise_staff(make_page(PAGE), find_one(PAGE), geometry)
    part = PAGE[above:, left : PAGE.shape[1] - right]
    cut = normalise_staff(make_page(part), find_one(part), geometry)
    # The notes lie between 100 and 540 px of the page.
    columns = np.arange(110, 530, 4)
    rows = slice(geometry.top_line - 2, geometry.top_line + 4 * geometry.interline + 3)
    one, other = (
        image.pixels[rows, np.round((columns - shift - image.x_offset) / image.scale).astype(int)]
        for image, shift in ((whole, 0), (cut, left))
    )
    assert np.abs(one - other).mean() < 0.06


@FEW
@given(paper=st.integers(60, 255), ink=st.floats(0, 0.6))
def test_the_light_does_not_matter(paper: int, ink: float) -> None:
    darkest = paper * ink
    pixels = (darkest + PAGE / 255 * (paper - darkest)).astype(np.uint8)
    assert measure(find_one(pixels)) == pytest.approx(measure(find_one(PAGE)), abs=0.1 * INTERLINE)


@FEW
@given(staves=st.integers(1, 3), width=st.integers(300, 700))
def test_inverted_pages_hold_the_same_staves(staves: int, width: int) -> None:
    pixels = draw_page(staves, width)
    out = io.BytesIO()
    Image.fromarray(255 - pixels).save(out, "PNG")
    (page,) = decode_image(out.getvalue(), "x.png")
    expected = [measure(staff) for staff in find_staves(make_page(pixels))]
    assert len(expected) == staves
    np.testing.assert_array_equal([measure(staff) for staff in find_staves(page)], expected)


@FEW
@given(geometry=GEOMETRIES, factor=st.floats(0.5, 4))
def test_lines_come_out_at_their_rows(geometry: StaffGeometry, factor: float) -> None:
    pixels = resize(PAGE, factor)
    image = normalise_staff(make_page(pixels), find_one(pixels), geometry)
    assert image.pixels.shape[0] == geometry.height
    assert image.pixels.dtype == np.float32
    assert 0 <= image.pixels.min() <= image.pixels.max() <= 1
    profile = np.median(image.pixels, axis=1)
    half = geometry.interline // 2
    for line in range(5):
        row = geometry.top_line + line * geometry.interline
        near = profile[row - half + 1 : row + half]
        centre = float((near * np.arange(len(near))).sum() / near.sum()) - (half - 1)
        assert abs(centre) < 0.12 * geometry.interline


@FEW
@given(x=st.floats(0, 400), factor=st.floats(0.5, 4))
def test_page_x_is_level_and_starts_beside_the_staff(x: float, factor: float) -> None:
    pixels = resize(PAGE, factor)
    image: StaffImage = normalise_staff(make_page(pixels), find_one(pixels), StaffGeometry())
    assert image.page_x(0) == pytest.approx(image.staff.x0 - image.staff.interline)
    assert image.page_x(x) - image.page_x(0) == pytest.approx(x * image.staff.interline / 8)


def draw_rules(count: int) -> Grey:
    pixels = np.full((60 + 12 * count, 400), 255, np.uint8)
    pixels[30 : 30 + 12 * count : 12, 20:-20] = 0
    return pixels


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 7, 9, 15])
def test_other_numbers_of_lines_are_no_staff(count: int) -> None:
    assert find_staves(make_page(draw_rules(count))) == []
    assert len(find_staves(make_page(draw_rules(5)))) == 1


NOISES: dict[str, Callable[[np.random.Generator], NDArray[np.float64]]] = {
    "grain": lambda random: random.normal(230, 6, (300, 400)),
    "white noise": lambda random: random.uniform(0, 256, (300, 400)),
}


@FEW
@example(kind="white noise", seed=20947)
@given(kind=st.sampled_from(sorted(NOISES)), seed=st.integers(0, 2**32 - 1))
def test_noise_holds_no_staff(kind: str, seed: int) -> None:
    noise = NOISES[kind](np.random.default_rng(seed))
    assert find_staves(make_page(np.clip(noise, 0, 255).astype(np.uint8))) == []


@FEW
@given(height=st.integers(8, 80), width=st.integers(8, 80), seed=st.integers(0, 2**32 - 1))
def test_no_shape_is_too_odd(height: int, width: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)
    for staff in find_staves(make_page(pixels)):
        assert normalise_staff(make_page(pixels), staff, StaffGeometry()).pixels.size
