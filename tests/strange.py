"""Staves that no reader of prints was made for: freehand music, drums, letters, doodles, pictures.

All stand on five ruled lines. A seed gives the same picture everywhere, and no file is needed.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]

_UNIT = 64  # drawn px of an interline
_SHRINK = 4  # drawn px per px
_TOP = 6 * _UNIT
_CLEF = ((1.8, 2.8), (1.2, 3), (1.4, 2.2), (2.4, 2.6), (2.2, 3.8), (1, 3.6),
         (0.9, 2.2), (2.2, 0.4), (1.9, -1), (1.5, 0), (1.9, 5.2), (1.2, 5.4))  # fmt: skip


class Canvas:
    """A staff of so many interlines on a canvas, and a hand to draw with."""

    def __init__(self, rng: np.random.Generator, length: int = 60) -> None:
        self.rng, self.length = rng, length
        self.pixels = np.full((16 * _UNIT, (length + 4) * _UNIT), 255, np.uint8)
        self.thickness = float(rng.uniform(0.1, 0.18))

    def stroke(self, points: object, width: float | None = None, wobble: float = 0.08) -> None:
        """Draw through points (interlines from the left end of the top line) as a hand does."""
        corners = np.asarray(points, np.float64)
        steps = np.linspace(0, len(corners) - 1, 12 * len(corners))
        place = np.arange(len(corners))
        line = np.stack([np.interp(steps, place, corners[:, axis]) for axis in (0, 1)], 1)
        noise = cv2.GaussianBlur(self.rng.normal(0, 1, line.shape), (1, 0), 0, sigmaY=4)
        line += wobble * noise / max(float(noise.std()), 1e-6)
        press = (width or self.thickness) * self.rng.uniform(0.7, 1.3, len(line))
        for start, end, thick in zip(line[:-1], line[1:], press, strict=False):
            pixels = max(2, round(thick * _UNIT))
            cv2.line(self.pixels, self._px(start), self._px(end), 40, pixels, cv2.LINE_AA)

    def blot(self, x: float, y: float, hollow: bool) -> None:
        """A head: scribbled, tilted as it comes, not quite round or closed."""
        rng = self.rng
        turn = np.linspace(0, 2 * np.pi * rng.uniform(0.85, 1.2), 14) + rng.uniform(0, 6)
        a, b = rng.uniform(0.4, 0.75), rng.uniform(0.25, 0.5)
        tilt = rng.uniform(-0.9, 0.5)
        circle = np.stack([a * np.cos(turn), b * np.sin(turn)], 1)
        back = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
        for size in (1.0,) if hollow else (1.0, 0.6, 0.3):
            self.stroke(size * circle @ back + (x, y), 0.16, 0.04)

    def rule(self) -> Pixels:
        """The picture, its five lines ruled."""
        for line in range(5):
            y = _TOP + line * _UNIT
            ends = (2 * _UNIT, y), ((self.length + 2) * _UNIT, y)
            cv2.line(self.pixels, *ends, 30, _UNIT // 9)
        size = self.pixels.shape[1] // _SHRINK, self.pixels.shape[0] // _SHRINK
        return np.asarray(cv2.resize(self.pixels, size, interpolation=cv2.INTER_AREA), np.uint8)

    def _px(self, point: Points) -> tuple[int, int]:
        return round((point[0] + 2) * _UNIT), round(point[1] * _UNIT) + _TOP


def draw_freehand(rng: np.random.Generator) -> Pixels:
    """Music in pencil: a clef, notes, rests and barlines as a quick hand makes them."""
    canvas = Canvas(rng)
    canvas.stroke(_CLEF)
    x = 4.5
    while x < canvas.length - 4:
        kind = rng.random()
        if kind < 0.12:
            canvas.stroke([(x, -0.2), (x, 4.2)])
            x += 1.8
        elif kind < 0.22:
            canvas.stroke([(x, 0.8), (x + 0.6, 1.5), (x, 2), (x + 0.6, 2.8), (x + 0.1, 3.2)])
            x += 2.2
        elif kind < 0.5:
            x = _beamed(canvas, x)
        else:
            y = float(rng.integers(-1, 11)) / 2 + rng.uniform(-0.15, 0.15)
            canvas.blot(x, y, bool(rng.random() < 0.3))
            way = -1 if y > 2 else 1
            side = x - 0.5 * way
            canvas.stroke([(side, y), (side + rng.uniform(-0.3, 0.3), y + way * 3.2)])
            if rng.random() < 0.25:
                canvas.stroke([(side, y + way * 3.2), (side + 0.9, y + way * 2)])
            x += rng.uniform(2, 3.2)
    return canvas.rule()


def _beamed(canvas: Canvas, x: float) -> float:
    rng = canvas.rng
    count = int(rng.integers(2, 5))
    y = float(rng.uniform(2, 4.5))
    ends = y - 3.2 + rng.uniform(-0.4, 0.4, 2)
    xs = x + 1.7 * np.arange(count)
    for place, beam in zip(xs, np.linspace(*ends, count), strict=True):
        low = y + rng.uniform(-1, 1)
        canvas.blot(float(place), low, False)
        canvas.stroke([(place + 0.5, low), (place + 0.5, beam)])
    for offset in (0, 0.6)[: int(rng.integers(1, 3))]:
        canvas.stroke([(xs[0] + 0.4, ends[0] + offset), (xs[-1] + 0.6, ends[1] + offset)], 0.3)
    return float(xs[-1] + 2.4)


def draw_drums(rng: np.random.Generator) -> Pixels:
    """Printed drums, cymbals with crossed heads; the picture begins behind the clef."""
    canvas = Canvas(rng)
    x = 1.5
    for measure in range(6):
        for beat in range(8):
            at = x + 1.1 * beat
            for sign in ((0, -0.5), (1, -0.5)):
                way = 1 - 2 * sign[0]
                ends = [(at - 0.45, -0.5 - 0.45 * way), (at + 0.45, -0.5 + 0.45 * way)]
                canvas.stroke(ends, 0.14, 0.0)
            canvas.stroke([(at + 0.45, -0.5), (at + 0.45, -3.5)], 0.12, 0.0)
            if beat % 2 and rng.random() < 0.8:
                ends = [(at + 0.45, -3.5), (at - 0.65, -3.5)]
                canvas.stroke(ends, 0.5, 0.0)
            if beat % 2 == 0:
                y = 3.5 if beat % 4 == 0 else 1.5
                ellipse = canvas._px(np.array([at, y])), (round(0.62 * _UNIT), round(0.44 * _UNIT))
                cv2.ellipse(canvas.pixels, *ellipse, -25, 0, 360, 0, -1, cv2.LINE_AA)
                canvas.stroke([(at - 0.55, y), (at - 0.55, y + 3)], 0.12, 0.0)
        x += 9.3
        canvas.stroke([(x - 0.8, 0), (x - 0.8, 4)], 0.16, 0.0)
        if measure == 5:
            break
    return canvas.rule()


def draw_letters(rng: np.random.Generator) -> Pixels:
    """Lines of text on the five lines."""
    canvas = Canvas(rng)
    face = int(rng.choice([cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX,
                           cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, cv2.FONT_HERSHEY_SIMPLEX]))  # fmt: skip
    size = float(rng.uniform(2, 5))
    letters = "".join(rng.choice(list("abcdefghiklmnoprstuvw ABDEHKMRS0123456789"), 120))
    for row in range(1 if size > 3.5 else 2):
        place = canvas._px(np.array([0.5, 2.8 + 2.5 * row - 1.25 * (size <= 3.5)]))
        cv2.putText(canvas.pixels, letters[40 * row :], place, face, size, 0, 8, cv2.LINE_AA)
    return canvas.rule()


def draw_doodles(rng: np.random.Generator) -> Pixels:
    """Loops, zigzags and circles of all sizes."""
    canvas = Canvas(rng)
    x = 1.0
    while x < canvas.length - 6:
        kind, size, y = rng.integers(0, 4), rng.uniform(0.6, 3.5), rng.uniform(0, 4)
        t = np.linspace(0, 1, 40)
        if kind == 0:
            line = np.stack([x + size + size * np.cos(7 * t), y + size * np.sin(7 * t)], 1)
        elif kind == 1:
            line = np.stack([x + np.arange(8) * size / 3, y + np.tile([-size, size], 4) / 2], 1)
        elif kind == 2:
            loops = 2 * size * t + 0.5 * np.cos(30 * t)
            line = np.stack([x + loops, y + np.sin(30 * t)], 1)
        else:
            line = np.array((x + size, y)) + rng.uniform(-size, size, (5, 2))
        canvas.stroke(line)
        x += size * rng.uniform(1, 2.4)
    return canvas.rule()


def draw_picture(rng: np.random.Generator) -> Pixels:
    """Blots and shades as in a photograph of anything."""
    canvas = Canvas(rng)
    shape = canvas.pixels.shape
    clouds = np.zeros(shape, np.float32)
    for cells in (8, 24, 64):
        grid = rng.normal(0, 1, (cells // 2, 2 * cells)).astype(np.float32)
        clouds += cv2.resize(grid, shape[::-1], interpolation=cv2.INTER_CUBIC)
    canvas.pixels = np.where(clouds > 0.9, 60, 235).astype(np.uint8)
    return canvas.rule()


KINDS: dict[str, Callable[[np.random.Generator], Pixels]] = {
    "freehand": draw_freehand,
    "drums": draw_drums,
    "letters": draw_letters,
    "doodles": draw_doodles,
    "picture": draw_picture,
}


def draw_strange(kind: str, seed: int) -> Pixels:
    """Draw a staff of a kind in KINDS, (H, W) uint8, 255 = paper."""
    return KINDS[kind](np.random.default_rng([seed, list(KINDS).index(kind)]))


def distort(pixels: Pixels, seed: int, strength: float = 0.2) -> Pixels:
    """An engraved staff of 16 px or so to the interline as if drawn by a shaky hand: all but its
    lines is displaced by `strength` interlines over one or two, and strokes swell and thin."""
    rng = np.random.default_rng(seed)
    dark = (pixels < 128).mean(axis=1)
    rows = np.flatnonzero(dark > 0.6 * dark.max())
    groups = np.split(rows, np.flatnonzero(np.diff(rows) > 2) + 1)
    unit = float(np.median(np.diff([group.mean() for group in groups])))
    signs = pixels.copy()
    for group in groups:
        top, end = int(group[0]) - 1, int(group[-1]) + 2
        bare = (pixels[top - 2] > 128) | (pixels[end + 1] > 128)
        signs[top:end, bare] = 255
    shape = pixels.shape
    waves = [cv2.GaussianBlur(rng.normal(0, 1, shape), (0, 0), 0.6 * unit) for _ in range(3)]
    dx, dy, swell = (wave / wave.std() for wave in waves)
    y, x = np.mgrid[: shape[0], : shape[1]]
    maps = (x + strength * unit * dx, y + strength * unit * dy)
    moved = cv2.remap(signs, *(m.astype(np.float32) for m in maps), cv2.INTER_LINEAR,
                      borderValue=255)  # fmt: skip
    blurred = cv2.GaussianBlur(moved, (0, 0), 0.08 * unit).astype(np.float32)
    limits = 140 + 30 * swell.clip(-2, 2)
    inked = np.clip((blurred - limits) * 3 + 128, 40, 255).astype(np.uint8)
    columns = np.flatnonzero(_find_ruled(pixels, groups))
    for group in groups:
        row = slice(int(group[0]), int(group[-1]) + 1)
        inked[row, columns[0] : columns[-1] + 1] = 30
    return inked


def _find_ruled(pixels: Pixels, groups: list[NDArray[np.int64]]) -> NDArray[np.bool_]:
    """Columns in which most of the lines stand."""
    return np.asarray(
        np.mean([pixels[group].min(axis=0) < 160 for group in groups], axis=0) > 0.7, np.bool_
    )
