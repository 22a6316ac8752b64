"""Which way up a staff reads better."""

from __future__ import annotations

import numpy as np
import pytest

from omrcli.reading.logits import Logits
from omrcli.upright.orientation import leaves_doubt, reads_better


def frames(first: float, other: float, count: int = 20) -> Logits:
    """A first sign of a probability, then blanks of another; class 0 is the blank."""
    rows = [[1 - first, first]] + [[other, 1 - other]] * (count - 1)
    return Logits(np.log(np.array(rows, np.float32) + np.float32(1e-9)))


@pytest.mark.parametrize(
    ("turned", "upright", "better"),
    [
        ((0.9999, 0.99), (0.8, 0.99), True),
        # A sure clef where one was doubted tells, although the rest reads hardly better.
        ((0.9999, 0.99), (0.975, 0.991), True),
        # The same gain between doubtful signs tells nothing.
        ((0.975, 0.99), (0.96, 0.99), False),
        ((0.9999, 0.98), (0.98, 0.99), False),
        ((0.9999, 0.99), (0.9998, 0.99), False),
    ],
)
def test_staves_read_better_turned(
    turned: tuple[float, float], upright: tuple[float, float], better: bool
) -> None:
    assert reads_better([frames(*turned)], [frames(*upright)], 0) is better


def test_a_sure_first_sign_leaves_no_doubt() -> None:
    assert not leaves_doubt([frames(0.9999, 0.99)], 0)
    assert leaves_doubt([frames(0.98, 0.99)], 0)
    assert not leaves_doubt([], 0)
