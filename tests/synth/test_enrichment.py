"""Chords, ties and grace notes put into excerpts: measures keep their length, ties their pitch."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omrcli.reading.alphabet import PositionalCodec
from omrcli.reading.decoding import Unit
from omrcli.synth.compose import ComposeOptions, compose_tokens
from omrcli.synth.enrichment import enrich_excerpt
from omrcli.synth.rhythm import Dice
from omrcli.tokens import Barline, Clef, Note, Rest, Symbol, Tie, parse_symbol

TUNE = [
    "clef-G2",
    "keySignature-EbM",
    "timeSignature-4/4",
    *["note-G4_quarter", "note-A4_quarter", "note-Bb4_half", "barline"] * 3,
    *["note-C5_quarter", "rest-quarter", "note-Eb5_half", "tie", "barline", "note-Eb5_whole"],
]


def enrich(texts: list[str], seed: int) -> list[Symbol]:
    return [parse_symbol(t) for t in enrich_excerpt(texts, Dice(np.random.default_rng(seed)))]


def lengths(symbols: list[Symbol]) -> list[Fraction]:
    sums = [Fraction(0)]
    for symbol in symbols:
        if isinstance(symbol, Barline):
            sums.append(Fraction(0))
        elif isinstance(symbol, Rest) or (isinstance(symbol, Note) and not symbol.grace):
            sums[-1] += symbol.duration.quarters
    return sums


@given(st.integers(0, 10_000))
def test_measures_keep_their_length_and_signs_their_place(seed: int) -> None:
    texts = compose_tokens(np.random.default_rng(seed), ComposeOptions(max_tokens=30))
    before, after = [parse_symbol(text) for text in texts], enrich(texts, seed)
    assert lengths(after) == lengths(before)
    kept = [s for s in after if not isinstance(s, (Note, Tie))]
    assert kept == [s for s in before if not isinstance(s, (Note, Tie))]


@given(st.integers(0, 10_000))
def test_a_tie_that_was_put_in_joins_equal_pitches(seed: int) -> None:
    symbols = [s for s in enrich(TUNE, seed) if not isinstance(s, Barline)]
    sounding = [s for s in symbols if not (isinstance(s, Note) and s.grace)]
    for before, tie, after in zip(sounding, sounding[1:], sounding[2:], strict=False):
        if isinstance(tie, Tie):
            assert isinstance(before, Note)
            assert isinstance(after, Note)
            assert set(before.pitches) & set(after.pitches)


@given(st.integers(0, 10_000))
def test_chords_are_written_from_low_to_high_without_doubles(seed: int) -> None:
    for symbol in enrich(TUNE, seed):
        if isinstance(symbol, Note):
            assert all(low.diatonic < high.diatonic for low, high in pairwise(symbol.pitches))


@given(st.integers(0, 10_000))
def test_the_positional_alphabet_can_say_what_was_put_in(seed: int) -> None:
    codec = PositionalCodec()
    texts = [str(symbol) for symbol in enrich(TUNE, seed)]
    units = [Unit(index, 1.0, 0, 0) for index in codec.encode(texts)]
    assert [token.text for token in codec.decode(units)] == texts


@pytest.mark.parametrize("kind", ["chord", "tie", "grace"])
def test_every_kind_is_put_in(kind: str) -> None:
    def counts(symbols: list[Symbol]) -> int:
        notes = [s for s in symbols if isinstance(s, Note)]
        return {
            "chord": sum(len(note.pitches) > 1 for note in notes),
            "tie": sum(isinstance(s, Tie) for s in symbols) - TUNE.count("tie"),
            "grace": sum(note.grace for note in notes),
        }[kind]

    assert sum(counts(enrich(TUNE, seed)) for seed in range(60)) > 20


def test_an_excerpt_without_notes_comes_back() -> None:
    texts = ["clef-F4", "timeSignature-C", "rest-whole", "barline"]
    for seed in range(20):
        assert [str(s) for s in enrich(texts, seed)] == texts


def test_added_members_stay_near_the_staff() -> None:
    for seed in range(200):
        bottom = Clef("G", 2).bottom_line
        for symbol in enrich(TUNE, seed):
            if isinstance(symbol, Note):
                assert all(-7 <= p.diatonic - bottom <= 15 for p in symbol.pitches)
