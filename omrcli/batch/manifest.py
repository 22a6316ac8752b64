"""manifest.jsonl: a line for each input that was finished; the latest line of an input holds.

A line is written in one go and is on the disk before the next input is counted as done. What is
torn, because the process was killed or the power failed, is left out and mended.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

from omrcli.errors import OutputError

from .records import SCHEMA, SCHEMA_NUMBER, Record, read_record, record_line

MANIFEST_NAME = "manifest.jsonl"


class Manifest:
    """The manifest of an output folder, open to be added to by this process alone."""

    def __init__(self, folder: Path) -> None:
        """Read what there is, mend its end, and keep other runs out of the folder.

        Raises:
            OutputError: it is of a later version or no manifest at all, another run writes it, or
                the disk refuses.
        """
        self.path = folder / MANIFEST_NAME
        self._handle = self._open()
        try:
            _lock(self._handle, self.path)
            content = self._read()
            self.records = {record.input: record for record in parse_manifest(content, self.path)}
            self._mend(content)
        except BaseException:
            self.close()
            raise

    def append(self, record: Record) -> None:
        """Write a line, and bring it to the disk.

        Raises:
            OutputError: the disk is full or gone.
        """
        line = record_line(record)
        try:
            while line:  # a disk that is nearly full takes a part; the rest says what is wrong
                line = line[os.write(self._handle, line) :]
            os.fsync(self._handle)
        except OSError as error:
            raise OutputError(_unwritable(self.path, error)) from error
        self.records[record.input] = record

    def close(self) -> None:
        """Let other runs have the folder."""
        with contextlib.suppress(OSError):
            os.close(self._handle)

    def __enter__(self) -> Manifest:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        try:
            return os.open(self.path, flags, 0o666)
        except OSError as error:
            raise OutputError(_unwritable(self.path, error)) from error

    def _read(self) -> bytes:
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise OutputError(_unwritable(self.path, error)) from error

    def _mend(self, content: bytes) -> None:
        """Cut a torn last line off, or end one that lacks only its end."""
        start = content.rfind(b"\n") + 1
        torn = content[start:]
        if not torn:
            return
        try:
            if _parse(torn) is not None:
                os.write(self._handle, b"\n")
            else:
                os.truncate(self._handle, start)
        except OSError as error:
            raise OutputError(_unwritable(self.path, error)) from error


def read_manifest(folder: Path) -> dict[str, Record]:
    """The latest record of each input, by its key; for those who only look.

    Raises:
        OutputError: it is of a later version, no manifest at all, or missing.
    """
    path = folder / MANIFEST_NAME
    try:
        content = path.read_bytes()
    except OSError as error:
        raise OutputError(_unwritable(path, error)) from error
    return {record.input: record for record in parse_manifest(content, path)}


def parse_manifest(content: bytes, path: Path) -> Iterator[Record]:
    """Yield the records in a manifest, oldest first; lines that are damaged are left out.

    Raises:
        OutputError: it is of a later version, or lines in it are none of a manifest.
    """
    for line in content.split(b"\n"):
        values = _parse(line)
        if values is None:
            continue
        _check_schema(values, path)
        record = read_record(values)
        if record is not None:
            yield record


def output_paths(records: Iterable[Record], folder: Path) -> Iterator[Path]:
    """The files that records say were written."""
    for record in records:
        yield from (folder / output.path for output in record.outputs)


def _parse(line: bytes) -> dict[str, object] | None:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def _check_schema(values: dict[str, object], path: Path) -> None:
    name, _, number = str(values.get("schema", "")).partition("/")
    if name != SCHEMA or not number.isdecimal():
        raise OutputError(
            f"{path} is no manifest of omr; move it away, or choose another folder with -o."
        )
    if int(number) > SCHEMA_NUMBER:
        raise OutputError(
            f"{path} was written by a later version of omr ({name}/{number}); update omr, "
            "or choose another folder with -o."
        )


def _lock(handle: int, path: Path) -> None:
    """Keep a second run from doing the same work; the lock ends with the process, however it ends.

    Where the system or the disk knows no such locks, two runs do the work twice, and no harm.
    """
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise OutputError(
            f"Another omr is writing to {path.parent}; wait for it, or choose another folder "
            "with -o."
        ) from None
    except OSError:
        return


def _unwritable(path: Path, error: OSError) -> str:
    reason = (error.strerror or type(error).__name__).lower()
    return f"Cannot write {path}: {reason}; check the folder, or choose another with -o."
