"""What was gathered from the pages of a piece while they were read one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from omrcli.errors import DamagedPageError, NothingRecognisedError
from omrcli.pages.piece import Piece
from omrcli.score.checks import score_warnings
from omrcli.score.score import Score
from omrcli.staves.other_staves import BLANK

if TYPE_CHECKING:
    from omrcli.pipeline import Page, PageReading, StaffReading


class GatheredPages:
    """What was gathered from the pages of a piece."""

    def __init__(self) -> None:
        self.pages: list[Page] = []
        self.staves: list[StaffReading] = []
        self.damage: list[DamagedPageError] = []
        self.skipped: list[str] = []
        self.kinds: set[str] = set()
        self.unlike_music = False
        self.put_right: tuple[str, ...] = ()
        self.finding = self.reading = 0.0

    def add(self, found: PageReading) -> None:
        self.pages.append(found.page)
        self.staves += found.staves
        self.note_others(found)
        if not found.staves:
            self.skipped.append(f"Page {found.page.index + 1} has no music: it was skipped.")

    def check(self, piece: Piece) -> None:
        """Raise where there is nothing to make a score of."""
        if self.damage and not self.pages:
            raise self.damage[0]
        if not self.staves:
            missing = "no staff was found"
            if self.unlike_music:
                missing = "no music was found"
            elif self.kinds:
                named = " and ".join(sorted(self.kinds - {""}))
                missing = (
                    f"no staff but {named} was found" if named else "no staff of 5 lines was found"
                )
            raise NothingRecognisedError(_nothing(piece, missing))
        if not any(reading.tokens for reading in self.staves):
            raise NothingRecognisedError(_nothing(piece, "nothing was read on its staves"))

    def note_others(self, found: PageReading) -> None:
        """Remember the staves of a page that were not read."""
        where = f"Page {found.page.index + 1}"
        blank = sum(other.kind == BLANK for other in found.others)
        if blank and found.staves:
            staves = "1 blank staff was" if blank == 1 else f"{blank} blank staves were"
            self.skipped.append(f"{where}: {staves} skipped.")
        for other in found.others:
            self.kinds.add(other.kind)
            if found.page.warp is not None:
                other = replace(other, y0=found.page.warp.page_box(*other.box)[1])
            if other.kind != BLANK:
                self.skipped.append(f"{where}: {other}")

    def warnings(self, score: Score | None) -> tuple[str, ...]:
        """Pages left out, staves skipped, signs put right, then what the score has to say."""
        left_out = [f"{error} It was left out." for error in self.damage]
        told = score_warnings(score) if score else ()
        return (*left_out, *self.skipped, *self.put_right, *told)


def _nothing(piece: Piece, what: str) -> str:
    return f"In {piece.shown} {what}; give a straight, sharp image of printed music."
