"""Reading MusicXML of other programs: the first voice, as drawn; damaged files are input errors."""

from __future__ import annotations

import io
import zipfile

import pytest

from omrcli.errors import InputError
from omrcli.formats.musicxml import mxl_bytes
from omrcli.formats.musicxml_reader import read_tokens
from tests.scores import score

SIGNS = (
    "<attributes><divisions>4</divisions><key><fifths>-3</fifths></key>"
    "<time><beats>3</beats><beat-type>4</beat-type></time>"
    "<clef><sign>G</sign><line>2</line></clef></attributes>"
)


def note(step: str, kind: str = "quarter", extra: str = "", after: str = "") -> str:
    pitch = f"<pitch><step>{step}</step><octave>4</octave></pitch>"
    return f"<note>{extra}{pitch}<duration>4</duration><type>{kind}</type>{after}</note>"


def read(tmp_path, *measures: str) -> str:
    inner = "".join(f'<measure number="{n}">{m}</measure>' for n, m in enumerate(measures, 1))
    path = tmp_path / "in.musicxml"
    path.write_text(f'<score-partwise><part id="X">{inner}</part></score-partwise>')
    return " ".join(read_tokens(path)).replace("note-", "").removeprefix("clef-G2 ")


def test_the_first_voice_of_the_first_staff_is_read(tmp_path):
    second = "<backup><duration>4</duration></backup>" + note("A", after="<voice>2</voice>")
    lower = note("F", after="<voice>1</voice><staff>2</staff>")
    assert read(tmp_path, SIGNS + note("C") + second + lower + note("D")) == (
        "keySignature-EbM timeSignature-3/4 C4_quarter D4_quarter barline"
    )


def test_chords_are_read_low_to_high(tmp_path):
    chord = note("G") + note("C", extra="<chord/>") + note("E", extra="<chord/>")
    assert read(tmp_path, chord) == "C4_quarter|E4_quarter|G4_quarter barline"


def test_what_is_not_printed_is_not_read(tmp_path):
    hidden = '<note print-object="no"><rest/><duration>4</duration><type>quarter</type></note>'
    assert read(tmp_path, hidden + note("C")) == "C4_quarter barline"


def test_restated_signs_are_not_read(tmp_path):
    assert read(tmp_path, SIGNS + note("C"), SIGNS + note("D")) == (
        "keySignature-EbM timeSignature-3/4 C4_quarter barline D4_quarter barline"
    )


def test_a_measure_rest_is_a_whole_rest_and_a_multiple_rest_one_sign(tmp_path):
    rest = '<note><rest measure="yes"/><duration>12</duration></note>'
    style = (
        "<attributes><measure-style><multiple-rest>2</multiple-rest></measure-style></attributes>"
    )
    assert read(tmp_path, rest, style + rest, rest, note("C")) == (
        "rest-whole barline multirest-2 barline C4_quarter barline"
    )


def test_repeats_of_both_sides_are_one_barline(tmp_path):
    left = '<barline location="left"><repeat direction="forward"/></barline>'
    right = '<barline location="right"><repeat direction="backward"/></barline>'
    assert read(tmp_path, left + note("C") + right, left + note("D") + right) == (
        "repeat-start C4_quarter repeat-both D4_quarter repeat-end"
    )


def test_parts_are_read_one_after_the_other(tmp_path):
    parts = "".join(
        f'<part id="{step}"><measure number="1">{SIGNS}{note(step)}</measure></part>'
        for step in "CD"
    )
    path = tmp_path / "in.musicxml"
    path.write_text(f"<score-partwise>{parts}</score-partwise>")
    signs = ["clef-G2", "keySignature-EbM", "timeSignature-3/4"]
    assert read_tokens(path) == [
        *(*signs, "note-C4_quarter", "barline"),
        *(*signs, "note-D4_quarter", "barline"),
    ]


def test_a_compressed_score_is_read_under_any_name(tmp_path):
    path = tmp_path / "score.xml"
    path.write_bytes(mxl_bytes(score("clef-G2 timeSignature-2/4 C4_half barline-final")))
    assert read_tokens(path) == ["clef-G2", "timeSignature-2/4", "note-C4_half", "barline-final"]


def test_without_a_clef_it_is_the_treble_clef(tmp_path):
    path = tmp_path / "in.xml"
    path.write_text(f"<score-partwise><part><measure>{note('C')}</measure></part></score-partwise>")
    assert read_tokens(path) == ["clef-G2", "note-C4_quarter", "barline"]


def zipped(**members: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("_", "."), text)
    return packed.getvalue()


def test_a_lone_score_is_found_without_a_container(tmp_path):
    path = tmp_path / "in.mxl"
    path.write_bytes(
        zipped(
            a_xml=f"<score-partwise><part><measure>{note('C')}</measure></part></score-partwise>"
        )
    )
    assert read_tokens(path) == ["clef-G2", "note-C4_quarter", "barline"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "Cannot read"),
        (b"\x89PNG", "Cannot read"),
        (b"<score-partwise><part>", "Cannot read"),
        (b"<score-timewise/>", "no partwise MusicXML"),
        (b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', "declares XML entities"),
        ('<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'.encode("utf-16"), "declares XML entities"),
        (b"<score-partwise><part><measure><note><unpitched/></note></measure></part>"
         b"</score-partwise>", "an unpitched note"),
        (zipped(other_txt="nothing"), "Cannot read"),
        (zipped(a_xml="<a/>", b_xml="<b/>"), "Cannot read"),
    ],
)  # fmt: skip
def test_what_is_no_score_is_an_input_error(tmp_path, data, reason):
    path = tmp_path / "in.mxl"
    path.write_bytes(data)
    with pytest.raises(InputError, match=reason):
        read_tokens(path)


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="Cannot read"):
        read_tokens(tmp_path / "none.musicxml")
