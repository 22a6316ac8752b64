"""Bytes -> files that are whole or absent: written beside the target, then renamed onto it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from itertools import takewhile
from pathlib import Path

from omrcli.errors import OutputError


def write_file(path: Path, content: bytes) -> None:
    """Write a file in one step: another process sees the old content or the new, never a part.

    Symbolic links are followed, and the permissions of a file that is replaced are kept.

    Raises:
        OutputError: the folder is missing, not writable or full, or the target is a folder.
    """
    target = Path(os.path.realpath(path))
    if os.path.isdir(target):  # noqa: PTH112 - pathlib raises of a name that is too long
        raise OutputError(f"{path} is a folder; give a file name, or a format with -f.")
    if _is_special(target):
        _write_through(path, content)
        return
    partial = ""
    try:
        handle, partial = tempfile.mkstemp(prefix=f".{target.name[:80]}.", dir=target.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(partial).chmod(_mode(target))
        Path(partial).replace(target)
    except BaseException as error:
        if partial:
            with contextlib.suppress(OSError):
                Path(partial).unlink()
        if isinstance(error, OSError):
            raise OutputError(_unwritable(path, error)) from error
        raise


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are missing.

    Raises:
        OutputError: it cannot be made, or a file has its name.
    """
    try:
        missing = takewhile(lambda folder: not folder.exists(), (path, *path.parents))
        # `mkdir(parents=True)` calls itself for each of them, and there may be a thousand.
        for folder in reversed([path, *missing]):
            folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(_unwritable(path, error)) from error


def is_same_file(first: Path, second: Path) -> bool:
    """Tell whether two paths name one file, through links and different spellings."""
    try:
        return first.samefile(second)
    except OSError:
        return os.path.realpath(first) == os.path.realpath(second)


def _is_special(target: Path) -> bool:
    """Tell whether the target is a pipe or device, which must be written and not replaced."""
    # Of a name that is too long pathlib raises, and these tell False.
    return os.path.exists(target) and not os.path.isfile(target)  # noqa: PTH110, PTH113


def _write_through(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise OutputError(_unwritable(path, error)) from error


def _mode(target: Path) -> int:
    """Return the permissions for the new file: those of the old one, or the usual ones."""
    try:
        return target.stat().st_mode & 0o777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _unwritable(path: Path, error: OSError) -> str:
    reason = (error.strerror or type(error).__name__).lower()
    return f"Cannot write {path}: {reason}; check the folder, or choose another with -o."
