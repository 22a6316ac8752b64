"""Both codecs are exact both ways, and the positional one reads nonsense without falling over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omrcli.errors import ModelError, TokenError
from omrcli.reading.alphabet import (
    POSITIONAL_UNITS,
    PlainCodec,
    PositionalCodec,
    make_codec,
    shown_accidentals,
)
from omrcli.reading.decoding import Unit
from omrcli.tokens import parse_symbol
from tests.music import sequences

CODEC = PositionalCodec()


def _read(codec: PlainCodec | PositionalCodec, indices: list[int]) -> list[str]:
    units = [Unit(index, 1.0, at, at + 1) for at, index in enumerate(indices)]
    return [token.text for token in codec.decode(units)]


@given(sequences())
def test_positional_is_exact_both_ways(texts: list[str]) -> None:
    assert _read(CODEC, CODEC.encode(texts)) == texts


@given(sequences())
def test_semantic_is_exact_both_ways(texts: list[str]) -> None:
    codec = PlainCodec(tuple(sorted(set(texts))))
    assert _read(codec, codec.encode(texts)) == texts


@given(st.lists(st.integers(0, len(POSITIONAL_UNITS) - 1), max_size=60))
def test_any_units_decode_to_tokens(indices: list[int]) -> None:
    for text in _read(CODEC, indices):
        assert str(parse_symbol(text)) == text


def _names(texts: str) -> list[str]:
    return [CODEC.units[index] for index in CODEC.encode(texts.split())]


def test_spelling_is_local() -> None:
    assert _names("clef-G2 keySignature-GM timeSignature-12/8") == [
        "clef-G2",
        "keySignature-GM",
        "over-1",
        "over-2",
        "under-8",
    ]
    assert _names("note-E4_quarter._fermata") == ["note.quarter@0", "dot", "fermata"]
    assert _names("clef-F4 note-G2_half") == ["clef-F4", "note.half@0"]
    assert _names("multirest-23 barline") == ["multirest", "digit-2", "digit-3", "barline"]
    assert _names("note-C9_whole")[0] == "octave-up"


def test_accidentals_follow_key_measure_octave_and_tie() -> None:
    texts = [
        "keySignature-DM",
        "note-F#4_half",
        "note-F4_half",
        "note-F4_half",
        "note-F5_half",
        "barline",
        "note-F4_half",
        "tie",
        "barline",
        "note-F4_half",
        "note-F4_half",
    ]
    shown = shown_accidentals([parse_symbol(text) for text in texts])
    # After the tie the natural still holds for the tied note, and the next F is sharp by key again.
    assert [row[0] for row in shown if row] == [None, "n", None, "n", "n", None, "n"]


@pytest.mark.parametrize(
    ("texts", "doubted", "expected"),
    [
        (["clef-F4", "note-C3_half", "rest-half"], 0, [0.3, 0.3, 1]),
        (["clef-G2", "keySignature-DM", "note-F#4_half"], 1, [1, 0.3, 0.3]),
        (["clef-G2", "note-F#4_half", "note-F#4_half", "note-G4_half"], 1, [1, 0.3, 0.3, 1]),
        (["clef-G2", "note-F#4_half", "barline", "note-F#4_half"], 1, [1, 0.3, 1, 1]),
        (["clef-G2", "note-F#4_half", "tie", "barline", "note-F#4_half"], 1, [1, 0.3, 1, 1, 0.3]),
    ],
)
def test_a_note_is_no_surer_than_the_signs_its_pitch_rests_on(
    texts: list[str], doubted: int, expected: list[float]
) -> None:
    indices = [CODEC.encode(texts[: count + 1]) for count in range(len(texts))]
    weak = range(len(indices[doubted - 1]) if doubted else 0, len(indices[doubted]))
    units = [Unit(index, 0.3 if k in weak else 1, k, k) for k, index in enumerate(indices[-1])]
    assert [token.confidence for token in CODEC.decode(units)] == expected


def test_without_a_clef_notes_are_in_doubt() -> None:
    (token,) = CODEC.decode([Unit(CODEC.encode(["note-C4_half"])[0], 1.0, 0, 1)])
    assert token.confidence == 0.5


def test_confidence_is_of_the_weakest_unit_and_span_covers_all() -> None:
    indices = CODEC.encode(["clef-G2", "note-F#4_quarter."])
    units = [
        Unit(index, confidence, start, start + 2)
        for index, confidence, start in zip(indices, (1, 0.9, 0.8, 0.7), (0, 3, 6, 9), strict=True)
    ]
    _, token = CODEC.decode(units)
    assert (token.text, token.confidence, token.start, token.end) == (
        "note-F#4_quarter.",
        0.7,
        3,
        11,
    )


def test_what_an_alphabet_cannot_say_is_refused() -> None:
    with pytest.raises(TokenError, match="tuplet-17:16"):
        CODEC.encode(["note-C4_eighth_17:16"])
    with pytest.raises(TokenError, match="vocabulary of 1 tokens"):
        PlainCodec(("barline",)).encode(["tie"])


def test_codecs_of_models() -> None:
    assert make_codec("semantic", ["tie"]).units == ("tie",)
    with pytest.raises(ModelError, match="not those of this version"):
        make_codec("positional", ["tie"])
    with pytest.raises(ModelError, match="unknown"):
        make_codec("morse", ["dot"])
