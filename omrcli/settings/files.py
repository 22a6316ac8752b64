"""Where files of settings are, and what they hold."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omrcli.errors import InputError, UsageError

FILE_NAME = "omr.toml"
#: What all variables of settings begin with.
PREFIX = "OMR_"
#: Names a file that is read instead of all others; empty, no file is read.
FILE_VARIABLE = "OMR_SETTINGS"


@dataclass(frozen=True)
class SettingsFile:
    """A file of settings: `role` is "project", "user", or "named" by the variable."""

    path: Path
    role: str


@dataclass(frozen=True)
class Found:
    """The files to read, the strongest first, and sentences on files that are left alone."""

    files: tuple[SettingsFile, ...]
    notices: tuple[str, ...] = ()


def is_anything_set(
    environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> bool:
    """Tell quickly whether there is any file or variable that the rest of this package must read.

    Raises:
        InputError: the file that OMR_SETTINGS names does not exist.
    """
    environment = os.environ if environment is None else environment
    if any(name.startswith(PREFIX) and name != FILE_VARIABLE for name in environment):
        return True
    found = find_files(environment, folder)
    return bool(found.files or found.notices)


def find_files(environment: Mapping[str, str] | None = None, folder: Path | None = None) -> Found:
    """Return the files that hold settings for work in a folder (default: the current one).

    The project's is the nearest `omr.toml` from the folder upwards, as far as the home folder
    or else the root. One that belongs to another user is left alone: it could choose the model
    and where results are written.

    Raises:
        InputError: the file that OMR_SETTINGS names does not exist.
    """
    environment = os.environ if environment is None else environment
    named = environment.get(FILE_VARIABLE)
    if named is not None:
        return Found(tuple(_named_file(named)))
    files: list[SettingsFile] = []
    notices: list[str] = []
    user = user_file(environment)
    project = _find_project(folder)
    if project is not None and project != user:
        if _belongs_to_user(project):
            files.append(SettingsFile(project, "project"))
        else:
            notices.append(f"{project} belongs to another user and is not read; own it to use it.")
    if user is not None and user.is_file():
        files.append(SettingsFile(user, "user"))
    return Found(tuple(files), tuple(notices))


def user_file(environment: Mapping[str, str] | None = None) -> Path | None:
    """Return where this user's own settings are; the file need not exist."""
    environment = os.environ if environment is None else environment
    try:
        home = Path.home()
    except RuntimeError:  # a user without a home folder, as in some containers
        return None
    if environment.get("XDG_CONFIG_HOME"):
        base = Path(environment["XDG_CONFIG_HOME"])
    elif sys.platform == "win32":
        base = Path(environment.get("APPDATA") or home / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = home / ".config"
    return base / "omr" / FILE_NAME


def read_file(path: Path) -> dict[str, Any]:
    """Return the tables of a file of settings.

    Raises:
        InputError: it cannot be read.
        UsageError: it is no TOML.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise InputError(
            f"{path} cannot be read ({reason}); check it, or set {FILE_VARIABLE}= to go without."
        ) from error
    except ValueError as error:  # bad TOML, or no UTF-8
        raise UsageError(f"{path} is no TOML: {error}; see docs/settings.md.") from error
    return content


def _named_file(named: str) -> Iterator[SettingsFile]:
    if not named:
        return
    path = Path(named).expanduser()
    if not path.is_file():
        raise InputError(
            f"{FILE_VARIABLE} names {path}, which does not exist; correct or unset it."
        )
    yield SettingsFile(path, "named")


def _find_project(folder: Path | None) -> Path | None:
    try:
        here = folder or Path.cwd()
        home = Path.home()
    except (OSError, RuntimeError):  # the folder was deleted, or there is no home
        return None
    for place in (here, *here.parents):
        candidate = place / FILE_NAME
        if candidate.is_file():
            return candidate
        if place == home:
            return None
    return None


def _belongs_to_user(path: Path) -> bool:
    """Whether a file is this user's or the system's; Windows knows no such owner."""
    if not hasattr(os, "getuid"):
        return True
    try:
        return path.stat().st_uid in (os.getuid(), 0)
    except OSError:
        return False
