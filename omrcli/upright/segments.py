"""Straight segments in a picture of a page: which way its lines run, and how that changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]

#: Powers of (u, v) in the slope of lines over a page: what perspective and a curled page need.
SLOPE_TERMS = ((0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1), (0, 2), (1, 2))
#: Powers in the lean of stems and barlines, of which a page shows less.
LEAN_TERMS = ((0, 0), (1, 0), (0, 1))
_ROUNDS = 8


@dataclass(frozen=True, eq=False)
class Segments:
    """Straight segments: middles (N, 2) and lengths (N,) in px, angles (N,) in degrees.

    Angles are in -90..90; a line that falls to the right has a positive one.
    """

    middles: Points
    angles: Points
    lengths: Points

    def near(self, angle: float, spread: float) -> Segments:
        """The segments within `spread` degrees of an angle, which is then counted as 0."""
        angles = (self.angles - angle + 90) % 180 - 90
        keep = np.abs(angles) < spread
        return Segments(self.middles[keep], angles[keep], self.lengths[keep])

    def longer(self, length: float) -> Segments:
        """The segments longer than so many px."""
        keep = self.lengths > length
        return Segments(self.middles[keep], self.angles[keep], self.lengths[keep])

    def __len__(self) -> int:
        return len(self.lengths)


def find_segments(pixels: Pixels) -> Segments:
    """Find the straight segments of a picture, both edges of each line."""
    found = cv2.createLineSegmentDetector(cv2.LSD_REFINE_NONE).detect(pixels)[0]
    # One row of (x0, y0, x1, y1) each, with an axis more before OpenCV 4.12.
    ends = np.zeros((0, 4)) if found is None else np.asarray(found, np.float64).reshape(-1, 4)
    x, y = (ends[:, 2:] - ends[:, :2]).T
    angles = (np.degrees(np.arctan2(y, x)) + 90) % 180 - 90
    return Segments((ends[:, 2:] + ends[:, :2]) / 2, angles, np.hypot(x, y))


def join_segments(parts: Sequence[Segments]) -> Segments:
    """The segments of several pictures as those of one."""
    return Segments(
        np.concatenate([part.middles for part in parts]),
        np.concatenate([part.angles for part in parts]),
        np.concatenate([part.lengths for part in parts]),
    )


def main_angles(segments: Segments, most: int, apart: float) -> list[float]:
    """The commonest directions in degrees, by length, at least `apart` degrees apart."""
    weight = np.bincount(  # by squares: staff lines are longer than stems
        np.floor(segments.angles + 90).astype(int) % 180, segments.lengths**2, minlength=180
    )
    bell = np.exp(-0.5 * (np.arange(-9, 10) / 3) ** 2)
    weight = np.convolve(np.concatenate([weight[-9:], weight, weight[:9]]), bell, "valid")
    angles = np.arange(180) - 89.5
    found: list[float] = []
    for place in np.argsort(-weight):
        angle = angles[place]
        if len(found) == most or weight[place] <= 0:
            break
        if all(abs((angle - other + 90) % 180 - 90) >= apart for other in found):
            found.append(float(angle))
    return found


@dataclass(frozen=True, eq=False)
class SlopeField:
    """A slope as a polynomial over a plane; beyond the places it was fitted to it stays as it is.

    `low` and `high` (2,) bound those places, `terms` are the powers of (u, v), both scaled to
    -1..1 within the bounds, and `weights` their factors.
    """

    low: Points
    high: Points
    terms: tuple[tuple[int, int], ...]
    weights: Points

    def at(self, points: Points) -> Points:
        """The slope, (N,), at places (N, 2)."""
        return np.asarray(_powers(points, self.low, self.high, self.terms) @ self.weights)


def fit_slopes(
    places: Points, slopes: Points, lengths: Points, terms: tuple[tuple[int, int], ...]
) -> SlopeField:
    """Fit slopes (N,) at places (N, 2), again and again without what is far off.

    Beams, slurs and hairpins lie askew both ways, and the longest segments are staff lines.
    """
    low, high = (np.percentile(places, share, axis=0) for share in (1, 99))
    high = np.maximum(high, low + 1)
    table = _powers(places, low, high, terms)
    # The higher a power, the more must speak for it.
    stiffness = np.diag([1e-3 * 4.0 ** (p + q) if p + q else 0.0 for p, q in terms])
    weights = np.zeros(len(terms))
    weights[0] = _weighted_median(slopes, lengths)
    for width in np.geomspace(0.3, 0.02, _ROUNDS):
        trust = lengths / (1 + ((slopes - table @ weights) / width) ** 2) ** 2
        trust = trust / max(trust.sum(), 1e-12)
        square = table.T @ (table * trust[:, None]) + stiffness
        weights = np.linalg.lstsq(square, table.T @ (trust * slopes), rcond=None)[0]
    return SlopeField(low, high, terms, weights)


def _weighted_median(values: Points, weight: Points) -> float:
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _powers(
    points: Points, low: Points, high: Points, terms: tuple[tuple[int, int], ...]
) -> Points:
    u, v = np.clip(2 * (points - low) / (high - low) - 1, -1, 1).T
    return np.stack([u**p * v**q for p, q in terms], axis=1)
