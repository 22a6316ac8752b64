"""Staves of a page -> systems: which staves a line, brace or bracket joins, in reading order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from .sheet import Curve, Sheet, sample

if TYPE_CHECKING:
    from .staff import Staff

Mask = NDArray[np.bool_]

# In interlines: how far apart the left ends of joined staves can be, how far outside and inside of
# them what joins them is looked for, and how far apart the staves themselves can be.
_MOST_APART = 6.0
_OUTSIDE, _INSIDE = 2.5, 2.0
_MOST_DISTANCE = 40.0
#: Share of the way between two staves on which there must be ink.
_LEAST_INK = 0.88
#: Barlines from staff to staff that join them as well, where the left is cut off or too faint.
_LEAST_BARS, _BAR_INK = 2, 0.95
#: Ink is what has this share of the darkness of the lines, within limits; on grainy paper more, so
#: that no more than `_MOST_DARK` is ink.
_SEEN, _LEAST_SEEN, _MOST_SEEN = 0.4, 0.08, 0.25
_GRAIN, _MOST_DARK = 1.0, 0.1
_BLUR = 9  # px of working scale
#: Interlines of paper between two pages in one picture, and staves that one of them must have at
#: least: fewer may be incipits side by side.
_GUTTER, _LEAST_OF_A_PAGE = 3.0, 3
_CHECK = 8  # rows after which it is looked whether any way may still join staves


def order_staves(staves: Sequence[Staff], sheet: Sheet) -> list[Staff]:
    """Number the staves of a page and their systems in reading order.

    Of two pages in one picture, or columns, the left one comes first. Systems go from top to
    bottom, those side by side from left to right; within a system its staves go from top to bottom.
    """
    pages = _part_pages(_join_staves(staves, sheet))
    systems = [system for page in pages for system in _order_systems(page)]
    ordered = [
        replace(staff, system=number) for number, system in enumerate(systems) for staff in system
    ]
    return [replace(staff, index=index) for index, staff in enumerate(ordered)]


def _join_staves(staves: Sequence[Staff], sheet: Sheet) -> list[list[Staff]]:
    """Group staves into systems; each goes with the one next above it if they are joined."""
    systems: list[list[Staff]] = []
    for staff in sorted(staves, key=lambda staff: staff.y0):
        above = [system for system in systems if _lies_above(system[-1], staff)]
        near = max(above, key=lambda system: system[-1].y0, default=None)
        if near is not None and are_joined(near[-1], staff, sheet):
            near.append(staff)
        else:
            systems.append([staff])
    return systems


def _lies_above(upper: Staff, lower: Staff) -> bool:
    """Tell whether most of the narrower of two staves is above or below the other."""
    shared = min(upper.x1, lower.x1) - max(upper.x0, lower.x0)
    narrower = min(upper.x1 - upper.x0, lower.x1 - lower.x0)
    return upper.y0 < lower.y0 and shared > 0.5 * narrower


def _part_pages(systems: Sequence[list[Staff]]) -> list[list[list[Staff]]]:
    """Systems by the page they are on, the left one first, if a gutter parts them all."""
    by_left = sorted(systems, key=lambda system: min(staff.x0 for staff in system))
    for count in range(1, len(by_left)):
        left, right = by_left[:count], by_left[count:]
        if _are_pages(*([staff for system in part for staff in system] for part in (left, right))):
            return [left, *_part_pages(right)]
    return [by_left]


def _are_pages(left: Sequence[Staff], right: Sequence[Staff]) -> bool:
    """Tell whether staves stand beside others as a page does, and not as a piece of a line."""
    unit = max(staff.interline for staff in (*left, *right))
    gutter = min(staff.x0 for staff in right) - max(staff.x1 for staff in left)
    lowest_top = max(min(staff.y0 for staff in part) for part in (left, right))
    highest_end = min(max(staff.y1 for staff in part) for part in (left, right))
    return (
        gutter > _GUTTER * unit
        and highest_end > lowest_top
        and max(len(left), len(right)) >= _LEAST_OF_A_PAGE
    )


def _order_systems(systems: Sequence[list[Staff]]) -> list[list[Staff]]:
    ordered: list[list[Staff]] = []
    rest = sorted(systems, key=lambda system: system[0].y0)
    while rest:
        middle = (rest[0][0].y0 + rest[0][-1].y1) / 2
        row = [system for system in rest if system[0].y0 < middle]
        ordered += sorted(row, key=lambda system: system[0].x0)
        rest = rest[len(row) :]
    return ordered


def are_joined(upper: Staff, lower: Staff, sheet: Sheet) -> bool:
    """Tell whether something on the left, or barlines further on, run from staff to staff."""
    unit = (upper.interline + lower.interline) / 2
    if abs(upper.x0 - lower.x0) > _MOST_APART * unit or lower.y0 - upper.y1 > _MOST_DISTANCE * unit:
        return False
    first = sheet.sheet_x(min(upper.x0, lower.x0) - _OUTSIDE * unit)
    last = sheet.sheet_x(min(upper.x1, lower.x1) + unit)
    columns = np.arange(max(0, round(first)), min(sheet.ink.shape[1], round(last) + 1))
    shares = _ink_shares(sheet, upper, lower, columns)
    left = sheet.sheet_x(max(upper.x0, lower.x0) + _INSIDE * unit)
    if _count_bars(shares[columns > left] > _BAR_INK, unit * sheet.scale) >= _LEAST_BARS:
        return True
    beside = columns[columns <= left]
    if shares[: len(beside)].max(initial=0) <= _LEAST_INK:
        return False
    # Seldom needed: the black edge of a scan runs down beside all systems.
    cleared = _clear_edge(sheet, int(left) + 1)
    return bool(_ink_shares(cleared, upper, lower, beside).max(initial=0) > _LEAST_INK)


def _clear_edge(sheet: Sheet, width: int) -> Sheet:
    """The first columns of a sheet without the ink that hangs together with the page's edge."""
    ink = sheet.ink[sheet.pad : len(sheet.ink) - sheet.pad, :width].copy()
    _, labels = cv2.connectedComponents((ink > _MOST_SEEN).astype(np.uint8))
    edges = np.concatenate([labels[:2].ravel(), labels[-2:].ravel(), labels[:, :2].ravel()])
    ink[np.isin(labels, edges[edges > 0])] = 0
    return replace(sheet, ink=np.pad(ink, ((sheet.pad, sheet.pad), (0, 0))))


def _ink_shares(sheet: Sheet, upper: Staff, lower: Staff, columns: NDArray[np.int64]) -> Curve:
    """The inkiest ways down from the upper staff to the lower one: how much of each is ink.

    (n,), by the column in which they end. Along the columns of a tilted page they slant.
    """
    xs = sheet.page_x(columns.astype(float))
    top, bottom = (
        sheet.sheet_y(np.interp(xs, staff.xs, staff.lines[line]))
        for staff, line in ((upper, 4), (lower, 0))
    )
    count = round(float((bottom - top).mean()))
    if count < 2 or not len(columns):
        return np.zeros(len(columns))
    steps = np.linspace(0, 1, count)[:, None]
    band = sample(sheet.ink, top + (bottom - top) * steps, columns)
    # Grain is evened out along what runs down.
    band = np.asarray(cv2.blur(band, (1, min(_BLUR, count))), np.float32)
    low, high = _LEAST_SEEN, _MOST_SEEN
    usual = float(np.clip(line_darkness(sheet, (upper, lower)), low / _SEEN, high / _SEEN))
    grain = float(np.quantile(band, 1 - _MOST_DARK))
    return _best_ways(band > np.clip(grain, _SEEN * usual, _GRAIN * usual))


def line_darkness(sheet: Sheet, staves: Sequence[Staff]) -> float:
    """How dark the lines of staves are, 0..1."""
    dark = [
        sample(
            sheet.ink,
            sheet.sheet_y(np.stack(staff.lines)),
            np.clip(sheet.sheet_x(staff.xs).astype(np.int64), 0, sheet.ink.shape[1] - 1),
        )
        for staff in staves
    ]
    return min(float(np.median(lines)) for lines in dark)


def _best_ways(ink: Mask) -> Curve:
    """Highest share of ink on the ways from the top row to each px of the bottom one, (n,).

    A way moves to a column beside it in every second row at most. Shares that are too small to
    join staves are 0 where all are.
    """
    framed = np.zeros(ink.shape[1] + 2, np.int32)
    total = framed[1:-1]
    total += ink[0]
    for row in range(1, len(ink)):
        if row % 2:
            beside = np.maximum(framed[:-2], framed[2:])
            np.maximum(beside, total, out=total)
        total += ink[row]
        if row % _CHECK == 0 and total.max() + len(ink) - row - 1 < _LEAST_INK * len(ink):
            return np.zeros(ink.shape[1])
    return np.asarray(total / len(ink), np.float64)


def _count_bars(mask: Mask, unit: float) -> int:
    """Runs of columns, those closer together than two interlines taken as one."""
    places = np.flatnonzero(mask)
    return int(len(places) > 0) + int((np.diff(places) > 2 * unit).sum())
