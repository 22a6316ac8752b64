"""Changes put into excerpts: the music stays, its writing changes, and it can be engraved."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omrcli.synth.compose import ComposeOptions, compose_tokens
from omrcli.synth.rhythm import Dice
from omrcli.synth.variation import vary_excerpt
from omrcli.tokens import Barline, Clef, KeySignature, Note, parse_symbol

TUNE = [
    "clef-F4",
    "keySignature-GM",
    "timeSignature-4/4",
    "note-G3_quarter",
    "note-A3_quarter",
    "note-B3_half",
    "barline",
    "note-C4_quarter",
    "note-D4_quarter",
    "note-E4_half",
    "tie",
    "barline",
    "note-E4_whole",
    "barline",
]


def vary(texts: list[str], seed: int) -> list[str]:
    return vary_excerpt(texts, Dice(np.random.default_rng(seed)))


def is_sounding(text: str) -> bool:
    return text.startswith(("note", "gracenote", "rest", "multirest", "tie"))


@given(st.integers(0, 10_000))
def test_music_stays(seed: int) -> None:
    texts = compose_tokens(np.random.default_rng(seed), ComposeOptions(max_tokens=30))
    changed = vary(texts, seed)
    assert [t for t in changed if is_sounding(t)] == [t for t in texts if is_sounding(t)]
    assert changed[0] == texts[0]


@given(st.integers(0, 10_000))
def test_notes_keep_near_the_staff_of_a_new_clef(seed: int) -> None:
    clef = Clef("F", 4)
    for symbol in map(parse_symbol, vary(TUNE, seed)):
        if isinstance(symbol, Clef):
            clef = symbol
        elif isinstance(symbol, Note):
            assert -6 <= symbol.pitches[0].diatonic - clef.bottom_line <= 14


def test_every_kind_of_change_comes() -> None:
    seen: Counter[str] = Counter()
    for seed in range(80):
        changed = vary(TUNE, seed)
        symbols = [parse_symbol(text) for text in changed]
        seen["clef"] += sum(isinstance(s, Clef) for s in symbols[1:-1]) > 0
        seen["key"] += sum(isinstance(s, KeySignature) for s in symbols[2:]) > 0
        seen["warning"] += not isinstance(symbols[-1], Barline)
        seen.update({s.kind for s in symbols if isinstance(s, Barline)})
    assert set(seen) == {
        *("clef", "key", "warning"),
        *("single", "double", "final", "repeat-start", "repeat-end", "repeat-both"),
    }
    assert min(seen.values()) > 1


def test_a_change_is_neither_within_a_tie_nor_among_graces() -> None:
    tied = ["clef-F4", "note-G3_half", "tie", "note-G3_half", "gracenote-A3_eighth", "note-B3_half"]
    changed = [vary(tied, seed) for seed in range(60)]
    assert any("clef-" in text for c in changed for text in c[1:])
    for texts in changed:
        for before, after in pairwise(texts):
            assert not (after.startswith("clef") and before.startswith(("tie", "gracenote")))


def test_changed_excerpts_can_be_engraved() -> None:
    render = pytest.importorskip("omrcli.synth.render")
    pytest.importorskip("verovio")
    pytest.importorskip("resvg_py")
    for seed in range(12):
        staff = render.render_staff(vary(TUNE, seed), render.EngravingStyle())
        assert staff.pixels.min() < 128
