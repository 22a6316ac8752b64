"""Photos of pages -> upright, straight PageImages; scans and level pages pass through untouched.

Straight segments (edges of staff lines, stems, barlines) tell which way the lines of a page run. If
nearly all run level, that is all. Otherwise their slope is fitted as a smooth function over the
page, and the page is bent back along it: rotation, perspective and the curl of a book are undone in
one go. Which end is up only a reading can tell; for that `turn_page` turns a page by half.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from omrcli.pages.image import PageImage, Pixels
from omrcli.pages.warp import Points, Warp, make_warp, turn_warp
from omrcli.staves.staff import Staff, find_staves

from .bending import SPREAD, fit_warp
from .paper import find_sheet
from .segments import Segments, find_segments, join_segments, main_angles

#: Longest side in px at which segments are looked for: an A4 page has an interline of 9 px there.
_WORK_SIDE = 1800
#: Strips over the height of a page that are looked at first: how many, and their width in px.
_STRIPS, _STRIP_WIDTH = 3, 96
#: Slope in degrees up to which staves are found and read as well as level ones, and up to which
#: all of them may still be found.
_LEVEL, _NEARLY = 2.5, 5.0
#: Share of the length of all flattish segments that must be level, and the least length, in px of
#: the work size, to say so.
_LEVEL_SHARE, _LEAST_LENGTH = 0.75, 400.0
#: Share of the flattish segments that lie in staves where all staves are found; those shorter than
#: this, in px of the work size, are letters and the grain of the paper.
_STAFF_SHARE, _LEAST_SEGMENT = 0.8, 15.0
_CANDIDATES = 3
_LEAST_SEGMENTS = 30  # of one direction, to fit how it changes
#: Height in interlines below which a picture is a crop of one staff or two, and is not bent.
_LEAST_PAGE = 30
#: How much more of staves there must be after bending a page.
_GAIN = 1.03
#: Interline in px above which a page that is bent anyway is also shrunk, and to what.
_MOST_INTERLINE, _GOOD_INTERLINE = 26.0, 20.0


def straighten(page: PageImage) -> tuple[PageImage, list[Staff]]:
    """Return the page with its staves level, though perhaps upside down, and those staves.

    A page that is level already is returned itself. The `warp` of another leads back to the page
    given, whose size stays in `width` and `height`.
    """
    staves: list[Staff] | None = None
    # Nobody photographs a drawing.
    if page.dpi is not None and (staves := find_staves(page)):
        return page, staves
    glance = _glance_at(page.pixels)
    if glance.is_nearly_level():
        staves = find_staves(page) if staves is None else staves
        if glance.is_level() or glance.is_covered(staves):
            return page, staves
    straight = _search(page, staves)
    if straight is page and staves is not None:
        return page, staves
    return straight, find_staves(straight)


@dataclass(frozen=True, eq=False)
class _Glance:
    """Segments in a few strips of a page; their places are in page px, their lengths in work px."""

    segments: Segments

    def is_level(self) -> bool:
        """Tell whether nearly all lines of the page run level."""
        return self._share_within(_LEVEL) > _LEVEL_SHARE

    def is_nearly_level(self) -> bool:
        """Tell whether the lines run so level that all staves may be found."""
        return self._share_within(_NEARLY) > _LEVEL_SHARE

    def is_covered(self, staves: Sequence[Staff]) -> bool:
        """Tell whether all staves there are were found, and none runs steeply."""
        if not staves or max(map(_steepness, staves)) > _NEARLY:
            return False
        flat = self.segments.near(0, SPREAD).longer(_LEAST_SEGMENT)
        inside = sum((_lie_in(staff, flat.middles) for staff in staves), np.zeros(len(flat), bool))
        return bool(flat.lengths[inside].sum() > _STAFF_SHARE * flat.lengths.sum())

    def _share_within(self, angle: float) -> float:
        """How much of the flattish segments is within an angle; 0 if there are too few."""
        flat = self.segments.near(0, SPREAD)
        total = float(flat.lengths.sum())
        # Stems of a page on its side are level too, but its lines are longer.
        if total <= max(_LEAST_LENGTH, float(self.segments.near(90, SPREAD).lengths.sum())):
            return 0.0
        return float(flat.near(0, angle).lengths.sum()) / total


def _glance_at(pixels: Pixels) -> _Glance:
    scale = _work_scale(pixels)
    width = round(_STRIP_WIDTH / scale)
    found = []
    for share in (np.arange(_STRIPS) + 0.5) / _STRIPS:
        left = max(0, round(share * pixels.shape[1] - width / 2))
        strip = find_segments(_shrink(pixels[:, left : left + width], scale))
        found.append(replace(strip, middles=strip.middles / scale + (left, 0)))
    return _Glance(join_segments(found))


def _steepness(staff: Staff) -> float:
    """The slope of a staff in degrees, never negative."""
    slope = np.polyfit(staff.xs, staff.lines[2], 1)[0] if len(staff.xs) > 1 else 0.0
    return abs(math.degrees(math.atan(slope)))


def _lie_in(staff: Staff, points: Points) -> NDArray[np.bool_]:
    """Which of the points (N, 2) lie in a staff or close to it."""
    x, y = points.T
    top, bottom = (np.interp(x, staff.xs, staff.lines[line]) for line in (0, 4))
    room = staff.interline / 2
    along = (x > staff.x0 - 4 * room) & (x < staff.x1 + 4 * room)
    return np.asarray(along & (y > top - room) & (y < bottom + room))


def _search(page: PageImage, known: list[Staff] | None) -> PageImage:
    """The page turned by quarters or bent so that it shows most of staves; itself if that is most.

    `known` are its staves as it is, if they have been looked for.
    """
    scale = _work_scale(page.pixels)
    small = replace(page, pixels=_shrink(page.pixels, scale))
    segments = find_segments(small.pixels)
    staves = find_staves(small) if known is None else known
    least = _length(staves) * (1.0 if known is None else scale)
    if _run_upward(segments):
        turned = turn_page(small, 1)
        found = find_staves(turned)
        if _length(found) > least:
            page, small, staves, least = turn_page(page, 1), turned, found, _length(found)
            segments = find_segments(small.pixels)
    if _is_crop(small if known is None else page, staves) or _glance_at(page.pixels).is_level():
        return page
    view = _best_view(small, segments, least)
    return page if view is None else _bend(page, view, scale)


def turn_page(page: PageImage, quarters: int = 2) -> PageImage:
    """Return a page turned clockwise by `quarters` of 90 degrees, 2 being upside down."""
    pixels = np.ascontiguousarray(np.rot90(page.pixels, -quarters))
    height, width = page.pixels.shape
    return replace(page, pixels=pixels, warp=turn_warp(page.warp, quarters, width, height))


def _run_upward(segments: Segments) -> bool:
    """Tell whether lines run across the page rather than along it."""
    return any(abs(angle) > 90 - SPREAD for angle in main_angles(segments, 1, SPREAD))


def _is_crop(page: PageImage, staves: Sequence[Staff]) -> bool:
    """Tell whether a picture is of little more than a staff that was found in it."""
    return bool(staves) and len(page.pixels) < _LEAST_PAGE * staves[0].interline


def _length(staves: Sequence[Staff]) -> float:
    """All staves together in px."""
    return float(sum(staff.x1 - staff.x0 for staff in staves))


@dataclass(frozen=True, eq=False)
class _View:
    """A page bent one way, at work size, and the staves it shows then."""

    warp: Warp
    staves: Sequence[Staff]


def _best_view(page: PageImage, segments: Segments, least: float) -> _View | None:
    """The page along that direction of its segments which shows most of staves.

    None if they show no more than `least` px, those of the page as it is.
    """
    height, width = page.pixels.shape
    best: _View | None = None
    ground = int(np.median(page.pixels))
    for angle in main_angles(segments, _CANDIDATES, 1.6 * SPREAD):
        if len(segments.near(angle, SPREAD).lengths) < _LEAST_SEGMENTS:
            continue
        warp = fit_warp(segments, width, height, angle)
        pixels = warp.apply(page.pixels, 1.0, ground)
        # The grain of a table can look like staff lines.
        if (sheet := find_sheet(pixels)) is not None:
            left, top, right, bottom = sheet
            warp, pixels = warp.cut(sheet), np.ascontiguousarray(pixels[top:bottom, left:right])
        staves = find_staves(replace(page, pixels=pixels))
        if _length(staves) > least * _GAIN:
            best, least = _View(warp, staves), _length(staves)
            if len(staves) > 1:
                break
    return best


def _bend(page: PageImage, view: _View, scale: float) -> PageImage:
    """The page itself bent as a view of it at `scale`."""
    interline = max(staff.interline for staff in view.staves) / scale
    zoom = _GOOD_INTERLINE / interline if interline > _MOST_INTERLINE else 1.0
    ratio = scale / zoom  # px of the view per px of the result

    def place(points: Points) -> Points:
        return (view.warp.page_points((points + 0.5) * ratio - 0.5) + 0.5) / scale - 0.5

    warp = make_warp(round(view.warp.width / ratio), round(view.warp.height / ratio), place)
    pixels = warp.apply(page.pixels, zoom, int(np.median(page.pixels[::8, ::8])))
    before = page.warp
    if before is not None:
        warp = make_warp(warp.width, warp.height, lambda at: before.page_points(place(at)))
    return replace(page, pixels=pixels, warp=warp)


def _work_scale(pixels: Pixels) -> float:
    return float(min(1.0, _WORK_SIDE / max(pixels.shape)))


def _shrink(pixels: Pixels, scale: float) -> Pixels:
    if scale == 1:
        return np.ascontiguousarray(pixels)
    size = tuple(max(1, round(side * scale)) for side in pixels.shape[::-1])
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
