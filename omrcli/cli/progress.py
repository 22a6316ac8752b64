"""Tables on stdout and progress on stderr, drawn with rich."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from .failures import is_quiet, show_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from omrcli.tables import Table

Advance = Callable[[], None]
_PIPE_WIDTH = 160  # columns where stdout is no terminal and says no width


def make_console() -> Console:
    """Return the console that draws on stdout."""
    from rich.console import Console

    class PipedConsole(Console):
        """Leaves it to the command what a closed pipe means; rich would end it with status 1."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return PipedConsole(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)


def print_table(console: Console, table: Table) -> None:
    """Draw a table: names on the left, figures on the right; its texts may be file names."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(
        title=Text(show_text(table.title)),
        caption=Text(table.note),
        box=box.SIMPLE_HEAD,
        title_justify="left",
    )
    drawn.caption_justify = "left"
    for place, name in enumerate(table.columns):
        drawn.add_column(Text(name), justify=_justify(table, place))
    for row in table.rows:
        drawn.add_row(*(Text(show_text(cell)) for cell in row))
    console.print(drawn)


@contextmanager
def show_progress(label: str, total: int | None) -> Iterator[Advance]:
    """Show a bar on stderr if that is a terminal; the value advances it by one."""
    with make_progress() as progress:
        task = progress.add_task(label, total=total)
        yield lambda: progress.advance(task)


def make_progress(*columns: str, transient: bool = False) -> Progress:
    """Return a progress display on stderr, silent where that is no terminal.

    `columns` are rich formats, such as "{task.fields[loss]}", shown after the bar; a `transient`
    display is gone when it is done.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}", markup=False),  # it may be a file name
        BarColumn(),
        MofNCompleteColumn(),
        *(TextColumn(column) for column in columns),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=is_quiet() or not sys.stderr.isatty(),
        transient=transient,
    )


def _justify(table: Table, place: int) -> Literal["left", "right"]:
    """Align a column of figures to the right, one of names to the left."""
    figures = all(row[place][:1] in "-+0123456789" for row in table.rows)
    return "right" if place and figures else "left"
