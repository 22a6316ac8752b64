"""Which files of settings are found, and what of them is read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from omrcli.errors import InputError, UsageError
from omrcli.settings import files
from omrcli.settings.files import find_files, is_anything_set, read_file, user_file


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setattr(Path, "home", lambda: folder)
    return folder


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_nearest_file_upwards_is_the_project_s(home: Path) -> None:
    write(home / "omr.toml")
    near = write(home / "music" / "omr.toml")
    (home / "music" / "scans" / "old").mkdir(parents=True)
    for place in ("music", "music/scans", "music/scans/old"):
        assert [file.path for file in find_files({}, home / place).files] == [near]


def test_search_ends_at_the_home_folder(home: Path) -> None:
    write(home.parent / "omr.toml")
    (home / "work").mkdir()
    assert find_files({}, home / "work").files == ()
    assert [file.role for file in find_files({}, home.parent).files] == ["project"]


def test_outside_of_the_home_folder_the_search_goes_to_the_root(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "data" / "deep"
    other.mkdir(parents=True)
    top = write(tmp_path / "omr.toml")
    assert [file.path for file in find_files({}, other).files] == [top]


@pytest.mark.skipif(sys.platform == "win32", reason="another place on Windows")
def test_user_file_follows_the_project_s(home: Path) -> None:
    config = home / "config"
    environment = {"XDG_CONFIG_HOME": str(config)}
    user = write(config / "omr" / "omr.toml")
    project = write(home / "p" / "omr.toml")
    found = find_files(environment, home / "p").files
    assert [(file.path, file.role) for file in found] == [(project, "project"), (user, "user")]


def test_whether_anything_is_set(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_anything_set({}, home)
    assert not is_anything_set({"OMR_SETTINGS": "", "OMRCLI_MODELS": "x"}, home)
    assert is_anything_set({"OMR_BEAM": "1"}, home)
    write(home / "omr.toml")
    assert is_anything_set({}, home)
    monkeypatch.setattr(files, "_belongs_to_user", lambda path: False)
    assert is_anything_set({}, home), "a note is to be said"


@pytest.mark.parametrize(
    ("platform", "environment", "place"),
    [
        ("linux", {}, ".config/omr/omr.toml"),
        ("darwin", {}, "Library/Application Support/omr/omr.toml"),
        ("win32", {}, "AppData/Roaming/omr/omr.toml"),
    ],
)
def test_place_of_each_platform(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
    environment: dict[str, str],
    place: str,
) -> None:
    monkeypatch.setattr(files.sys, "platform", platform)
    assert user_file(environment) == home / place


def test_the_variable_replaces_all_files(home: Path, tmp_path: Path) -> None:
    write(home / "omr.toml")
    own = write(tmp_path / "own.toml")
    (found,) = find_files({"OMR_SETTINGS": str(own)}, home).files
    assert (found.path, found.role) == (own, "named")
    assert find_files({"OMR_SETTINGS": ""}, home).files == ()


def test_named_file_must_exist(home: Path) -> None:
    with pytest.raises(InputError, match=r"OMR_SETTINGS names .*no.toml, which does not exist"):
        find_files({"OMR_SETTINGS": str(home / "no.toml")})


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows knows no such owner")
def test_a_file_of_somebody_else_is_left_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(home / "omr.toml")
    monkeypatch.setattr(files.os, "getuid", lambda: path.stat().st_uid + 4711)
    if path.stat().st_uid == 0:
        monkeypatch.setattr(files, "_belongs_to_user", lambda path: False)
    found = find_files({}, home)
    assert found.files == ()
    assert str(path) in found.notices[0]


def test_a_deleted_working_folder_is_no_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> Path:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "cwd", gone)
    assert find_files({}).files == ()


def test_bad_toml_names_the_file_and_the_line(tmp_path: Path) -> None:
    path = write(tmp_path / "omr.toml", "a = 1\nb = = 2\n")
    with pytest.raises(UsageError, match=r"omr.toml is no TOML: .*line 2"):
        read_file(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"omr.toml is no TOML"):
        read_file(path)


def test_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_file(tmp_path)
