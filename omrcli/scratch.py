"""Files that are needed for a moment: folders for other programs, and pages for the browser."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from omrcli.errors import OutputError

#: What a disk says that takes no more; such errors of a write name no file.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


@contextlib.contextmanager
def scratch_folder(purpose: str) -> Iterator[Path]:
    """A folder of a name with `purpose` in it, which is gone afterwards with all that is in it.

    Raises:
        OutputError: it cannot be made, or what runs within cannot write in it.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix=f"omr-{purpose}-", ignore_cleanup_errors=True)
    except OSError as error:
        raise _refusal(error) from error
    with folder as name:
        try:
            yield Path(name)
        except OSError as error:
            if not _is_inside(error, name):
                raise
            raise _refusal(error) from error


def write_scratch(content: bytes, purpose: str, suffix: str) -> Path:
    """Write a temporary file that stays, and return where it is.

    Raises:
        OutputError: it cannot be written.
    """
    name = ""
    try:
        handle, name = tempfile.mkstemp(prefix=f"omr-{purpose}-", suffix=suffix)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    except OSError as error:
        if name:
            with contextlib.suppress(OSError):
                Path(name).unlink()
        raise _refusal(error) from error
    return Path(name)


def _is_inside(error: OSError, folder: str) -> bool:
    """Tell whether an error is about a file in a folder: not, say, a program that is missing."""
    if error.filename is None:
        return error.errno in _FULL
    return os.fsdecode(error.filename).startswith(folder)


def _refusal(error: OSError) -> OutputError:
    reason = (error.strerror or type(error).__name__).lower()
    place = f" in {tempfile.tempdir}" if tempfile.tempdir else ""  # None where no folder will do
    return OutputError(
        f"Temporary files cannot be written{place} ({reason}); make room, or let TMPDIR name "
        "another folder."
    )
