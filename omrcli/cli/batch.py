"""`omr transcribe` on folders: progress on stderr, the summary on stdout."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from omrcli.errors import ExitCode, UsageError

from .failures import complain, is_quiet, leave_pipe, print_trace, say, write_stdout

if TYPE_CHECKING:
    from omrcli.batch.records import Record
    from omrcli.batch.run import BatchOptions
    from omrcli.batch.summary import Summary
    from omrcli.batch.work import Orders

STDIN = "-"


@dataclass(frozen=True)
class BatchWishes:
    """Options of `omr transcribe` that only a batch knows; `jobs` 0 is the batch's choice."""

    recursive: bool = False
    jobs: int = 0
    retry: bool = False
    watch: bool = False

    def is_batch(self, inputs: Sequence[str], outputs: Sequence[str]) -> bool:
        """Tell whether this is a batch: of folders, or of files by several processes to a folder.

        Raises:
            UsageError: it is none, and an option is for a batch alone.
        """
        from omrcli.formats.destinations import is_folder as is_output_folder

        if any(map(is_folder, inputs)):
            return True
        if self.retry or self.watch:
            option = "--retry" if self.retry else "--watch"
            raise UsageError(f"{option} is for folders, and {inputs[0]} is none; leave it out.")
        to_folder = len(outputs) == 1 and is_output_folder(outputs[0])
        return self.jobs > 1 and len(inputs) > 1 and to_folder and STDIN not in inputs

    def options(self, inputs: Sequence[str], orders: Orders) -> BatchOptions:
        """The batch that is asked for."""
        from omrcli.batch.run import BatchOptions

        roots = tuple(map(Path, inputs))
        return BatchOptions(roots, orders, self.recursive, self.retry, self.watch, self.jobs)

    def list_pages(self, inputs: Sequence[str]) -> list[str]:
        """The inputs of a joined piece: of folders, the files in them in natural order.

        Raises:
            UsageError: an option is for a batch, which a piece is not.
        """
        if self.retry or self.watch:
            raise UsageError("--join makes one piece of all; leave out --retry and --watch.")
        from omrcli.batch.inputs import find_inputs

        names: list[str] = []
        for given in inputs:
            if not is_folder(given):
                names.append(given)
                continue
            found = find_inputs([Path(given)], self.recursive)
            for text in found.describe_skipped():
                say(text)
            names += [str(item.path) for item in found.inputs]
        return names


def is_folder(name: str) -> bool:
    """Tell whether an input is a folder."""
    return name != STDIN and os.path.isdir(name)  # noqa: PTH112 - a name may be impossible


def choose_folder(inputs: Sequence[str], outputs: Sequence[str]) -> Path:
    """The one folder that a batch writes to.

    Raises:
        UsageError: none was given, or several, or a file.
    """
    from omrcli.formats.destinations import FORMATS
    from omrcli.formats.destinations import is_folder as is_output_folder

    if STDIN in inputs:
        raise UsageError("Standard input (-) cannot be read together with folders; give it alone.")
    shown = next((name for name in inputs if is_folder(name)), inputs[0])
    if len(outputs) != 1 or outputs[0] == STDIN:
        raise UsageError(f"Give one folder for all that is read from {shown}: -o DIR/.")
    (output,) = outputs
    if not is_output_folder(output) and Path(output).suffix.lower().lstrip(".") in FORMATS:
        raise UsageError(
            f"What is read from {shown} cannot all be written to {output}; "
            "give a folder and a format: -o DIR/ -f musicxml."
        )
    return Path(output)


def do_batch(options: BatchOptions, verbose: bool, strict: bool = False) -> None:
    """Run a batch, show how it gets on, and what became of it.

    Raises:
        typer.Exit: something failed, or it was interrupted, or if `strict` was read badly.
    """
    from omrcli.batch.run import run_batch

    with catch_signals() as stopped, show_batch(options, verbose) as listener:
        summary = run_batch(options, listener, stopped.is_set)
    try:
        if not is_quiet():
            _print_summary(summary)
        write_stdout()
    except BrokenPipeError:  # the results are in their files
        leave_pipe()
    if summary.interrupted and not options.watch:
        complain("Interrupted.")
        raise typer.Exit(ExitCode.INTERRUPT)
    if not summary.is_complete:
        raise typer.Exit(ExitCode.PARTIAL_BATCH)
    if strict and summary.badly_read:
        inputs = "1 input was" if summary.badly_read == 1 else f"{summary.badly_read} inputs were"
        complain(f"{inputs} read badly; the manifest tells which.")
        raise typer.Exit(ExitCode.DOUBTFUL)


@contextmanager
def catch_signals() -> Iterator[threading.Event]:
    """Turn the first interrupt or request to end into an event; a second interrupt is one."""
    asked = threading.Event()

    def note(number: int, frame: object) -> None:
        asked.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as in the background of a shell
                before[number] = signal.signal(number, note)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def show_batch(options: BatchOptions, verbose: bool) -> Iterator[Progress]:
    """Show a bar with rate and failures while a batch runs, if stderr is a terminal."""
    if is_quiet() or not sys.stderr.isatty():  # rich takes time to load
        yield Progress(None, verbose)
        return
    from .progress import make_progress

    with make_progress("{task.fields[rate]}", "{task.fields[failed]}", transient=True) as bar:
        yield Progress(bar, verbose)


class Progress:
    """Tells the user how a batch gets on."""

    def __init__(self, bar: Any, verbose: bool) -> None:
        """`bar` is a display of rich's, or None."""
        self._bar = bar
        self._verbose = verbose
        self._started = time.monotonic()
        self._total = self._done = self._pages = self._failed = 0
        self._task = bar.add_task("reading", total=None, rate="", failed="") if bar else None

    def say(self, text: str) -> None:
        """Say a sentence."""
        say(text)

    def expect(self, inputs: int) -> None:
        """More inputs are to be read."""
        self._total += inputs
        self._show()

    def finish(self, record: Record, trace: str) -> None:
        """An input was finished: what was wrong with it, or if wanted its warnings."""
        self._done += 1
        if self._verbose:  # of hundreds of inputs there are thousands; the manifest has them all
            for warning in record.warnings:
                say(f"{record.input}: {warning}")
        if record.error is not None:
            self._failed += 1
            if self._verbose and trace:
                print_trace(trace)
            text = record.error.message
            complain(text if record.input in text else f"{record.input}: {text}")
        elif self._verbose:
            say(_describe(record))
        self._show()

    def turn_page(self) -> None:
        """A page was read."""
        self._pages += 1
        self._show()

    def _show(self) -> None:
        if self._bar is None:
            return
        minutes = (time.monotonic() - self._started) / 60
        self._bar.update(
            self._task,
            total=self._total or None,
            completed=self._done,
            rate=f"{self._pages / max(minutes, 1e-9):.0f} pages/min" if self._pages else "",
            failed=f"{self._failed} failed" if self._failed else "",
        )


def _print_summary(summary: Summary) -> None:
    from omrcli.batch.summary import summary_tables

    from .progress import make_console, print_table

    console = make_console()
    for table in summary_tables(summary):
        print_table(console, table)


def _describe(record: Record) -> str:
    reading = record.reading
    if reading is None:
        return f"{record.input}: {record.status}."
    return (
        f"{record.input}: {reading.pages} pages, {reading.staves} staves, {reading.tokens} tokens, "
        f"{reading.doubtful} of them doubtful, {record.seconds:.2f} s."
    )
