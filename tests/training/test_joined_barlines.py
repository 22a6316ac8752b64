"""Barlines drawn on to other staves."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from omrcli.training.joined_barlines import find_barlines, join_barlines

TOP, UNIT = 84, 12


def draw_staff() -> np.ndarray:
    """A staff with a thin barline at 100, a final one at 300, and a stem of just its height."""
    pixels = np.zeros((216, 340), np.uint8)
    for line in range(5):
        pixels[TOP + line * UNIT, 10:310] = 255
    pixels[TOP : TOP + 4 * UNIT + 1, 100:102] = 255
    pixels[TOP : TOP + 4 * UNIT + 1, 298:300] = 255
    pixels[TOP : TOP + 4 * UNIT + 1, 303:309] = 255
    pixels[TOP : TOP + 4 * UNIT + 1, 200] = 255
    pixels[TOP + 3 * UNIT : TOP + 4 * UNIT, 188:200] = 255  # its head
    pixels[TOP - 30 : TOP + 4 * UNIT + 1, 250] = 255  # a longer stem
    return pixels


def test_strokes_from_line_to_line_are_barlines_and_stems_are_not() -> None:
    assert list(find_barlines(draw_staff(), TOP, UNIT)) == [(100, 102), (298, 300), (303, 309)]


def test_they_reach_another_staff_and_nothing_else_changes() -> None:
    pixels, sides = draw_staff(), set()
    for seed in range(20):
        drawn = join_barlines(pixels, TOP, UNIT, np.random.default_rng(seed))
        changed = drawn != pixels
        assert set(np.flatnonzero(changed.any(axis=0))) <= {100, 101, 298, 299, *range(303, 309)}
        assert not changed[TOP : TOP + 4 * UNIT + 1].any()
        above, below = changed[:TOP, 100].sum(), changed[TOP + 4 * UNIT :, 100].sum()
        assert max(above, below) >= 2 * UNIT - 1
        sides.add((bool(above), bool(below)))
    assert sides == {(True, False), (False, True), (True, True)}
