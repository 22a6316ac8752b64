"""Confidence is judged by alignment, sorted into bins, and mended by a rising map."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omrcli.errors import InputError
from omrcli.reading.calibration import (
    Calibration,
    Outcome,
    fit_calibration,
    judge_tokens,
    measure_reliability,
    recalibrate,
)

PROBABILITIES = st.floats(0, 1, allow_nan=False)
MAPS = st.builds(Calibration, st.floats(0.05, 5), st.floats(-5, 5), st.floats(0.5, 1))


def test_substituted_and_inserted_tokens_are_wrong_and_missed_ones_not_judged() -> None:
    truth = ["clef-G2", "note-C4_half", "rest-half", "barline"]
    read = ["clef-G2", "note-D4_half", "barline", "tie"]
    found = judge_tokens(truth, read, [0.9, 0.8, 0.7, 0.6])
    assert found == [
        Outcome(0.9, True),
        Outcome(0.8, False),
        Outcome(0.7, True),
        Outcome(0.6, False),
    ]
    assert judge_tokens(truth, read, [None, 0.8, None, None]) == [Outcome(0.8, False)]
    assert judge_tokens(truth, read, []) == []


def test_bins_hold_their_lower_edge_and_the_last_one_also_its_upper() -> None:
    values = [0.0, 0.49, 0.5, 0.99, 1.0]
    table = measure_reliability(Outcome(value, value > 0.4) for value in values)
    assert table.tokens == 5
    assert (table.unsure.tokens, table.unsure.wrong_share) == (2, 0.5)
    assert (table.sure.low, table.sure.high, table.sure.tokens, table.sure.wrong) == (0.99, 1, 2, 0)
    assert measure_reliability([]).sure.wrong_share is None


@given(st.lists(st.builds(Outcome, PROBABILITIES, st.booleans()), max_size=30))
def test_no_token_is_lost_between_the_bins(outcomes: list[Outcome]) -> None:
    table = measure_reliability(outcomes)
    assert table.tokens == len(outcomes)
    assert sum(item.wrong for item in table.bins) == sum(not item.correct for item in outcomes)


@given(MAPS, PROBABILITIES, PROBABILITIES)
def test_maps_rise_and_stay_in_range(fit: Calibration, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 <= fit.apply(low) <= fit.apply(high) <= 1


@given(PROBABILITIES)
def test_the_default_changes_nothing(value: float) -> None:
    assert Calibration().apply(value) == value


def test_a_fit_mends_a_boaster() -> None:
    draw = random.Random(0)
    truth = Calibration(slope=0.5, offset=-0.3, ceiling=0.98)
    outcomes = []
    for _ in range(6000):
        said = draw.random() ** 0.1
        outcomes.append(Outcome(said, draw.random() < truth.apply(said)))
    fit = fit_calibration(outcomes)
    assert fit.slope == pytest.approx(truth.slope, abs=0.15)
    before = measure_reliability(outcomes).calibration_error
    after = measure_reliability(recalibrate(outcomes, fit)).calibration_error
    assert after < 0.02 < 0.1 < before


def test_too_few_wrong_tokens_are_refused() -> None:
    outcomes = [Outcome(0.9, True)] * 500 + [Outcome(0.4, False)] * 3
    with pytest.raises(InputError, match="500 right and 3 wrong tokens are too few"):
        fit_calibration(outcomes)


@pytest.mark.parametrize("values", [(0.0, 0, 1), (1, float("nan"), 1), (1, 0, 1.5)])
def test_impossible_maps_are_refused(values: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="no rising map"):
        Calibration(*values)
