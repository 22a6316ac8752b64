from __future__ import annotations

import numpy as np
import pytest

from omrcli.upright.paper import find_sheet
from tests.drawn import draw_page


@pytest.mark.parametrize("table", [0, 60, 150])
def test_a_sheet_on_a_table_is_found(table: int) -> None:
    drawn = draw_page(4)
    height, width = drawn.shape
    photo = np.pad(drawn, ((100, 50), (80, 300)), constant_values=table)
    box = find_sheet(photo)
    assert box is not None
    assert np.allclose(box, (80, 100, 80 + width, 100 + height), atol=6)


def test_a_page_that_fills_the_picture_is_no_sheet_in_it() -> None:
    assert find_sheet(draw_page(4)) is None


def test_neither_a_shadow_nor_an_askew_sheet_is_taken_for_one() -> None:
    drawn = draw_page(4)
    width = drawn.shape[1]
    shadow = np.interp(np.arange(width), [0.4 * width, 0.7 * width], [1.0, 0.4])
    assert find_sheet((drawn * shadow).astype(np.uint8)) is None
    askew = np.zeros((500, 500), np.uint8)
    for row in range(400):
        askew[row + 50, row // 2 : row // 2 + 200] = 250
    assert find_sheet(askew) is None
