"""MusicXML: valid, the same twice, and read back as the tokens it was written from."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omrcli.formats.musicxml import musicxml_bytes, mxl_bytes
from omrcli.formats.musicxml_reader import read_tokens
from omrcli.score.score import ExportOptions, build_score
from omrcli.tokens import Token, read_semantic
from tests.scores import anything, score, sequences

START = "clef-G2 timeSignature-4/4"
PRIMUS = Path(__file__).parents[3] / "shared" / "testsets" / "primus"


def written(*staves: str, options: ExportOptions | None = None) -> ET.Element:
    return ET.fromstring(musicxml_bytes(score(*staves), options))


def texts_of(root: ET.Element, path: str) -> list[str | None]:
    return [element.text for element in root.iterfind(path)]


def read_back(texts: list[str], folder: Path) -> list[str]:
    path = folder / "score.musicxml"
    path.write_bytes(musicxml_bytes(build_score([[Token(text) for text in texts]])))
    return read_tokens(path)


def as_written(texts: list[str]) -> list[str]:
    """What MusicXML cannot tell apart: a multirest of one measure is a whole rest."""
    return ["rest-whole" if text == "multirest-1" else text for text in texts]


@settings(max_examples=60, deadline=None)
@given(texts=sequences())
def test_what_is_written_reads_back(tmp_path_factory, texts):
    assert read_back(texts, tmp_path_factory.getbasetemp()) == as_written(texts)


@settings(max_examples=40, deadline=None)
@given(staves=st.lists(anything(), max_size=2))
def test_whatever_is_read_can_be_written_and_read(tmp_path_factory, staves):
    path = tmp_path_factory.getbasetemp() / "score.musicxml"
    path.write_bytes(musicxml_bytes(build_score([[Token(t) for t in texts] for texts in staves])))
    assert read_tokens(path)[0].startswith("clef-")


@pytest.mark.skipif(not PRIMUS.is_dir(), reason="the PrIMuS test set is not in ../shared")
def test_primus_reads_back(tmp_path):
    for path in sorted(PRIMUS.glob("*/*.semantic")):
        texts = read_semantic(path)
        assert read_back(texts, tmp_path) == as_written(texts), path.stem


#: Order of the children that we write, as the MusicXML 4.0 schema has it.
ORDER = {
    "note": "grace chord pitch rest duration tie voice type dot accidental time-modification beam "
    "notations",
    "notations": "fermata tied tuplet",
    "attributes": "divisions key time clef measure-style",
    "barline": "bar-style repeat",
    "score-partwise": "work identification part-list part",
}


@settings(max_examples=40, deadline=None)
@given(texts=sequences())
def test_elements_stand_in_the_order_of_the_schema(texts):
    made = build_score([[Token(text) for text in texts]])
    root = ET.fromstring(musicxml_bytes(made, ExportOptions("A tune", 72.5)))
    for element in root.iter():
        if order := ORDER.get(element.tag, "").split():
            places = [order.index(child.tag) for child in element]
            unsorted = element.tag == "notations"  # a choice, in any order
            assert unsorted or places == sorted(places), ET.tostring(element)


@settings(max_examples=60, deadline=None)
@given(texts=sequences())
def test_every_beam_begun_ends(texts):
    root = ET.fromstring(musicxml_bytes(build_score([[Token(text) for text in texts]])))
    for measure in root.iter("measure"):
        for kind in (True, False):
            notes = [n for n in measure.iter("note") if (n.find("grace") is not None) == kind]
            beams = "".join(text[0] for n in notes for text in texts_of(n, "beam[@number='1']"))
            assert re.fullmatch("(bc*e)*", beams), ET.tostring(measure)


def test_two_runs_write_the_same_bytes():
    code = (
        "from tests.scores import score\n"
        "from omrcli.formats.musicxml import musicxml_bytes, mxl_bytes\n"
        "import hashlib\n"
        f"made = score('{START} C4_half D4_half tie barline D4_whole')\n"
        "print(hashlib.sha256(musicxml_bytes(made) + mxl_bytes(made)).hexdigest())\n"
    )
    root = Path(__file__).parents[2]
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert runs[0] == runs[1]


def test_the_header_names_title_and_software_and_no_date():
    root = written(f"{START} C4_whole", options=ExportOptions(title="Été & <hiver>\x1b"))
    assert texts_of(root, "work/work-title") == ["Été & <hiver>"]
    assert root.findtext("identification/encoding/software", "").startswith("omr ")
    assert root.find(".//encoding-date") is None
    assert [part.get("id") for part in root.iter("score-part")] == ["P1"]


@pytest.mark.parametrize("name", ["G1", "G2", "F3", "F4", "F5", "C1", "C2", "C3", "C4", "C5"])
def test_clefs(name):
    root = written(f"clef-{name} C4_whole")
    assert [root.findtext(".//clef/sign"), root.findtext(".//clef/line")] == list(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("C", ("common", "4", "4")), ("C/", ("cut", "2", "2")), ("2/48", (None, "2", "48"))],
)
def test_meters(text, expected):
    time = written(f"clef-G2 timeSignature-{text} C4_quarter").find(".//time")
    assert (time.get("symbol"), time.findtext("beats"), time.findtext("beat-type")) == expected


def test_without_a_time_signature_none_is_written():
    assert written("clef-G2 C4_whole").find(".//time") is None


def test_a_pickup_is_measure_0_and_not_counted():
    root = written(f"{START} C4_quarter barline D4_whole barline E4_whole")
    assert [m.attrib for m in root.iter("measure")] == [
        {"number": "0", "implicit": "yes"},
        {"number": "1"},
        {"number": "2"},
    ]


def test_a_multirest_is_as_many_measures_under_one_mark():
    root = written("clef-G2 timeSignature-3/8 multirest-3 barline C4_quarter. barline")
    measures = list(root.iter("measure"))
    assert [m.get("number") for m in measures] == ["1", "2", "3", "4"]
    assert texts_of(root, ".//multiple-rest") == ["3"]
    assert all(m.find("note/rest[@measure='yes']") is not None for m in measures[:3])
    divisions = int(root.findtext(".//divisions"))
    assert texts_of(root, ".//note[rest]/duration") == [str(divisions * 3 // 2)] * 3


def test_accidentals_are_written_only_where_they_are_drawn():
    root = written(f"{START} keySignature-GM F#4_quarter F4_quarter F4_quarter Bb4_quarter barline")
    shown = [note.findtext("accidental") for note in root.iter("note")]
    assert shown == [None, "natural", None, "flat"]


def test_ties_join_notes_over_barlines():
    root = written(f"{START} C4_whole tie barline C4_half tie C4_half barline")
    ties = [[tie.get("type") for tie in note.findall("tie")] for note in root.iter("note")]
    assert ties == [["start"], ["stop", "start"], ["stop"]]


def test_beams_follow_the_beat():
    root = written("clef-G2 timeSignature-6/8 " + "C4_eighth " * 6 + "barline")
    assert texts_of(root, ".//beam") == ["begin", "continue", "end"] * 2


def test_a_pickup_is_beamed_as_the_end_of_its_measure():
    root = written("clef-G2 timeSignature-3/4 C4_eighth D4_eighth E4_eighth barline F4_half.")
    assert texts_of(root, ".//beam") == ["begin", "end"]
    assert root.findall(".//note")[0].find("beam") is None


def test_short_grace_notes_have_a_slash_and_groups_a_beam():
    root = written(f"{START} gracenote-A4_eighth G4_half gracenote-A4_quarter G4_half")
    assert [grace.get("slash") for grace in root.iter("grace")] == ["yes", "no"]
    root = written(f"{START} gracenote-A4_sixteenth gracenote-B4_sixteenth G4_whole")
    assert texts_of(root, ".//beam[@number='2']") == ["begin", "end"]
    assert root.find(".//note[grace]/duration") is None


def test_barlines_and_repeats():
    root = written(f"{START} repeat-start C4_whole repeat-end D4_whole barline-double E4_whole")
    found = [
        (b.get("location"), b.findtext("bar-style"), b.find("repeat") is not None)
        for b in root.iter("barline")
    ]
    assert found == [
        ("left", "heavy-light", True),
        ("right", "light-heavy", True),
        ("right", "light-light", False),
        ("right", "none", False),
    ]


def test_the_tempo_is_shown_and_sounds():
    root = written(f"{START} C4_whole", options=ExportOptions(tempo=96))
    assert root.findtext(".//metronome/per-minute") == "96"
    assert root.find(".//sound").get("tempo") == "96"


def test_a_score_without_notes_shows_its_signs():
    root = written("clef-F4 keySignature-DM")
    assert texts_of(root, ".//fifths") == ["2"]
    assert len(root.findall(".//measure")) == 1


def test_a_staff_that_goes_on_writes_no_new_signs():
    root = written(f"{START} C4_half", "clef-G2 timeSignature-4/4 C4_half barline D4_whole")
    assert len(root.findall(".//measure")) == 2
    assert len(root.findall(".//attributes")) == 1


def test_a_compressed_score_holds_the_plain_one():
    made = score(f"{START} C4_whole")
    with zipfile.ZipFile(io.BytesIO(mxl_bytes(made))) as archive:
        assert archive.namelist()[0] == "mimetype"
        path = ET.fromstring(archive.read("META-INF/container.xml")).find(".//rootfile")
        assert archive.read(path.get("full-path")) == musicxml_bytes(made)
