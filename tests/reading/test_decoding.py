"""CTC decoding against brute force over all paths."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from omrcli.reading.decoding import (
    BeamOptions,
    align_labels,
    decode_beam,
    decode_greedy,
    decode_units,
    search_prefixes,
)


def _collapse(path: tuple[int, ...], blank: int) -> tuple[int, ...]:
    return tuple(label for label, _ in itertools.groupby(path) if label != blank)


def _log_probs(seed: int, frames: int, classes: int) -> NDArray[np.float32]:
    logits = np.random.default_rng(seed).normal(scale=2, size=(frames, classes))
    return (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).astype(np.float32)


def _labellings(log_probs: NDArray[np.float32], blank: int) -> dict[tuple[int, ...], float]:
    found: dict[tuple[int, ...], float] = {}
    frames, classes = log_probs.shape
    for path in itertools.product(range(classes), repeat=frames):
        mass = float(np.exp(sum(log_probs[t, c] for t, c in enumerate(path))))
        key = _collapse(path, blank)
        found[key] = found.get(key, 0.0) + mass
    return found


cases = {
    "seed": st.integers(0, 10_000),
    "frames": st.integers(1, 5),
    "classes": st.integers(2, 4),
    "first": st.booleans(),
}


@given(**cases)
@settings(max_examples=60, deadline=None)
def test_greedy_is_the_best_path(seed: int, frames: int, classes: int, first: bool) -> None:
    log_probs = _log_probs(seed, frames, classes)
    blank = 0 if first else classes - 1
    paths = itertools.product(range(classes), repeat=frames)
    best = max(paths, key=lambda path: sum(log_probs[t, c] for t, c in enumerate(path)))
    units = decode_greedy(log_probs, blank)
    assert tuple(unit.index for unit in units) == _collapse(best, blank)
    for unit in units:
        assert set(best[unit.start : unit.end]) == {unit.index}
        assert np.isclose(
            unit.confidence, np.exp(log_probs[unit.start : unit.end, unit.index]).max()
        )


@given(**cases)
@settings(max_examples=60, deadline=None)
def test_a_wide_beam_finds_the_best_labelling(
    seed: int, frames: int, classes: int, first: bool
) -> None:
    log_probs = _log_probs(seed, frames, classes)
    blank = 0 if first else classes - 1
    masses = _labellings(log_probs, blank)
    options = BeamOptions(width=2000, least_probability=1e-30)
    (labels, score), *_ = search_prefixes(log_probs, blank, options)
    assert np.isclose(np.exp(score), max(masses.values()), rtol=1e-4)
    assert np.isclose(masses[labels], max(masses.values()), rtol=1e-4)
    units = decode_beam(log_probs, blank, options)
    assert tuple(unit.index for unit in units) == labels


@given(**cases)
@settings(max_examples=60, deadline=None)
def test_alignment_is_the_best_path_that_spells_the_labels(
    seed: int, frames: int, classes: int, first: bool
) -> None:
    log_probs = _log_probs(seed, frames, classes)
    blank = 0 if first else classes - 1
    labels = max(_labellings(log_probs, blank).items(), key=lambda item: item[1])[0]
    spelling = [
        path
        for path in itertools.product(range(classes), repeat=frames)
        if _collapse(path, blank) == labels
    ]
    best = max(spelling, key=lambda path: sum(log_probs[t, c] for t, c in enumerate(path)))
    spans = align_labels(log_probs, labels, blank)
    rebuilt = [blank] * frames
    for label, (start, end) in zip(labels, spans, strict=True):
        assert start < end
        rebuilt[start:end] = [label] * (end - start)
    score = sum(log_probs[t, c] for t, c in enumerate(rebuilt))
    assert np.isclose(score, sum(log_probs[t, c] for t, c in enumerate(best)), rtol=1e-4)


def test_beam_one_is_greedy_and_no_frames_give_nothing() -> None:
    log_probs = _log_probs(1, 30, 5)
    assert decode_units(log_probs, 4, beam=1) == decode_greedy(log_probs, 4)
    assert decode_greedy(np.zeros((0, 3), np.float32), 2) == []
    sure = np.log(
        np.array([[0.98, 0.01, 0.01], [0.01, 0.01, 0.98], [0.98, 0.01, 0.01]], np.float32)
    )
    assert decode_units(sure, 2, beam=4) == decode_units(sure, 2, beam=1)


@pytest.mark.parametrize("odd", [-np.inf, np.nan, np.inf, 1e30])
@pytest.mark.parametrize("beam", [1, 4])
def test_frames_in_which_nothing_is_possible(odd: float, beam: int) -> None:
    certain = np.log(np.array([[0.9, 0.05, 0.05], [0.05, 0.05, 0.9]], np.float32))
    table = np.concatenate([certain, np.full((1, 3), odd, np.float32), certain])
    units = decode_units(table, 2, beam)
    assert units
    assert all(0 <= unit.confidence <= 1 and unit.index < 2 for unit in units)
    assert not decode_units(np.full((1, 1), odd, np.float32), 0, beam)
