"""Photos of pages -> upright, straight PageImages; scans and level pages pass through untouched.

Straight segments (edges of staff lines, stems, barlines) tell which way the lines of a page run. If
nearly all run level, that is all. Otherwise their slope is fitted as a smooth function over the
page, and the page is bent back along it: rotation, perspective and the curl of a book are undone in
one go. Which end is up only a reading can tell; for that `turn_page` turns a page by half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from .bending import SPREAD, fit_warp
from .image import PageImage, Pixels
from .segments import Segments, find_segments, main_angles
from .staves import Staff, find_staves
from .warp import Points, Warp, make_warp, turn_warp

#: Longest side in px at which segments are looked for: an A4 page has an interline of 9 px there.
_WORK_SIDE = 1800
#: Strips over the height of a page that are looked at first: how many, and their width in px.
_STRIPS, _STRIP_WIDTH = 3, 96
#: Slope in degrees up to which staves are found and read as well as level ones.
_LEVEL = 2.5
#: Share of the length of all flattish segments that must be level, and the least length, in px of
#: the work size, to say so.
_LEVEL_SHARE, _LEAST_LENGTH = 0.75, 400.0
_CANDIDATES = 3
_LEAST_SEGMENTS = 30  # of one direction, to fit how it changes
#: Height in interlines below which a picture is a crop of one staff or two, and is not bent.
_LEAST_PAGE = 30
#: How much more of staves there must be after bending a page.
_GAIN = 1.03
#: Interline in px above which a page that is bent anyway is also shrunk, and to what.
_MOST_INTERLINE, _GOOD_INTERLINE = 26.0, 20.0


def straighten(page: PageImage) -> PageImage:
    """Return the page with its staves level, though perhaps upside down; itself if they are.

    The result's `warp` leads back to the page given, whose size stays in `width` and `height`.
    """
    if is_level(page.pixels):
        return page
    scale = _work_scale(page.pixels)
    small = replace(page, pixels=_shrink(page.pixels, scale))
    segments = find_segments(small.pixels)
    staves = find_staves(small)
    if _run_upward(segments) and _length(found := find_staves(turn_page(small, 1))) > _length(
        staves
    ):
        page, small, staves = turn_page(page, 1), turn_page(small, 1), found
        segments = find_segments(small.pixels)
    if _is_crop(small, staves) or is_level(page.pixels):
        return page
    view = _best_view(small, segments, _length(staves))
    return page if view is None else _bend(page, view, scale)


def is_level(pixels: Pixels) -> bool:
    """Tell from a few strips, cheaply, whether nearly all lines of a page run level."""
    scale = _work_scale(pixels)
    width = round(_STRIP_WIDTH / scale)
    flat = level = upright = 0.0
    for share in (np.arange(_STRIPS) + 0.5) / _STRIPS:
        left = max(0, round(share * pixels.shape[1] - width / 2))
        every = find_segments(_shrink(pixels[:, left : left + width], scale))
        found = every.near(0, SPREAD)
        upright += float(every.near(90, SPREAD).lengths.sum())
        flat += float(found.lengths.sum())
        level += float(found.near(0, _LEVEL).lengths.sum())
    # Stems of a page on its side are level too, but its lines are longer.
    return flat > max(_LEAST_LENGTH, upright) and level > _LEVEL_SHARE * flat


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
        staves = find_staves(replace(page, pixels=warp.apply(page.pixels, 1.0, ground)))
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
