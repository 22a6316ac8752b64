"""`omr convert`: formats, options, what is said of losses, and refusals."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import mido
import pytest
from typer.testing import CliRunner

from omrcli import second_process
from omrcli.cli.app import app
from omrcli.convert import lilypond, pages, sources, verovio_process
from omrcli.convert.sources import read_music
from omrcli.convert.writers import WRITERS, name_pages
from omrcli.errors import ExitCode, InputError, MissingDependencyError

ROOT = Path(__file__).parents[2]
UPPER = "clef-G2 keySignature-GM timeSignature-2/4 note-F#4_quarter note-A4_quarter barline-final"
LOWER = "clef-F4 keySignature-GM timeSignature-2/4 note-D3_half barline-final"
PIANO = """<score-partwise version="4.0">
<part-list><score-part id="P1"><part-name>Piano</part-name></score-part></part-list>
<part id="P1"><measure number="1">
<attributes><divisions>1</divisions><time><beats>2</beats><beat-type>4</beat-type></time>
<staves>2</staves><clef number="1"><sign>G</sign><line>2</line></clef>
<clef number="2"><sign>F</sign><line>4</line></clef></attributes>
<direction><direction-type><dynamics><p/></dynamics></direction-type></direction>
<note><pitch><step>E</step><octave>5</octave></pitch><duration>2</duration><voice>1</voice>
<type>half</type><staff>1</staff><notations><slur type="start" number="1"/></notations>
<lyric><text>la</text></lyric></note>
<backup><duration>2</duration></backup>
<note><pitch><step>C</step><octave>5</octave></pitch><duration>2</duration><voice>2</voice>
<type>half</type><staff>1</staff></note>
<backup><duration>2</duration></backup>
<note><pitch><step>C</step><octave>3</octave></pitch><duration>2</duration><voice>5</voice>
<type>half</type><staff>2</staff></note>
</measure></part></score-partwise>"""


@pytest.fixture
def duo(tmp_path: Path) -> Path:
    path = tmp_path / "duo.semantic"
    path.write_text(f"{UPPER}\n\n{LOWER}\n")
    return path


@pytest.fixture
def piano(tmp_path: Path) -> Path:
    path = tmp_path / "piano.musicxml"
    path.write_text(PIANO)
    return path


def run(*arguments: str | Path, input: bytes | None = None) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=input)


def convert(*arguments: str | Path, input: bytes | None = None) -> Any:
    return run("convert", *arguments, input=input)


# --- what is written ------------------------------------------------------------------------------


def test_each_line_of_a_semantic_file_is_a_part(duo, tmp_path):
    assert convert(duo, "-o", tmp_path / "duo.musicxml").exit_code == 0
    root = ET.parse(tmp_path / "duo.musicxml").getroot()
    assert [part.get("id") for part in root.findall("part")] == ["P1", "P2"]
    result = convert(tmp_path / "duo.musicxml", "-t", "semantic")
    assert [line.split() for line in result.stdout.splitlines()] == [UPPER.split(), LOWER.split()]


def test_several_outputs_are_written_from_one_reading(duo, tmp_path):
    outputs = [tmp_path / f"out.{name}" for name in ("mxl", "mid", "xml", "semantic")]
    assert convert(duo, *(word for path in outputs for word in ("-o", path))).exit_code == 0
    assert zipfile.is_zipfile(outputs[0])
    assert len(mido.MidiFile(outputs[1]).tracks) == 3
    assert (
        outputs[3].read_text() == "\t".join(UPPER.split()) + "\n" + "\t".join(LOWER.split()) + "\n"
    )


def test_a_document_that_needs_no_change_stays_as_it_is(piano, tmp_path):
    assert convert(piano, "-o", tmp_path / "same.xml").exit_code == 0
    assert (tmp_path / "same.xml").read_text() == PIANO
    assert convert(piano, "-o", tmp_path / "packed.mxl").exit_code == 0
    with zipfile.ZipFile(tmp_path / "packed.mxl") as archive:
        assert archive.read("score.musicxml").decode() == PIANO


@pytest.mark.parametrize("name", ["duo.semantic", "piano.musicxml"])
def test_title_composer_and_tempo_are_put_in_place(duo, piano, tmp_path, name):
    options = ["--title", "Été\xa0<&>\x1b", "--composer", "Néant", "--tempo", "90"]
    out = tmp_path / "out.musicxml"
    assert convert(tmp_path / name, "-o", out, *options).exit_code == 0
    again = tmp_path / "again.musicxml"
    assert (
        convert(out, "-o", again, "--title", "B", "--composer", "C", "--tempo", "60").exit_code == 0
    )
    for path, title, composer, tempo in (
        (out, "Été\xa0<&>", "Néant", "90"),
        (again, "B", "C", "60"),
    ):
        root = ET.parse(path).getroot()
        assert [e.text for e in root.iterfind("work/work-title")] == [title]
        assert [e.text for e in root.iterfind("identification/creator")] == [composer]
        assert [e.get("tempo") for e in root.iter("sound")] == [tempo]
        order = [child.tag for child in root]
        assert order.index("work") < order.index("identification") < order.index("part-list")


def test_line_breaks_are_left_out_where_that_is_asked_for(tmp_path):
    broken = PIANO.replace('<measure number="1">', '<measure number="1"><print new-system="yes"/>')
    (tmp_path / "in.xml").write_text(broken)
    assert convert(tmp_path / "in.xml", "-o", tmp_path / "out.xml", "--no-layout").exit_code == 0
    assert ET.parse(tmp_path / "out.xml").find(".//print") is None


def test_every_staff_of_a_part_is_a_line_and_losses_are_named(piano):
    result = convert(piano, "-t", "semantic")
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["clef-G2", "clef-F4"]
    assert result.stderr == (
        f"omr: {piano}: What .semantic cannot hold is left out: voice 2 of part 1, staff 1 "
        "(1 notes), slurs, dynamics, lyrics.\n"
    )


def test_all_voices_of_musicxml_sound_in_midi(piano, tmp_path):
    result = convert(piano, "-o", tmp_path / "out.mid")
    keys = {
        m.note for t in mido.MidiFile(tmp_path / "out.mid").tracks for m in t if m.type == "note_on"
    }
    assert keys == {76, 72, 48}
    assert "the spelling of pitches" in result.stderr


def test_midi_becomes_notation_the_same_twice(duo, tmp_path):
    assert convert(duo, "-o", tmp_path / "duo.mid").exit_code == 0
    first, second = (convert(tmp_path / "duo.mid", "-t", "musicxml").stdout for _ in range(2))
    assert first == second
    lines = convert(tmp_path / "duo.mid", "-t", "semantic").stdout.splitlines()
    assert "note-F#4_quarter\tnote-A4_quarter" in lines[0]
    assert "note-D3_half" in lines[1]


def test_standard_input_is_known_by_its_content(duo, piano, tmp_path):
    convert(duo, "-o", tmp_path / "a.mid", "-o", tmp_path / "a.mxl")
    for path in (duo, piano, tmp_path / "a.mid", tmp_path / "a.mxl"):
        result = convert("-", "-t", "semantic", input=path.read_bytes())
        assert result.exit_code == 0, result.stderr
        assert result.stdout.startswith("clef-")
    result = convert("-", "-f", "mid", "-t", "semantic", input=duo.read_bytes())
    assert result.exit_code == ExitCode.INPUT
    assert result.stderr == "omr: Cannot read standard input as MIDI; export it again.\n"


def test_measures_that_do_not_fill_their_meter_are_told(tmp_path):
    (tmp_path / "a.semantic").write_text(
        "clef-G2 timeSignature-2/4 note-C4_half barline note-C4_quarter barline note-C4_half "
        "barline"
    )
    result = convert(tmp_path / "a.semantic", "-t", "musicxml")
    assert result.exit_code == 0
    assert "Measure 2 (staff 1) is short of its meter" in result.stderr


def test_a_percussion_part_is_left_out_and_named(tmp_path):
    drums = (
        '<part id="P2"><measure><note><unpitched/><duration>1</duration><type>quarter</type>'
        "</note></measure></part></score-partwise>"
    )
    (tmp_path / "in.xml").write_text(PIANO.replace("</score-partwise>", drums))
    result = convert(tmp_path / "in.xml", "-t", "semantic")
    assert len(result.stdout.splitlines()) == 2
    assert "part 2 (an unpitched note)" in result.stderr


def test_a_suffix_is_stronger_than_the_format_of_standard_output(duo, tmp_path):
    result = convert(duo, "-o", "-", "-o", tmp_path / "a.MID", "-o", tmp_path / "b", "-t", "XML")
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "a.MID").read_bytes().startswith(b"MThd")
    assert (tmp_path / "b").read_text() == result.stdout
    assert result.stdout.startswith("<?xml")


def test_names_of_formats_may_be_capitals(duo, tmp_path):
    (tmp_path / "UP.SEMANTIC").write_bytes(duo.read_bytes())
    plain = convert(duo, "-t", "musicxml").stdout
    assert convert(tmp_path / "UP.SEMANTIC", "-f", "Semantic", "-t", "MusicXML").stdout == plain


# --- engraving and other notations ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "start"),
    [("svg", b"<svg"), ("mei", b"<?xml"), ("krn", b"!!!"), ("html", b"<!DOCTYPE html>")],
)
def test_verovio_writes(duo, tmp_path, name, start):
    pytest.importorskip("verovio")
    path = tmp_path / f"out.{name}"
    result = convert(duo, "-o", path, "--title", "A <b>Duo</b>", "--composer", "Néant")
    assert result.exit_code == 0, result.stderr
    assert path.read_bytes().startswith(start)
    assert "Néant" in path.read_text()
    assert ("4f#" if name == "krn" else "&lt;b&gt;") in path.read_text()


@pytest.mark.parametrize(("name", "start"), [("pdf", b"%PDF"), ("png", b"\x89PNG")])
def test_pages_are_drawn(duo, tmp_path, name, start):
    pytest.importorskip("verovio")
    pytest.importorskip("typst")
    pytest.importorskip("brotli")
    paths = [tmp_path / f"{stem}.{name}" for stem in "ab"]
    for path in paths:
        assert convert(duo, "-o", path, "--tempo", "60", "--title", "Duo").exit_code == 0
        time.sleep(1.1)  # fonts are dated to the second
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].read_bytes().startswith(start)


def test_several_pages_are_numbered_files(tmp_path):
    pytest.importorskip("verovio")
    measure = "note-C4_sixteenth " * 16 + "barline "
    (tmp_path / "long.semantic").write_text("clef-G2 timeSignature-4/4 " + measure * 60)
    result = convert(tmp_path / "long.semantic", "-o", tmp_path / "long.svg")
    names = sorted(path.name for path in tmp_path.glob("*.svg"))
    assert len(names) > 1
    assert names == [f"long-{n}.svg" for n in range(1, len(names) + 1)]
    assert f"{len(names)} pages are in" in result.stderr
    result = convert(tmp_path / "long.semantic", "-t", "svg")
    assert result.exit_code == ExitCode.USAGE
    assert "cannot share standard output" in result.stderr


def test_page_numbers_have_as_many_digits_as_the_last():
    assert name_pages(Path("a.png"), 1) == [Path("a.png")]
    assert [p.name for p in name_pages(Path("x/a.png"), 10)][::9] == ["a-01.png", "a-10.png"]


def test_lilypond_is_written_by_its_own_program(duo, tmp_path):
    try:
        lilypond.find_musicxml2ly()
    except MissingDependencyError:
        pytest.skip("musicxml2ly is not installed")
    assert convert(duo, "-o", tmp_path / "duo.ly", "--title", "Duo").exit_code == 0
    text = (tmp_path / "duo.ly").read_text()
    assert "\\clef" in text
    assert "Duo" in text


def test_without_lilypond_it_is_named(duo, tmp_path, monkeypatch):
    monkeypatch.setattr(lilypond, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda *a, **k: None)
    result = convert(duo, "-o", tmp_path / "duo.ly")
    assert result.exit_code == ExitCode.DEPENDENCY
    assert "pip install lilypond" in result.stderr
    assert not (tmp_path / "duo.ly").exists()


def test_without_verovio_the_extra_is_named(duo, tmp_path, monkeypatch):
    monkeypatch.setattr(verovio_process, "find_spec", lambda name: None)
    result = convert(duo, "-o", tmp_path / "a.mid", "-o", tmp_path / "a.svg")
    assert result.exit_code == ExitCode.DEPENDENCY
    assert result.stderr == "omr: Engraving needs Verovio; run: pip install 'omrcli[convert]'\n"
    assert not (tmp_path / "a.mid").exists()  # all is made before anything is written


def test_without_typst_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(
        MissingDependencyError, match=r"typst; run: pip install 'omrcli\[convert\]'"
    ):
        pages.png_bytes(["<svg/>"])


@pytest.mark.parametrize("code", ["import os; os.abort()", "print('?')"])
def test_a_crash_of_verovio_is_an_input_error(duo, monkeypatch, code):
    pytest.importorskip("verovio")
    monkeypatch.setattr(second_process, "_START", code)
    result = convert(duo, "-t", "svg")
    assert result.exit_code == ExitCode.INPUT
    assert f"Verovio crashed over {duo}" in result.stderr


def test_verovio_that_hangs_is_ended(duo, monkeypatch):
    pytest.importorskip("verovio")
    monkeypatch.setattr(verovio_process, "PATIENCE", 0.5)
    monkeypatch.setattr(second_process, "_START", "import time; time.sleep(60)")
    result = convert(duo, "-t", "svg")
    assert result.exit_code == ExitCode.INPUT
    assert "took longer than" in result.stderr


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["none.xml", "-t", "mid"], ExitCode.INPUT, "Cannot read none.xml: no such file"),
        (["none.png", "-t", "mid"], ExitCode.USAGE, "no suffix of a format to read"),
        (["duo.semantic"], ExitCode.USAGE, "say its format with --to"),
        (["duo.semantic", "-t", "docx"], ExitCode.USAGE, "Format 'docx' cannot be written"),
        (
            ["duo.semantic", "-f", "docx", "-t", "xml"],
            ExitCode.USAGE,
            "Format 'docx' cannot be read",
        ),
        (["duo.semantic", "-o", "out"], ExitCode.USAGE, "out has no suffix"),
        (["duo.semantic", "-o", "."], ExitCode.OUTPUT, ". is a folder; give the name of a file"),
        (["duo.semantic", "-o", "folder.mid/"], ExitCode.OUTPUT, "folder.mid/ is a folder"),
        (["duo.semantic", "-o", "x" * 300], ExitCode.USAGE, "x has no suffix"),
        (["duo.semantic", "-o", "x/out.mid"], ExitCode.OUTPUT, "its folder does not exist"),
        (["duo.semantic", "-o", "duo.semantic"], ExitCode.USAGE, "is the input"),
        (["duo.semantic", "-o", "a.mid", "-o", "./a.mid"], ExitCode.USAGE, "written twice"),
        (["duo.semantic", "-o", "-", "-o", "-", "-t", "mid"], ExitCode.USAGE, "one format only"),
        (["duo.semantic", "-t", "mid", "--tempo", "5000"], ExitCode.USAGE, ""),
        (
            ["folder.mid", "-t", "semantic"],
            ExitCode.INPUT,
            "Cannot read folder.mid: is a directory",
        ),
        (["duo.semantic", "-o", "folder.mid"], ExitCode.OUTPUT, "folder.mid is a folder"),
    ],
)
def test_refusals(duo, tmp_path, monkeypatch, arguments, code, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.mid").mkdir()
    before = sorted(tmp_path.iterdir())
    result = convert(*arguments)
    assert result.exit_code == code
    assert sentence in result.stderr
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty"),
        (b"clef-G2 nonsense", "'nonsense' in line 1 of in.semantic is no token"),
        (b"clef-G2\nclef-G2 " + b"x" * 9999, "... in line 2 of in.semantic".lstrip(".")),
        (b"clef-G2 \xff", "is no text of tokens"),
        (b"multirest-9999 " * 20, "lasts more than 100000 measures"),
        (b"clef-G2\n" * 300, "has more than 200 lines"),
    ],
)
def test_semantic_files_made_to_harm_are_refused(data, sentence):
    with pytest.raises(InputError, match=sentence.replace(".", r"\.")) as caught:
        read_music("in.semantic", data)
    assert len(str(caught.value)) < 250


def midi(*messages: mido.Message, ticks: int = 480) -> bytes:
    file = mido.MidiFile(ticks_per_beat=ticks)
    file.tracks.append(mido.MidiTrack(messages))
    stream = io.BytesIO()
    file.save(file=stream)
    return stream.getvalue()


def test_midi_files_made_to_harm_are_refused(monkeypatch):
    on = mido.Message("note_on", note=60, velocity=64)
    long = midi(on, mido.Message("note_off", note=60, time=2**27), ticks=1)
    with pytest.raises(InputError, match="lasts more than 50000 quarter notes"):
        read_music("in.mid", long)
    with pytest.raises(InputError, match="holds no notes"):
        read_music("in.mid", midi())
    for data in (b"", b"MThd", b"MThd" + b"\xff" * 50, midi(on)[:-6], b"RIFF" * 9):
        with pytest.raises(InputError, match=r"in\.mid"):
            read_music("in.mid", data)


def test_timewise_and_other_xml_is_refused():
    with pytest.raises(InputError, match="is timewise MusicXML"):
        read_music("in.xml", b"<score-timewise/>")
    with pytest.raises(InputError, match="is no MusicXML"):
        read_music("in.xml", b"<svg/>")
    with pytest.raises(InputError, match="declares XML entities"):
        read_music("in.xml", b'<!DOCTYPE a [<!ENTITY e SYSTEM "/etc/passwd">]><a>&e;</a>')


def test_endless_input_is_refused(monkeypatch):
    monkeypatch.setattr("omrcli.formats.xml_files.MAX_BYTES", 1000)
    with pytest.raises(InputError, match="larger than"):
        sources.read_music("-", b"clef-G2 " * 1000)


def test_a_full_disk_leaves_the_old_file(duo, tmp_path, monkeypatch):
    out = tmp_path / "out.musicxml"
    out.write_text("old")

    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    result = convert(duo, "-o", out)
    assert result.exit_code == ExitCode.OUTPUT
    assert out.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["duo.semantic", "out.musicxml"]


def test_a_real_process_writes_to_a_pipe(duo):
    command = [sys.executable, "-m", "omrcli", "convert", "-", "-t", "mid"]
    result = subprocess.run(
        command, cwd=ROOT, input=duo.read_bytes(), capture_output=True, timeout=300, env=os.environ
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(b"MThd")


def test_every_format_is_in_the_help_and_the_docs():
    shown = "".join(run("convert", "--help").stdout.split())
    document = (ROOT / "docs" / "convert.md").read_text(encoding="utf-8")
    for name in (*WRITERS, *sources.READABLE):
        assert f".{name}" in shown
        assert f"`.{name}`" in document
