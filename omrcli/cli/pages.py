"""The pages of a piece, one after the other, as a bar on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .failures import is_quiet, show_text

if TYPE_CHECKING:
    from omrcli.pipeline import PageReading, Watcher

    OnPage = Callable[[PageReading], None]


@contextmanager
def watch_pages(label: str, on_page: OnPage | None = None) -> Iterator[Watcher]:
    """Show a bar while pages are read, if stderr is a terminal; it is gone afterwards.

    `label` stands before the bar and may be a file name; `on_page` is given each page that was
    read.
    """
    if is_quiet() or not sys.stderr.isatty():  # rich takes time to load
        yield _make_watcher(None, label, on_page)
        return
    from .progress import make_progress

    with make_progress(transient=True) as progress:
        yield _make_watcher(progress, label, on_page)


def _make_watcher(progress: Any, label: str, on_page: OnPage | None) -> Watcher:
    from omrcli.pipeline import Watcher

    class Bar(Watcher):
        task: Any = None

        def start(self, pages: int) -> None:
            if progress is not None and pages > 1:
                self.task = progress.add_task(show_text(label), total=pages)

        def finish_page(self, reading: PageReading | None) -> None:
            if self.task is not None:
                progress.advance(self.task)
            if on_page is not None and reading is not None:
                on_page(reading)

    return Bar()
