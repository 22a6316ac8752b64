"""One input in one worker process: read, render, write, and a record of it."""

from __future__ import annotations

import contextlib
import os
import re
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from omrcli import __version__
from omrcli.debug_view import DebugView
from omrcli.errors import ExitCode, InputError, OmrError, OutputError
from omrcli.output import make_folder, write_file
from omrcli.pages.piece import Piece
from omrcli.pipeline import PageReading, TranscribeOptions, Transcriber, Transcription, Watcher
from omrcli.registry import Model
from omrcli.report import begin_proof
from omrcli.score.checks import measure_warnings
from omrcli.score.score import ExportOptions

from .records import DONE, FAILED, Fingerprint, Flag, Output, Problem, Reading, Record

if TYPE_CHECKING:
    from omrcli.report.proof import Proof

#: A token of less confidence is counted as doubtful, unless outputs mark others.
DOUBTFUL_BELOW = 0.8

_CHUNK = 1 << 20
_RANDOM = "[a-z0-9_]{8}"  # what a file that is being written has at the end of its name


@dataclass(frozen=True)
class Orders:
    """What all inputs of a batch share; `piece` has no sources yet.

    `formats` are those of `destinations.FORMATS`; outputs go to `folder`, drawings of the pages to
    `debug` and proof sheets to `report`, if these are not None.
    """

    transcribe: TranscribeOptions
    piece: Piece
    export: ExportOptions
    formats: tuple[str, ...]
    folder: Path
    debug: Path | None = None
    report: Path | None = None

    def list_outputs(self, name: str) -> list[str]:
        """The paths of an input's outputs, as the manifest has them; its report is the last."""
        outputs = [f"{name}.{format}" for format in self.formats]
        if self.report is None:
            return outputs
        return [*outputs, _find_way(self.folder, self.report / f"{name}.html")]

    def record_options(self) -> dict[str, Any]:
        """The options that a result depends on, as they stand in the manifest."""
        pages = self.piece.pages
        return {
            **asdict(self.export),
            "beam": self.transcribe.beam,
            "pages": None if pages is None else [list(item) for item in pages.ranges],
            "title": self.piece.title,
            "composer": self.piece.composer,
        }


@dataclass(frozen=True)
class Task:
    """An input and the name of its outputs, both relative to their folders."""

    path: Path
    key: str
    name: str


@dataclass(frozen=True)
class Finished:
    """A task that is over; `trace` tells where in the code it failed."""

    record: Record
    trace: str = ""


class Workshop:
    """A loaded model that works tasks off, one after the other."""

    def __init__(self, orders: Orders, on_page: Callable[[], None] | None = None) -> None:
        """Load the model; `on_page` is called for each page that was read.

        Raises:
            ModelError: it is missing or damaged.
            MissingDependencyError: the device asked for is not usable.
        """
        self.orders = orders
        self.transcriber = Transcriber(orders.transcribe)
        self._on_page = on_page

    def do(self, task: Task) -> Finished:
        """Read an input and write its outputs; a failure is part of what is returned."""
        started = perf_counter()
        record = make_record(self.orders, self.transcriber.model, task)
        trace = ""
        try:
            before = fingerprint(task.path)
            record = replace(record, file=before)
            record = self._read(task, record)
            if stat_of(task.path) != (before.bytes, before.mtime_ns):
                raise InputError(f"{task.path} changed while it was read; run again.")
        except Exception as error:
            trace = traceback.format_exc()
            record = replace(record, status=FAILED, error=describe_problem(error), outputs=())
        return Finished(replace(record, **_clock(started)), trace)

    def _read(self, task: Task, record: Record) -> Record:
        """Everything is rendered before the first output is written."""
        orders = self.orders
        proof = begin_proof(orders.report)
        result = self._transcribe(task, proof)
        rendered = [result.render(name, orders.export) for name in orders.formats]
        if proof is not None:
            rendered.append(proof.render(result))
        paths = orders.list_outputs(task.name)
        outputs = tuple(
            _write(orders.folder, path, content)
            for path, content in zip(paths, rendered, strict=True)
        )
        return replace(
            record,
            status=DONE,
            outputs=outputs,
            reading=_measure(result, orders.export.doubtful or DOUBTFUL_BELOW),
            flags=tuple(_list_flags(result)),
            warnings=result.warnings,
            quality=result.quality,
        )

    def _transcribe(self, task: Task, proof: Proof | None) -> Transcription:
        piece = replace(self.orders.piece, sources=(str(task.path),))
        keepers = [proof.add] if proof is not None else []
        if self.orders.debug is None:
            return self.transcriber.transcribe(piece, _Beats(self._on_page, keepers))
        place = self.orders.debug / task.name
        view = DebugView(place.parent, self.transcriber.geometry, place.name)
        try:
            result = self.transcriber.transcribe(piece, _Beats(self._on_page, [view.add, *keepers]))
        except OmrError:
            view.write()  # it shows why
            raise
        view.write(result.score)
        return result


class _Beats(Watcher):
    """Tells of each page, and hands it on."""

    def __init__(
        self,
        on_page: Callable[[], None] | None,
        keepers: Sequence[Callable[[PageReading], None]],
    ) -> None:
        self._on_page = on_page
        self._keepers = keepers

    def finish_page(self, reading: PageReading | None) -> None:
        if reading is not None:
            for keep in self._keepers:
                keep(reading)
        if self._on_page is not None:
            self._on_page()


def make_record(orders: Orders, model: Model, task: Task) -> Record:
    """The record of a task of which nothing is known yet."""
    return Record(
        input=task.key,
        name=task.name,
        status=FAILED,
        file=None,
        outputs=(),
        reading=None,
        flags=(),
        warnings=(),
        error=None,
        seconds=0.0,
        finished=_now(),
        model={"name": model.name, "version": model.spec.version, "sha256": model.sha256},
        options={**orders.record_options(), "debug": orders.debug is not None},
        version=__version__,
    )


def describe_problem(error: BaseException) -> Problem:
    """What went wrong, in one sentence; the kind is that of the exit status."""
    if isinstance(error, OmrError):
        code = error.exit_code
        return Problem(code.name.lower(), " ".join(str(error).split()), int(code))
    code = ExitCode.INTERNAL
    if isinstance(error, MemoryError):
        return Problem("memory", "Out of memory; give fewer --jobs or a smaller image.", int(code))
    text = f"Internal error ({type(error).__name__}: {error}); report it."
    return Problem(code.name.lower(), " ".join(text.split()), int(code))


def fingerprint(path: Path) -> Fingerprint:
    """What a file contains, as it is now.

    Raises:
        InputError: it cannot be read.
    """
    digest = sha256()
    try:
        with path.open("rb") as stream:
            found = os.fstat(stream.fileno())
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; check the path.") from None
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise InputError(f"{path} cannot be read ({reason}); check its permissions.") from None
    return Fingerprint(digest.hexdigest(), found.st_size, found.st_mtime_ns)


def stat_of(path: Path) -> tuple[int, int] | None:
    """Size in bytes and time in ns of a file, None where it is gone."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _find_way(folder: Path, path: Path) -> str:
    """A path as seen from a folder; ".." goes up from where links lead, so they are followed."""
    real = os.path.realpath(path.parent)
    with contextlib.suppress(ValueError):  # there is no way from one disk of Windows to another
        real = os.path.relpath(real, os.path.realpath(folder))
    return (Path(real) / path.name).as_posix()


def _write(folder: Path, name: str, content: bytes) -> Output:
    path = folder / name
    if path.is_symlink():  # it could lead to an input
        raise OutputError(f"{path} is a symbolic link; remove it, or choose another folder.")
    make_folder(path.parent)
    _sweep(path)
    write_file(path, content)
    return Output(name, sha256(content).hexdigest(), len(content))


def _sweep(path: Path) -> None:
    """Remove what a killed process left of this file: a hidden, unfinished copy."""
    pattern = re.compile(rf"\.{re.escape(path.name[:80])}\.{_RANDOM}")
    for entry in list(os.scandir(path.parent)):
        if pattern.fullmatch(entry.name):
            Path(entry.path).unlink(missing_ok=True)


def _measure(result: Transcription, doubtful_below: float) -> Reading:
    sure = [token.confidence for token in result.tokens]
    return Reading(
        pages=len(result.pages),
        staves=len(result.staves),
        tokens=len(sure),
        mean_confidence=round(sum(sure) / len(sure), 4) if sure else None,
        least_confidence=round(min(sure), 4) if sure else None,
        doubtful=sum(value < doubtful_below for value in sure),
        doubtful_below=doubtful_below,
    )


def _list_flags(result: Transcription) -> Iterator[Flag]:
    for item in measure_warnings(result.score) if result.score is not None else ():
        lengths = str(item.expected), str(item.actual)
        yield Flag(item.part, item.number, item.staff, *lengths)


def _clock(started: float) -> dict[str, Any]:
    return {"seconds": round(perf_counter() - started, 3), "finished": _now()}


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
