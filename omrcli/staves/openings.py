"""StaffImages -> what can be told without reading: no clef at the left end, or not to be read.

A network that has seen a clef at the start of every staff reads one on those that have none, and
drums as pitches. The ink is plainer: a clef fills the spaces of a staff as notes seldom do.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from .other_staves import BLANK, PERCUSSION, OtherStaff, other_staff
from .sheet import find_runs
from .staff import Staff, StaffGeometry, StaffImage

Mask = NDArray[np.bool_]

#: Where a clef stands, in interlines from the left edge of a staff image, which begins an interline
#: before the staff, and beyond its end.
_FIRST, _LAST = 1.15, 4.85
_INK = 0.45
#: A clef has so many interlines of ink in the middle of so many spaces, those next above and below
#: the staff counted too. Real prints have 0.25 and more.
_LEAST_IN_SPACE, _SPACES = 0.2, 3
#: Share of the height of a staff that a barline fills.
_BARLINE = 0.93
#: The two bars of percussion, in interlines: how thick they are, how far apart, how much paper is
#: beside them and above and below, and where they are looked for.
_THICK, _APART, _FREE = (0.2, 0.95), (0.12, 0.95), 0.35
_FURTHEST = 6.0
#: Lines of tablature are farther apart than those of the staves around it, and bear digits: at
#: least so many, nearly all of what is as high as they, in interlines, and at most so far from
#: the middle of a line. Heads for each interline of a staff that no tablature has.
_WIDER, _DIGITS, _ON_LINES = 1.06, 4, 0.8
_HIGH, _OFF_LINE, _HEADS = (0.7, 1.6), 0.22, 0.02
#: Interlines through which a filled head is solid, and the height of what is a thick barline.
_HEAD, _TALL = 0.55, 3.0
#: Share of the columns of a staff that have ink between its lines, this much of it, up to which it
#: is blank. With a clef and a whole rest or two it is 0.03.
_BLANK, _TRACE = 0.02, 0.4


def lacks_clef(image: StaffImage, geometry: StaffGeometry) -> bool:
    """Tell whether a staff plainly begins without a clef; in doubt there is one."""
    unit = geometry.interline
    part = image.pixels[:, round(_FIRST * unit) : round(_LAST * unit)]
    if part.shape[1] < 2 * unit:
        return False
    free = ~_find_barlines(part, geometry)
    filled = 0
    for space in range(-1, 5):
        row = _row(geometry, space + 0.5)
        ink = (_band(part, row, row) > _INK) & free
        filled += bool(ink.sum() > _LEAST_IN_SPACE * unit)
    return filled < _SPACES


def has_percussion_clef(image: StaffImage, geometry: StaffGeometry) -> bool:
    """Tell whether a staff begins with two thick bars over its two middle spaces."""
    unit = geometry.interline
    part = image.pixels[:, : round(_FURTHEST * unit)]
    solid = part[_row(geometry, 1.15) : _row(geometry, 2.85) + 1].min(axis=0) > _INK
    beyond = np.maximum(
        _band(part, _row(geometry, 0.3), _row(geometry, 0.7)),
        _band(part, _row(geometry, 3.3), _row(geometry, 3.7)),
    )
    empty = _band(part, _row(geometry, 1.4), _row(geometry, 1.6)) < _INK
    runs = find_runs(solid)
    for (left, end), (next_left, next_end) in pairwise(runs):
        thick = all(
            _THICK[0] <= size / unit <= _THICK[1] for size in (end - left, next_end - next_left)
        )
        apart = _APART[0] <= (next_left - end) / unit <= _APART[1]
        room = round(_FREE * unit)
        beside = np.concatenate(
            [empty[left - room : left - 1], empty[next_end + 1 : next_end + room]]
        )
        clear = beyond[left:next_end].max() < _INK and empty[end + 1 : next_left - 1].all()
        if thick and apart and left > room and clear and beside.all():
            return True
    return False


def is_tablature(image: StaffImage, around: Sequence[Staff], geometry: StaffGeometry) -> bool:
    """Tell whether five lines are farther apart than those of the staves `around` and bear digits
    in place of heads."""
    if not around or image.staff.interline < _WIDER * median(each.interline for each in around):
        return False
    length = image.pixels.shape[1] / geometry.interline
    return count_heads(image, geometry) < _HEADS * length and _bears_digits(image, geometry)


def _bears_digits(image: StaffImage, geometry: StaffGeometry) -> bool:
    """Tell whether nearly all that is as high as a digit stands in the middle of a line."""
    unit = geometry.interline
    ink = (image.pixels > _INK).astype(np.uint8)
    for line in range(5):
        row = _row(geometry, line)
        thin = (ink[row - 3 : row - 1].max(axis=0) & ink[row + 2 : row + 4].max(axis=0)) == 0
        ink[row - 1 : row + 2, thin] = 0
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink[_row(geometry, -1) : _row(geometry, 5)])
    _, tops, widths, heights, _ = stats[1:].T / unit
    digits = (heights > _HIGH[0]) & (heights < _HIGH[1]) & (widths < 2 * _HIGH[1])
    places = (tops + heights / 2)[digits]
    on_lines = np.abs(places - np.round(places)) < _OFF_LINE
    return bool(on_lines.sum() >= _DIGITS and on_lines.mean() > _ON_LINES)


def count_heads(image: StaffImage, geometry: StaffGeometry) -> int:
    """How many blots as thick as a filled head there are on a staff and near it."""
    size = round(_HEAD * geometry.interline) | 1
    ink = (image.pixels > 0.5).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    blots = cv2.morphologyEx(ink, cv2.MORPH_OPEN, disc).astype(np.uint8)
    heights = cv2.connectedComponentsWithStats(blots)[2][1:, cv2.CC_STAT_HEIGHT]
    return int((heights < _TALL * geometry.interline).sum())


def is_blank(image: StaffImage, geometry: StaffGeometry) -> bool:
    """Tell whether a staff has nothing but its lines, and perhaps a barline at its ends."""
    unit = geometry.interline
    inside = image.pixels[:, 2 * unit : -2 * unit]
    if not inside.size:
        return False
    reach = max(1, round(unit / 6))
    middles = [geometry.top_line + round((space + 0.5) * unit) for space in range(-1, 5)]
    ink = np.max([inside[row - reach : row + reach].max(axis=0) for row in middles], axis=0)
    return float((ink > _TRACE).mean()) < _BLANK


def find_unread(images: Sequence[StaffImage], geometry: StaffGeometry) -> dict[int, OtherStaff]:
    """Which of a page's staves are not read, by their place among the images, and why.

    Blank ones are those of which no staff of their system has anything on it.
    """
    used = {image.staff.system for image in images if not is_blank(image, geometry)}
    found: dict[int, OtherStaff] = {}
    for index, image in enumerate(images):
        staff = image.staff
        around = [other.staff for other in images if other.staff.system == staff.system]
        around = [other for other in around if other is not staff]
        kind = ""
        if staff.system not in used:
            kind = BLANK
        elif has_percussion_clef(image, geometry):
            kind = PERCUSSION
        elif is_tablature(image, around, geometry):
            kind = "tablature"
        if kind:
            found[index] = other_staff(staff, kind)
    return found


def drop_staves(images: Sequence[StaffImage], dropped: Collection[int]) -> list[StaffImage]:
    """The other images, their staves and systems numbered anew."""
    kept = [image for index, image in enumerate(images) if index not in dropped]
    systems = sorted({image.staff.system for image in kept})
    return [
        replace(
            image, staff=replace(image.staff, index=index, system=systems.index(image.staff.system))
        )
        for index, image in enumerate(kept)
    ]


def _row(geometry: StaffGeometry, lines: float) -> int:
    """The row of a place so many interlines below the top line."""
    return geometry.top_line + round(lines * geometry.interline)


def _band(part: NDArray[np.float32], first: int, last: int) -> NDArray[np.float32]:
    """Mean of the rows from a px above the first to a px below the last, (n,)."""
    return np.asarray(part[first - 1 : last + 2].mean(axis=0), np.float32)


def _find_barlines(part: NDArray[np.float32], geometry: StaffGeometry) -> Mask:
    """Columns of barlines and those beside them, (n,)."""
    staff = part[geometry.top_line - 1 : _row(geometry, 4) + 2]
    bars = (staff > _INK).mean(axis=0) > _BARLINE
    wide = np.pad(bars, 1)
    return np.asarray(wide[:-2] | wide[1:-1] | wide[2:], np.bool_)
