from __future__ import annotations

import os
from pathlib import Path

import pytest

from omrcli import output
from omrcli.errors import OutputError
from omrcli.output import make_folder, write_file


def test_new_file_is_whole_and_alone(tmp_path: Path) -> None:
    write_file(tmp_path / "a.mid", b"music")
    assert (tmp_path / "a.mid").read_bytes() == b"music"
    assert [path.name for path in tmp_path.iterdir()] == ["a.mid"]


def test_permissions_are_the_usual_or_the_old_ones(tmp_path: Path) -> None:
    usual, kept = tmp_path / "usual", tmp_path / "kept"
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    write_file(usual, b"x")
    assert usual.stat().st_mode == plain.stat().st_mode
    kept.write_bytes(b"old")
    kept.chmod(0o640)
    write_file(kept, b"new")
    assert kept.stat().st_mode & 0o777 == 0o640


def test_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


@pytest.mark.parametrize("failing", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_failure_keeps_the_old_file_and_leaves_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: BaseException
) -> None:
    target = tmp_path / "score.musicxml"
    target.write_bytes(b"old")

    def fail(*args: object) -> None:
        raise failing

    monkeypatch.setattr(Path, "replace", fail)
    expected = OutputError if isinstance(failing, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_file(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_full_disk_is_named(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with pytest.raises(OutputError, match="Cannot write /dev/full: no space left on device; check"):
        write_file(Path("/dev/full"), b"x")


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no such file or directory"):
        write_file(tmp_path / "no" / "a.mid", b"x")


def test_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder; give a file name"):
        write_file(tmp_path, b"x")


def test_folder_in_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(OutputError, match="Cannot write"):
        make_folder(tmp_path / "taken" / "below")


def test_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user may write everywhere")
        with pytest.raises(OutputError, match="permission denied"):
            write_file(tmp_path / "a.mid", b"x")
    finally:
        tmp_path.chmod(0o700)


def test_same_file_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "b").symlink_to("a")
    assert output.is_same_file(tmp_path / "a", tmp_path / "b")
    assert output.is_same_file(tmp_path / "new", tmp_path / "." / "new")
    assert not output.is_same_file(tmp_path / "a", tmp_path / "new")


def test_a_name_that_is_too_long_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="Cannot write"):
        write_file(tmp_path / ("x" * 400), b"new")
