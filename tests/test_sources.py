"""Corpora in every format: single, in folders and archives, sampled, damaged."""

from __future__ import annotations

import gzip
import io
import json
import random
import tarfile
import zipfile
from pathlib import Path

import pytest

from omrcli.errors import InputError
from omrcli.synth import sources
from omrcli.synth.sources import (
    SourceOptions,
    drop_keyboard_parts,
    load_corpus,
    load_excerpts,
    load_pieces,
    plaine_and_easie,
)

RISM = Path(__file__).parents[2] / "shared" / "corpora" / "rism-incipits.json.gz"
TUNE = "X:1\nM:4/4\nL:1/4\nK:G\n" + "GABc|defg|" * 6 + "\n"
OPENING = ["clef-G2", "keySignature-GM", "timeSignature-4/4"]
RECORD = {"g": "G-2", "n": "xF", "o": "3/4", "p": "4'GAB/2.''C/", "clean": True}
NOTES = "".join(
    f"<note><pitch><step>{step}</step><octave>4</octave></pitch><duration>1</duration>"
    "<type>quarter</type></note>"
    for step in "CDE"
)
ATTRIBUTES = (
    "<attributes><divisions>1</divisions><time><beats>3</beats><beat-type>4</beat-type></time>"
    "{}<clef><sign>G</sign><line>2</line></clef></attributes>"
)
MUSICXML = (
    '<score-partwise><part-list><score-part id="P1"><part-name/></score-part>'
    '<score-part id="P2"><part-name/></score-part></part-list>'
    f'<part id="P1"><measure number="1">{ATTRIBUTES.format("")}{NOTES}</measure></part>'
    f'<part id="P2"><measure number="1">{ATTRIBUTES.format("<staves>2</staves>")}{NOTES}</measure>'
    "</part></score-partwise>"
)
KERN = "**kern\n*clefF4\n*k[b-]\n*M2/4\n=1\n4C\n4B-\n=2\n2D\n==\n*-\n"


def need_verovio() -> None:
    """Skip where the importers are not installed."""
    pytest.importorskip("verovio")
    pytest.importorskip("omrcli.engrave")


def make_mxl(name: str = "score.xml", path_in_container: str = "score.xml") -> bytes:
    """A compressed MusicXML file."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        root = f"<rootfile full-path='{path_in_container}'/>"
        archive.writestr(
            "META-INF/container.xml", f"<container><rootfiles>{root}</rootfiles></container>"
        )
        archive.writestr(name, MUSICXML)
    return data.getvalue()


def test_tune_book(tmp_path: Path) -> None:
    book = tmp_path / "book.abc"
    book.write_text(TUNE + "\n" + TUNE.replace("X:1", "X:2"), encoding="latin-1")
    sequences = list(load_corpus(book))
    assert len(sequences) == 2
    assert sequences[0][:4] == [*OPENING, "note-G4_quarter"]


def test_folder_is_read_in_order_and_damaged_files_are_reported(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "tune.abc").write_text(TUNE)
    (tmp_path / "a.semantic").write_text("clef-C1\tnote-C4_half\n")
    (tmp_path / "c.mxl").write_bytes(b"PK not a zip file")
    (tmp_path / "notes.txt").write_text("not music")
    skipped: list[str] = []
    options = SourceOptions(on_skip=lambda name, error: skipped.append(f"{name}: {error}"))
    pieces = list(load_pieces(tmp_path, options))
    assert [piece.sequences[0][0] for piece in pieces] == ["clef-C1", "clef-G2"]
    assert len(skipped) == 1
    assert "Cannot read" in skipped[0]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.musicxml", "<!DOCTYPE a [<!ENTITY b 'c'>]><score-partwise/>", "declares XML entities"),
        ("a.mei", "<!DOCTYPE a [<!ENTITY b 'c'>]><mei/>", "declares XML entities"),
        ("a.json", "[" * 200_000, "is not JSON"),
    ],
)
def test_files_made_to_harm_are_refused(
    name: str, content: str, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=sentence):
        list(load_pieces(tmp_path / name, SourceOptions()))


def test_a_single_damaged_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "records.json"
    path.write_text("{}")
    with pytest.raises(InputError, match="is not a list of records"):
        list(load_corpus(path))
    path.write_text("[")
    with pytest.raises(InputError, match="is not JSON"):
        list(load_corpus(path))
    packed = tmp_path / "records.json.gz"
    packed.write_bytes(b"no gzip")
    with pytest.raises(InputError, match="is not a gzip file"):
        list(load_corpus(packed))


def test_missing_and_empty_corpora(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        list(load_corpus(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"No file of a known format \(\.abc"):
        list(load_corpus(tmp_path))
    broken = tmp_path / "broken.tar.xz"
    broken.write_bytes(b"no archive")
    with pytest.raises(InputError, match="Cannot read the archive"):
        list(load_corpus(broken))


def test_archive_and_sampling_over_folders(tmp_path: Path) -> None:
    path = tmp_path / "tunes.tar.xz"
    with tarfile.open(path, "w:xz") as archive:
        for name in [f"large/{index:02}.abc" for index in range(20)] + ["small/only.abc"]:
            member = tarfile.TarInfo(name)
            member.size = len(TUNE)
            archive.addfile(member, io.BytesIO(TUNE.encode()))
    assert len(list(load_pieces(path))) == 21
    few = [piece.name for piece in load_pieces(path, SourceOptions(max_files=4))]
    assert len(few) == 4
    assert "small/only.abc" in few
    assert few == [piece.name for piece in load_pieces(path, SourceOptions(max_files=4))]
    assert few != [piece.name for piece in load_pieces(path, SourceOptions(max_files=4, seed=1))]


def test_incipits_stay_whole_and_parts_are_cut(tmp_path: Path) -> None:
    (tmp_path / "a.semantic").write_text(" ".join([*OPENING, *["note-C4_half"] * 90]))
    (tmp_path / "b.abc").write_text(TUNE)
    whole, *cut = load_excerpts(tmp_path, random.Random(0))
    assert len(whole) == 93
    assert len(cut) > 1
    assert all(excerpt[:2] == OPENING[:2] for excerpt in cut)


def test_default_corpus_needs_no_import_of_music21() -> None:
    folders = sources.find_music21_folders()
    assert {folder.name for folder in folders} >= {"ryansMammoth", "essenFolksong"}
    book = sorted(folder for folder in folders if folder.name == "ryansMammoth")[0]
    (first, *_) = load_corpus(book, SourceOptions(max_files=2))
    assert first[0] == "clef-G2"


def test_plaine_and_easie_text() -> None:
    text = plaine_and_easie({"g": "C-1", "p": "4C"})
    assert text == "@clef:C-1\n@keysig:\n@timesig:\n@data:4C\n"


def test_keyboard_parts_are_dropped() -> None:
    text = drop_keyboard_parts(MUSICXML.encode(), "x")
    assert 'id="P1"' in text
    assert "P2" not in text
    only_keyboard = MUSICXML.replace(ATTRIBUTES.format(""), ATTRIBUTES.format("<staves>2</staves>"))
    assert drop_keyboard_parts(only_keyboard.encode(), "x") == ""
    with pytest.raises(InputError, match="not partwise MusicXML but <opus>"):
        drop_keyboard_parts(b"<opus/>", "x")


def test_incipits_through_verovio(tmp_path: Path) -> None:
    need_verovio()
    records = [RECORD, {**RECORD, "clean": False}, {**RECORD, "p": ""}]
    path = tmp_path / "records.json.gz"
    path.write_bytes(gzip.compress(json.dumps(records).encode()))
    (piece,) = load_pieces(path)
    assert piece.incipit
    assert piece.sequences == ((
        "clef-G2", "keySignature-GM", "timeSignature-3/4",
        "note-G4_quarter", "note-A4_quarter", "note-B4_quarter", "barline",
        "note-C5_half.", "barline",
    ),)  # fmt: skip


@pytest.mark.parametrize("container_path", ["score.xml", "wrong.xml"])
def test_musicxml_through_verovio(tmp_path: Path, container_path: str) -> None:
    need_verovio()
    (tmp_path / "x.mxl").write_bytes(make_mxl(path_in_container=container_path))
    (sequence,) = load_corpus(tmp_path / "x.mxl")
    assert sequence == [
        "clef-G2", "timeSignature-3/4",
        "note-C4_quarter", "note-D4_quarter", "note-E4_quarter", "barline",
    ]  # fmt: skip


def test_humdrum_through_verovio(tmp_path: Path) -> None:
    need_verovio()
    (tmp_path / "x.krn").write_text(KERN)
    (sequence,) = load_corpus(tmp_path / "x.krn")
    assert sequence[:5] == [
        "clef-F4", "keySignature-FM", "timeSignature-2/4", "note-C3_quarter", "note-Bb3_quarter",
    ]  # fmt: skip
    assert sequence[-2:] == ["note-D3_half", "barline-final"]


@pytest.mark.skipif(not RISM.is_file(), reason="needs the corpora beside the checkout")
def test_rism_incipits(tmp_path: Path) -> None:
    need_verovio()
    records = json.loads(gzip.decompress(RISM.read_bytes()))
    path = tmp_path / "some.json"
    path.write_text(json.dumps([record for record in records if record["clean"]][::200]))
    pieces = list(load_pieces(path))
    assert len(pieces) >= 38
    assert all(piece.sequences[0][0].startswith("clef-") for piece in pieces)


def test_a_file_of_an_unknown_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("C D E")
    with pytest.raises(InputError, match="No file of a known format"):
        list(load_corpus(path))
