"""Verovio's SVG of one staff -> the marks that it is made of, each with the token it belongs to.

An SVG of a staff takes 20 to 60 kB, and a report holds hundreds. As marks, with each glyph's
outline kept once for the whole report, it takes a tenth of that, and marks can be moved.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_TOKEN = re.compile(r"T_(\d+)")
_NUMBER = re.compile(r"-?\d*\.?\d+")
_STEP = re.compile(r"([a-zA-Z])([^a-zA-Z]*)")
#: Verovio's px per interline, and units per interline of a music font.
INTERLINE, _EM_INTERLINE = 180.0, 250.0
_SIGNS = ("clef", "keySig", "meterSig")
_JOINING = ("beam", "tuplet")
#: The part of a mark that is a ledger line.
LEDGERS = "ledgerLines"

Point = tuple[float, float]


@dataclass(frozen=True)
class Glyph:
    """A sign of the music font: code point in hex, place of its origin, size (1 is usual).

    Where it is of no one token, `joins` has the first and the last of those that it is of.
    """

    code: str
    x: float
    y: float
    size: float
    token: int | None = None
    part: str = ""  # of the token: "notehead", "accid" ...
    joins: tuple[int, int] | None = None


@dataclass(frozen=True)
class Shape:
    """Points of a filled outline, or with a `width` of a stroke; `curved` ones are Bezier curves
    of three points after the first. `joins` is that of `Glyph`."""

    points: tuple[Point, ...]
    width: float = 0.0
    curved: bool = False
    token: int | None = None
    part: str = ""
    joins: tuple[int, int] | None = None


Mark = Glyph | Shape


@dataclass(frozen=True)
class Engraving:
    """The marks of a staff, in px with lines `interline` apart, y from the top line down.

    `glyphs` are the outlines of the signs used, y up, 250 units to the interline. `end` is the x at
    which the lines end; they are no marks.
    """

    marks: tuple[Mark, ...]
    glyphs: Mapping[str, str]
    end: float
    interline: float = INTERLINE


@dataclass
class _Place:
    """Where in the tree an element is."""

    token: int | None = None
    part: str = ""
    in_layer: bool = False
    joins: tuple[int, int] | None = None


@dataclass
class _Collector:
    opening: list[int]  # tokens of the signs that open the staff
    barlines: list[int | None]
    top: float = 0.0
    end: float = 0.0
    marks: list[Mark] = field(default_factory=list)

    def walk(self, element: ET.Element, place: _Place) -> None:
        kind = element.get("class", "")
        if element.tag == f"{_SVG}g":
            if "placeholder" in kind:
                return
            place = self._enter(element, kind, place)
        if kind == "staff":
            self._measure_lines(element)
        for child in element:
            if kind == "staff" and child.tag == f"{_SVG}path":
                continue  # a line of the staff
            if child.tag == f"{_SVG}g":
                self.walk(child, place)
            else:
                self.marks += _read_mark(child, place)

    def _enter(self, element: ET.Element, kind: str, place: _Place) -> _Place:
        token, found = place.token, _TOKEN.match(element.get("id", ""))
        first = kind.split(" ")[0]
        if found:
            token = int(found[1])
        elif first in _SIGNS and not place.in_layer:
            hidden = element.get("visibility") == "hidden" or not len(element)
            token = self.opening.pop(0) if self.opening and not hidden else None
        elif first == "barLine":
            token = self.barlines.pop(0) if self.barlines else None
        in_layer = place.in_layer or first == "layer"
        joins = _joined_tokens(element) if first in _JOINING else place.joins
        return _Place(token, first or place.part, in_layer, joins)

    def _measure_lines(self, staff: ET.Element) -> None:
        lines = [_points(path.get("d", "")) for path in staff.findall(f"{_SVG}path")]
        self.top = min(line[0][1] for line in lines)
        self.end = max(line[-1][0] for line in lines)


def read_marks(
    svg: str, opening: Sequence[int], barlines: Sequence[int | None], interline: float
) -> Engraving:
    """The marks of one staff that Verovio engraved on one endless system.

    `opening` are the tokens that open the staff, `barlines` those at the end of each measure, both
    from left to right; other tokens are known by their ids.
    """
    root = ET.fromstring(svg)
    collector = _Collector(list(opening), list(barlines))
    scale = interline / INTERLINE
    for system in root.iter(f"{_SVG}g"):
        if system.get("class") == "system":
            collector.walk(system, _Place())
    marks = (_scale(mark, scale, collector.top) for mark in collector.marks)
    glyphs = dict(_read_glyphs(root))
    return Engraving(tuple(marks), glyphs, collector.end * scale, interline)


def _read_glyphs(root: ET.Element) -> Iterator[tuple[str, str]]:
    for group in root.findall(f"{_SVG}defs/{_SVG}g"):
        path = group.find(f"{_SVG}path")
        if path is not None:
            yield group.get("id", "").partition("-")[0], path.get("d", "")


def _joined_tokens(element: ET.Element) -> tuple[int, int] | None:
    """The first and the last token in an element."""
    found = (_TOKEN.match(inner.get("id", "")) for inner in element.iter(f"{_SVG}g"))
    tokens = [int(match[1]) for match in found if match]
    return (min(tokens), max(tokens)) if tokens else None


def _read_mark(element: ET.Element, place: _Place) -> Iterator[Mark]:
    joins = place.joins if place.token is None else None
    for mark in _read_outline(element, place):
        yield replace(mark, joins=joins)


def _read_outline(element: ET.Element, place: _Place) -> Iterator[Mark]:
    tag = element.tag.removeprefix(_SVG)
    if tag == "use":
        x, y, size, *_ = _numbers(element.get("transform", ""))
        code = element.get(_LINK, "#").removeprefix("#").partition("-")[0]
        yield Glyph(code, x, y, size / 0.72, place.token, place.part)
    elif tag == "path":
        text = element.get("d", "")
        curved = "C" in text
        width = float(element.get("stroke-width", "0") or 0)
        yield Shape(_points(text), 0.0 if curved else width, curved, place.token, place.part)
    elif tag == "polygon":
        yield Shape(_points(element.get("points", "")), token=place.token, part=place.part)
    elif tag == "rect":
        x, y, wide, high = (float(element.get(name, "0")) for name in ("x", "y", "width", "height"))
        corners = ((x, y), (x + wide, y), (x + wide, y + high), (x, y + high))
        yield Shape(corners, token=place.token, part=place.part)
    elif tag == "ellipse":
        x, y, radius = (float(element.get(name, "0")) for name in ("cx", "cy", "rx"))
        yield Shape(((x - 1, y), (x + 1, y)), 2 * radius + 12, False, place.token, "dot")


def _numbers(text: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(text)]


def _points(text: str) -> tuple[Point, ...]:
    values = _numbers(text)
    return tuple(zip(values[::2], values[1::2], strict=False))


def _scale(mark: Mark, scale: float, top: float) -> Mark:
    if isinstance(mark, Glyph):
        return replace(mark, x=mark.x * scale, y=(mark.y - top) * scale)
    points = tuple((x * scale, (y - top) * scale) for x, y in mark.points)
    return replace(mark, points=points, width=mark.width * scale)


def measure_glyph(outline: str) -> tuple[float, float, float, float]:
    """The box (left, top, right, bottom) of a glyph's outline, y up; curves count by their ends."""
    x = y = start_x = start_y = 0.0
    xs, ys = [], []
    for step, text in _STEP.findall(outline):
        values = _numbers(text)
        kind, size = step.lower(), {"h": 1, "v": 1, "c": 6, "s": 4, "q": 4}.get(step.lower(), 2)
        if kind == "z":
            x, y = start_x, start_y
        for at in range(0, len(values) - size + 1, size):
            ahead = values[at : at + size]
            base = (x, y) if step.islower() else (0.0, 0.0)
            x = base[0] + ahead[-2] if size > 1 else base[0] + ahead[0] if kind == "h" else x
            y = base[1] + ahead[-1] if size > 1 else base[1] + ahead[0] if kind == "v" else y
            if kind == "m" and at == 0:
                start_x, start_y = x, y
            xs.append(x)
            ys.append(y)
    return (min(xs), min(ys), max(xs), max(ys)) if xs else (0.0, 0.0, 0.0, 0.0)


def mark_box(mark: Mark, engraving: Engraving) -> tuple[float, float, float, float]:
    """The box (left, top, right, bottom) of a mark in px of its engraving."""
    if isinstance(mark, Shape):
        xs, ys = zip(*mark.points, strict=True)
        edge = mark.width / 2
        return min(xs) - edge, min(ys) - edge, max(xs) + edge, max(ys) + edge
    left, low, right, high = measure_glyph(engraving.glyphs.get(mark.code, ""))
    unit = mark.size * engraving.interline / _EM_INTERLINE
    return (
        *(mark.x + left * unit, mark.y - high * unit),
        *(mark.x + right * unit, mark.y - low * unit),
    )
