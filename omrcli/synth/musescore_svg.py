"""The SVG that MuseScore writes: the elements of a staff.

MuseScore names the kind of everything it draws; `proof` compares it with the tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from omrcli.errors import InputError

from .proof import DrawnElement, Engraving, measure_element
from .raster import Line, Outline

Points = NDArray[np.float64]

_ELEMENT = re.compile(r'<(path|polyline) class="(\w+)"([^>]*?)(?: d| points)="([^"]*)"')
_STROKE = re.compile(r'stroke-width="([\d.]+)"')
_MATRIX = re.compile(r'transform="matrix\(([^)]*)\)"')
_PUNCTUATION = re.compile(r"[MLCZz,]")
_COMMAND = re.compile(r"[MLC]")
#: Points that a command takes.
_POINTS = {"M": 1, "L": 1, "C": 3}


def read_engraving(svg: str) -> Engraving:
    """The elements of an SVG that MuseScore wrote.

    Raises:
        InputError: the SVG does not show one staff of five lines.
    """
    elements: list[DrawnElement] = []
    # Some are written twice: ties, and the middle of a repeat barline.
    for tag, kind, attributes, data in dict.fromkeys(_ELEMENT.findall(svg)):
        if shapes := _shapes(tag, data, attributes):
            elements.append(measure_element(kind, shapes))
    lines = sorted(e.y for e in elements if e.kind == "StaffLines")
    if len(lines) != 5:
        raise InputError("MuseScore needs more than one staff for this music; leave it out.")
    return Engraving(tuple(elements), lines[0], (lines[4] - lines[0]) / 4)


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
