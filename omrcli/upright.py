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
from .segments import find_segments, main_angles
from .staves import Staff, find_staves
from .warp import Points, Warp, make_warp, turn_warp

#: Longest side in px at which segments are looked for: an A4 page has an interline of 9 px there.
_WORK_SIDE = 1600
#: Strips over the height of a page that are looked at first: how many, and their width in px.
_STRIPS, _STRIP_WIDTH = 3, 96
#: Slope in degrees up to which staves are found and read as well as level ones.
_LEVEL = 2.5
#: Share of the length of all flattish segments that must be level, and the least length, in px of
#: the work size, to say so.
_LEVEL_SHARE, _LEAST_LENGTH = 0.75, 400.0
_CANDIDATES = 3
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
    small = _shrink(page.pixels, scale)
    best = _best_view(replace(page, pixels=small))
    if best is None:
        return page
    return _bend(page, best, scale)


def is_level(pixels: Pixels) -> bool:
    """Tell from a few strips, cheaply, whether nearly all lines of a page run level."""
    scale = _work_scale(pixels)
    width = round(_STRIP_WIDTH / scale)
    flat = level = 0.0
    for share in (np.arange(_STRIPS) + 0.5) / _STRIPS:
        left = max(0, round(share * pixels.shape[1] - width / 2))
        found = find_segments(_shrink(pixels[:, left : left + width], scale)).near(0, SPREAD)
        flat += float(found.lengths.sum())
        level += float(found.near(0, _LEVEL).lengths.sum())
    return flat > _LEAST_LENGTH and level > _LEVEL_SHARE * flat


def turn_page(page: PageImage, quarters: int = 2) -> PageImage:
    """Return a page turned clockwise by `quarters` of 90 degrees, 2 being upside down."""
    pixels = np.ascontiguousarray(np.rot90(page.pixels, -quarters))
    height, width = page.pixels.shape
    return replace(page, pixels=pixels, warp=turn_warp(page.warp, quarters, width, height))


@dataclass(frozen=True, eq=False)
class _View:
    """A page bent one way, at work size, and the staves it shows then."""

    warp: Warp
    staves: Sequence[Staff]

    @property
    def length(self) -> float:
        """All staves together in px."""
        return float(sum(staff.x1 - staff.x0 for staff in self.staves))


def _best_view(page: PageImage) -> _View | None:
    """The page along that direction of its segments which shows most of staves.

    None if they show no more than the page as it is.
    """
    height, width = page.pixels.shape
    as_it_is = _View(make_warp(width, height, np.asarray), find_staves(page))
    segments = find_segments(page.pixels)
    best: _View | None = None
    ground = int(np.median(page.pixels))
    for angle in main_angles(segments, _CANDIDATES, SPREAD):
        warp = fit_warp(segments, width, height, angle)
        view = _View(warp, find_staves(replace(page, pixels=warp.apply(page.pixels, 1.0, ground))))
        if view.length > (best or as_it_is).length * _GAIN:
            best = view
    return best


def _bend(page: PageImage, view: _View, scale: float) -> PageImage:
    """The page itself bent as a view of it at `scale`."""
    interline = max(staff.interline for staff in view.staves) / scale
    zoom = _GOOD_INTERLINE / interline if interline > _MOST_INTERLINE else 1.0
    ratio = scale / zoom  # px of the view per px of the result

    def place(points: Points) -> Points:
        return (view.warp.page_points((points + 0.5) * ratio - 0.5) + 0.5) / scale - 0.5

    warp = make_warp(round(view.warp.width / ratio), round(view.warp.height / ratio), place)
    ground = int(np.median(page.pixels[::8, ::8]))
    return replace(page, pixels=warp.apply(page.pixels, zoom, ground), warp=warp)


def _work_scale(pixels: Pixels) -> float:
    return min(1.0, _WORK_SIDE / max(pixels.shape))


def _shrink(pixels: Pixels, scale: float) -> Pixels:
    if scale == 1:
        return np.ascontiguousarray(pixels)
    size = tuple(max(1, round(side * scale)) for side in pixels.shape[::-1])
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
