"""Octave clefs, percussion staves, measure repeats and slashes put into excerpts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omrcli.reading.alphabet import PositionalCodec
from omrcli.synth.compose import ComposeOptions, compose_tokens
from omrcli.synth.rhythm import Dice
from omrcli.synth.uncommon_notation import notate_uncommonly
from omrcli.tokens import (
    Clef,
    KeySignature,
    MeasureRepeat,
    Note,
    PercussionClef,
    Slash,
    parse_symbol,
)

SEEDS = st.integers(0, 10_000)
TUNE = [
    *("clef-F4", "keySignature-GM", "timeSignature-6/8"),
    *("note-G3_quarter.", "note-A3_quarter.", "barline", "note-B3_quarter.", "note-A3_quarter."),
    *("barline", "note-C4_quarter.", "note-D4_quarter.", "tie", "barline", "note-D4_half."),
    *("barline", "note-G3_half.", "barline-final"),
]


def rewrite(texts: list[str], seed: int) -> list[str]:
    return notate_uncommonly(texts, Dice(np.random.default_rng(seed)))


def places(texts: list[str]) -> list[tuple[int, ...]]:
    """The staff positions of all notes."""
    bottom, found = Clef("G", 2).bottom_line, []
    for symbol in map(parse_symbol, texts):
        if isinstance(symbol, Clef):
            bottom = symbol.bottom_line
        elif isinstance(symbol, Note):
            found.append(tuple(pitch.diatonic - bottom for pitch in symbol.pitches))
    return found


@given(SEEDS)
def test_the_positional_alphabet_can_say_it(seed: int) -> None:
    texts = rewrite(compose_tokens(np.random.default_rng(seed), ComposeOptions(30)), seed)
    codec = PositionalCodec()
    assert codec.encode(texts)


@given(SEEDS)
def test_notes_under_other_clefs_keep_their_places(seed: int) -> None:
    texts = rewrite(TUNE, seed)
    if not {"measure-repeat", "slash"} & set(texts):
        assert places(texts) == places(TUNE)


@given(SEEDS)
def test_a_percussion_staff_has_neither_key_nor_accidentals(seed: int) -> None:
    symbols = [parse_symbol(text) for text in rewrite(TUNE, seed)]
    if PercussionClef() in symbols:
        assert symbols[0] == PercussionClef()
        assert not any(isinstance(symbol, (Clef, KeySignature)) for symbol in symbols)
        notes = [symbol for symbol in symbols if isinstance(symbol, Note)]
        assert not any(pitch.alter for note in notes for pitch in note.pitches)


@given(SEEDS)
def test_shorthand_fills_whole_measures_and_breaks_no_tie(seed: int) -> None:
    texts = rewrite(TUNE, seed)
    kept = [text for text in TUNE if text.startswith(("tie", "barline"))]
    assert [text for text in texts if text.startswith(("tie", "barline"))][-1] == kept[-1]
    for place, symbol in enumerate(map(parse_symbol, texts)):
        if isinstance(symbol, MeasureRepeat):
            assert {texts[place - 1], texts[place + 1]} <= {"barline", "barline-final"}
        if isinstance(symbol, (MeasureRepeat, Slash)):
            assert "tie" not in (texts[place - 1], texts[place + 1])
    if "tie" in texts:
        place = texts.index("tie")
        assert texts[place - 1][:6] == texts[place + 2][:6] == "note-D"


def test_each_kind_comes_up() -> None:
    drawn = {text for seed in range(60) for text in rewrite(TUNE, seed)}
    assert {"measure-repeat", "slash", "clef-percussion", "clef-F4_8vb"} <= drawn
    two = next(texts for seed in range(200) if "slash" in (texts := rewrite(TUNE, seed)))
    measures = " ".join(two).split("barline")
    assert all(measure.split().count("slash") in (0, 2) for measure in measures)


def test_verovio_draws_every_sign() -> None:
    pytest.importorskip("verovio")
    from omrcli.synth.render import render_staff

    for seed in range(12):
        assert render_staff(rewrite(TUNE, seed)).pixels.min() < 128
