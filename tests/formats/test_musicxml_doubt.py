"""What is doubtful shows in MusicXML: coloured notes and rests, words over wrong measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from omrcli.cli.app import app
from omrcli.errors import ExitCode, UsageError
from omrcli.formats.musicxml import DOUBT_COLOUR, musicxml_bytes
from omrcli.score.assembly import StaffLine
from omrcli.score.score import ExportOptions, Score, build_score
from omrcli.tokens import Token
from tests import tiny
from tests.drawn import write_page


def score(*staves: str) -> Score:
    """A score of one system; `C4_quarter?40` is a note read with a confidence of 0.40."""
    lines = []
    for position, text in enumerate(staves):
        tokens = []
        for word in text.split():
            name, _, percent = word.partition("?")
            tokens.append(Token(name, int(percent or 100) / 100))
        lines.append(StaffLine(tokens, position=position))
    return build_score(lines)


def written(made: Score, doubtful: float | None) -> ET.Element:
    return ET.fromstring(musicxml_bytes(made, ExportOptions(doubtful=doubtful)))


SIGNS = "clef-G2 timeSignature-4/4"
CHORD = "note-E4_quarter|note-G4_quarter"


def test_notes_rests_and_all_of_a_chord_are_coloured_below_the_threshold():
    made = score(
        f"{SIGNS} note-C4_quarter?79 note-D4_quarter?80 rest-quarter?10 {CHORD}?50 barline"
    )
    colours = [note.get("color") for note in written(made, 0.8).iter("note")]
    mark = DOUBT_COLOUR
    assert colours == [mark, None, mark, mark, mark]


def test_grace_notes_measure_rests_and_multirests_are_coloured():
    made = score(
        f"{SIGNS} gracenote-C4_eighth?1 note-D4_whole barline rest-whole?1 barline multirest-2?1"
    )
    colours = [note.get("color") is not None for note in written(made, 0.8).iter("note")]
    assert colours == [True, False, True, True, True]


def test_nothing_is_marked_unless_asked_for():
    made = score(f"{SIGNS} note-C4_quarter?1 barline note-D4_half barline note-C4_whole barline")
    root = written(made, None)
    assert not list(root.iter("words"))
    assert all(note.get("color") is None for note in root.iter("note"))
    assert musicxml_bytes(made) == musicxml_bytes(made, ExportOptions())


def test_words_stand_over_measures_that_do_not_fill_their_meter():
    made = score(
        f"{SIGNS} note-C4_whole barline note-D4_half barline note-C4_whole note-D4_eighth barline"
        " note-C4_whole barline"
    )
    measures = written(made, 0.0).findall("part/measure")
    found = [measure.findtext("direction/direction-type/words") for measure in measures]
    assert found == [
        None,
        "? too short: 2 of 4 beats",
        "? too long: 4½ of 4 beats",
        None,
    ]
    direction = measures[1].find("direction")
    assert direction.get("placement") == "above"
    assert list(measures[1]).index(direction) < list(measures[1]).index(measures[1].find("note"))


def test_words_stand_in_the_part_that_is_wrong():
    made = score(
        f"{SIGNS} note-C4_whole barline note-D4_whole barline",
        f"{SIGNS} note-C4_whole barline note-D4_half barline",
    )
    first, second = written(made, 0.5).findall("part")
    assert first.find(".//words") is None
    assert second.findall("measure")[1].find(".//words") is not None


def transcribe(*arguments: str | Path) -> Any:
    words = ["transcribe", *map(str, arguments), "--model", str(tiny.PATH)]
    return CliRunner().invoke(app, words)


def test_transcribe_marks_what_the_model_doubted(tmp_path):
    page, out = write_page(tmp_path / "staff.png"), tmp_path / "staff.musicxml"
    for threshold, expected in ((tiny.CONFIDENCE - 0.01, False), (tiny.CONFIDENCE + 0.001, True)):
        result = transcribe(page, "-o", out, "--mark-doubtful", f"{threshold:.4f}")
        assert result.exit_code == 0, result.stderr
        notes = list(ET.parse(out).iter("note"))
        assert notes
        assert {note.get("color") is not None for note in notes} == {expected}
    assert transcribe(page, "-o", out).exit_code == 0
    assert "color" not in out.read_text()


@pytest.mark.parametrize("value", ["1.5", "-0.1", "much"])
def test_transcribe_checks_the_threshold(tmp_path, value):
    result = transcribe("staff.png", "-o", tmp_path / "a.musicxml", "--mark-doubtful", value)
    assert result.exit_code == ExitCode.USAGE


def test_marks_need_an_output_that_can_show_them(tmp_path):
    result = transcribe("staff.png", "-o", tmp_path / "a.mid", "--mark-doubtful", "0.8")
    assert result.exit_code == ExitCode.USAGE
    assert "--mark-doubtful marks MusicXML" in result.stderr


@pytest.mark.parametrize("value", [-0.1, 1.01, float("nan")])
def test_the_threshold_is_a_confidence(value):
    with pytest.raises(UsageError, match="doubtful must be 0 to 1"):
        ExportOptions(doubtful=value)
