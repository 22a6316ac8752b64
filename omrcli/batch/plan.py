"""An input, and what the manifest says of it -> whether it is to be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from omrcli.errors import InputError
from omrcli.pages.piece import Piece
from omrcli.pipeline import TranscribeOptions
from omrcli.registry import Model
from omrcli.score.score import ExportOptions

from .inputs import Input
from .records import DONE, Record
from .work import Orders, fingerprint, stat_of

Decision = Literal["read", "unchanged", "failed before"]


@dataclass(frozen=True)
class Judge:
    """Decides what is to be read, by a model and by orders; failures again if `retry`."""

    orders: Orders
    model: Model
    retry: bool = False

    def decide(self, item: Input, name: str, known: Record | None) -> Decision:
        """Decide on one input; `name` is that of its outputs, `known` the latest of it."""
        if known is None or not self._fits(known) or not is_unchanged(item.path, known):
            return "read"
        if known.status != DONE:
            return "read" if self.retry else "failed before"
        return "unchanged" if self._is_whole(name, known) else "read"

    def _fits(self, known: Record) -> bool:
        """Tell whether it was read by the same model in the same way."""
        wanted, usual = self.orders.record_options(), _usual_options()
        same = all(known.options.get(name, usual[name]) == value for name, value in wanted.items())
        drawn = self.orders.debug is None or bool(known.options.get("debug"))
        return same and drawn and known.model.get("sha256") == self.model.sha256

    def _is_whole(self, name: str, known: Record) -> bool:
        """Tell whether every output asked for is there, as it was written."""
        outputs = {output.path: output for output in known.outputs}
        wanted = self.orders.list_outputs(name)
        if not set(wanted) <= outputs.keys():
            return False
        return all(
            _is_file(self.orders.folder / path, outputs[path].sha256, outputs[path].bytes)
            for path in wanted
        )


def is_unchanged(path: Path, known: Record) -> bool:
    """Tell whether a file is what it was: by size and time, or else by its content."""
    found = stat_of(path)
    if known.file is None or found is None:
        return known.file is None and found is None
    if found == (known.file.bytes, known.file.mtime_ns):
        return True
    return _is_file(path, known.file.sha256, known.file.bytes)


def refresh(path: Path, known: Record) -> Record | None:
    """The record with the file's time as it is now, or None where it is up to date.

    A file that was only touched need then not be compared by its content each time.
    """
    found = stat_of(path)
    if known.file is None or found is None or found[1] == known.file.mtime_ns:
        return None
    return replace(known, file=replace(known.file, mtime_ns=found[1]))


def known_names(records: Sequence[Record]) -> dict[str, str]:
    """The names of outputs by the keys of their inputs."""
    return {record.input: record.name for record in records}


def _usual_options() -> dict[str, Any]:
    """The options where none are given: those that a version knew of that did not write them."""
    return Orders(TranscribeOptions(), Piece(()), ExportOptions(), (), Path()).record_options()


def _is_file(path: Path, sha256: str, size: int) -> bool:
    """Tell whether a file has this content."""
    found = stat_of(path)
    if found is None or found[0] != size or not path.is_file():
        return False
    try:
        return fingerprint(path).sha256 == sha256
    except InputError:
        return False
