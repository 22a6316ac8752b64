"""Neighbours show at the edges, and nothing of the staff itself is touched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omrcli.synth.render import RenderedStaff
from omrcli.synth.surroundings import add_neighbours

UNIT = 10


def draw(width: int, above: int, below: int, stems: int) -> RenderedStaff:
    """Five lines with so much paper around them, and notes that stick out as far."""
    pixels = np.full((above + 4 * UNIT + 1 + below, width), 255, np.uint8)
    pixels[above : above + 4 * UNIT + 1 : UNIT] = 0
    for x in range(5, width, 40)[:stems]:
        pixels[:, x] = 60
    return RenderedStaff(pixels, float(UNIT), float(above))


@settings(deadline=None)
@given(
    st.integers(0, 2**32), st.integers(30, 300), st.integers(20, 300), st.integers(0, 90),
    st.integers(0, 90), st.integers(0, 4),
)  # fmt: skip
def test_the_staff_itself_stays(
    seed: int, width: int, other_width: int, above: int, below: int, stems: int
) -> None:
    staff, other = draw(width, above, below, stems), draw(other_width, below, above, stems)
    shown = add_neighbours(staff, other, other, np.random.default_rng(seed))
    first = round(shown.top_line - staff.top_line)
    inner = shown.pixels[first : first + staff.pixels.shape[0]]
    assert shown.pixels.shape[1] == width
    assert np.array_equal(inner[staff.pixels < 255], staff.pixels[staff.pixels < 255])
    lines = (shown.pixels == 0).mean(1) > 0.9
    assert 5 <= lines.sum() <= 9
    assert lines[round(shown.top_line) :][: 4 * UNIT + 1 : UNIT].all()


def test_neighbours_are_seen() -> None:
    staff, other = draw(200, 0, 0, 0), draw(150, 30, 30, 3)
    drawn = [
        add_neighbours(staff, other, other, np.random.default_rng(seed)).pixels
        for seed in range(20)
    ]
    alone = [
        add_neighbours(staff, None, None, np.random.default_rng(seed)).pixels for seed in range(20)
    ]
    more = [
        (one < 255).sum() > (other < 255).sum() for one, other in zip(drawn, alone, strict=True)
    ]
    assert sum(more) > 10


def test_equal_seeds_give_equal_pixels() -> None:
    staff, other = draw(200, 5, 9, 2), draw(150, 30, 30, 3)
    one, same = (add_neighbours(staff, other, None, np.random.default_rng(1)) for _ in range(2))
    assert np.array_equal(one.pixels, same.pixels)


def test_real_staves() -> None:
    pytest.importorskip("verovio")
    from omrcli.synth.render import EngravingStyle, render_staff

    style = EngravingStyle(interline=10)
    staff = render_staff(["clef-G2", "note-A4_quarter", "note-B4_quarter", "barline"], style)
    other = render_staff(["clef-F4", "note-C2_quarter", "note-E4_quarter", "barline"], style)
    shown = add_neighbours(staff, other, other, np.random.default_rng(2))
    assert shown.pixels.shape[0] > staff.pixels.shape[0]
    assert shown.interline == staff.interline
