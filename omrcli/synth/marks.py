"""What printers, libraries and players leave on a page besides the music of a staff.

Brackets at the left edge, titles, pencil, stamps, stains and the edge of the page are drawn onto
the finished picture, whoever engraved it. They lie over or beside the music and never hide it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from .clutter import ClutterRates
from .lettering import FACES, Lettering, measure_text
from .raster import outline_words
from .render import RenderedStaff

Gray = NDArray[np.uint8]
Points = NDArray[np.float64]

_PAPER = 255
_STAFF_HEIGHT = 4.0
#: Subpixels a side in which lines and letters are drawn.
_SUBPIXELS = 4
_SHIFT = 4  # fractional bits of the coordinates that OpenCV is given
_TITLES = (
    "Sonata", "Concerto in D", "Menuet", "Symphonie Nr. 5", "Kyrie", "The Lark", "Gigue", "Jig",
    "Quartett", "Ave Maria", "Suite II", "Volkslied", "Polka", "Marsch", "Trio", "Op. 18 No. 4",
    "String Quartet", "Lied", "Rondo alla Turca", "Etude 12", "Divertimento",
)  # fmt: skip
_PEOPLE = (
    "W. A. Mozart", "J. S. Bach", "Trad.", "arr. K. Braun", "L. van Beethoven", "Anon.", "Haydn",
    "Fr. Schubert", "(1770-1827)", "F. Mendelssohn", "Words by J. Hill",
)  # fmt: skip
_FOOTNOTES = (
    "Edition 4711", "B. & H. 1032", "- 3 -", "12", "7", "Copyright 1908 by the author", "V. S.",
    "Public Domain", "Pl. Nr. 22817", "*) ossia", "1) manuscript: C",
)  # fmt: skip
_STAMPS = (
    "LIBRARY", "PROPERTY OF THE CHOIR", "ARCHIV", "No. 318", "BIBLIOTHEK", "Mus. ms. 91",
    "DISCARDED", "Coll. Mus.", "Not for sale",
)  # fmt: skip
#: Strokes of what a hand writes, in a box of one by one, y down.
_SIGNS: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "0": (((0.5, 0), (0.1, 0.5), (0.5, 1), (0.9, 0.5), (0.5, 0)),),
    "1": (((0.2, 0.3), (0.55, 0), (0.5, 0.5), (0.45, 1)),),
    "2": (((0.1, 0.25), (0.5, 0), (0.85, 0.3), (0.4, 0.7), (0.05, 1), (0.95, 0.95)),),
    "3": (((0.1, 0.1), (0.7, 0), (0.7, 0.35), (0.35, 0.5), (0.8, 0.65), (0.6, 1), (0, 0.9)),),
    "4": (((0.6, 0), (0.05, 0.65), (0.95, 0.6)), ((0.7, 0.3), (0.6, 1))),
    "up bow": (((0.1, 0), (0.5, 1), (0.9, 0)),),
    "down bow": (((0.05, 1), (0.1, 0), (0.9, 0.02), (0.95, 1)),),
    "comma": (((0.5, 0), (0.8, 0.3), (0.3, 1)),),
    "cross": (((0, 0), (1, 1)), ((1, 0), (0, 1))),
    "wedge": (((2.5, 0), (0, 0.5), (2.5, 1)),),
    "glasses": (
        ((0.5, 0.1), (0, 0.5), (0.5, 0.9), (1, 0.5), (0.5, 0.1)),
        ((1, 0.45), (1.25, 0.3), (1.5, 0.45)),
        ((2, 0.1), (1.5, 0.5), (2, 0.9), (2.5, 0.5), (2, 0.1)),
    ),
    "arrow": (((0, 0.5), (2.5, 0.45)), ((1.9, 0.1), (2.5, 0.45), (1.9, 0.9))),
}  # fmt: skip


def add_marks(staff: RenderedStaff, rates: ClutterRates, rng: np.random.Generator) -> RenderedStaff:
    """Lay marks over and around a staff, each kind on its share of the staves.

    The picture may grow. Equal states of `rng` give equal pixels.

    Raises:
        MissingDependencyError: the extra `synth` is not installed.
    """
    kinds: tuple[tuple[float, Callable[[_Sheet], None]], ...] = (
        (rates.brackets, _join),
        (rates.titles, _entitle),
        (rates.pencil, _pencil),
        (rates.stamps, _stamp),
        (rates.stains, _stain),
        (rates.page_edges, _show_edge),
    )
    sheet = _Sheet(staff.pixels, staff.interline, staff.top_line, rng)
    for rate, draw in kinds:
        if rng.random() < rates.share * rate:
            draw(sheet)
    return replace(staff, pixels=sheet.pixels, top_line=sheet.top)


@dataclass
class _Sheet:
    """A picture being drawn upon: its unit is the interline and `top` the y of the top line."""

    pixels: Gray
    unit: float
    top: float
    rng: np.random.Generator

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def bottom(self) -> float:
        """The y of the lowest line."""
        return self.top + _STAFF_HEIGHT * self.unit

    def grow(self, left: float = 0, above: float = 0, right: float = 0, below: float = 0) -> None:
        """Add paper, in interlines."""
        sides = [max(0, round(side * self.unit)) for side in (above, below, left, right)]
        self.pixels = np.pad(self.pixels, (sides[:2], sides[2:]), constant_values=_PAPER)
        self.top += sides[0]

    def ends(self) -> tuple[int, int]:
        """First and last column in which the staff lines stand."""
        rows = np.rint(self.top + np.arange(5) * self.unit).astype(int)
        rows = np.clip(rows[:, None] + [-1, 0, 1], 0, self.pixels.shape[0] - 1)
        inked = (self.pixels[rows].min(axis=1) < 160).sum(axis=0) >= 4
        columns = np.flatnonzero(inked)
        return (int(columns[0]), int(columns[-1])) if columns.size else (0, self.size[0] - 1)

    def fill(self, contours: Iterable[Points], grey: int, grain: float = 0.0) -> None:
        """Fill closed contours, even-odd, in one grey; `grain` (0..1) leaves paper between."""
        mask = self._mask()
        cv2.fillPoly(mask, [_fixed(points) for points in contours], 255, shift=_SHIFT)
        self._ink(mask, grey, grain)

    def stroke(self, points: Points, width: float, grey: int, grain: float = 0.0) -> None:
        """Draw a line with round ends that gets thicker and thinner; `width` in interlines."""
        mask, rng = self._mask(), self.rng
        pressure = np.interp(
            np.linspace(0, 1, len(points)), np.linspace(0, 1, 4), rng.uniform(0.6, 1.2, 4)
        )
        fixed = _fixed(points)
        for start, end, press in zip(fixed[:-1], fixed[1:], pressure, strict=False):
            thick = max(2, round(width * self.unit * press * _SUBPIXELS))
            cv2.line(mask, start.tolist(), end.tolist(), 255, thick, shift=_SHIFT)
        self._ink(mask, grey, grain)

    def _mask(self) -> Gray:
        width, height = self.size
        return np.zeros((height * _SUBPIXELS, width * _SUBPIXELS), np.uint8)

    def _ink(self, mask: Gray, grey: int, grain: float) -> None:
        cover = cv2.resize(mask, self.size, interpolation=cv2.INTER_AREA).astype(np.float32)
        if grain:
            cover *= 1 - grain * self.rng.random(cover.shape, dtype=np.float32)
        inked = _PAPER - cover * np.float32((_PAPER - grey) / 255)
        self.pixels = np.minimum(self.pixels, inked.astype(np.uint8))


def _fixed(points: Points) -> NDArray[np.int32]:
    return np.asarray(np.rint(points * _SUBPIXELS * 2**_SHIFT), dtype=np.int32)


# -- print ----------------------------------------------------------------------------------------


def _join(sheet: _Sheet) -> None:
    """The line of the system, a bracket or a brace at the left end of the staff."""
    rng, unit = sheet.rng, sheet.unit
    left = sheet.ends()[0]
    if left < 2 * unit:
        sheet.grow(left=2.0 - left / unit)
        left = sheet.ends()[0]
    ink = int(sheet.pixels.min())
    away = rng.uniform(6, 11) * unit + _STAFF_HEIGHT * unit  # to the neighbour's outer line
    top = sheet.top - away * (rng.random() < 0.6)
    bottom = sheet.bottom + away * (rng.random() < 0.6)
    half = rng.uniform(0.05, 0.16) * unit
    sheet.fill([_box(left - half, top - half, left + half, bottom + half)], ink)
    before = sheet.pixels[:, max(0, round(left - 1.9 * unit)) : round(left - 0.3 * unit)]
    if before.size == 0 or before.min() < 200:
        return  # the name of the instrument stands there
    if rng.random() < 0.35:
        sheet.fill(_bracket(left, top, bottom, unit), ink)
    elif rng.random() < 0.5:
        sheet.fill([_brace(left - 0.3 * unit, top, bottom, unit * rng.uniform(0.9, 1.5))], ink)


def _box(x0: float, y0: float, x1: float, y1: float) -> Points:
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def _bracket(left: float, top: float, bottom: float, unit: float) -> list[Points]:
    """A thick line with a wing at each end."""
    x0, x1, reach = left - 1.0 * unit, left - 0.55 * unit, 0.5 * unit
    body = _box(x0, top - reach, x1, bottom + reach)
    wings = []
    for y, way in ((top - reach, -1), (bottom + reach, 1)):
        curve = [(x1, y), (x1 + 0.5 * unit, y + way * 0.25 * unit)]
        tip = [(left + 0.5 * unit, y + way * 0.8 * unit), (x0 + 0.8 * unit, y + way * 0.4 * unit)]
        wings.append(np.array([*curve, *tip, (x0, y + way * 0.15 * unit), (x0, y)]))
    return [body, *wings]


def _brace(right: float, top: float, bottom: float, width: float) -> Points:
    t = np.linspace(0, 1, 40)
    turn = np.cos(np.pi * t)
    middle = -width * (0.5 - 0.5 * np.sign(turn) * np.abs(turn) ** 1.6)
    half = 0.22 * width * np.sin(np.pi * t) ** 1.3 + 0.02 * width
    y = top + (bottom - top) * t / 2
    outer, inner = np.stack((middle - half, y), 1), np.stack((middle + half, y), 1)
    upper = np.vstack((outer, inner[::-1]))
    lower = upper * (1, -1) + (0, top + bottom)
    # One contour: down the outer edges, up the inner ones.
    whole = np.vstack((outer, (lower[:40])[::-1], (lower[40:])[::-1], inner[::-1]))
    return np.asarray(np.add(whole, (right, 0.0)))


def _entitle(sheet: _Sheet) -> None:
    """Title, composer or a line of small print, above or below all that is there."""
    rng = sheet.rng
    face = str(rng.choice(FACES, p=(0.7, 0.1, 0.2)))
    if rng.random() < 0.35:
        sheet.grow(below=rng.uniform(2.5, 5))
        y = sheet.size[1] - rng.uniform(0.5, 1.2) * sheet.unit
        _write(sheet, str(rng.choice(_FOOTNOTES)), y, rng.uniform(1.2, 1.8), Lettering(face))
        return
    size = rng.uniform(2.2, 4)
    sheet.grow(above=size + rng.uniform(1, 4))
    y = (size + 0.1) * sheet.unit
    if rng.random() < 0.75:
        _write(sheet, str(rng.choice(_TITLES)), y, size, Lettering(face, bool(rng.random() < 0.5)))
    if rng.random() < 0.7:
        italic = bool(rng.random() < 0.3)
        text, place = str(rng.choice(_PEOPLE)), float(rng.choice((0.97, 0.97, 0.03)))
        _write(sheet, text, y + 0.8 * sheet.unit, 1.8, Lettering(face, italic=italic), place)


def _write(
    sheet: _Sheet, text: str, y: float, size: float, lettering: Lettering, place: float = 0.5
) -> None:
    """Print a line of text with the base line y px, centred at 0.5, flush left near 0."""
    em = size * sheet.unit
    length = measure_text(text, lettering) * em
    x = place * (sheet.size[0] - length)
    letters = outline_words(text, (x, y), em, lettering)
    ink = int(sheet.pixels.min())
    sheet.fill([points for letter in letters for points in letter.contours], ink)


# -- pencil ---------------------------------------------------------------------------------------


def _pencil(sheet: _Sheet) -> None:
    """What a player wrote: signs above and below, circles, handwriting."""
    rng = sheet.rng
    sheet.grow(above=rng.uniform(0, 3), below=rng.uniform(0, 3))
    grey, grain = int(rng.integers(30, 150)), float(rng.uniform(0.1, 0.6))
    width = float(rng.uniform(0.08, 0.22))
    for _ in range(int(rng.integers(1, 7))):
        kind = rng.random()
        if kind < 0.6:
            lines = _draw_sign(sheet)
        elif kind < 0.8:
            lines = [_draw_circle(sheet)]
        else:
            lines = [_draw_handwriting(sheet)]
        for line in lines:
            sheet.stroke(line, width, grey, grain)


def _draw_sign(sheet: _Sheet) -> list[Points]:
    """A digit or sign as strokes, mostly outside the staff."""
    rng, unit = sheet.rng, sheet.unit
    strokes = _SIGNS[str(rng.choice(tuple(_SIGNS)))]
    size = np.array((rng.uniform(0.8, 1.6), rng.uniform(1.2, 2.2))) * unit
    x, y = rng.uniform(0, sheet.size[0]), _beside(sheet, float(size[1]))
    wobble = rng.normal(0, 0.06, (40, 2))
    lines, used = [], 0
    for stroke in strokes:
        corners = np.array(stroke) + wobble[used : used + len(stroke)]
        used += len(stroke)
        lines.append(_smooth(corners) * size + (x, y))
    return lines


def _beside(sheet: _Sheet, height: float) -> float:
    """The top of something so high that lies above or below the staff, now and then on it."""
    rng, unit = sheet.rng, sheet.unit
    if rng.random() < 0.15:
        return float(rng.uniform(sheet.top, sheet.bottom))
    if rng.random() < 0.65:
        return float(sheet.top - height - rng.uniform(0.5, 5) * unit)
    return float(sheet.bottom + rng.uniform(0.5, 5) * unit)


def _draw_circle(sheet: _Sheet) -> Points:
    """A loop around a note or a measure, not quite closed."""
    rng, unit = sheet.rng, sheet.unit
    radii = np.array((rng.uniform(1.2, 5), rng.uniform(1.5, 4))) * unit
    centre = rng.uniform(0, sheet.size[0]), rng.uniform(sheet.top - unit, sheet.bottom + unit)
    turn = np.linspace(0, 2 * np.pi * rng.uniform(0.9, 1.2), 50) + rng.uniform(0, 2 * np.pi)
    growth = 1 + 0.12 * np.linspace(-1, 1, 50) * rng.uniform(-1, 1)
    circle = np.stack((np.cos(turn), np.sin(turn)), 1) * growth[:, None]
    return np.asarray(circle * radii + centre)


def _draw_handwriting(sheet: _Sheet) -> Points:
    """Loops that run to the right as a word in longhand does."""
    rng, unit = sheet.rng, sheet.unit
    letters = int(rng.integers(3, 12))
    t = np.linspace(0, letters, letters * 10)
    heights = np.repeat(rng.choice((0.35, 0.4, 0.5, 1.0), letters), 10)
    step = rng.uniform(0.5, 0.8) * unit
    x = t * step - 0.3 * step * np.sin(2 * np.pi * t)
    y = -heights * (1 - np.cos(2 * np.pi * t)) * rng.uniform(0.6, 1.0) * unit
    start = rng.uniform(0, max(1.0, sheet.size[0] - letters * step))
    return np.stack((x + start, y + _beside(sheet, 0) + rng.uniform(-0.1, 0.1) * x), 1)


def _smooth(corners: Points) -> Points:
    """A curve through points, straight where there are only two."""
    steps = np.linspace(0, len(corners) - 1, 8 * len(corners))
    nearest = np.clip(steps.astype(int), 0, len(corners) - 2)
    part = (steps - nearest)[:, None]
    before = corners[np.maximum(nearest - 1, 0)]
    first, second = corners[nearest], corners[nearest + 1]
    after = corners[np.minimum(nearest + 2, len(corners) - 1)]
    # Catmull and Rom's spline.
    bend = 2 * before - 5 * first + 4 * second - after
    turn = 3 * (first - second) + after - before
    return np.asarray(
        first + 0.5 * part * (second - before + part * (bend + part * turn)), np.float64
    )


# -- paper ----------------------------------------------------------------------------------------


def _stamp(sheet: _Sheet) -> None:
    """A rubber stamp, turned, in pale ink."""
    rng, unit = sheet.rng, sheet.unit
    text, lettering = str(rng.choice(_STAMPS)), Lettering("sans", bool(rng.random() < 0.5))
    em = rng.uniform(1.4, 2.4) * unit
    length = measure_text(text, lettering) * em
    letters = outline_words(text, (-length / 2, 0.35 * em), em, lettering)
    contours = [points for letter in letters for points in letter.contours]
    contours += _frame(length / 2 + em, em * rng.uniform(0.9, 1.6), bool(rng.random() < 0.5))
    angle = rng.uniform(-0.4, 0.4)
    turn = np.array(((np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))))
    y = sheet.top - rng.uniform(0, 5) * unit if rng.random() < 0.5 else sheet.bottom + 3 * unit
    centre = rng.uniform(0, sheet.size[0]), y
    grey = int(rng.integers(110, 190))
    sheet.fill([points @ turn + centre for points in contours], grey, rng.uniform(0.2, 0.7))


def _frame(half_width: float, half_height: float, is_round: bool) -> list[Points]:
    """Outer and inner edge of the line around a stamp."""
    if is_round:
        t = np.linspace(0, 2 * np.pi, 80, endpoint=False)
        shape = np.stack((np.cos(t), 1.5 * np.sin(t)), 1)
    else:
        shape = _box(-1, -1, 1, 1)
    size, line = np.array((half_width, half_height)), 0.12 * half_height
    return [shape * size, shape * (size - line)]


def _stain(sheet: _Sheet) -> None:
    """Spots, rings of cups and brown specks; they darken the paper and leave the ink."""
    rng, unit = sheet.rng, sheet.unit
    width, height = sheet.size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    light = np.ones((height, width), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        radius = rng.uniform(2, 9) * unit
        across, down = rng.uniform(0, width), rng.uniform(0, height)
        away = np.hypot((x - across) * np.float32(rng.uniform(0.6, 1.4)), y - down) / radius
        edge = np.exp(-(((away - 1) / rng.uniform(0.04, 0.15)) ** 2))
        inside = 1 / (1 + np.exp(np.minimum((away - 1) * rng.uniform(10, 40), 50)))
        light *= 1 - np.float32(rng.uniform(0.02, 0.2)) * inside
        light *= 1 - np.float32(rng.uniform(0, 0.35)) * edge
    specks = light.copy()
    for _ in range(int(rng.integers(0, 25))):
        place = int(rng.uniform(0, width)), int(rng.uniform(0, height))
        radius = max(1, round(rng.uniform(0.05, 0.3) * unit))
        cv2.circle(specks, place, radius, rng.uniform(0.6, 0.9), -1, cv2.LINE_AA)
    sheet.pixels = (sheet.pixels * np.minimum(light, specks)).astype(np.uint8)


def _show_edge(sheet: _Sheet) -> None:
    """The dark ground beside the page, or the shadow of the fold, at one side."""
    rng = sheet.rng
    side = str(rng.choice(("left", "right", "right", "left", "above", "below")))
    wide = float(rng.uniform(1.0, 4))
    sheet.grow(**{side: wide + rng.uniform(0.5, 2)})
    width, height = sheet.size
    edge, slant = wide * sheet.unit, rng.uniform(-0.5, 0.5) * sheet.unit
    dark = int(rng.integers(0, 130))
    if side in ("left", "right"):
        corners = np.array(
            [(-9, -9), (edge + slant, -9), (edge - slant, height + 9), (-9, height + 9)]
        )
        shape = corners if side == "left" else corners * (-1, 1) + (width, 0)
    else:
        corners = np.array(
            [(-9, -9), (width + 9, -9), (width + 9, edge - slant), (-9, edge + slant)]
        )
        shape = corners if side == "above" else corners * (1, -1) + (0, height)
    sheet.fill([shape], dark, 0.1)
