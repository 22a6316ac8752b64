"""`--report`: the proof sheet of what is transcribed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omrcli.errors import UsageError

from .failures import require_packages

if TYPE_CHECKING:
    from omrcli.pipeline import PageReading, Transcription

ReportOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE.html",
        help="Write a page there that shows the reading under its source, marks what is doubtful, "
        "and lets one correct it.",
        show_default=False,
    ),
]

#: How many other readings of a token a report offers.
ALTERNATIVES = 5


def plan_report(path: str | None, jobs: int) -> Path | None:
    """The file for the report, checked before any work; `jobs` is how many pieces are read.

    Raises:
        UsageError: the name is none of HTML, or there are several pieces.
        MissingDependencyError: an optional package is not installed.
    """
    if path is None:
        return None
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"The report {path!r} is HTML; give a name that ends in .html.")
    if jobs != 1:
        raise UsageError("A report shows one piece; give one input, or the pages with --join.")
    require_packages("verovio", "jinja2", extra="report")
    return Path(path)


class Proof:
    """Keeps the staves while pages are read, and makes the report of them."""

    def __init__(self, path: Path) -> None:
        """`path` is where the report will be."""
        from omrcli.report.crops import CropKeeper

        self.path = path
        self._keeper = CropKeeper()

    def add(self, reading: PageReading) -> None:
        """See a page that was read."""
        self._keeper.add(reading)

    def render(self, transcription: Transcription) -> bytes:
        """The report, when all is read."""
        from omrcli.report.page import render_page
        from omrcli.report.sheet import make_sheet

        return render_page(make_sheet(transcription, self._keeper.crops))
