"""Measures fill exactly, whatever the meter."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omrcli.synth.rhythm import SHORTEST, Dice, Palette, beat_of, can_fill, fill_measure
from omrcli.tokens import TimeSignature, parse_symbol

lengths = st.integers(1, 200).map(lambda count: count * SHORTEST)
palettes = st.builds(
    Palette,
    st.sampled_from([2.0**n for n in range(-5, 5)]),
    st.floats(0, 1),
    st.floats(0, 1),
)


@settings(deadline=None, max_examples=50)
@given(lengths, lengths, palettes, st.integers(0, 2**32))
def test_durations_sum_to_the_measure(
    length: Fraction, beat: Fraction, palette: Palette, seed: int
) -> None:
    filled = fill_measure(length, beat, palette, Dice(np.random.default_rng(seed)))
    assert sum(duration.quarters for duration in filled) == length
    assert all(parse_symbol(f"rest-{duration}").duration == duration for duration in filled)


def test_usual_durations_are_usual() -> None:
    dice = Dice(np.random.default_rng(0))
    drawn = [
        str(duration)
        for _ in range(200)
        for duration in fill_measure(Fraction(4), Fraction(1), Palette(0.5, 0.1), dice)
    ]
    assert max(set(drawn), key=drawn.count) == "eighth"
    assert not any(":" in text for text in drawn)


def test_tuplets_come_when_asked_for() -> None:
    dice = Dice(np.random.default_rng(0))
    filled = fill_measure(Fraction(16), Fraction(1), Palette(1.0, 0.0, 1.0), dice)
    assert any(duration.tuplet == (3, 2) for duration in filled)


@pytest.mark.parametrize(
    ("meter", "beat"), [("4/4", 1), ("6/8", Fraction(3, 2)), ("C/", 2), ("3/8", Fraction(3, 2))]
)
def test_beats(meter: str, beat: Fraction) -> None:
    assert beat_of(TimeSignature(meter)) == beat


def test_lengths_that_cannot_be_written() -> None:
    assert can_fill(TimeSignature("24/16").quarters)
    assert not can_fill(TimeSignature("2/3").quarters)
    assert not can_fill(Fraction(0))


def test_dice_follow_their_weights() -> None:
    dice = Dice(np.random.default_rng(0))
    drawn = [dice.pick("abc", (0, 1, 3)) for _ in range(400)]
    assert drawn.count("a") == 0
    assert 2 < drawn.count("c") / drawn.count("b") < 4.5
    assert {dice.below(3) for _ in range(100)} == {0, 1, 2}
