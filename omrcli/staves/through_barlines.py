"""Barlines that run through a system: where they cross the gaps between its staves.

A stroke is one if it runs without a break from the first line of a staff to the last line of the
staff below it. Stems that reach from staff to staff end at heads or beams, so they cover neither
staff whole; letters, clefs and braces are no strokes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from .sheet import Curve, Sheet
from .staff import Places, Staff, look_up
from .systems import line_darkness

Mask = NDArray[np.bool_]

#: Ink is what has this share of the darkness of the staff lines, within limits.
_SEEN, _LEAST_SEEN, _MOST_SEEN = 0.5, 0.1, 0.3
# In interlines: breaks that are bridged, the shortest straight piece of a stroke, by how much it
# may miss the outer lines, how wide it may be, how far beside the staves it may stand, and what
# stays of it beside a staff, as barlines of lone staves have it too.
_BREAK, _PIECE, _MISSING, _WIDEST, _BESIDE, _STAYS = 0.3, 2.0, 0.4, 1.5, 0.5, 0.4


@dataclass(frozen=True, eq=False)
class BetweenStaves:
    """What lies between staves: a mask (H, W) on a sheet of their page."""

    mask: Mask
    sheet: Sheet

    def look_up(self, places: Places) -> Mask:
        """The mask at the places of a normalised staff, (H, W)."""
        x = self.sheet.sheet_x(places.across[::2, ::2])
        y = self.sheet.sheet_y(places.down[::2, ::2])
        return look_up(self.mask.astype(np.uint8), x, y, 0) > 0


def find_through_barlines(sheet: Sheet, staves: Sequence[Staff]) -> BetweenStaves | None:
    """The barlines between staves of a system; None if there are none.

    `staves` are in reading order.
    """
    mask = np.zeros(sheet.ink.shape, bool)
    for upper, lower in pairwise(staves):
        if upper.system == lower.system:
            _mark_pair(mask, sheet, upper, lower)
    return BetweenStaves(mask, sheet) if mask.any() else None


def _mark_pair(mask: Mask, sheet: Sheet, upper: Staff, lower: Staff) -> None:
    """Mark the barlines between two staves."""
    unit = (upper.interline + lower.interline) / 2 * sheet.scale
    beside = _BESIDE * unit
    left = max(0, round(sheet.sheet_x(max(upper.x0, lower.x0)) - beside))
    right = round(sheet.sheet_x(min(upper.x1, lower.x1)) + beside) + 1
    columns = np.arange(left, min(right, sheet.ink.shape[1]))
    if not len(columns):
        return
    first, last = (_rows(sheet, *at, columns) for at in ((upper, 0), (lower, 4)))
    top = max(0, int(first.min() - unit))
    area = slice(top, int(last.max() + unit) + 1), slice(left, left + len(columns))
    strokes = _find_strokes(sheet.ink[area] > _threshold(sheet, upper, lower), unit)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(strokes)
    rows = np.arange(strokes.shape[0])[:, None] + top
    ends = (first + _MISSING * unit, last - _MISSING * unit)
    at_first, at_last = (np.unique(labels[where]) for where in (rows <= ends[0], rows >= ends[1]))
    both = np.intersect1d(at_first, at_last)
    kept = [
        label
        for label in both[both > 0]
        if stats[label, cv2.CC_STAT_AREA] < _WIDEST * unit * stats[label, cv2.CC_STAT_HEIGHT]
    ]
    inner = (_rows(sheet, *at, columns) for at in ((upper, 4), (lower, 0)))
    low, high = next(inner) + _STAYS * unit, next(inner) - _STAYS * unit
    mask[area] |= np.isin(labels, kept) & (rows > low) & (rows < high)


def _rows(sheet: Sheet, staff: Staff, line: int, columns: NDArray[np.int64]) -> Curve:
    """Rows of a staff line at columns of the sheet."""
    xs = sheet.page_x(columns.astype(float))
    return sheet.sheet_y(np.interp(xs, staff.xs, staff.lines[line]))


def _threshold(sheet: Sheet, *staves: Staff) -> float:
    return float(np.clip(_SEEN * line_darkness(sheet, staves), _LEAST_SEEN, _MOST_SEEN))


def _find_strokes(ink: Mask, unit: float) -> NDArray[np.uint8]:
    """What runs down without a break over `_PIECE` interlines; it may lean by a px."""
    broken = np.ones((round(_BREAK * unit) + 1, 1), np.uint8)
    closed = cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_CLOSE, broken)
    wide = cv2.dilate(closed, np.ones((1, 3), np.uint8))
    piece = np.ones((round(_PIECE * unit), 1), np.uint8)
    return np.asarray(cv2.morphologyEx(wide, cv2.MORPH_OPEN, piece), np.uint8)
