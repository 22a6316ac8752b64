"""The lines that a page is said to have are where its ink is, before and after wear."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("verovio")

from omrcli.synth.pages import TruePage, draw_page, wear_page


def darkness_on_lines(page: TruePage, shift: float) -> float:
    """Mean ink, 0..1, at the points of all lines, moved down by interlines."""
    seen = []
    for staff in page.staves:
        x, y = (
            np.rint(staff.lines + np.array([0, shift * staff.interline]))
            .astype(int)
            .reshape(-1, 2)
            .T
        )
        seen.append(1 - page.pixels[y, x] / 255)
    return float(np.mean(seen))


def test_lines_lie_on_ink() -> None:
    page = draw_page(np.random.default_rng(2), 1754)
    assert len(page.staves) > len({staff.system for staff in page.staves}) > 1
    worn = wear_page(page, np.random.default_rng(7), "scan")
    for each in (page, worn):
        assert darkness_on_lines(each, 0) > darkness_on_lines(each, 0.5) + 0.3


def test_equal_seeds_give_equal_pages() -> None:
    one, two = (draw_page(np.random.default_rng(1), 877) for _ in range(2))
    assert np.array_equal(one.pixels, two.pixels)
