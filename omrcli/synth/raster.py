"""The SVG that Verovio writes -> grey pixels, with OpenCV.

Verovio draws with a handful of elements (glyph outlines placed by `use`, straight lines, polygons,
rectangles, ellipses, Bézier ties), so a general renderer is not needed: this one keeps the outline
of every glyph it has met and takes a tenth of the time that resvg takes. Words become outlines
too, see `lettering`, so that images do not depend on the fonts of the machine.
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from omrcli.engrave import FONTS, read_glyph
from omrcli.errors import InputError

from .lettering import Letter, Lettering, measure_text, spell

Gray = NDArray[np.uint8]
Points = NDArray[np.float64]

_Affine = tuple[float, float, float, float, float, float]
#: The transform (a, b, c, d, e, f) that leaves everything in place.
_UNMOVED: _Affine = (1, 0, 0, 1, 0, 0)
_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
#: Subpixels a side in which shapes are filled before their ink is averaged; 4 gives 17 greys.
_SUBPIXELS = 4
#: Fractional bits of the coordinates that OpenCV is given.
_SHIFT = 4
_CURVE_STEPS = 8
_STRAIGHT = re.compile(r"[ML\d., -]+")
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?")
_COMMAND = re.compile(r"([MmLlHhVvCcSsQqTtZz])([^MmLlHhVvCcSsQqTtZz]*)")
_TRANSFORM = re.compile(r"(translate|scale|rotate)\(([^)]*)\)")
#: Numbers that one command takes; more of them repeat it.
_ARITY = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2}
#: How Verovio's style sheet sets the words of a group.
_BOLD = {"ending", "fing", "reh", "tempo"}
_ITALIC = {"dir", "dynam", "mNum"}
_ANCHORS = {"middle": 0.5, "end": 1.0}
#: First of the code points that music fonts give to their signs.
_PRIVATE = "\ue000"
_SIGN_GAP = 0.04  # between them, in ems


@dataclass(frozen=True)
class Outline:
    """A filled shape in drawing units: closed contours, holes by the even-odd rule, and the width
    of the line drawn around it."""

    contours: tuple[Points, ...]
    stroke: float = 0.0


@dataclass(frozen=True)
class Line:
    """A straight line with flat ends, in drawing units."""

    x0: float
    y0: float
    x1: float
    y1: float
    width: float


Shape = Outline | Line


@dataclass(frozen=True)
class Drawing:
    """What an SVG of one system shows: shapes, and the five lines of its first staff.

    All in drawing units, x to the right and y down; `interline` is what separates two lines.
    """

    shapes: tuple[Shape, ...]
    width: float
    height: float
    staff_top: float
    interline: float


@dataclass(frozen=True)
class Box:
    """A rectangle in drawing units."""

    x0: float
    y0: float
    x1: float
    y1: float


def read_drawing(svg: str, face: str = "serif") -> Drawing:
    """The shapes of an SVG that Verovio wrote, its words in one of lettering.FACES.

    Raises:
        InputError: the text is no SVG with a staff of five lines.
        MissingDependencyError: there are words, and the extra `synth` is not installed.
    """
    try:
        root = ET.fromstring(svg)
    except ET.ParseError as error:
        raise InputError(f"This is no SVG: {error}; engrave the document again.") from error
    page = root.find(f"{_SVG}svg")
    staff = next((g for g in root.iter(f"{_SVG}g") if _has_class(g, "staff")), None)
    if page is None or staff is None:
        raise InputError("The SVG shows no staff; engrave a document with one.")
    glyphs = {g.get("id", ""): g for g in root.iterfind(f"{_SVG}defs/{_SVG}g")}
    shapes: list[Shape] = []
    _Walker(glyphs, shapes).walk(page, _UNMOVED, Lettering(face))
    _, _, width, height = _numbers(page.get("viewBox", "0 0 0 0"))
    lines = _staff_lines(staff, _margin(page))
    return Drawing(tuple(shapes), width, height, lines[0], (lines[4] - lines[0]) / 4)


def measure_ink(drawing: Drawing) -> Box:
    """The smallest box around all that is drawn."""
    boxes = [_extent(shape) for shape in drawing.shapes]
    return Box(
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )


def rasterise(svg: str, scale: float) -> Gray:
    """Draw an SVG that Verovio wrote, dark ink on white: (H, W) uint8, 255 = paper.

    `scale` is px per drawing unit; an interline has 180 units at Verovio's usual size.

    Raises:
        InputError: the text is no SVG with a staff of five lines.
    """
    return paint(read_drawing(svg), scale)


def paint(drawing: Drawing, scale: float, box: Box | None = None) -> Gray:
    """Draw dark ink on white: (H, W) uint8, 255 = paper.

    Args:
        drawing: what to draw.
        scale: px per drawing unit.
        box: the part to draw, by default all of it; shapes beyond it are cut.
    """
    box = box or Box(0, 0, drawing.width, drawing.height)
    height = max(1, round((box.y1 - box.y0) * scale))
    width = max(1, round((box.x1 - box.x0) * scale))
    canvas = np.zeros((height * _SUBPIXELS, width * _SUBPIXELS), np.uint8)
    pen = _Pen(canvas, scale * _SUBPIXELS, box.x0, box.y0)
    for shape in drawing.shapes:
        pen.draw(shape)
    # OpenCV halves far faster than it divides by four.
    half = cv2.resize(canvas, (width * 2, height * 2), interpolation=cv2.INTER_AREA)
    ink = cv2.resize(half, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.bitwise_not(ink), np.uint8)


@dataclass(frozen=True)
class _Pen:
    """Draws shapes onto a canvas of subpixels."""

    canvas: Gray
    scale: float
    x0: float
    y0: float

    def draw(self, shape: Shape) -> None:
        if isinstance(shape, Outline):
            self._fill(shape)
        else:
            self._draw_line(shape)

    def _fill(self, outline: Outline) -> None:
        # OpenCV also inks the subpixels that an edge runs through; half a subpixel is taken off
        # for the centre convention, and the rest passes for the spread of ink.
        contours = [
            np.rint(((points - (self.x0, self.y0)) * self.scale - 0.5) * 2**_SHIFT).astype(np.int32)
            for points in outline.contours
        ]
        cv2.fillPoly(self.canvas, contours, 255, shift=_SHIFT)
        if (thickness := round(outline.stroke * self.scale)) > 1:
            cv2.polylines(self.canvas, contours, True, 255, thickness, shift=_SHIFT)

    def _draw_line(self, line: Line) -> None:
        if line.x0 != line.x1 and line.y0 != line.y1:
            self._fill(_thicken(line))
            return
        # Straight lines are rounded once in thickness and once in place: all lines of a staff then
        # have one thickness.
        x0, x1 = sorted((line.x0, line.x1))
        y0, y1 = sorted((line.y0, line.y1))
        width = max(1, round(line.width * self.scale))
        if line.y0 == line.y1:
            top = round((y0 - self.y0) * self.scale - width / 2)
            rows, columns = slice(max(0, top), max(0, top + width)), self._span(x0, x1, self.x0)
        else:
            left = round((x0 - self.x0) * self.scale - width / 2)
            rows, columns = self._span(y0, y1, self.y0), slice(max(0, left), max(0, left + width))
        self.canvas[rows, columns] = 255

    def _span(self, start: float, end: float, origin: float) -> slice:
        first, last = round((start - origin) * self.scale), round((end - origin) * self.scale)
        return slice(max(0, first), max(0, last))


def _thicken(line: Line) -> Outline:
    dx, dy = line.x1 - line.x0, line.y1 - line.y0
    half = line.width / 2 / math.hypot(dx, dy)
    ends = np.array([(line.x0, line.y0), (line.x1, line.y1)])
    across = np.array((-dy * half, dx * half))
    return Outline((np.vstack((ends + across, ends[::-1] - across)),))


def _extent(shape: Shape) -> tuple[float, float, float, float]:
    if isinstance(shape, Outline):
        points = np.vstack(shape.contours)
        (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
        return float(x0), float(y0), float(x1), float(y1)
    half = shape.width / 2
    across = (half, 0.0) if shape.x0 == shape.x1 else (0.0, half)
    return (
        min(shape.x0, shape.x1) - across[0],
        min(shape.y0, shape.y1) - across[1],
        max(shape.x0, shape.x1) + across[0],
        max(shape.y0, shape.y1) + across[1],
    )


@dataclass(frozen=True)
class _Walker:
    """Collects the shapes below an element, in the order they are drawn."""

    glyphs: dict[str, ET.Element]
    shapes: list[Shape]

    def walk(self, element: ET.Element, place: _Affine, lettering: Lettering) -> None:
        for child in element:
            tag = child.tag.removeprefix(_SVG)
            here = _placed(child, place)
            if tag == "g":
                if not _has_class(child, "placeholder"):
                    self.walk(child, here, _lettering(child, lettering))
            elif tag == "use":
                glyph = self.glyphs[child.get(_HREF, child.get("href", ""))[1:]]
                self.shapes.append(_move(_glyph(glyph), here))
            elif tag == "text":
                self.shapes.extend(_move(part, here) for part in _read_text(child, lettering))
            elif tag in _READERS:
                self.shapes.extend(_move(part, here) for part in _READERS[tag](child))


def _lettering(group: ET.Element, above: Lettering) -> Lettering:
    """How the words of a group are set."""
    names = set(group.get("class", "").split())
    if not names & (_BOLD | _ITALIC):
        return above
    return Lettering(above.face, bool(names & _BOLD), bool(names & _ITALIC))


def _has_class(element: ET.Element, name: str) -> bool:
    return name in element.get("class", "").split()


def _placed(element: ET.Element, place: _Affine) -> _Affine:
    text = element.get("transform")
    return _combine(place, text) if text else place


def _combine(place: _Affine, text: str) -> _Affine:
    for kind, arguments in _TRANSFORM.findall(text):
        place = _multiply(place, _matrix(kind, _numbers(arguments)))
    return place


def _multiply(outer: _Affine, inner: _Affine) -> _Affine:
    a, b, c, d, e, f = outer
    u, v, w, x, y, z = inner
    return (
        a * u + c * v,
        b * u + d * v,
        a * w + c * x,
        b * w + d * x,
        a * y + c * z + e,
        b * y + d * z + f,
    )


def _matrix(kind: str, values: list[float]) -> _Affine:
    if kind == "translate":
        return 1, 0, 0, 1, values[0], values[1] if len(values) > 1 else 0
    if kind == "scale":
        return values[0], 0, 0, values[-1], 0, 0
    turn = math.radians(values[0])
    x, y = values[1:3] if len(values) > 2 else (0.0, 0.0)
    cos, sin = math.cos(turn), math.sin(turn)
    return cos, sin, -sin, cos, x - cos * x + sin * y, y - sin * x - cos * y


def _apply(place: _Affine, x: float, y: float) -> tuple[float, float]:
    a, b, c, d, e, f = place
    return a * x + c * y + e, b * x + d * y + f


def _move(shape: Shape, place: _Affine) -> Shape:
    if isinstance(shape, Outline):
        a, b, c, d, e, f = place
        turned = np.array(((a, b), (c, d)))
        moved = tuple(points @ turned + (e, f) for points in shape.contours)
        return Outline(moved, shape.stroke)
    ends = (*_apply(place, shape.x0, shape.y0), *_apply(place, shape.x1, shape.y1))
    return Line(*ends, shape.width)


def _glyph(glyph: ET.Element) -> Outline:
    path = glyph.find(f"{_SVG}path")
    if path is None:
        return Outline(())
    return trace_path(path.get("d", ""), path.get("transform", ""))


@lru_cache(maxsize=1024)
def trace_path(description: str, transform: str = "") -> Outline:
    """The outline of a path's `d`, moved and scaled by an SVG transform."""
    outline = _move(Outline(_contours(description)), _combine(_UNMOVED, transform))
    assert isinstance(outline, Outline)
    return outline


def _read_path(element: ET.Element) -> list[Shape]:
    description = element.get("d", "")
    stroke = float(element.get("stroke-width", 0))
    if not _STRAIGHT.fullmatch(description):
        return [Outline(_contours(description), stroke)]
    return _lines(_numbers(description), stroke)


def _read_rectangle(element: ET.Element) -> list[Shape]:
    x, y = float(element.get("x", 0)), float(element.get("y", 0))
    width, height = float(element.get("width", 0)), float(element.get("height", 0))
    if element.get("fill-opacity") == "0":
        right, bottom = x + width, y + height
        corners = [x, y, right, y, right, bottom, x, bottom, x, y]
        return _lines(corners, float(element.get("stroke-width", 0)))
    return [Line(x, y + height / 2, x + width, y + height / 2, height)]


def _read_ellipse(element: ET.Element) -> list[Shape]:
    centre = float(element.get("cx", 0)), float(element.get("cy", 0))
    radii = float(element.get("rx", 0)), float(element.get("ry", 0))
    steps = 64 if element.get("fill-opacity") == "0" else 16
    angles = np.linspace(0, 2 * math.pi, steps, endpoint=False)
    circle = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    if steps == 16:
        return [Outline((circle * radii + centre,))]
    half = float(element.get("stroke-width", 0)) / 2
    return [
        Outline((circle * np.add(radii, half) + centre, circle * np.add(radii, -half) + centre))
    ]


def _read_polygon(element: ET.Element) -> list[Shape]:
    values = _numbers(element.get("points", ""))
    return [Outline((np.array(values, float).reshape(-1, 2),))]


def _read_polyline(element: ET.Element) -> list[Shape]:
    return _lines(_numbers(element.get("points", "")), float(element.get("stroke-width", 0)))


def _lines(values: list[float], width: float) -> list[Shape]:
    """The pieces of an open path through points x0 y0 x1 y1 ..."""
    xs, ys = values[::2], values[1::2]
    corners = list(zip(xs, ys, strict=True))
    return [Line(*start, *end, width) for start, end in pairwise(corners)]


def _read_text(element: ET.Element, lettering: Lettering) -> list[Outline]:
    """The letters of a line of text as outlines."""
    runs = [_Run(part, lettering) for part in element.iter() if (part.text or "").strip()]
    length = sum(run.length for run in runs)
    x, y = float(element.get("x", 0)), float(element.get("y", 0))
    x -= length * _ANCHORS.get(element.get("text-anchor", "start"), 0.0)
    shapes: list[Outline] = []
    for run in runs:
        shapes += run.outlines(x, y)
        x += run.length
    return shapes


class _Run:
    """Letters of one size, or signs of a music font."""

    def __init__(self, element: ET.Element, lettering: Lettering) -> None:
        text = element.text or ""
        found = _NUMBER.match(element.get("font-size", ""))
        self._size = float(found[0]) if found else 0.0
        font = element.get("font-family", "")
        if font in FONTS:
            self._letters = _spell_signs(text.strip(), font)
            self.length = sum(letter.advance for letter, _ in self._letters) * self._size
        else:
            text = re.sub(r"\s+", " ", text)
            self._letters = list(spell(text, lettering))
            self.length = measure_text(text, lettering) * self._size

    def outlines(self, x: float, y: float) -> Iterator[Outline]:
        """The run's outlines where it begins at (x, y)."""
        yield from _place_letters(self._letters, x, y, self._size)


def outline_words(
    text: str, place: tuple[float, float], size: float, lettering: Lettering
) -> list[Outline]:
    """A line of text whose base line begins at `place` (x, y), `size` units to the em.

    Raises:
        MissingDependencyError: the extra `synth` is not installed.
    """
    return list(_place_letters(spell(text, lettering), *place, size))


def _place_letters(
    letters: Iterable[tuple[Letter, float]], x: float, y: float, size: float
) -> Iterator[Outline]:
    for letter, start in letters:
        scale = size / letter.units
        outline = trace_path(letter.path)
        if outline.contours:  # a space has none
            placed = _move(outline, (scale, 0, 0, -scale, x + start * size, y))
            assert isinstance(placed, Outline)
            yield placed


def _spell_signs(text: str, font: str) -> list[tuple[Letter, float]]:
    """Signs of a music font and where each begins, in ems of 1000 units."""
    letters, x = [], 0.0
    for sign in text:
        path = read_glyph(font, f"{ord(sign):04X}") if sign >= _PRIVATE else ""
        contours = trace_path(path).contours
        if contours:
            advance = float(max(points[:, 0].max() for points in contours)) / 1000
            letters.append((Letter(path, 1000, advance + _SIGN_GAP), x))
            x += advance + _SIGN_GAP
    return letters


_READERS = {
    "path": _read_path,
    "rect": _read_rectangle,
    "ellipse": _read_ellipse,
    "polygon": _read_polygon,
    "polyline": _read_polyline,
}


def _margin(page: ET.Element) -> _Affine:
    group = page.find(f"{_SVG}g")
    return _UNMOVED if group is None else _placed(group, _UNMOVED)


def _staff_lines(staff: ET.Element, place: _Affine) -> list[float]:
    """The heights of the five lines of a staff."""
    paths = [child for child in staff if child.tag == f"{_SVG}path"][:5]
    heights = [_numbers(path.get("d", ""))[1] + place[5] for path in paths]
    if len(heights) < 5:
        raise InputError("The SVG shows a staff of fewer than five lines.")
    return heights


def _numbers(text: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(text)]


def _contours(description: str) -> tuple[Points, ...]:
    """The contours of a path's `d`, its curves broken into straight pieces."""
    reader = _PathReader()
    for command, arguments in _COMMAND.findall(description):
        reader.take(command, _numbers(arguments))
    return reader.finish()


class _PathReader:
    """Follows the commands of a path."""

    def __init__(self) -> None:
        self._done: list[Points] = []
        self._points: list[tuple[float, float]] = []
        self._at = (0.0, 0.0)
        self._control: tuple[float, float] | None = None

    def take(self, command: str, values: list[float]) -> None:
        kind = command.upper()
        if kind == "Z":
            self._close()
            return
        step = _ARITY[kind]
        for start in range(0, len(values) - step + 1, step):
            # A second pair after a move is a line.
            self._draw(
                "L" if kind == "M" and start else kind,
                self._resolve(command, values[start : start + step]),
            )

    def finish(self) -> tuple[Points, ...]:
        self._close()
        return tuple(self._done)

    def _close(self) -> None:
        if len(self._points) > 1:
            self._done.append(np.array(self._points))
            self._at = self._points[0]
        self._points = [self._at] if self._points else []

    def _resolve(self, command: str, values: list[float]) -> list[tuple[float, float]]:
        """Absolute points of one command."""
        x, y = self._at if command.islower() else (0.0, 0.0)
        if command in "Hh":
            return [(x + values[0], self._at[1])]
        if command in "Vv":
            return [(self._at[0], y + values[0])]
        return [(x + a, y + b) for a, b in zip(values[::2], values[1::2], strict=True)]

    def _draw(self, kind: str, points: list[tuple[float, float]]) -> None:
        if kind == "M":
            self._close()
            self._points = [points[0]]
        elif kind in "LHV":
            self._points.append(points[0])
        else:
            self._curve(kind, points)
        if kind in "MLHV":
            self._control = None
        self._at = points[-1]

    def _curve(self, kind: str, points: list[tuple[float, float]]) -> None:
        if kind in "ST":
            x, y = self._at
            mirrored = (
                (2 * x - self._control[0], 2 * y - self._control[1]) if self._control else (x, y)
            )
            points = [mirrored, *points]
        self._control = points[-2]
        corners = np.array([self._at, *points])
        basis = _basis(len(corners) - 1)
        self._points += [(float(x), float(y)) for x, y in basis @ corners]


@lru_cache(maxsize=2)
def _basis(degree: int) -> Points:
    """Bernstein weights, (_CURVE_STEPS, degree + 1), of the points of a curve but its start."""
    t = np.linspace(0, 1, _CURVE_STEPS + 1)[1:, None]
    k = np.arange(degree + 1)
    ways = np.array([math.comb(degree, int(i)) for i in k])
    return np.asarray(ways * t**k * (1 - t) ** (degree - k))
