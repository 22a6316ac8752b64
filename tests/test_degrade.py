"""Degradation keeps what a reader needs: the staff's place, its lines, the last barline."""

from __future__ import annotations

from dataclasses import fields, replace

import cv2
import numpy as np
import pytest

from omrcli.errors import UsageError
from omrcli.pages.image import PageImage
from omrcli.staves.staff import find_staves
from omrcli.synth.degrade import (
    PRESETS,
    DegradeOptions,
    Gray,
    degrade_marked_page,
    degrade_page,
    degrade_staff,
    measure_interline,
)

INTERLINE = 16
TOP = 5 * INTERLINE
CALM = replace(
    DegradeOptions(), **{item.name: 0.0 for item in fields(DegradeOptions)[3:]}, interline=INTERLINE
)


def make_staff(width: int = 600, notes: bool = True) -> Gray:
    """Ink of a normalised staff: five lines of 2 px, noteheads and a last barline."""
    ink = np.zeros((14 * INTERLINE, width), np.uint8)
    for line in range(5):
        ink[TOP + line * INTERLINE : TOP + line * INTERLINE + 2, : width - 20] = 255
    for x in range(40, width - 60 if notes else 0, 60):
        ink[TOP + INTERLINE : TOP + 2 * INTERLINE, x : x + 20] = 255
    ink[TOP : TOP + 4 * INTERLINE + 2, width - 22 : width - 19] = 255
    return ink


def line_rows(ink: Gray, columns: slice) -> list[int]:
    """Rows of the five darkest line centres of some columns without notes."""
    profile = ink[:, columns].astype(int).sum(axis=1)
    rows = []
    for _ in range(5):
        row = int(profile.argmax())
        rows.append(row)
        profile[max(0, row - 5) : row + 6] = -1
    return sorted(rows)


def test_without_damage_pixels_stay() -> None:
    ink = make_staff()
    rng = np.random.default_rng(0)
    assert np.array_equal(degrade_staff(ink, rng, CALM), ink)
    assert np.array_equal(degrade_page(255 - ink, rng, CALM), 255 - ink)


@pytest.mark.parametrize("seed", range(25))
def test_staff_stays_within_a_quarter_interline(seed: int) -> None:
    options = replace(CALM, geometry=1.0)
    worn = degrade_staff(make_staff(notes=False), np.random.default_rng(seed), options)
    for columns in (slice(2, 10), slice(280, 288), slice(490, 498)):
        rows = line_rows(worn, columns)
        expected = [TOP + line * INTERLINE + 0.5 for line in range(5)]
        # 0.25 interline of place, 4 % of scale over two interlines, and 1 px of rounding.
        bound = 0.25 * INTERLINE + 0.04 * 2.2 * INTERLINE + 1
        assert max(abs(row - want) for row, want in zip(rows, expected, strict=True)) <= bound


@pytest.mark.parametrize("seed", range(10))
def test_last_barline_stays_in_the_image(seed: int) -> None:
    ink = make_staff()
    worn = degrade_staff(ink, np.random.default_rng(seed), replace(CALM, geometry=1.0))
    columns = np.flatnonzero(worn[TOP + 8 : TOP + 12].max(axis=0) > 100)
    assert columns.size
    assert 0.9 * ink.shape[1] < columns.max() + 20 < ink.shape[1]


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_are_reproducible_and_change_pixels(name: str) -> None:
    page = 255 - make_staff()
    first = [degrade_page(page, np.random.default_rng(seed), PRESETS[name]) for seed in range(6)]
    again = [degrade_page(page, np.random.default_rng(seed), PRESETS[name]) for seed in range(6)]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert sum(image.shape != page.shape or bool((image != page).any()) for image in first) >= 5


@pytest.mark.parametrize("seed", range(30))
def test_degraded_staff_keeps_type_shape_and_staff_lines(seed: int) -> None:
    ink = make_staff()
    worn = degrade_staff(ink, np.random.default_rng(seed))
    assert worn.shape == ink.shape
    assert worn.dtype == np.uint8
    # Between the notes, rows of staff lines stay darker than the spaces between them.
    middle = worn[:, 3:27].astype(float).mean(axis=1)
    lines = [middle[TOP + k * INTERLINE - 5 : TOP + k * INTERLINE + 7].max() for k in range(5)]
    space = np.median(middle[TOP : TOP + 4 * INTERLINE])
    assert np.median(lines) > space + 15


def test_float_ink_gives_float_ink() -> None:
    ink = make_staff()
    whole = degrade_staff(ink, np.random.default_rng(5))
    real = degrade_staff((ink / 255).astype(np.float32), np.random.default_rng(5))
    assert real.dtype == np.float32
    assert np.allclose(real * 255, whole, atol=0.01)


# Thresholding an image of two values leaves it alone; it has a test of its own.
@pytest.mark.parametrize(
    "kind", [item.name for item in fields(DegradeOptions)[3:] if item.name != "binarise"]
)
def test_every_kind_of_damage_alone(kind: str) -> None:
    page = np.pad(255 - make_staff(), 60, constant_values=255)
    rates = {"geometry": 1.0} if kind == "perspective" else {}
    options = replace(CALM, **rates, **{kind: 1.0})
    worn = degrade_page(page, np.random.default_rng(1), options)
    assert worn.dtype == np.uint8
    assert worn.shape != page.shape or (worn != page).any()


def test_binarised_page_has_two_values_and_its_lines() -> None:
    page = 255 - make_staff()
    options = replace(CALM, blur=1.0, fade=1.0, binarise=1.0)
    for seed in range(8):
        worn = degrade_page(page, np.random.default_rng(seed), options)
        assert set(np.unique(worn)) == {0, 255}
        assert line_rows(255 - worn, slice(262, 276))[0] == pytest.approx(TOP, abs=2)


def test_ink_is_never_cropped() -> None:
    page = np.pad(255 - make_staff(), 80, constant_values=255)
    for seed in range(5):
        worn = degrade_page(page, np.random.default_rng(seed), replace(CALM, crop=1.0))
        assert worn.shape < page.shape
        assert (worn < 128).sum() == (page < 128).sum()


def test_points_go_where_their_ink_goes() -> None:
    page = np.full((600, 500), 255, np.uint8)
    at = np.array([(x, y) for y in (90, 300, 510) for x in (80, 250, 430)], np.float64)
    for x, y in at.astype(int):
        page[y - 3 : y + 4, x - 3 : x + 4] = 0
    moves = {"crop": 1.0, "geometry": 1.0, "perspective": 1.0, "curve": 1.0, "shrink": 1.0}
    options = replace(CALM, **moves, ground=1.0)
    for seed in range(6):
        worn, points = degrade_marked_page(page, at, np.random.default_rng(seed), options)
        assert not np.allclose(points, at, atol=1)
        _, spots = cv2.connectedComponents((worn < 128).astype(np.uint8))
        for point in points:
            x, y = (round(float(side)) for side in point)
            rows, columns = np.nonzero(spots == spots[y, x])
            assert spots[y, x]
            assert [columns.mean(), rows.mean()] == pytest.approx(list(point), abs=0.5)


def test_interline_is_measured() -> None:
    assert measure_interline(255 - make_staff()) == INTERLINE
    assert measure_interline(np.full((50, 50), 255, np.uint8)) == 12


def test_bad_options_are_refused() -> None:
    with pytest.raises(UsageError, match="'blur' must lie between 0 and 1"):
        DegradeOptions(blur=1.5)
    with pytest.raises(UsageError, match="must not be negative"):
        DegradeOptions(strength=-1)


def test_lines_that_all_but_vanish_are_sharpened() -> None:
    pale = np.asarray(255 - (make_staff() * 0.1).astype(np.uint8))
    worn = degrade_page(pale, np.random.default_rng(0), CALM)
    rows = line_rows(255 - worn, slice(262, 276))
    assert rows[0] == pytest.approx(TOP, abs=2)
    assert pale.min() - worn.min() > 15


def test_noise_leaves_pale_lines_visible() -> None:
    pale = np.asarray(255 - (make_staff() * 0.3).astype(np.uint8))
    for seed in range(6):
        worn = degrade_page(pale, np.random.default_rng(seed), replace(CALM, noise=1.0))
        rows = line_rows(255 - worn, slice(262, 276))
        assert rows[0] == pytest.approx(TOP, abs=2)
        assert rows[-1] == pytest.approx(TOP + 4 * INTERLINE, abs=2)


def test_a_table_never_hides_the_page() -> None:
    page = 255 - make_staff()
    for seed in range(8):
        laid = degrade_page(page, np.random.default_rng(seed), replace(CALM, ground=1.0))
        height, width = laid.shape
        assert height >= page.shape[0]
        assert width >= page.shape[1]
        assert any(
            np.array_equal(laid[top : top + page.shape[0], left : left + page.shape[1]], page)
            for top in range(height - page.shape[0] + 1)
            for left in range(width - page.shape[1] + 1)
        )


def test_pages_shrink_to_the_interline_of_a_phone_picture() -> None:
    page = 255 - make_staff()
    for seed in range(5):
        small = degrade_page(page, np.random.default_rng(seed), replace(CALM, shrink=1.0))
        assert 6 / INTERLINE - 0.02 < small.shape[0] / page.shape[0] < 10 / INTERLINE + 0.02


def test_staves_are_found_in_photos() -> None:
    page = np.pad(255 - make_staff(900), 40, constant_values=255)
    found = 0
    for seed in range(40):
        worn = degrade_page(page, np.random.default_rng(seed), PRESETS["photo"])
        found += len(find_staves(PageImage(worn, "photo.png", worn.shape[1], worn.shape[0]))) == 1
    assert found >= 38
