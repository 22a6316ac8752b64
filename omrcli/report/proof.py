"""The proof sheet of one piece: its staves kept while pages are read, and its file in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .crops import CropKeeper
from .page import render_page
from .sheet import make_sheet

if TYPE_CHECKING:
    from omrcli.pipeline import PageReading, Transcription

#: How many other readings of a token a report offers.
ALTERNATIVES = 5


class Proof:
    """Is shown the pages of a piece as they are read, and makes the report of them."""

    def __init__(self) -> None:
        self._keeper = CropKeeper()

    def add(self, reading: PageReading) -> None:
        """See a page that was read."""
        self._keeper.add(reading)

    def render(self, transcription: Transcription) -> bytes:
        """The report as a file of HTML, when all is read.

        Raises:
            MissingDependencyError: Jinja or Verovio is not installed.
        """
        return render_page(make_sheet(transcription, self._keeper.crops))
