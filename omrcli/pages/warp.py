"""Where each px of a straightened page lies on the page it was made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]

#: Distance in px of the places at which a warp is known; between them it is bilinear.
_STEP = 32
#: Rows that are looked up at once: the maps of a whole page would take eight times its memory.
_BAND = 16 * _STEP


@dataclass(frozen=True, eq=False)
class Warp:
    """A smooth map from px of a straightened image to px of the page it was made from.

    `grid` (rows, columns, 2) holds the page (x, y) at nodes `_STEP` px apart, the first of them
    half a step outside the image; `width` and `height` are the straightened image's in px.
    """

    grid: Points
    width: int
    height: int

    def page_points(self, points: Points) -> Points:
        """Return the places on the page, (N, 2), of places on the straightened image, (N, 2)."""
        at = (points + 0.5) / _STEP + 0.5
        most = np.array(self.grid.shape[1::-1]) - 2
        low = np.clip(np.floor(at).astype(np.int64), 0, most)
        across, down = (at - low)[:, :1], (at - low)[:, 1:]
        x, y = low.T
        upper = self.grid[y, x] * (1 - across) + self.grid[y, x + 1] * across
        lower = self.grid[y + 1, x] * (1 - across) + self.grid[y + 1, x + 1] * across
        return np.asarray(upper * (1 - down) + lower * down, np.float64)

    def page_box(self, x0: float, y0: float, x1: float, y1: float) -> tuple[float, ...]:
        """Return the box (left, top, right, bottom) on the page around one of this image."""
        xs, ys = np.meshgrid(np.linspace(x0, x1, 9), np.linspace(y0, y1, 3))
        places = self.page_points(np.column_stack([xs.ravel(), ys.ravel()]))
        return (*map(float, places.min(axis=0)), *map(float, places.max(axis=0)))

    def cut(self, box: tuple[int, int, int, int]) -> Warp:
        """Return the warp of a part of the image, (left, top, right, bottom) in its px."""
        left, top, right, bottom = box
        return make_warp(
            right - left,
            bottom - top,
            lambda points: self.page_points(points + np.array([left, top])),
        )

    def apply(self, page: Pixels, scale: float, outside: int) -> Pixels:
        """Draw the straightened image, (height, width) uint8.

        `scale` is about how many of its px make one of the page's; `outside` is the grey of what is
        not on the page.
        """
        source, shrink = page, min(1.0, scale)
        if shrink < 1:
            size = [max(1, round(side * shrink)) for side in page.shape[::-1]]
            source = np.asarray(cv2.resize(page, size, interpolation=cv2.INTER_AREA), np.uint8)
        out = np.empty((self.height, self.width), np.uint8)
        nodes = ((self.grid + 0.5) * shrink - 0.5).astype(np.float32)
        for top in range(0, self.height, _BAND):
            first = top // _STEP
            part = nodes[first : first + _BAND // _STEP + 2]
            room = (part.shape[1] * _STEP, part.shape[0] * _STEP)
            maps = cv2.resize(part, room, interpolation=cv2.INTER_LINEAR)
            rows = min(_BAND, self.height - top)
            maps = maps[_STEP : _STEP + rows, _STEP : _STEP + self.width]
            across, down = (np.ascontiguousarray(maps[..., axis]) for axis in (0, 1))
            out[top : top + rows] = cv2.remap(
                *(source, across, down),
                interpolation=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_CONSTANT,
                borderValue=float(outside),
            )
        return out


def make_warp(width: int, height: int, place: Callable[[Points], Points]) -> Warp:
    """Sample `place`, which takes points (N, 2) of the straightened image to the page's."""
    xs, ys = (
        (np.arange(-1, -(-side // _STEP) + 1) + 0.5) * _STEP - 0.5 for side in (width, height)
    )
    nodes = np.stack(np.meshgrid(xs, ys), axis=-1)
    grid = place(nodes.reshape(-1, 2)).reshape(nodes.shape)
    return Warp(np.asarray(grid, np.float64), width, height)


def turn_warp(warp: Warp | None, quarters: int, width: int, height: int) -> Warp:
    """Warp of an image of `width` x `height` px after `quarters` turns clockwise of 90 degrees.

    `warp` is the one that the image had before, if any.
    """
    quarters %= 4
    size = (height, width) if quarters % 2 else (width, height)

    def place(points: Points) -> Points:
        x, y = points.T
        back = [(x, y), (y, height - 1 - x), (width - 1 - x, height - 1 - y), (width - 1 - y, x)]
        before = np.stack(back[quarters], axis=1)
        return before if warp is None else warp.page_points(before)

    return make_warp(size[0], size[1], place)
