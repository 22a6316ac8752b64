"""Staves are found where they were drawn, and come out straight and to size."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from omrcli.pages.image import PageImage, load_pages
from omrcli.staves import staff as staves
from omrcli.staves.staff import Staff, StaffGeometry, find_staves, normalise_staff
from tests.drawn import draw_page

SHARED = Path(os.environ.get("OMR_TESTSETS", Path(__file__).parents[3] / "shared" / "testsets"))
GEOMETRY = StaffGeometry()
TOP, DISTANCE, INTERLINE = 60, 192, 12


def make_page(pixels: NDArray[np.uint8]) -> PageImage:
    return PageImage(np.ascontiguousarray(pixels), "drawn", pixels.shape[1], pixels.shape[0])


def find_one(pixels: NDArray[np.uint8]) -> Staff:
    (staff,) = find_staves(make_page(pixels))
    return staff


def check_straight(
    pixels: NDArray[np.uint8], staff: Staff, geometry: StaffGeometry = GEOMETRY
) -> None:
    """All along the normalised staff the darkest rows are those where the lines belong."""
    ink = normalise_staff(make_page(pixels), staff, geometry).pixels
    step = geometry.interline
    for part in np.array_split(ink[:, 2 * step : -2 * step], 6, axis=1):
        profile = part.mean(axis=1)
        for line in range(5):
            row = geometry.top_line + line * step
            near = profile[row - step // 2 + 1 : row + step // 2]
            assert abs(int(near.argmax()) - (step // 2 - 1)) <= 1


# --- finding --------------------------------------------------------------------------------------


def test_where_the_lines_are() -> None:
    staff = find_one(draw_page())
    assert staff.interline == pytest.approx(INTERLINE, abs=0.1)
    assert staff.line_thickness == 2
    assert (staff.x0, staff.x1) == (pytest.approx(20, abs=2), pytest.approx(880, abs=2))
    for number, line in enumerate(staff.lines):
        assert line.shape == staff.xs.shape
        assert line == pytest.approx(TOP + 0.5 + number * INTERLINE, abs=0.6)
    assert (staff.y0, staff.y1) == (staff.lines[0].min(), staff.lines[4].max())


def test_staves_of_a_page_are_in_reading_order() -> None:
    staves = find_staves(make_page(draw_page(4)))
    assert [staff.index for staff in staves] == [0, 1, 2, 3]
    assert [staff.y0 for staff in staves] == [
        pytest.approx(TOP + number * DISTANCE, abs=1.5) for number in range(4)
    ]


def test_a_line_on_the_left_joins_a_system() -> None:
    pixels = draw_page(4)
    for first in (0, 2):
        top = TOP + first * DISTANCE
        pixels[top : top + DISTANCE + 4 * INTERLINE, 20:22] = 0
    assert [staff.system for staff in find_staves(make_page(pixels))] == [0, 0, 1, 1]


def test_a_small_staff_among_large_ones() -> None:
    small = cv2.resize(draw_page(), None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    small = np.pad(small, ((0, 0), (0, 900 - small.shape[1])), constant_values=255)
    staves = find_staves(make_page(np.vstack([draw_page(2), small, draw_page()])))
    assert [round(staff.interline) for staff in staves] == [12, 12, 9, 12]
    assert [staff.index for staff in staves] == [0, 1, 2, 3]


def test_staves_side_by_side() -> None:
    pixels = np.hstack([draw_page(), np.full((168, 150), 255, np.uint8), draw_page()])
    staves = find_staves(make_page(pixels))
    assert [round(staff.x0, -1) for staff in staves] == [20, 1070]


@pytest.mark.parametrize("interline", [5, 7, 8, 16, 30, 60])
def test_sizes(interline: int) -> None:
    factor = interline / INTERLINE
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    pixels = cv2.resize(draw_page(), None, fx=factor, fy=factor, interpolation=how)
    staff = find_one(pixels)
    assert staff.interline == pytest.approx(interline, rel=0.03)
    check_straight(pixels, staff)


def test_tight_crop_with_lines_to_both_edges() -> None:
    pixels = draw_page()[TOP : TOP + 4 * INTERLINE + 2, 40:-40]
    staff = find_one(pixels)
    assert staff.x0 <= 1
    assert staff.x1 >= pixels.shape[1] - 2
    check_straight(pixels, staff)


@pytest.mark.parametrize("degrees", [-3, -1, 2, 3])
def test_skew(degrees: float) -> None:
    pixels = draw_page()
    height, width = pixels.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    turned = cv2.warpAffine(pixels, turn, (width, height), borderValue=255)
    check_straight(turned, find_one(turned))


def test_curved_lines() -> None:
    pixels = draw_page()
    x, y = np.meshgrid(np.arange(pixels.shape[1]), np.arange(pixels.shape[0]))
    wave = y + 12 * np.sin(x / pixels.shape[1] * 5)
    maps = (x.astype(np.float32), wave.astype(np.float32))
    curved = cv2.remap(pixels, *maps, cv2.INTER_LINEAR, borderValue=255)
    check_straight(curved, find_one(curved))


def test_shaded_photo() -> None:
    pixels = draw_page().astype(float)
    shade = np.linspace(60, 200, pixels.shape[1])
    grain = np.random.default_rng(1).normal(0, 4, pixels.shape)
    photo = np.clip(pixels / 255 * 0.7 * shade + 0.3 * shade + grain, 0, 255).astype(np.uint8)
    staff = find_one(cv2.GaussianBlur(photo, (0, 0), 0.8))
    check_straight(photo, staff)


def test_a_staff_cut_through_is_none() -> None:
    pixels = draw_page(2)
    assert len(find_staves(make_page(pixels[: TOP + DISTANCE + 2 * INTERLINE + 4]))) == 1


# --- no music -------------------------------------------------------------------------------------


def draw_ruled() -> NDArray[np.uint8]:
    pixels = np.full((300, 500), 255, np.uint8)
    pixels[20:280:12] = 0
    return pixels


def draw_text() -> NDArray[np.uint8]:
    pixels = np.full((300, 700), 255, np.uint8)
    for y in range(30, 300, 24):
        text = "Not a single note in this text, only words"
        cv2.putText(pixels, text, (10, y), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 0, 2)
    return pixels


def draw_noise(blur: float) -> NDArray[np.uint8]:
    noise = np.random.default_rng(2).normal(0, 1, (300, 500))
    if blur:
        noise = cv2.GaussianBlur(noise, (0, 0), blur)
    return ((noise - noise.min()) / np.ptp(noise) * 255).astype(np.uint8)


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((200, 300), 255, np.uint8),
        np.zeros((200, 300), np.uint8),
        np.full((8, 8), 255, np.uint8),
        draw_ruled(),
        draw_text(),
        draw_noise(0),
        draw_noise(6),
    ],
    ids=["white", "black", "tiny", "ruled", "text", "noise", "clouds"],
)
def test_no_staff(pixels: NDArray[np.uint8]) -> None:
    assert find_staves(make_page(pixels)) == []


# --- normalising ----------------------------------------------------------------------------------


@pytest.mark.parametrize("geometry", [GEOMETRY, StaffGeometry(12, 6, 6), StaffGeometry(16, 4, 3)])
def test_size_of_a_normalised_staff(geometry: StaffGeometry) -> None:
    pixels = draw_page()
    staff = find_one(pixels)
    image = normalise_staff(make_page(pixels), staff, geometry)
    assert image.pixels.dtype == np.float32
    width = (staff.x1 - staff.x0 + 2 * staff.interline) / image.scale
    assert image.pixels.shape == (geometry.height, round(width))
    assert image.scale == pytest.approx(INTERLINE / geometry.interline, rel=0.02)
    check_straight(pixels, staff, geometry)


def test_page_x_finds_a_barline_again() -> None:
    pixels = draw_page()
    pixels[TOP : TOP + 4 * INTERLINE, 499:502] = 0
    image = normalise_staff(make_page(pixels), find_one(pixels), GEOMETRY)
    spaces = image.pixels[GEOMETRY.top_line + 4 : GEOMETRY.top_line + 32 : 8]
    assert image.page_x(float(spaces.mean(axis=0).argmax()) + 0.5) == pytest.approx(500, abs=2)


def test_a_strip_longer_than_opencv_takes() -> None:
    pixels = draw_page(width=45_000)
    pixels[TOP : TOP + 4 * INTERLINE, 44_799:44_802] = 0
    image = normalise_staff(make_page(pixels), find_one(pixels), StaffGeometry(INTERLINE, 5, 5))
    assert image.pixels.shape[1] > 2**15
    spaces = image.pixels[image.pixels.shape[0] // 2 - 18 :: 12][:4, -400:]
    found = image.pixels.shape[1] - 400 + float(spaces.mean(axis=0).argmax())
    assert image.page_x(found + 0.5) == pytest.approx(44_800, abs=3)


def test_pieces_meet_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    page = make_page(draw_page())
    (staff,) = find_staves(page)
    whole = normalise_staff(page, staff, GEOMETRY).pixels
    monkeypatch.setattr(staves, "_PIECE", 100)
    assert np.abs(normalise_staff(page, staff, GEOMETRY).pixels - whole).max() < 0.02


def test_ink_is_one_and_paper_zero_whatever_the_light() -> None:
    pixels = (draw_page() * 0.5 + 40).astype(np.uint8)
    ink = normalise_staff(make_page(pixels), find_one(pixels), GEOMETRY).pixels
    assert ink.min() == 0
    assert ink.max() == 1
    assert np.median(ink) < 0.02
    assert ink[:14].max() < 0.05


def test_outside_the_page_is_paper() -> None:
    pixels = draw_page()[TOP : TOP + 4 * INTERLINE + 2, 40:-40]
    ink = normalise_staff(make_page(pixels), find_one(pixels), GEOMETRY).pixels
    assert ink[: GEOMETRY.top_line - 2].max() < 0.05
    assert ink[:, :5].max() < 0.05


@pytest.mark.parametrize("kind", ["primus", "photos"])
def test_every_real_image_has_one_staff(kind: str) -> None:
    paths = [*SHARED.glob(f"{kind}/*/*.png"), *SHARED.glob(f"{kind}/*/*.jpg")]
    if not paths:
        pytest.skip(f"no images in {SHARED / kind}")
    assert [path.name for path in paths if len(find_staves(load_pages(path)[0])) != 1] == []


def test_a_beam_along_a_whole_staff_is_no_sixth_line() -> None:
    pixels = draw_page()
    pixels[TOP - INTERLINE - 2 : TOP - INTERLINE + 4, 30:870] = 0
    staff = find_one(pixels)
    assert (staff.y0, staff.y1) == pytest.approx((TOP + 0.5, TOP + 0.5 + 4 * INTERLINE), abs=1)
