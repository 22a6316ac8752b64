"""The grammar of the semantic encoding."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given

from omrcli.errors import InputError, TokenError
from omrcli.tokens import (
    Clef,
    Duration,
    KeySignature,
    Note,
    Pitch,
    Symbol,
    TimeSignature,
    format_semantic,
    parse_symbol,
    project_primus,
    read_semantic,
    unfold_multirests,
)
from tests.music import symbols

VOCABULARY = Path(__file__).parents[2] / "shared/corpora/primus_vocabulary_semantic.txt"


@given(symbols())
def test_text_and_symbol_round_trip(symbol: Symbol) -> None:
    assert parse_symbol(str(symbol)) == symbol


def test_every_primus_token_parses_and_is_its_own_projection() -> None:
    if not VOCABULARY.exists():
        pytest.skip("the PrIMuS vocabulary is not beside this checkout")
    texts = VOCABULARY.read_text().split()
    assert len(texts) == 1781
    assert [str(parse_symbol(text)) for text in texts] == texts
    assert project_primus(texts) == texts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "note",
        "note-H4_quarter",
        "note-C4_quartre",
        "note-C4_quarter....",
        "note-C4_quarter ",
        "note-C4_quarter|note-E4_eighth",
        "clef-G6",
        "clef-X2",
        "keySignature-G#M",
        "timeSignature-0/4",
        "timeSignature-3",
        "multirest-0",
        "multirest-01",
        "rest-quarter_",
        "barline-thin",
        "Tie",
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(TokenError, match="no token of the semantic encoding"):
        parse_symbol(text)


def test_meanings() -> None:
    assert Duration("quarter", 2).quarters == Fraction(7, 4)
    assert Duration("eighth", 0, (3, 2)).quarters == Fraction(1, 3)
    assert TimeSignature("C/").quarters == 4
    assert TimeSignature("6/8").quarters == 3
    assert Pitch("B", -1, 4).midi == 70
    assert Clef("G", 2).bottom_line == Pitch("E", 0, 4).diatonic
    assert Clef("F", 4).bottom_line == Pitch("G", 0, 2).diatonic
    assert Clef("C", 3).bottom_line == Pitch("F", 0, 3).diatonic
    flats = KeySignature(-3)
    assert [step for step in "CDEFGAB" if flats.alter_of(step)] == ["E", "A", "B"]
    assert [step for step in "CDEFGAB" if KeySignature(2).alter_of(step)] == ["C", "F"]


def test_projection_drops_the_extensions() -> None:
    extended = ["clef-G2_8vb", "note-C4_eighth_3:2", "note-C4_half|note-E4_half", "barline-final"]
    plain = ["clef-G2", "note-C4_eighth", "note-E4_half", "barline"]
    assert project_primus(extended) == plain
    assert project_primus(["clef.G-L2"]) == ["clef.G-L2"]


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "a.semantic"
    path.write_text(format_semantic(["clef-G2", "barline"]))
    assert path.read_text() == "clef-G2\tbarline\n"
    assert read_semantic(path) == ["clef-G2", "barline"]
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="Cannot read"):
        read_semantic(path)


def test_chord_keeps_its_members() -> None:
    chord = parse_symbol("note-G3_eighth|note-D4_eighth")
    assert isinstance(chord, Note)
    assert [str(pitch) for pitch in chord.pitches] == ["G3", "D4"]


def test_multirests_are_unfolded_into_measures() -> None:
    texts = ["multirest-3", "barline", "note-C4_half", "xyz"]
    assert unfold_multirests(texts) == [
        *("rest-whole", "barline", "rest-whole", "barline", "rest-whole", "barline"),
        *("note-C4_half", "xyz"),
    ]


@pytest.mark.parametrize(
    "text", ["multirest-1٣", "timeSignature-1٣/4", "note-C٤_quarter", "rest-quarter_1٣:2"]
)
def test_digits_of_other_scripts_are_none(text: str) -> None:
    with pytest.raises(TokenError):
        parse_symbol(text)


def test_a_long_text_is_not_shown_whole() -> None:
    with pytest.raises(TokenError) as caught:
        parse_symbol("x" * 10**6)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("content", ["multirest-9999 " * 11, "x" * (17 << 20)])
def test_files_that_are_no_music_are_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "a.semantic"
    path.write_text(content)
    with pytest.raises(InputError, match="is longer than any piece of music; check the file"):
        read_semantic(path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.semantic"
    path.write_bytes(b"clef-G2\xff")
    with pytest.raises(InputError, match="check that it is a text file of tokens"):
        read_semantic(path)
