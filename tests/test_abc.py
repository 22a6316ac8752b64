"""Reading ABC tunes: lengths, tuplets, accidentals, repeats and what is given up."""

from __future__ import annotations

from fractions import Fraction

import pytest

from omrcli.synth.abc import read_tune, spell_length, split_tunes
from omrcli.tokens import Duration


def read_music(music: str, head: str = "M:4/4\nL:1/8\nK:C\n") -> list[str]:
    """Tokens of a tune after its opening signs."""
    (sequence,) = read_tune(f"X:1\n{head}{music}\n")
    return sequence[2:]


def test_header_and_accidentals() -> None:
    tune = "X:1\nT:A tune\nM:6/8\nL:1/8\nK:F\n|:B2A =B2B|B2^F-F z3:|\n"
    assert read_tune(tune) == [[
        "clef-G2", "keySignature-FM", "timeSignature-6/8", "repeat-start",
        "note-Bb4_quarter", "note-A4_eighth", "note-B4_quarter", "note-B4_eighth", "barline",
        "note-Bb4_quarter", "note-F#4_eighth", "tie", "note-F#4_eighth", "rest-quarter.",
        "repeat-end",
    ]]  # fmt: skip


def test_tie_carries_an_accidental_over_the_barline_once() -> None:
    assert read_music("^c8-|c4c4|") == [
        "note-C#5_whole", "tie", "barline", "note-C#5_half", "note-C5_half", "barline",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("music", "expected"),
    [
        ("C,C c c'", ["C3_eighth", "C4_eighth", "C5_eighth", "C6_eighth"]),
        ("A/B//c3/2d/2", ["A4_sixteenth", "B4_thirty_second", "C5_eighth.", "D5_sixteenth"]),
        ("A>BA<B", ["A4_eighth.", "B4_sixteenth", "A4_sixteenth", "B4_eighth."]),
        ("A>>B", ["A4_eighth..", "B4_thirty_second"]),
        ("(3ABc d", ["A4_eighth_3:2", "B4_eighth_3:2", "C5_eighth_3:2", "D5_eighth"]),
        ("(3:2:2A2B c", ["A4_quarter_3:2", "B4_eighth_3:2", "C5_eighth"]),
        ("!fermata!A2 HB2", ["A4_quarter_fermata", "B4_quarter_fermata"]),
        ('"Am"~A.B(cd)', ["A4_eighth", "B4_eighth", "C5_eighth", "D5_eighth"]),
    ],
)
def test_notes(music: str, expected: list[str]) -> None:
    assert read_music(music) == [f"note-{text}" for text in expected]


def test_meter_is_part_of_the_opening() -> None:
    (sequence,) = read_tune("X:1\nM:C|\nK:Bb clef=bass\nB,4|\n")
    assert sequence[:4] == ["clef-F4", "keySignature-BbM", "timeSignature-C/", "note-Bb3_half"]


def test_unit_length_follows_the_meter_where_none_is_given() -> None:
    assert read_tune("X:1\nM:2/4\nK:C\nC\n")[0][-1] == "note-C4_sixteenth"
    assert read_tune("X:1\nM:3/4\nK:C\nC\n")[0][-1] == "note-C4_eighth"


def test_graces_and_repeats() -> None:
    assert read_music("{g}f8:|:{ab}c8::d8||e8|]")[:14] == [
        "gracenote-G5_eighth", "note-F5_whole", "repeat-both",
        "gracenote-A5_sixteenth", "gracenote-B5_sixteenth", "note-C5_whole", "repeat-both",
        "note-D5_whole", "barline-double", "note-E5_whole", "barline-final",
    ]  # fmt: skip


def test_voltas_and_line_ends_do_not_matter() -> None:
    assert read_music("c4|1\nd4:|2 e4|]") == [
        "note-C5_half", "barline", "note-D5_half", "repeat-end", "note-E5_half", "barline-final",
    ]  # fmt: skip


def test_changes_inside_a_tune() -> None:
    assert read_music("c8|[K:D][M:3/4]f6|\nK:C\nf6|") == [
        "note-C5_whole", "barline", "keySignature-DM", "timeSignature-3/4", "note-F#5_half.",
        "barline", "keySignature-CM", "note-F5_half.", "barline",
    ]  # fmt: skip


def test_chords_and_odd_lengths_cut() -> None:
    head = "X:1\nM:C\nL:1/8\nK:G\n"
    opening = ["clef-G2", "keySignature-GM", "timeSignature-C"]
    for outside in ("[Gdb]8", "G5z3", "x8", "G8&d8"):
        assert read_tune(f"{head}G8|{outside}|F8|\n") == [
            [*opening, "note-G4_whole", "barline"],
            [*opening, "note-F#4_whole", "barline"],
        ]


@pytest.mark.parametrize(
    ("key", "fifths"),
    [
        ("G", "GM"), ("Am", None), ("F#m", "AM"), ("D dor", None), ("Emix", "AM"), ("Bb", "BbM"),
        ("A Dorian", "GM"), ("HP", None), ("none", None), ("Em", "GM"), ("C lydian", "GM"),
    ],
)  # fmt: skip
def test_keys(key: str, fifths: str | None) -> None:
    (sequence,) = read_tune(f"X:1\nL:1/4\nK:{key}\nc|\n")
    keys = [text for text in sequence if text.startswith("keySignature")]
    assert keys == ([] if fifths is None else [f"keySignature-{fifths}"])


def test_tunes_beyond_one_voice_or_key_are_given_up() -> None:
    assert read_tune("X:1\nK:C\nV:1\nc\nV:2\nd\n") == []
    assert read_tune("X:1\nK:Q\nc\n") == []


def test_tune_books_are_split() -> None:
    book = "% a book\nX:1\nK:C\nc|\n\nX: 2\nK:G\nf|\n"
    tunes = split_tunes(book)
    assert [tune.splitlines()[0] for tune in tunes] == ["X:1", "X: 2"]
    assert read_tune(tunes[1])[0][-2] == "note-F#5_eighth"


def test_lengths_are_spelled_only_where_one_note_has_them() -> None:
    assert spell_length(Fraction(7, 4)) == Duration("quarter", 2)
    assert spell_length(Fraction(3, 2)) == Duration("quarter", 1)
    assert spell_length(Fraction(5, 2)) is None
