"""What is found in folders, in which order, and how its outputs are called."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omrcli.batch.inputs import Input, choose_name, find_inputs, name_outputs
from omrcli.errors import OutputError, UsageError
from omrcli.output import make_folder


def put(folder: Path, *names: str) -> Path:
    """Make empty files, and the folders that they are in."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return folder


def keys(*roots: Path, recursive: bool = True, ignored: tuple[Path, ...] = ()) -> list[str]:
    return [item.key for item in find_inputs(roots, recursive, ignored).inputs]


def test_images_and_pdfs_by_suffix_in_natural_order(tmp_path: Path) -> None:
    names = ("page10.png", "page2.PNG", "b/1.pdf", "Page1.jpeg", "notes.txt", "a.tiff", "x", "png")
    put(tmp_path / "c", "1.GIF", "2.jp2", "3.j2k", "4.jpx", "5.avif")
    put(tmp_path, *names, "page2-b.png")
    assert keys(tmp_path) == [
        *("a.tiff", "b/1.pdf", "c/1.GIF", "c/2.jp2", "c/3.j2k", "c/4.jpx", "c/5.avif"),
        *("Page1.jpeg", "page2.PNG", "page2-b.png", "page10.png"),
    ]


def test_folders_in_folders_only_if_asked_for(tmp_path: Path) -> None:
    put(tmp_path, "a.png", "sub/b.png")
    assert keys(tmp_path, recursive=False) == ["a.png"]


def test_hidden_and_ignored_ones_are_left_out(tmp_path: Path) -> None:
    put(tmp_path, ".a.png", "._b.png", ".cache/c.png", "out/d.png", "e.png", "f.png")
    assert keys(tmp_path, ignored=(tmp_path / "out", tmp_path / "f.png")) == ["e.png"]


def test_what_is_skipped_is_named(tmp_path: Path) -> None:
    put(tmp_path, "a.png", "notes.txt", "sub/b.doc", ".hidden.txt", "out/x.txt", "README")
    put(tmp_path, "a.musicxml", "a.mid", "a.html", "manifest.jsonl", "omr.toml")
    found = find_inputs([tmp_path], True, [tmp_path / "out"])
    assert found.skipped == ("notes.txt", "README", "sub/b.doc")
    assert found.describe_skipped() == [
        "3 files were skipped: notes.txt, README, sub/b.doc; only images and PDF files are read."
    ]


def test_many_skipped_files_are_counted(tmp_path: Path) -> None:
    put(tmp_path, *(f"{number}.txt" for number in range(12)))
    (said,) = find_inputs([tmp_path]).describe_skipped()
    assert said.startswith("12 files were skipped: 0.txt, 1.txt, 2.txt and 9 more; ")
    assert find_inputs([put(tmp_path / "one", "a.png")]).describe_skipped() == []


def test_photos_of_phones_are_skipped_where_they_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a.HEIC", "b.txt")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    assert find_inputs([tmp_path]).describe_skipped() == [
        "1 file was skipped: a.HEIC; export HEIC as JPEG, or run pip install 'omrcli[heif]'",
        "1 file was skipped: b.txt; only images and PDF files are read.",
    ]
    monkeypatch.setattr("omrcli.pages.image_formats.has_heif", lambda: True)
    assert keys(tmp_path) == ["a.HEIC"]


def test_loops_of_links_are_harmless(tmp_path: Path) -> None:
    put(tmp_path, "a/b/c.png", "z/d.png")
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to(".")
    (tmp_path / "a" / "again").symlink_to(tmp_path / "z")
    (tmp_path / "me.png").symlink_to("me.png")
    assert keys(tmp_path) == ["a/b/c.png", "me.png", "z/d.png"]


def test_a_linked_folder_from_elsewhere_is_read(tmp_path: Path) -> None:
    put(tmp_path / "far", "x.png")
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "link").symlink_to(tmp_path / "far")
    assert keys(tmp_path / "near") == ["link/x.png"]


def test_a_pipe_is_no_input(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("needs named pipes")
    os.mkfifo(tmp_path / "pipe.png")
    assert keys(tmp_path) == []


def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    put(tmp_path, "shut/a.png", "b.png")
    (tmp_path / "shut").chmod(0)
    try:
        if os.access(tmp_path / "shut", os.R_OK):
            pytest.skip("this user may read everything")
        found = find_inputs([tmp_path], recursive=True)
    finally:
        (tmp_path / "shut").chmod(0o755)
    assert [item.key for item in found.inputs] == ["b.png"]
    assert f"The folder {tmp_path / 'shut'} cannot be read" in found.problems[0]


def test_several_roots_keep_their_names(tmp_path: Path) -> None:
    put(tmp_path, "one/a.png", "two/a.png", "three.png")
    found = keys(tmp_path / "one", tmp_path / "two", tmp_path / "three.png")
    assert found == ["one/a.png", "three.png", "two/a.png"]


def test_roots_of_one_name_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "one/x/a.png", "two/x/a.png")
    with pytest.raises(UsageError, match="have one name; read them in two runs"):
        keys(tmp_path / "one" / "x", tmp_path / "two" / "x")


@pytest.mark.skipif(sys.platform != "linux", reason="file names elsewhere are text")
def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.png")).write_bytes(b"")
    assert keys(tmp_path) == ["\udcff.png"]


def inputs(*names: str) -> list[Input]:
    return [Input(Path(name), name) for name in names]


def test_inputs_that_differ_by_suffix_have_names_of_their_own() -> None:
    names = name_outputs(inputs("a.pdf", "a.png", "a.png.png", "b/a.png", "B/A.jpg"), {})
    assert names == {
        "a.pdf": "a",
        "a.png": "a.png",
        "a.png.png": "a.png.png",
        "b/a.png": "b/a",
        "B/A.jpg": "B/A.jpg",
    }


def test_a_name_once_given_is_kept() -> None:
    assert name_outputs(inputs("a.pdf", "a.png"), {"a.png": "a"}) == {
        "a.pdf": "a.pdf",
        "a.png": "a",
    }


def test_the_name_of_an_input_that_is_gone_stays_taken() -> None:
    """Its outputs are still there, and are the only copy of what was in it."""
    assert name_outputs(inputs("a.png"), {"a.pdf": "a"}) == {"a.png": "a.png"}


@pytest.mark.parametrize("name", ["../a", "/etc/a", "b", "a.png.png", "a.png.2/../../a"])
def test_a_name_that_was_never_given_is_not_believed(name: str) -> None:
    assert name_outputs(inputs("a.png"), {"a.png": name}) == {"a.png": "a"}


@given(
    st.lists(st.from_regex(r"[aA]{1,2}(\.[23])?\.(png|pdf)", fullmatch=True), unique=True),
    st.data(),
)
def test_names_are_never_shared_nor_lost(names: list[str], data: st.DataObject) -> None:
    some = data.draw(st.lists(st.sampled_from(names), unique=True)) if names else []
    before = name_outputs(inputs(*some), {})
    after = name_outputs(inputs(*names), before)
    assert set(after) == set(names)
    assert len({name.casefold() for name in after.values()}) == len(names)
    assert before.items() <= after.items()


def test_a_third_of_a_name_gets_a_number() -> None:
    taken: set[str] = set()
    assert [choose_name("a.png", taken) for _ in range(3)] == ["a", "a.png", "a.png.2"]


@pytest.fixture
def pit(tmp_path: Path) -> Iterator[Path]:
    """A folder in a folder, and so on for longer than functions may call one another."""
    top = tmp_path / "0"
    folders = [top.joinpath(*["0"] * depth) for depth in range(sys.getrecursionlimit() + 50)]
    try:
        for folder in folders:
            folder.mkdir()
    except OSError:
        pytest.skip("this system has no paths of that length")
    yield folders[-1]
    for folder in reversed(folders):  # what removes trees may go down by calling itself
        for file in folder.glob("*.png"):
            file.unlink()
        folder.rmdir()


def test_folders_nested_as_deep_as_they_may_be(tmp_path: Path, pit: Path) -> None:
    put(pit, "a.png")
    put(tmp_path / "0", "b.png")
    deepest = (pit / "a.png").relative_to(tmp_path).as_posix()
    assert set(keys(tmp_path)) == {"0/b.png", deepest}


def test_deep_folders_are_made(pit: Path) -> None:
    bottom, top = pit, pit.parents[pit.as_posix().count("0/0") - 1]
    while bottom != top:
        bottom.rmdir()
        bottom = bottom.parent
    make_folder(pit)
    assert pit.is_dir()
    put(pit, "file.png")
    with pytest.raises(OutputError, match="file exists"):
        make_folder(pit / "file.png")


def test_what_paths_are_too_long_for_is_said(tmp_path: Path) -> None:
    before = Path.cwd()
    name = "x" * 200
    try:
        os.chdir(tmp_path)
        for _ in range(25):  # 5,000 signs
            Path(name).mkdir()
            os.chdir(name)
        found = find_inputs([tmp_path], recursive=True)
    except OSError:
        pytest.skip("this system has no folders that deep")
    finally:
        os.chdir(before)
    assert len(found.problems) == 1
    assert "too long" in found.problems[0]
