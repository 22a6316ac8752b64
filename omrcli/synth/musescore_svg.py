"""The SVG that MuseScore writes: its elements, and whether they show the tokens.

MuseScore names the kind of everything it draws, and staff positions can be measured. What passes
`check_engraving` shows the same signs in the same order, every note head at its height, and as many
accidentals, dots, ties and fermatas as the tokens say.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from omrcli.alphabet import shown_accidentals
from omrcli.errors import InputError
from omrcli.synth.mscx_writer import find_ties
from omrcli.synth.raster import Drawing, Line, Outline
from omrcli.tokens import (
    Barline,
    Clef,
    KeySignature,
    Multirest,
    Note,
    Rest,
    Symbol,
    TimeSignature,
)

Points = NDArray[np.float64]

_ELEMENT = re.compile(r'<(path|polyline) class="(\w+)"([^>]*?)(?: d| points)="([^"]*)"')
_STROKE = re.compile(r'stroke-width="([\d.]+)"')
_MATRIX = re.compile(r'transform="matrix\(([^)]*)\)"')
_PUNCTUATION = re.compile(r"[MLCZz,]")
_COMMAND = re.compile(r"[MLC]")
#: Points that a command takes.
_POINTS = {"M": 1, "L": 1, "C": 3}


@dataclass(frozen=True)
class DrawnElement:
    """Something that MuseScore drew: its kind, and one filled shape or its lines."""

    kind: str
    shapes: tuple[Outline | Line, ...]
    x0: float
    x1: float
    y: float  # its middle


@dataclass(frozen=True)
class Engraving:
    """A page with one staff: its elements, and the heights of the staff's lines."""

    elements: tuple[DrawnElement, ...]
    top_line: float
    interline: float


def read_engraving(svg: str) -> Engraving:
    """The elements of an SVG that MuseScore wrote.

    Raises:
        InputError: the SVG does not show one staff of five lines.
    """
    elements: list[DrawnElement] = []
    # Some are written twice: ties, and the middle of a repeat barline.
    for tag, kind, attributes, data in dict.fromkeys(_ELEMENT.findall(svg)):
        if shapes := _shapes(tag, data, attributes):
            elements.append(_element(kind, shapes))
    lines = sorted(e.y for e in elements if e.kind == "StaffLines")
    if len(lines) != 5:
        raise InputError("MuseScore needs more than one staff for this music; leave it out.")
    return Engraving(tuple(elements), lines[0], (lines[4] - lines[0]) / 4)


def _element(kind: str, shapes: tuple[Outline | Line, ...]) -> DrawnElement:
    points = np.vstack([_corners(shape) for shape in shapes])
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return DrawnElement(kind, shapes, float(x0), float(x1), float(y0 + y1) / 2)


def _corners(shape: Outline | Line) -> Points:
    if isinstance(shape, Outline):
        return np.vstack(shape.contours)
    return np.array(((shape.x0, shape.y0), (shape.x1, shape.y1)))


def _shapes(tag: str, data: str, attributes: str) -> tuple[Outline | Line, ...]:
    stroke, matrix = _STROKE.search(attributes), _MATRIX.search(attributes)
    width = float(stroke[1]) if stroke else 0.0
    points = np.array(_PUNCTUATION.sub(" ", data).split(), float).reshape(-1, 2)
    if matrix:  # grace notes are scaled
        values = np.array(matrix[1].split(","), float).reshape(3, 2)
        points = points @ values[:2] + values[2]
    if tag == "polyline":
        return tuple(_join(points, width))
    contours = _contours(_COMMAND.findall(data), points)
    if 'fill="none"' in attributes:  # the frame of a rehearsal mark
        return tuple(line for contour in contours for line in _join(contour, width))
    return (Outline(tuple(contours), width),) if contours else ()


def _join(points: Points, width: float) -> Iterator[Line]:
    for (x0, y0), (x1, y1) in pairwise(points.tolist()):
        yield Line(x0, y0, x1, y1, width)


def _contours(commands: Sequence[str], points: Points) -> list[Points]:
    """The contours of a path of absolute moves, lines and cubic curves, through `points`."""
    sizes = np.array([_POINTS[command] for command in commands])
    first = (
        np.cumsum(sizes) - sizes
    )  # of its points, which follow the last one of the command before
    moves = np.flatnonzero(np.array(commands) == "M")
    # A straight line is a curve whose control points are its ends.
    corners = first[:, None] + np.where(sizes[:, None] == 3, (-1, 0, 1, 2), (-1, -1, 0, 0))
    basis = _FINE if np.ptp(points[:, 0]) > _LONG else _COARSE
    curves = basis @ points[corners]
    ends = [*moves[1:], len(commands)]
    return [
        np.vstack((points[first[start]], curves[start + 1 : end].reshape(-1, 2)))
        for start, end in zip(moves, ends, strict=True)
        if end > start + 1
    ]


def _basis(steps: int) -> Points:
    """Weights (steps, 4) of the corners of a cubic curve in its points but the first."""
    t = np.linspace(0, 1, steps + 1)[1:, None]
    k = np.arange(4)
    return np.asarray(np.array((1, 3, 3, 1)) * t**k * (1 - t) ** (3 - k))


#: Glyphs have many short curves; what is wider than these units is a slur of two.
_LONG = 100
_COARSE, _FINE = _basis(6), _basis(24)


def drawing_of(engraving: Engraving) -> Drawing:
    """The engraving as `raster.paint` takes it."""
    shapes = tuple(shape for element in engraving.elements for shape in element.shapes)
    right = max(element.x1 for element in engraving.elements)
    return Drawing(shapes, right, right, engraving.top_line, engraving.interline)


def check_engraving(engraving: Engraving, symbols: Sequence[Symbol]) -> None:
    """Compare what is drawn with the symbols, from left to right.

    Raises:
        InputError: something is missing, drawn twice, in another order or at another height.
    """
    drawn = Counter(element.kind for element in engraving.elements)
    said = _count_said(symbols)
    wrong = [f"{drawn[k]} instead of {said[k]} {k}" for k in _COUNTED if drawn[k] != said[k]]
    if wrong:
        raise InputError(f"The engraving shows {', '.join(wrong)}; leave this music out.")
    _Comparison(engraving).compare(symbols)


_COUNTED = ("Accidental", "NoteDot", "TieSegment", "Fermata")
_ORDERED = ("Clef", "KeySig", "TimeSig", "Note", "Rest", "BarLine")


def _count_said(symbols: Sequence[Symbol]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for symbol, shown in zip(symbols, shown_accidentals(symbols), strict=True):
        counts["Accidental"] += sum(name is not None for name in shown)
        if isinstance(symbol, (Note, Rest)):
            members = len(symbol.pitches) if isinstance(symbol, Note) else 1
            counts["NoteDot"] += symbol.duration.dots * members
            counts["Fermata"] += symbol.fermata
    for start, end in find_ties(symbols):
        first, second = symbols[start], symbols[end]
        if isinstance(first, Note) and isinstance(second, Note):
            counts["TieSegment"] += len(set(first.pitches) & set(second.pitches))
    return counts


#: Lines and dots of each kind of barline.
_STROKES = {
    "single": (1, 0), "double": (2, 0), "final": (2, 0), "repeat-start": (2, 2),
    "repeat-end": (2, 2), "repeat-both": (3, 4),
}  # fmt: skip


class _Comparison:
    """Walks over what is drawn in the order of its left edges."""

    def __init__(self, engraving: Engraving) -> None:
        self.engraving = engraving
        ordered = (e for e in engraving.elements if e.kind in _ORDERED)
        self.waiting = sorted(ordered, key=lambda element: element.x0)
        self.clef = Clef("G", 2)
        self.key = KeySignature(0)

    def compare(self, symbols: Sequence[Symbol]) -> None:
        for symbol in symbols:
            self._compare(symbol)
        if self.waiting:
            raise _mismatch(f"a {self.waiting[0].kind} too many")

    def _compare(self, symbol: Symbol) -> None:
        if isinstance(symbol, Clef):
            self._take("Clef", 1)
            self.clef = symbol
        elif isinstance(symbol, KeySignature):
            taken = len(self._take_run("KeySig"))
            naturals = (taken - abs(symbol.fifths), abs(self.key.fifths))
            if naturals[0] and not 0 < naturals[0] <= naturals[1]:
                raise _mismatch("another key signature")
            self.key = symbol
        elif isinstance(symbol, TimeSignature):
            digits = 1 if symbol.text[0] == "C" else len(symbol.text) - 1
            if len(self._take_run("TimeSig")) != digits:
                raise _mismatch("another time signature")
        elif isinstance(symbol, Note):
            self._compare_heads(symbol)
        elif isinstance(symbol, Rest):
            self._take("Rest", 1)
        elif isinstance(symbol, Multirest):
            if len(self._take_run("Rest")) < len(str(symbol.count)) + 1:
                raise _mismatch("another multirest")
        elif isinstance(symbol, Barline):
            self._compare_barline(symbol)

    def _compare_heads(self, note: Note) -> None:
        heads = self._take("Note", len(note.pitches))
        bottom = self.engraving.top_line + 4 * self.engraving.interline
        drawn = sorted((bottom - head.y) / self.engraving.interline * 2 for head in heads)
        said = sorted(pitch.diatonic - self.clef.bottom_line for pitch in note.pitches)
        if note.duration.base == "quadruple_whole":  # its head has a tail
            return
        if any(abs(a - b) > 0.4 for a, b in zip(drawn, said, strict=True)):
            raise _mismatch("a note at another height")

    def _compare_barline(self, barline: Barline) -> None:
        lines, dots = _STROKES[barline.kind]
        taken = self._take("BarLine", lines + dots)
        if sum(isinstance(element.shapes[0], Line) for element in taken) != lines:
            raise _mismatch("another barline")

    def _take(self, kind: str, number: int) -> list[DrawnElement]:
        taken, self.waiting = self.waiting[:number], self.waiting[number:]
        if len(taken) < number or any(element.kind != kind for element in taken):
            raise _mismatch(f"something other than a {kind}")
        return taken

    def _take_run(self, kind: str) -> list[DrawnElement]:
        number = next((i for i, e in enumerate(self.waiting) if e.kind != kind), len(self.waiting))
        return self._take(kind, number)


def _mismatch(found: str) -> InputError:
    return InputError(f"The engraving shows {found}; leave this music out.")
