"""Marks are drawn over and around a staff and never hide it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("fontTools")

from omrcli.pages.image import PageImage
from omrcli.staves.staff import find_staves
from omrcli.synth.clutter import KINDS, ClutterRates
from omrcli.synth.marks import add_marks
from omrcli.synth.render import RenderedStaff

UNIT = 10
NONE = ClutterRates(share=1.0, **dict.fromkeys(KINDS, 0.0))
MARKS = ("brackets", "titles", "pencil", "stamps", "stains", "page_edges")


def staff(width: int = 500) -> RenderedStaff:
    """Five lines and some noteheads with stems."""
    pixels = np.full((14 * UNIT, width), 255, np.uint8)
    for line in range(5):
        pixels[5 * UNIT + line * UNIT : 5 * UNIT + line * UNIT + 1, 10 : width - 10] = 0
    for x in range(60, width - 60, 40):
        pixels[6 * UNIT : 7 * UNIT, x : x + 12] = 0
        pixels[3 * UNIT : 6 * UNIT, x + 11 : x + 13] = 0
    return RenderedStaff(pixels, float(UNIT), 5.0 * UNIT)


def mark(kind: str, seed: int) -> RenderedStaff:
    return add_marks(staff(), replace(NONE, **{kind: 1.0}), np.random.default_rng(seed))


def test_without_marks_pixels_stay() -> None:
    assert np.array_equal(add_marks(staff(), NONE, np.random.default_rng(0)).pixels, staff().pixels)
    none = ClutterRates(share=0.0)
    assert np.array_equal(add_marks(staff(), none, np.random.default_rng(0)).pixels, staff().pixels)


@pytest.mark.parametrize("kind", MARKS)
def test_every_kind_shows_and_repeats_itself(kind: str) -> None:
    shown = [mark(kind, seed).pixels for seed in range(6)]
    again = [mark(kind, seed).pixels for seed in range(6)]
    assert all(np.array_equal(one, other) for one, other in zip(shown, again, strict=True))
    clean = (staff().pixels < 250).sum()
    assert sum(int((pixels < 250).sum() > clean) for pixels in shown) >= 5


@pytest.mark.parametrize("kind", MARKS)
def test_the_music_stays_and_is_found(kind: str) -> None:
    for seed in range(6):
        marked = mark(kind, seed)
        height, width = marked.pixels.shape
        first = round(marked.top_line) - 5 * UNIT
        inside = marked.pixels[first : first + 14 * UNIT]
        before = width - staff().pixels.shape[1]
        lefts = [
            left
            for left in range(before + 1)
            if (inside[:, left : left + 500][staff().pixels < 255] < 60).all()
        ]
        assert lefts, "ink of the staff is gone"
        (found,) = find_staves(PageImage(marked.pixels, "staff.png", width, height))
        assert found.interline == pytest.approx(UNIT, rel=0.05)
