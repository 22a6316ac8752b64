"""Scores of several parts as MusicXML and MIDI: breaks, padding, and read again by music21."""

from __future__ import annotations

import io
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from omrcli.formats.midi import midi_bytes
from omrcli.formats.musicxml import musicxml_bytes
from omrcli.score.score import ExportOptions, build_score
from tests.layouts import Bar, lay_out, layouts, scores, system

G, F = "clef-G2", "clef-F4"
IN_4 = "timeSignature-4/4"

DUET = [
    *system(0, f"{G} {IN_4} C5_half barline", f"{F} {IN_4} C3_whole barline"),
    *system(1, f"{F} D3_whole barline"),
    *system(0, f"{G} E5_whole barline-final", f"{F} E3_whole barline-final", page=1),
]


def written(options: ExportOptions | None = None) -> ET.Element:
    return ET.fromstring(musicxml_bytes(build_score(DUET, "A duet", "Anon"), options))


def breaks(root: ET.Element) -> list[list[dict[str, str] | None]]:
    found = []
    for part in root.iterfind("part"):
        marks = [measure.find("print") for measure in part.iterfind("measure")]
        found.append([None if mark is None else mark.attrib for mark in marks])
    return found


def test_breaks_are_written_in_every_part():
    expected = [None, {"new-system": "yes"}, {"new-page": "yes"}]
    assert breaks(written()) == [expected, expected]
    without = written(ExportOptions(layout=False))
    assert breaks(without) == [[None] * 3] * 2
    assert [e.attrib["element"] for e in without.iter("supports")] == ["accidental", "beam"]


def test_a_break_stands_before_all_else_in_its_measure():
    lines = system(0, f"{G} {IN_4} C5_whole barline") + system(1, f"{G} repeat-start D5_whole")
    root = ET.fromstring(musicxml_bytes(build_score(lines)))
    assert [child.tag for child in root.findall("part/measure")[1]][:2] == ["print", "barline"]


def test_title_and_composer_are_written():
    root = written()
    assert root.findtext("work/work-title") == "A duet"
    assert root.findtext("identification/creator[@type='composer']") == "Anon"
    root = written(ExportOptions(title="Other", composer="Nemo\x00"))
    assert root.findtext("work/work-title") == "Other"
    assert root.findtext("identification/creator") == "Nemo"


def test_padding_is_hidden_and_a_silent_part_rests():
    upper = written().findall("part")[0].findall("measure")
    note, padding = upper[0].findall("note")
    assert note.get("print-object") is None
    assert padding.get("print-object") == "no"
    divisions = Fraction(upper[0].findtext("attributes/divisions") or 1)
    assert Fraction(padding.findtext("duration") or 0) / divisions == 2
    (rest,) = upper[1].findall("note")
    assert rest.find("rest[@measure='yes']") is not None


def test_one_part_has_no_name():
    root = ET.fromstring(musicxml_bytes(build_score(system(0, f"{G} C5_whole"))))
    assert [name.text for name in root.iter("part-name")] == [None]
    assert [name.text for name in written().iter("part-name")] == ["Part 1", "Part 2"]


def test_each_part_has_a_track_and_a_channel():
    from mido import MidiFile

    file = MidiFile(file=io.BytesIO(midi_bytes(build_score(DUET))))
    keys = [[m.note for m in track if m.type == "note_on"] for track in file.tracks]
    assert keys == [[], [72, 76], [48, 50, 52]]
    channels = [{m.channel for m in track if m.type == "note_on"} for track in file.tracks]
    assert channels == [set(), {0}, {1}]
    lengths = {sum(message.time for message in track) for track in file.tracks}
    assert lengths == {12 * file.ticks_per_beat}


def pitches_of(bars: list[Bar], part: int) -> list[str]:
    found = [symbol for bar in bars for symbol in bar.symbols[part]]
    return [str(pitch) for symbol in found for pitch in getattr(symbol, "pitches", ())]


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_music21_reads_the_same_parts_and_measures(data):
    from music21 import converter, note

    bars = data.draw(scores())
    made = build_score(lay_out(bars, data.draw(layouts(bars))))
    stream = converter.parse(musicxml_bytes(made).decode(), format="musicxml")
    assert len(stream.parts) == len(made.parts)
    for number, part in enumerate(stream.parts):
        measures = list(part.getElementsByClass("Measure"))
        assert [measure.number for measure in measures] == list(range(1, len(bars) + 1))
        read = [found.pitch for found in part.recurse().getElementsByClass(note.Note)]
        assert [p.nameWithOctave.replace("-", "b") for p in read] == pitches_of(bars, number)


def test_writing_needs_no_import_of_music21() -> None:
    """It takes longer than to read a staff."""
    code = (
        "import sys; from tests.formats.test_musicxml_parts import written; "
        "assert written().find('part/measure/note/pitch') is not None; "
        "assert 'music21' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
