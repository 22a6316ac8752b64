"""What became of the inputs of a batch, counted while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic

from omrcli.tables import Table

from .records import DONE, Problem, Record

_MOST_SHOWN = 20  # failures


@dataclass(frozen=True)
class Failure:
    """An input that failed, and why."""

    input: str
    problem: Problem


@dataclass(frozen=True)
class Summary:
    """The end of a batch. `unread` are inputs that were left when it was interrupted.

    `failed` are the failures of this run, `failed_before` those of earlier ones, which were not
    tried again; `problems` are sentences on folders that could not be read. Pages, staves, tokens
    and doubtful tokens are those of this run; `badly_read` counts inputs with measures that do not
    add up or many doubtful notes, of earlier runs too; `seconds` is wall time.
    """

    done: int
    unchanged: int
    failed: tuple[Failure, ...]
    failed_before: tuple[Failure, ...]
    problems: tuple[str, ...]
    unread: tuple[str, ...]
    interrupted: bool
    pages: int
    staves: int
    tokens: int
    doubtful: int
    flags: int
    badly_read: int
    seconds: float

    @property
    def is_complete(self) -> bool:
        """Tell whether everything in the folders has been read."""
        return not (self.failed or self.failed_before or self.problems)


@dataclass
class Count:
    """Counts what becomes of inputs; of one that is read twice the later result holds."""

    problems: list[str] = field(default_factory=list)
    started: float = field(default_factory=monotonic)
    _finished: dict[str, Record] = field(default_factory=dict)
    _skipped: dict[str, Record] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """An input was finished."""
        self._finished[record.input] = record
        self._skipped.pop(record.input, None)

    def skip(self, record: Record) -> None:
        """An input needs not be read, or not again."""
        if record.input not in self._finished:
            self._skipped[record.input] = record

    def add_problem(self, text: str) -> None:
        """A folder cannot be read."""
        self.problems.append(text)

    def summarise(self, unread: Sequence[str], interrupted: bool) -> Summary:
        """What there is to say at the end."""
        finished = list(self._finished.values())
        readings = [record.reading for record in finished if record.reading is not None]
        return Summary(
            done=sum(record.status == DONE for record in finished),
            unchanged=sum(record.status == DONE for record in self._skipped.values()),
            failed=_failures(finished),
            failed_before=_failures(list(self._skipped.values())),
            problems=tuple(self.problems),
            unread=tuple(unread),
            interrupted=interrupted,
            pages=sum(reading.pages for reading in readings),
            staves=sum(reading.staves for reading in readings),
            tokens=sum(reading.tokens for reading in readings),
            doubtful=sum(reading.doubtful for reading in readings),
            flags=sum(len(record.flags) for record in finished),
            badly_read=sum(
                record.quality is not None and record.quality.is_bad
                for record in (*finished, *self._skipped.values())
            ),
            seconds=monotonic() - self.started,
        )


def summary_tables(summary: Summary) -> list[Table]:
    """The figures, and if something failed what and why."""
    tables = [Table("Summary", ("", ""), tuple(_figures(summary)), _advise(summary))]
    failures = (*summary.failed, *summary.failed_before)
    if failures:
        rows = [(item.input, item.problem.kind, item.problem.message) for item in failures]
        left = len(rows) - _MOST_SHOWN
        note = f"and {left} more, which stand in the manifest" if left > 0 else ""
        columns = ("failed", "kind", "why")
        tables.append(Table("Failures", columns, tuple(rows[:_MOST_SHOWN]), note))
    return tables


def _figures(summary: Summary) -> list[tuple[str, str]]:
    rate = 60 * summary.pages / max(summary.seconds, 1e-9)
    share = f"{summary.doubtful / summary.tokens:.1%}" if summary.tokens else "-"
    rows = [
        ("done", str(summary.done)),
        ("unchanged, skipped", str(summary.unchanged)),
        ("failed", str(len(summary.failed))),
        ("failed before, not tried again", str(len(summary.failed_before))),
        ("not read", str(len(summary.unread))),
        ("pages", str(summary.pages)),
        ("staves", str(summary.staves)),
        ("doubtful tokens", share),
        ("measures that do not add up", str(summary.flags)),
        ("inputs read badly", str(summary.badly_read)),
        ("seconds", f"{summary.seconds:.1f}"),
        ("pages a minute", f"{rate:.1f}"),
    ]
    optional = {"failed before, not tried again", "not read"}
    return [row for row in rows if row[0] not in optional or row[1] != "0"]


def _advise(summary: Summary) -> str:
    if summary.unread:
        return "Interrupted; the same command goes on from here."
    if summary.failed or summary.failed_before:
        return "--retry tries again what failed."
    return ""


def _failures(records: Sequence[Record]) -> tuple[Failure, ...]:
    return tuple(
        Failure(record.input, record.error) for record in records if record.error is not None
    )
