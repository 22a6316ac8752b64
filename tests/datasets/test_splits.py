"""Samples of a small vocabulary, and parts that share their rare tokens."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omrcli.datasets.splits import (
    SplitOptions,
    TokenSets,
    draw_sample_ids,
    narrow_vocabulary,
    split_samples,
)
from omrcli.errors import InputError, UsageError

sets = st.lists(st.frozensets(st.sampled_from("abcdefgh"), min_size=1), min_size=4, max_size=30)


def make_samples(number: int, seed: int = 0) -> dict[str, frozenset[str]]:
    """Samples with a long tail: token k is about as frequent as 1 / (k + 1)."""
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(1, 201)
    drawn = [rng.choice(200, 12, p=weights / weights.sum()) for _ in range(number)]
    return {f"s{k}": frozenset(f"t{token}" for token in row) for k, row in enumerate(drawn)}


def union(samples: TokenSets, names: list[str]) -> set[str]:
    return {token for name in names for token in samples[name]}


def test_a_draw_has_a_small_vocabulary() -> None:
    samples = make_samples(600)
    names = draw_sample_ids(samples, 30, 60)
    assert len(set(names)) == 30
    assert len(union(samples, names)) <= 60
    assert len(union(samples, draw_sample_ids(samples, 30, None))) > 60


@given(sets, st.integers(1, 8))
def test_a_narrow_vocabulary_spells_something_or_nothing(
    tokens: list[frozenset[str]], size: int
) -> None:
    samples = dict(enumerate_names(tokens))
    assert len(narrow_vocabulary(samples, size)) <= size
    assert narrow_vocabulary(samples, 8) == union(samples, list(samples))


def enumerate_names(tokens: list[frozenset[str]]) -> list[tuple[str, frozenset[str]]]:
    return [(f"s{k}", one) for k, one in enumerate(tokens)]


def test_what_few_samples_hold_is_given_up_first() -> None:
    common = {f"s{k}": frozenset("ab") for k in range(5)}
    samples = common | {"x": frozenset("abcd"), "y": frozenset("e"), "z": frozenset("e")}
    assert narrow_vocabulary(samples, 3) == {"a", "b", "e"}
    assert narrow_vocabulary(samples, 2) == {"a", "b"}


def test_draws_depend_on_the_seed_alone() -> None:
    samples = make_samples(300)
    backwards = dict(reversed(samples.items()))
    assert draw_sample_ids(samples, 9, 80, 4) == draw_sample_ids(backwards, 9, 80, 4)
    assert draw_sample_ids(samples, 9, 80, 4) != draw_sample_ids(samples, 9, 80, 5)


def test_too_few_samples_are_told() -> None:
    with pytest.raises(InputError, match="Only 0 of 3 samples can be had with at most 2"):
        draw_sample_ids({name: frozenset(name + "12") for name in "abc"}, 2, 2)
    with pytest.raises(InputError, match=r"Only 1 of 1 samples can be had;"):
        draw_sample_ids({"a": frozenset("x")}, 2, None)
    with pytest.raises(UsageError):
        draw_sample_ids({}, 0, None)


@given(sets, st.integers(0, 9))
def test_parts_are_all_samples_once(tokens: list[frozenset[str]], seed: int) -> None:
    samples = dict(enumerate_names(tokens))
    parts = split_samples(samples, SplitOptions(0.3, 0, seed))
    names = [name for part in parts.values() for name in part]
    assert sorted(names) == sorted(samples)
    assert len(parts["test"]) == round(0.3 * len(samples))


def test_rare_tokens_are_in_training_and_test_alike() -> None:
    samples = make_samples(500)
    parts = split_samples(samples, SplitOptions(0.2, 0.1))
    assert [len(parts[name]) for name in ("train", "validation", "test")] == [350, 50, 100]
    counts = Counter(token for one in samples.values() for token in one)
    train, test = (Counter(t for n in parts[p] for t in samples[n]) for p in ("train", "test"))
    shared = [token for token, count in counts.items() if count >= 2]
    assert all(train[token] for token in counts)
    assert sum(bool(test[token]) for token in shared) >= 0.97 * len(shared)
    for token, count in counts.items():
        if count >= 40:
            assert 0.12 < test[token] / count < 0.3


def test_two_samples_of_a_token_part_company() -> None:
    samples = {f"s{k}": frozenset({"common", f"rare{k // 2}"}) for k in range(20)}
    parts = split_samples(samples, SplitOptions(0.5))
    assert len(union(samples, parts["train"])) == len(union(samples, parts["test"])) == 11


def test_splits_depend_on_the_seed_alone() -> None:
    samples = make_samples(60)
    backwards = dict(reversed(samples.items()))
    assert split_samples(samples) == split_samples(backwards)
    assert split_samples(samples) != split_samples(samples, SplitOptions(seed=1))


def test_impossible_splits_are_told() -> None:
    with pytest.raises(InputError, match="2 samples are too few: test would be empty"):
        split_samples({"a": frozenset("x"), "b": frozenset("x")})
    for shares in ({"test": 1.0}, {"test": -0.1}, {"test": 0.6, "validation": 0.4}):
        with pytest.raises(UsageError):
            SplitOptions(**shares)
