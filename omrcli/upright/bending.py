"""Segments of a page -> the Warp along which its lines run level and its stems upright."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from omrcli.pages.warp import Points, Warp, make_warp

from .segments import LEAN_TERMS, SLOPE_TERMS, Segments, SlopeField, fit_slopes

#: Degrees to both sides of a direction within which perspective and curl keep its lines.
SPREAD = 25.0
#: Fewer segments than this tell nothing about how stems lean.
_LEAST_STEMS = 30
_STEPS = 12  # of integration between the middle of a page and any place on it
_ROUNDS = 4


@dataclass(frozen=True)
class Frame:
    """Axes along the lines of a page: from `centre` (x, y) in px, turned by `angle` degrees."""

    centre: tuple[float, float]
    angle: float

    def enter(self, points: Points) -> Points:
        """Return (u, v), (N, 2), along and across the lines, of px (x, y)."""
        return np.asarray((points - self.centre) @ self._axes().T, np.float64)

    def leave(self, points: Points) -> Points:
        """Return px (x, y), (N, 2), of (u, v)."""
        return np.asarray(points @ self._axes() + self.centre, np.float64)

    def _axes(self) -> Points:
        angle = math.radians(self.angle)
        return np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])


def fit_warp(segments: Segments, width: int, height: int, angle: float) -> Warp:
    """The warp that makes level what runs at about `angle` degrees over a page, in px of it.

    Staff lines are followed as curves: each row of the result is one, and each column a curve along
    the stems, so that lines which meet far away become parallel and even far apart.
    """
    frame = Frame((width / 2, height / 2), angle)
    level, upright = segments.near(angle, SPREAD), segments.near(angle + 90, SPREAD)
    slope = _fit_field(frame, level, SLOPE_TERMS, across=False)
    if len(upright.lengths) >= _LEAST_STEMS:
        lean = _fit_field(frame, upright, LEAN_TERMS, across=True)
    else:
        lean = SlopeField(slope.low[::-1], slope.high[::-1], ((0, 0),), -slope.weights[:1])
    middle = (slope.low + slope.high) / 2
    low, high = _extent(frame, slope, lean, middle, (width, height))
    across, down = (math.ceil(extent) for extent in high - low)

    def place(points: Points) -> Points:
        return frame.leave(_cross(slope, lean, middle, points + low))

    return make_warp(across, down, place)


def _fit_field(
    frame: Frame, segments: Segments, terms: tuple[tuple[int, int], ...], across: bool
) -> SlopeField:
    """Slopes dv/du of level segments at (u, v), or across them du/dv of stems at (v, u)."""
    places = frame.enter(segments.middles)
    slopes = np.tan(np.radians(segments.angles))
    if across:
        places, slopes = places[:, ::-1], -slopes
    return fit_slopes(places, slopes, segments.lengths, terms)


def _extent(
    frame: Frame, slope: SlopeField, lean: SlopeField, middle: Points, size: tuple[int, int]
) -> tuple[Points, Points]:
    """Lowest and highest labels, (2,), of curves that cross the page."""
    edge = np.linspace(0, 1, 9)
    border = [(a, b) for a in edge for b in (0, 1)] + [(b, a) for a in edge for b in (0, 1)]
    places = frame.enter(np.array(border) * size)
    across = _follow(lean, places[:, ::-1], middle[1])
    down = _follow(slope, places, middle[0])
    labels = np.column_stack([across, down])
    return labels.min(axis=0), labels.max(axis=0)


def _cross(slope: SlopeField, lean: SlopeField, middle: Points, labels: Points) -> Points:
    """Where the curves with labels (x, y), (N, 2), cross: (u, v).

    The label of a curve is where it passes the middle of the page.
    """
    u, v = labels.T
    for _ in range(_ROUNDS):
        v = _follow(slope, np.column_stack([np.full(len(u), middle[0]), labels[:, 1]]), u)
        u = _follow(lean, np.column_stack([np.full(len(v), middle[1]), labels[:, 0]]), v)
    return np.column_stack([u, v])


def _follow(field: SlopeField, start: Points, to: Points | float) -> Points:
    """The second coordinate, (N,), where curves from `start` (N, 2) reach the first one `to`."""
    at, value = start[:, 0].copy(), start[:, 1].copy()
    step = (to - at) / _STEPS
    for _ in range(_STEPS):
        half = value + step / 2 * field.at(np.column_stack([at, value]))
        value = value + step * field.at(np.column_stack([at + step / 2, half]))
        at = at + step
    return np.asarray(value, np.float64)
