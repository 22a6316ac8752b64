"""Composed staves are grammatical, fill their meters and reach the whole vocabulary."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omrcli.errors import UsageError
from omrcli.reading.alphabet import PositionalCodec
from omrcli.synth.compose import ComposeOptions, compose_many, compose_tokens
from omrcli.synth.excerpts import split_measures
from omrcli.synth.rhythm import can_fill
from omrcli.tokens import (
    Barline,
    Clef,
    KeySignature,
    Multirest,
    Note,
    Rest,
    Symbol,
    Tie,
    TimeSignature,
    parse_symbol,
)

VOCABULARY = Path(__file__).parents[3] / "shared/corpora/primus_vocabulary_semantic.txt"
seeds = st.integers(0, 2**32)


def compose(seed: int, **options: float) -> list[str]:
    return compose_tokens(np.random.default_rng(seed), ComposeOptions(**options))  # type: ignore[arg-type]


def symbols_of(texts: list[str]) -> list[Symbol]:
    return [parse_symbol(text) for text in texts]


def length_of(measure: list[str]) -> Fraction | None:
    """Quarters of the notes and rests in a measure; None where a sign stands for a whole one."""
    timed = [s for s in symbols_of(measure) if isinstance(s, (Note, Rest, Multirest))]
    if any(isinstance(s, Multirest) for s in timed) or timed == [parse_symbol("rest-whole")]:
        return None
    return sum(
        (s.duration.quarters for s in timed if not (isinstance(s, Note) and s.grace)), Fraction(0)
    )


@settings(deadline=None, max_examples=40)
@given(seeds)
def test_staves_are_grammatical(seed: int) -> None:
    texts = compose(seed)
    symbols = symbols_of(texts)
    assert [str(symbol) for symbol in symbols] == texts
    assert isinstance(symbols[0], Clef)
    assert any(isinstance(s, (Note, Rest, Multirest)) for s in symbols)
    assert isinstance(symbols[-1], (Note, Rest, Multirest, Barline))
    assert symbols[-1] != Barline("repeat-start")
    assert len(texts) <= ComposeOptions().max_tokens


@settings(deadline=None, max_examples=40)
@given(seeds)
def test_ties_lead_to_the_same_pitches(seed: int) -> None:
    symbols = symbols_of(compose(seed, ties=1, rests=0, chords=0.5, changes=1))
    for index, symbol in enumerate(symbols):
        if isinstance(symbol, Tie):
            start = symbols[index - 1]
            end = next(s for s in symbols[index + 1 :] if not isinstance(s, Barline))
            assert isinstance(start, Note)
            assert isinstance(end, Note)
            assert start.pitches == end.pitches


@settings(deadline=None, max_examples=40)
@given(seeds)
def test_measures_fill_their_meter(seed: int) -> None:
    texts = compose(seed, free=0, pickups=0, continued=0, tuplets=0.5, changes=1, max_tokens=200)
    meter = None
    measures = split_measures(texts)
    closed = measures if isinstance(parse_symbol(texts[-1]), Barline) else measures[:-1]
    for measure in closed:
        for symbol in symbols_of(measure):
            meter = symbol if isinstance(symbol, TimeSignature) else meter
        length = length_of(measure)
        if meter and length and can_fill(meter.quarters):
            assert length == meter.quarters


@settings(deadline=None, max_examples=40)
@given(seeds)
def test_multirests_stand_alone(seed: int) -> None:
    for measure in split_measures(compose(seed, multirests=1)):
        symbols = symbols_of(measure)
        if any(isinstance(s, Multirest) for s in symbols):
            assert sum(isinstance(s, (Note, Rest, Multirest)) for s in symbols) == 1


@settings(deadline=None, max_examples=40)
@given(seeds)
def test_a_cancelled_key_was_there(seed: int) -> None:
    keys = [s for s in symbols_of(compose(seed, changes=1)) if isinstance(s, KeySignature)]
    assert not keys or keys[0].fifths != 0
    assert all(one != other for one, other in pairwise(keys))


def test_the_positional_alphabet_spells_and_reads_them_all() -> None:
    from omrcli.reading.decoding import Unit

    codec = PositionalCodec()
    for texts in compose_many(5, 200):
        units = [Unit(index, 1.0, 0, 0) for index in codec.encode(texts)]
        assert [token.text for token in codec.decode(units)] == texts


def test_equal_seeds_give_equal_staves() -> None:
    first, again = list(compose_many(3, 20)), list(compose_many(3, 20))
    assert first == again
    assert list(compose_many(3, 10)) == first[:10]
    assert list(compose_many(4, 20)) != first
    assert len({tuple(texts) for texts in first}) == 20


def test_lengths_are_those_of_incipits() -> None:
    lengths = sorted(len(texts) for texts in compose_many(1, 300))
    assert 18 <= lengths[150] <= 34
    assert lengths[15] >= 8
    assert lengths[285] <= 70


def test_shares_of_zero_leave_out() -> None:
    shares = [item.name for item in fields(ComposeOptions) if not item.name.endswith("_tokens")]
    plain = ComposeOptions(**dict.fromkeys(shares, 0.0))  # type: ignore[arg-type]
    texts = {text for staff in compose_many(0, 100, plain) for text in staff}
    assert not any("|" in text or ":" in text or "fermata" in text for text in texts)
    kinds = {type(parse_symbol(text)) for text in texts}
    assert kinds == {Clef, KeySignature, TimeSignature, Note, Barline}
    assert {text for text in texts if "bar" in text or "repeat" in text} == {"barline"}


@pytest.mark.parametrize("values", [{"ties": 1.1}, {"chords": -0.1}, {"min_tokens": 80}])
def test_options_out_of_range(values: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        ComposeOptions(**values)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.skipif(not VOCABULARY.exists(), reason="the PrIMuS vocabulary is not at hand")
def test_the_vocabulary_is_reached() -> None:
    vocabulary = set(VOCABULARY.read_text(encoding="utf-8").split())
    counts = Counter(text for staff in compose_many(1, 3000) for text in staff)
    reached = vocabulary & counts.keys()
    assert len(reached) > 0.8 * len(vocabulary)
    for kind in ("clef", "keySignature", "timeSignature", "barline", "tie"):
        assert {text for text in vocabulary if text.startswith(kind)} <= reached
