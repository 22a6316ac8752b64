"""Where the ink of a page goes: cropped, turned, tilted and curled, with points that go along."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
Floats = NDArray[np.float32]
Points = NDArray[np.float64]


def crop_margins(ink: Gray, unit: float, rng: np.random.Generator) -> tuple[Gray, tuple[int, int]]:
    """Cut white margins down to 0.3 to 3 interlines; ink is never cut. Also x and y cut at."""
    rows, columns = np.nonzero(ink.max(axis=1) > 96)[0], np.nonzero(ink.max(axis=0) > 96)[0]
    if not rows.size:
        return ink, (0, 0)
    top, left, bottom, right = (int(unit * margin) for margin in rng.uniform(0.3, 3, 4))
    y, x = max(0, int(rows[0]) - top), max(0, int(columns[0]) - left)
    return ink[y : rows[-1] + 1 + bottom, x : columns[-1] + 1 + right], (x, y)


def turn(
    ink: Gray, rng: np.random.Generator, degrees: float, corners: float
) -> tuple[Gray, Points]:
    """Rotate by up to `degrees`; move each corner inward by up to a share `corners` of the side.

    Also returns the matrix (3, 3) that moves its points.
    """
    angle = np.deg2rad(rng.uniform(-degrees, degrees))
    height, width = ink.shape
    pad_y = int(abs(np.sin(angle)) * width / 2) + 1
    pad_x = int(abs(np.sin(angle)) * height / 2) + 1
    size = (width + 2 * pad_x, height + 2 * pad_y)
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    centred = source - [width / 2, height / 2]
    centred = centred * (1 - corners * rng.random((4, 2)))
    spin = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    target = (centred @ spin + [size[0] / 2, size[1] / 2]).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(source, target)
    return _gray(cv2.warpPerspective(ink, matrix, size)), np.asarray(matrix, np.float64)


@dataclass(frozen=True, eq=False)
class Curl:
    """A bend: row y of column x shows what was `reach * growth[y] * wave[x] - pad` px below."""

    reach: float
    growth: Floats
    wave: Floats
    pad: int

    def move(self, points: Points) -> Points:
        """Where points (N, 2) are afterwards."""
        across = np.interp(points[:, 0], np.arange(len(self.wave)), self.wave) * self.reach
        rows = points[:, 1] + self.pad
        for _ in range(8):  # each step leaves a small share of the error
            growth = np.interp(rows, np.arange(len(self.growth)), self.growth)
            rows = points[:, 1] + self.pad - across * growth
        return np.column_stack([points[:, 0], rows])


def curl(ink: Gray, unit: float, rng: np.random.Generator, strength: float) -> tuple[Gray, Curl]:
    """Bend the page as a bound book does: a smooth vertical wave that changes down the page."""
    height, width = ink.shape
    reach = min(2.5 * unit, 0.015 * width) * strength
    x = np.linspace(0, np.pi, width, dtype=np.float32)
    wave = draw_wave(x, rng)
    at_top, at_bottom = rng.uniform(0.2, 1.0, 2)
    growth = np.linspace(at_top, at_bottom, height, dtype=np.float32)
    pad = int(reach) + 1
    padded = np.pad(ink, ((pad, pad), (0, 0)))
    rows = np.arange(height + 2 * pad, dtype=np.float32)[:, None]
    growth = np.pad(growth, pad, mode="edge")
    map_y = rows + reach * growth[:, None] * wave[None, :]
    map_x = np.broadcast_to(np.arange(width, dtype=np.float32), map_y.shape)
    curled = _gray(cv2.remap(padded, map_x.copy(), map_y, cv2.INTER_LINEAR))
    return curled, Curl(reach, growth, wave, pad)


def draw_wave(x: Floats, rng: np.random.Generator) -> Floats:
    """A smooth curve over x (radians) of amplitude 1 or less, with slope and one or two bends."""
    low, high, phase_low, phase_high = rng.uniform(0, 1, 4)
    wave = low * np.sin(x + 2 * np.pi * phase_low)
    wave += 0.35 * high * np.sin(3 * x + 2 * np.pi * phase_high)
    return np.asarray(wave / max(1.0, low + 0.35 * high), dtype=np.float32)


def _gray(image: object) -> Gray:
    return np.asarray(image, dtype=np.uint8)
