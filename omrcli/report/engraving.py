"""A staff's tokens engraved under the places where they were read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from omrcli.engrave import engrave
from omrcli.errors import InputError
from omrcli.score.carrying import InForce
from omrcli.tokens import Symbol, Tie

from .aligning import align_tokens, measure_tokens
from .marks import LEDGERS, Engraving, Mark, Shape, mark_box, read_marks
from .staff_mei import find_opening, write_staff

FONT = "Leipzig"
_OPTIONS = {
    "pageMarginLeft": 0,
    "pageMarginRight": 0,
    "pageMarginTop": 0,
    "pageMarginBottom": 0,
    "multiRestStyle": "block",
    "spacingLinear": 0.2,  # tight: it is then stretched to the source
    "spacingNonLinear": 0.5,
}
#: Length and depth in interlines of a tie that leads out of the staff.
_OPEN_TIE = (1.8, 0.7)


@dataclass(frozen=True)
class Ruling:
    """The lines of a staff in px: where they begin, and how far they are apart."""

    left: float
    interline: float


def engrave_staff(
    symbols: Sequence[Symbol],
    wanted: Mapping[int, float],
    ruling: Ruling,
    before: InForce | None = None,
) -> Engraving | None:
    """The marks of a staff, each token's middle as near as may be to the x in `wanted`, in px.

    None where Verovio cannot engrave what was read.

    Raises:
        MissingDependencyError: Verovio is not installed.
    """
    mei = write_staff(symbols, before)
    opening = list(range(len(find_opening(symbols))))
    try:
        svg = engrave(mei.text, FONT, _OPTIONS)
    except InputError:
        return None
    engraving = align_tokens(
        read_marks(svg, opening, mei.barlines, ruling.interline), wanted, ruling.left
    )
    return _with_own_ledgers(_with_open_ties(engraving, symbols))


def _with_own_ledgers(engraving: Engraving) -> Engraving:
    """Give each ledger line to the note that it is for, with which it comes and goes."""
    heads = [
        (sum(mark_box(mark, engraving)[::2]) / 2, mark.token)
        for mark in engraving.marks
        if mark.part == "notehead" and mark.token is not None
    ]

    def own(mark: Mark) -> Mark:
        if mark.part != LEDGERS or not heads:
            return mark
        left, _, right, _ = mark_box(mark, engraving)
        middle = (left + right) / 2
        return replace(mark, token=min(heads, key=lambda head: abs(head[0] - middle))[1])

    return replace(engraving, marks=tuple(map(own, engraving.marks)))


def _with_open_ties(engraving: Engraving, symbols: Sequence[Symbol]) -> Engraving:
    """Draw the ties that lead to no note of the staff."""
    drawn = {mark.token for mark in engraving.marks}
    extents = measure_tokens(engraving)
    added = []
    for place, symbol in enumerate(symbols):
        if isinstance(symbol, Tie) and place not in drawn and place - 1 in extents:
            heads = [m for m in engraving.marks if m.token == place - 1 and m.part == "notehead"]
            if heads:
                low = max(mark_box(mark, engraving)[3] for mark in heads)
                added.append(_open_tie(extents[place - 1][1], low, engraving.interline, place))
    return replace(engraving, marks=(*engraving.marks, *added))


def _open_tie(x: float, y: float, interline: float, token: int) -> Shape:
    long, deep = (part * interline for part in _OPEN_TIE)
    points = [(0.0, 0.0), (0.3, 0.8), (0.7, 0.8), (1.0, 0.0), (0.7, 1.1), (0.3, 1.1), (0.0, 0.0)]
    placed = tuple((x + long * along, y + deep * down) for along, down in points)
    return Shape(placed, 0.0, True, token, "tie")
