"""Engravings say what their tokens say: each sign in order, at its height, with its accidental."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omrcli.reading.alphabet import shown_accidentals
from omrcli.synth.compose import ComposeOptions, compose_tokens
from omrcli.tokens import (
    Barline,
    Clef,
    KeySignature,
    Multirest,
    Note,
    Rest,
    TimeSignature,
    parse_symbol,
)
from tests.synth.engraved import read_engraving

pytest.importorskip("verovio")

NAMES = {
    Clef: "clef", KeySignature: "key", TimeSignature: "time", Multirest: "multirest",
    Barline: "barline",
}  # fmt: skip
HEADS = ("quadruple_whole", "double_whole", "whole", "half")


def expect(texts: list[str]) -> list[tuple[object, ...]]:
    """What `read_engraving` should find."""
    symbols = [parse_symbol(text) for text in texts]
    signs: list[tuple[object, ...]] = []
    bottom = 0
    for symbol, shown in zip(symbols, shown_accidentals(symbols), strict=True):
        if isinstance(symbol, Clef):
            bottom = symbol.bottom_line
        if isinstance(symbol, Note):
            head = symbol.duration.base if symbol.duration.base in HEADS else "black"
            members = zip(symbol.pitches, shown, strict=True)
            signs.append(
                ("note", tuple((p.diatonic - bottom, head, name or "") for p, name in members))
            )
        elif isinstance(symbol, Rest):
            signs.append(("rest", symbol.duration.base))
        elif type(symbol) in NAMES:
            signs.append((NAMES[type(symbol)],))
    return signs


def draw(texts: list[str], look: int) -> str:
    """The SVG of the tokens in a random style."""
    from omrcli.engrave import engrave
    from omrcli.synth.mei_writer import write_mei
    from omrcli.synth.render import _verovio_options, draw_style

    style = draw_style(np.random.default_rng(look))
    return engrave(write_mei(texts, style.mei), style.font, _verovio_options(style))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_composed_staves_read_back(seed: int, look: int) -> None:
    options = ComposeOptions(changes=0.5, barlines=0.4, chords=0.3, graces=0.5)
    texts = compose_tokens(np.random.default_rng(seed), options)
    assert read_engraving(draw(texts, look)) == expect(texts)


@pytest.mark.parametrize("meter", ["C", "3/8", "4/2", "3/1", "11/4", "24/16"])
@pytest.mark.parametrize("look", range(3))
def test_a_whole_rest_alone_is_a_whole_rest(meter: str, look: int) -> None:
    texts = ["clef-G2", f"timeSignature-{meter}", "rest-whole", "barline", "note-C4_quarter"]
    assert read_engraving(draw(texts, look)) == expect(texts)


def test_a_whole_rest_after_a_change_of_meter_is_a_whole_rest() -> None:
    for meters in (("2/1", "C"), ("C", "2/1")):
        first, second = (f"timeSignature-{meter}" for meter in meters)
        texts = ["clef-G2", first, "note-B4_whole", "barline", second, "note-B4_whole", "barline"]
        texts += ["rest-whole", "barline"]
        assert read_engraving(draw(texts, 0)) == expect(texts)
