"""`--report`: the proof sheets of what is transcribed."""

from __future__ import annotations

from typing import Annotated

import typer

from .failures import require_packages

ReportOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE.html|DIR/",
        help="Write a page there that shows the reading under its source, marks what is doubtful, "
        "and lets one correct it; of several inputs one each, to a folder.",
        show_default=False,
    ),
]


def count_alternatives(report: str | None) -> int:
    """How many other readings of a token are wanted; that reports can be made is checked.

    Raises:
        MissingDependencyError: an optional package is not installed.
    """
    if report is None:
        return 0
    require_packages("verovio", "jinja2", extra="report")
    from omrcli.report.proof import ALTERNATIVES

    return ALTERNATIVES
