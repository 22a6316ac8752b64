"""Finding samples in the layouts that are distributed, and naming what is wrong with a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from omrcli.datasets.corpus import Sample, find_samples, read_split, select_samples
from omrcli.errors import InputError, UsageError

SHARED = Path(__file__).parents[3] / "shared" / "testsets"
SEMANTIC = "clef-G2\tnote-C4_half\tbarline\t\n"
MUSICXML = """<score-partwise><part-list><score-part id="P1"><part-name/></score-part></part-list>
<part id="P1"><measure number="1"><attributes><divisions>1</divisions>
<clef><sign>G</sign><line>2</line></clef></attributes>
<note><pitch><step>C</step><octave>4</octave></pitch><duration>2</duration><type>half</type></note>
</measure></part></score-partwise>"""


def make_files(root: Path, *names: str) -> Path:
    """Files with a little content that suits their suffix."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(MUSICXML if path.suffix == ".musicxml" else SEMANTIC, encoding="utf-8")
    return root


def test_primus_folders(tmp_path: Path) -> None:
    root = make_files(
        tmp_path, "b/b.png", "b/b.semantic", "b/b.agnostic", "b/b.mei", "a/a.png", "a/a.semantic"
    )
    samples = find_samples(root)
    assert [sample.id for sample in samples] == ["a", "b"]
    assert samples[1] == Sample("b", root / "b/b.png", root / "b/b.semantic")
    assert samples[1].tokens == ("clef-G2", "note-C4_half", "barline")
    assert [sample.truth.name for sample in find_samples(root, "agnostic")] == ["b.agnostic"]


def test_camera_primus_gives_one_sample_per_id_in_the_chosen_look(tmp_path: Path) -> None:
    root = make_files(tmp_path, "x/x.png", "x/x_distorted.jpg", "x/x.semantic")
    assert [(s.id, s.image.name) for s in find_samples(root)] == [("x", "x.png")]
    worn = find_samples(root, look="distorted")
    assert [(s.id, s.image.name) for s in worn] == [("x", "x_distorted.jpg")]
    (root / "x/x.png").unlink()
    assert [s.image.name for s in find_samples(root)] == ["x_distorted.jpg"]


def test_flat_folder_with_a_distorted_sample_of_its_own(tmp_path: Path) -> None:
    root = make_files(
        tmp_path, "x.png", "x.semantic", "x_distorted.jpg", "x_distorted.semantic", "lonely.png"
    )
    found = [(s.id, s.image.name) for s in find_samples(root, look="distorted")]
    assert found == [("x", "x.png"), ("x_distorted", "x_distorted.jpg")]


def test_equal_names_in_two_folders_are_told_apart(tmp_path: Path) -> None:
    root = make_files(
        tmp_path,
        "one/p.png",
        "one/p.semantic",
        "two/p.png",
        "two/p.semantic",
        "q.png",
        "q.semantic",
    )
    assert [sample.id for sample in find_samples(root)] == ["one/p", "q", "two/p"]


def test_musicxml_is_truth_unless_there_is_a_semantic_file(tmp_path: Path) -> None:
    pytest.importorskip("omrcli.formats.musicxml_reader")
    root = make_files(tmp_path, "x.jpg", "x.musicxml", "y.png", "y.musicxml", "y.semantic")
    first, second = find_samples(root)
    assert first.truth.name == "x.musicxml"
    assert first.tokens[:2] == ("clef-G2", "note-C4_half")
    assert second.truth.name == "y.semantic"


def test_one_image(tmp_path: Path) -> None:
    root = make_files(tmp_path, "x.png", "x.semantic", "y.png", "y.semantic")
    assert [sample.id for sample in find_samples(root / "y.png")] == ["y"]


def test_truth_is_read_late_and_must_not_be_empty(tmp_path: Path) -> None:
    root = make_files(tmp_path, "x.png", "x.semantic")
    (root / "x.semantic").write_text("\n")
    sample = find_samples(root)[0]
    with pytest.raises(InputError, match=r"x\.semantic is empty"):
        _ = sample.tokens


def test_errors_name_the_folder_and_the_choice(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere does not exist"):
        find_samples(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"no image with a \.agnostic file"):
        find_samples(make_files(tmp_path, "x.png", "x.semantic"), "agnostic")
    with pytest.raises(UsageError, match="'kern' is unknown; choose semantic or agnostic"):
        find_samples(tmp_path, "kern")  # type: ignore[arg-type]


def test_split_files(tmp_path: Path) -> None:
    path = tmp_path / "test.txt"
    path.write_text("000051652-1_2_1\r\n\n  b  # comment\nfolder/c_distorted.jpg\n")
    assert read_split(path) == ["000051652-1_2_1", "b", "c"]
    path.write_text("\n")
    with pytest.raises(InputError, match="is empty"):
        read_split(path)
    with pytest.raises(InputError, match="Cannot read the list"):
        read_split(tmp_path / "nowhere.txt")


def test_selection_keeps_the_order_of_the_split(tmp_path: Path) -> None:
    names = [f"{name}.{suffix}" for name in "abc" for suffix in ("png", "semantic")]
    samples = find_samples(make_files(tmp_path, *names))
    assert [sample.id for sample in select_samples(samples, ["c", "a"])] == ["c", "a"]
    with pytest.raises(InputError, match=r"1 of 2 listed samples .* 'z'"):
        select_samples(samples, ["a", "z"])


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the test sets beside the checkout")
def test_distributed_test_sets() -> None:
    assert len(find_samples(SHARED / "primus")) == 36
    photos = find_samples(SHARED / "photos")
    assert len(photos) == 20
    assert all(sample.tokens[0].startswith("clef-") for sample in photos)
