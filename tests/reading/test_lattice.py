"""Islands between sure blanks, and their readings."""

from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from omrcli.reading.decoding import decode_greedy
from omrcli.reading.lattice import LatticeOptions, find_islands

BLANK = 3


def frames(*rows: tuple[float, ...]) -> NDArray[np.float32]:
    """Log-probabilities of three classes; the blank gets the rest."""
    full = [(*row, 1 - sum(row)) for row in rows]
    return np.log(np.array(full, dtype=np.float64) + 1e-9).astype(np.float32)


NOTHING = (0.0, 0.0, 0.0)


def test_a_sure_staff_has_one_reading_an_island_and_no_island_where_nothing_is() -> None:
    log_probs = frames(NOTHING, (0.99, 0, 0), NOTHING, NOTHING, (0, 0.5, 0), (0, 0.995, 0), NOTHING)
    islands = find_islands(log_probs, BLANK)
    assert [(i.start, i.end) for i in islands] == [(1, 2), (4, 6)]
    assert [i.readings[0].labels for i in islands] == [(0,), (1,)]
    assert all(i.is_sure for i in islands)
    assert find_islands(frames(NOTHING, NOTHING), BLANK) == []


def test_readings_are_ranked_and_those_beyond_the_margin_left_out() -> None:
    log_probs = frames(NOTHING, (0.6, 0.392, 0.004), NOTHING)
    (island,) = find_islands(log_probs, BLANK)
    assert [reading.labels for reading in island.readings] == [(0,), (1,)]
    assert math.isclose(math.exp(island.readings[1].log_probability), 0.392, rel_tol=1e-3)
    assert math.isclose(island.mass, 0.992, rel_tol=1e-3)
    (sure,) = find_islands(log_probs, BLANK, LatticeOptions(least_share=0.7))
    assert [reading.labels for reading in sure.readings] == [(0,)]


def test_one_likely_class_may_still_be_none_or_two() -> None:
    (maybe,) = find_islands(frames(NOTHING, (0.8, 0, 0), NOTHING), BLANK)
    assert [reading.labels for reading in maybe.readings] == [(0,), ()]
    (twice,) = find_islands(frames((0.99, 0, 0), (0.4, 0, 0), (0.99, 0, 0)), BLANK)
    assert [reading.labels for reading in twice.readings] == [(0, 0), (0,)]


@given(st.integers(0, 10_000), st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_islands_hold_every_likely_reading_of_the_staff(seed: int, count: int) -> None:
    """The best combination of readings is the labelling of the highest probability."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        rows.append(
            tuple(rng.dirichlet((0.3, 0.3, 0.3, 0.3))[:3]) if rng.random() < 0.6 else NOTHING
        )
    log_probs = frames(*rows)
    everything = LatticeOptions(1e-7, 10_000, 10_000, 1e-9)
    islands = find_islands(log_probs, BLANK, everything)
    found = tuple(label for island in islands for label in island.readings[0].labels)
    masses: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(4), repeat=min(count, 6)) if count <= 6 else ():
        mass = math.exp(sum(float(log_probs[t, c]) for t, c in enumerate(path)))
        key = tuple(label for label, _ in itertools.groupby(path) if label != BLANK)
        masses[key] = masses.get(key, 0.0) + mass
    if masses:
        assert masses[found] >= max(masses.values()) * (1 - 1e-3)
    for unit in decode_greedy(log_probs, BLANK):
        assert any(i.start <= unit.start and unit.end <= i.end for i in islands)
