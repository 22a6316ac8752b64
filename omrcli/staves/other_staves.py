"""PageImage -> staves that are not read: tablature of four or six lines, percussion on one line.

They are found only to say that they were skipped, so what could be anything else is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from omrcli.pages.image import PageImage

from .sheet import Sheet, recall_sheet
from .sizes import measure_interlines
from .staff import Staff

#: How much like a line a px must be, 0..1.
_LINE = 0.5
# In interlines: the shortest line, the height of a page that is more than a staff, how far from a
# staff nothing is looked for, distances of the lines of a staff, and the free space of a lone line.
_MIN_WIDTH, _MIN_PAGE, _NEAR = 20.0, 30, 1.5
_SPACES = (0.7, 2.3)
_ALONE = 3.0
#: Shares: of the widest line that each of a staff has, how far distances differ from their mean.
_SAME_WIDTH, _SAME_SPACE = 0.9, 0.12
#: Bass tablature is wider than staves; four lines as wide as these are a staff with a line lost.
_WIDER = 1.15
#: Strokes through a lone line that make it a staff, how far they reach in interlines.
_LEAST_BARS, _BAR = 3, 0.7
_INK = 0.3
TABLATURE = (4, 6)
#: The kind of a staff with nothing on it.
BLANK = "blank"
PERCUSSION = "percussion"


@dataclass(frozen=True)
class OtherStaff:
    """A staff of `count` lines that is not read; its box is in page px.

    `kind` says what it is where the number of lines does not.
    """

    count: int
    x0: float
    y0: float
    x1: float
    y1: float
    kind: str = ""

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Its box x0, y0, x1, y1 in page px."""
        return self.x0, self.y0, self.x1, self.y1

    def __str__(self) -> str:
        if self.kind:
            why = self.kind if self.kind == BLANK else f"{self.kind}, which is not read"
            return f"a staff at the height of {round(self.y0)} px was skipped; it is {why}."
        lines = "1 line" if self.count == 1 else f"{self.count} lines"
        return (
            f"a staff of {lines} at the height of {round(self.y0)} px was skipped; "
            "only staves of 5 lines are read."
        )


def other_staff(staff: Staff, kind: str) -> OtherStaff:
    """A staff of five lines as one that is not read."""
    return OtherStaff(5, staff.x0, staff.y0, staff.x1, staff.y1, kind)


@dataclass(frozen=True)
class _Line:
    """A long level line on a sheet, in its px."""

    left: float
    right: float
    y: float

    @property
    def width(self) -> float:
        return self.right - self.left

    def is_above(self, other: _Line) -> bool:
        """Tell whether both are as long and begin and end together, nearly."""
        slack = (1 - _SAME_WIDTH) * max(self.width, other.width)
        return abs(self.left - other.left) < slack and abs(self.right - other.right) < slack


def find_other_staves(page: PageImage, staves: Sequence[Staff]) -> list[OtherStaff]:
    """Return staves of 1, 4 or 6 lines beside the `staves` of a page, from top to bottom."""
    sizes = [staff.interline for staff in staves]
    if not sizes:
        sizes = [each.size for each in measure_interlines(page.pixels)[:1]]
    unit = float(np.median(sizes)) if sizes else 0.0
    if not sizes or len(page.pixels) < _MIN_PAGE * unit:
        return []
    sheet = recall_sheet(page, unit)
    lines = _find_lines(sheet, staves)
    return [
        _place(sheet, group)
        for group in _group_lines(lines, sheet.interline)
        if _is_tablature(group, sheet.interline, bool(staves))
        or (len(group) == 1 and _is_percussion(sheet, group[0], lines))
    ]


def _find_lines(sheet: Sheet, staves: Sequence[Staff]) -> list[_Line]:
    """Long level lines outside of staves, from top to bottom."""
    mask = (sheet.lines > _LINE).astype(np.uint8)
    for staff in staves:
        away = _NEAR * staff.interline
        top, bottom = (sheet.sheet_y(y) for y in (staff.y0 - away, staff.y1 + away))
        left, right = (sheet.sheet_x(x) for x in (staff.x0 - away, staff.x1 + away))
        mask[max(0, round(top)) : round(bottom) + 1, max(0, round(left)) : round(right) + 1] = 0
    reach = round(2 * sheet.interline)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((1, reach), np.uint8)).astype(np.uint8)
    _, _, stats, centres = cv2.connectedComponentsWithStats(mask)
    lines = [
        _Line(float(left), float(left + width), float(centre[1]))
        for (left, _, width, height, area), centre in zip(stats[1:], centres[1:], strict=True)
        if width > _MIN_WIDTH * sheet.interline
        and height < 0.5 * sheet.interline + 0.06 * width
        and area < 0.6 * sheet.interline * width
    ]
    return sorted(lines, key=lambda line: line.y)


def _group_lines(lines: Sequence[_Line], unit: float) -> Iterator[list[_Line]]:
    """Lines one below the other at distances as in a staff."""
    low, high = _SPACES[0] * unit, _SPACES[1] * unit
    group: list[_Line] = []
    for line in lines:
        if group and not (group[-1].is_above(line) and low < line.y - group[-1].y < high):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _is_tablature(group: Sequence[_Line], unit: float, among_staves: bool) -> bool:
    if len(group) not in TABLATURE:
        return False
    spaces = np.diff([line.y for line in group])
    space = float(spaces.mean())
    if np.abs(spaces - space).max() > _SAME_SPACE * space + 0.5:
        return False
    return len(group) > 5 or (among_staves and space > _WIDER * unit)


def _is_percussion(sheet: Sheet, line: _Line, lines: Sequence[_Line]) -> bool:
    """Tell whether a line stands alone and has barlines."""
    near = [other for other in lines if abs(other.y - line.y) < _ALONE * sheet.interline]
    if len(near) > 1:
        return False
    # The slice ends at the page's edge, however far beyond it a line that reaches it is looked for.
    around = sheet.ink[:, max(0, round(line.left - 2)) : round(line.right + 3)]
    bars = np.ones(around.shape[1], bool)
    for side in (-1, 1):
        for away in np.linspace(0.3, _BAR, 5) * side * sheet.interline:
            bars &= around[min(max(0, round(line.y + away)), len(around) - 1)] > _INK
    places = np.flatnonzero(bars)
    if not len(places):
        return False
    wide = np.diff(np.flatnonzero(np.diff(np.pad(bars.astype(np.int8), 1))))[::2]
    runs = 1 + int((np.diff(places) > 2 * sheet.interline).sum())
    return bool(runs >= _LEAST_BARS and np.median(wide) < 0.6 * sheet.interline)


def _place(sheet: Sheet, group: Sequence[_Line]) -> OtherStaff:
    xs = sheet.page_x(
        np.array([min(line.left for line in group), max(line.right for line in group)])
    )
    ys = sheet.page_y(np.array([group[0].y, group[-1].y]))
    return OtherStaff(len(group), float(xs[0]), float(ys[0]), float(xs[1]), float(ys[1]))
