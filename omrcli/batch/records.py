"""What is remembered of an input: a frozen record, and its line of JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from omrcli.score.checks import Quality

SCHEMA, SCHEMA_NUMBER = "omr-batch", 1
DONE, FAILED = "done", "failed"


@dataclass(frozen=True)
class Fingerprint:
    """What tells one content of a file from another: SHA-256, size in bytes, time in ns."""

    sha256: str
    bytes: int
    mtime_ns: int


@dataclass(frozen=True)
class Output:
    """A file that was written: its path relative to the folder, SHA-256, size in bytes."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Flag:
    """A measure that does not add up, from 1; `part` and `staff` count from 0, `part` may be null.

    `expected` and `actual` are in quarter notes, such as "7/2".
    """

    part: int | None
    measure: int
    staff: int
    expected: str
    actual: str


@dataclass(frozen=True)
class Problem:
    """Why an input failed: its kind, a sentence, and the exit status of it alone."""

    kind: str
    message: str
    exit_code: int


@dataclass(frozen=True)
class Reading:
    """How much was read, and how surely; `doubtful` counts tokens below `doubtful_below`."""

    pages: int
    staves: int
    tokens: int
    mean_confidence: float | None
    least_confidence: float | None
    doubtful: int
    doubtful_below: float


@dataclass(frozen=True)
class Record:
    """An input that was finished, well or not. `input` is its key and `name` that of its outputs.

    `file` is None where the file could not be read at all. `options` are those that the result
    depends on; `finished` is UTC, `seconds` wall time. `quality` is None without a score, and in
    records of older versions.
    """

    input: str
    name: str
    status: str
    file: Fingerprint | None
    outputs: tuple[Output, ...]
    reading: Reading | None
    flags: tuple[Flag, ...]
    warnings: tuple[str, ...]
    error: Problem | None
    seconds: float
    finished: str
    model: dict[str, str]
    options: dict[str, Any]
    version: str
    quality: Quality | None = None
    schema: str = field(default=f"{SCHEMA}/{SCHEMA_NUMBER}")


def record_line(record: Record) -> bytes:
    """Return a record as a line of JSON, the schema first."""
    values = {"schema": record.schema, **asdict(record)}
    text = json.dumps(values, ensure_ascii=False, separators=(", ", ": "))
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:  # a file name that is no text
        return json.dumps(values).encode() + b"\n"


def read_record(values: dict[str, Any]) -> Record | None:
    """Return the record in a line's values, or None where they are damaged.

    Fields that this version does not know are left out.
    """
    try:
        return Record(
            **{
                **{name: values[name] for name in _PLAIN},
                "file": _make(Fingerprint, values["file"]),
                "outputs": tuple(_make(Output, item) for item in values["outputs"]),
                "reading": _make(Reading, values["reading"]),
                "flags": tuple(_make(Flag, item) for item in values["flags"]),
                "warnings": tuple(values["warnings"]),
                "error": _make(Problem, values["error"]),
                "quality": _make(Quality, values.get("quality")),
            }
        )
    except (KeyError, TypeError):
        return None


_PLAIN = (
    *("input", "name", "status", "seconds", "finished", "model", "options", "version", "schema"),
)


def _make(kind: type[Any], values: dict[str, Any] | None) -> Any:
    """A small record of its known fields."""
    if values is None:
        return None
    return kind(**{name: values[name] for name in kind.__dataclass_fields__})
