"""What is drawn at the left end of stored staves."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from omrcli.training.staff_start import (
    draw_measure_number,
    draw_system_line,
    find_left_end,
)

TOP, UNIT, LEFT = 84, 12, 20


def draw_staff() -> np.ndarray:
    pixels = np.zeros((216, 400), np.uint8)
    for line in range(5):
        pixels[TOP + line * UNIT, LEFT:380] = 255
    return pixels


def test_the_left_end_is_where_the_lines_begin() -> None:
    assert find_left_end(draw_staff(), TOP, UNIT) == LEFT
    assert find_left_end(np.zeros_like(draw_staff()), TOP, UNIT) is None


def test_a_measure_number_stands_above_the_left_end_and_covers_nothing() -> None:
    staff, widths = draw_staff(), set()
    for seed in range(30):
        drawn = draw_measure_number(staff, TOP, UNIT, np.random.default_rng(seed))
        rows, columns = np.nonzero(drawn != staff)
        assert len(rows)
        assert rows.max() < TOP
        assert columns.min() >= LEFT - 2 * UNIT
        assert columns.max() < LEFT + 10 * UNIT
        assert (drawn >= staff).all()
        widths.add(int(np.ptp(columns)))
    assert len(widths) > 5  # numbers of one to three digits in several sizes


def test_a_system_line_runs_from_the_staff_or_through_the_picture() -> None:
    tops = set()
    for seed in range(20):
        drawn = draw_system_line(draw_staff(), TOP, UNIT, np.random.default_rng(seed))
        rows = np.flatnonzero(drawn[:, LEFT])
        assert rows.min() <= TOP
        assert rows.max() >= TOP + 4 * UNIT - 1
        tops.add(int(rows.min()))
    assert tops == {0, TOP}


def test_nothing_is_drawn_where_there_is_no_staff() -> None:
    empty = np.zeros_like(draw_staff())
    rng = np.random.default_rng(0)
    assert draw_measure_number(empty, TOP, UNIT, rng) is empty
    assert draw_system_line(empty, TOP, UNIT, rng) is empty
