"""The SVG that LilyPond writes: the elements of a staff, for `proof`.

LilyPond puts what `MARKS` ask for into a group around everything that must be proved: its kind, and
what LilyPond itself knows of it (the glyph, the duration, the number of beams).
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from omrcli.errors import InputError
from omrcli.tokens import DURATIONS

from .lettering import Lettering, measure_text
from .proof import DrawnElement, Engraving, measure_element
from .raster import Line, Outline, Shape, outline_words, trace_path

_SVG = "{http://www.w3.org/2000/svg}"
_TRANSLATE = re.compile(r"translate\(\s*(-?[\d.]+)[,\s]+(-?[\d.]+)\s*\)")
_GLYPH = re.compile(r'<glyph glyph-name="([^"]*)"[^>]*?\sd="([^"]*)"', re.DOTALL)
_NUMBER = re.compile(r"-?\d+\.?\d*")

#: Scheme that a document begins with: functions that tell the kind of a sign and its properties.
_TELL = """#(define ((tell kind . properties) grob)
   (define (say p) (format #f "~a" (if (procedure? p) (p grob) (ly:grob-property grob p))))
   `((class . ,kind) (data-name . ,(string-join (map say properties) " "))))
#(define (beams grob)
   (let ((sides (ly:grob-property grob 'beaming)))
     (if (and (pair? sides) (ly:grob? (ly:grob-object grob 'beam)))
         (max (if (list? (car sides)) (length (car sides)) 0)
              (if (list? (cdr sides)) (length (cdr sides)) 0))
         0)))
"""
# For every sign that it draws LilyPond searches the whole font, which takes four fifths of its
# time. So it is told to write only where the outline is to be found. A version that cannot be told
# so draws outlines, slowly.
_USE = """#(false-if-exception
  (let* ((svg (resolve-module '(lily output-svg)))
         (drawers (module-ref svg 'stencil-dispatch-alist))
         (style-of (module-ref svg 'font-name-style))
         (scaling-of (module-ref svg 'modified-font-metric-font-scaling)))
    (define (use font name scale x y)
      (ly:format
        "<use font='~a' glyph='~a' transform='translate(~4f, ~4f) scale(~6f, -~6f)'/>"
                 (ly:find-file (string-append font ".svg")) name x y scale scale))
    (define (draw-named font name)
      (use (style-of font) name (/ (scaling-of font) 1000) 0.0 0.0))
    (define (draw-string font name size cid glyphs . rest)
      (let ((scale (/ size (module-ref svg 'lily-unit-length) 1000)) (x 0.0))
        (string-concatenate
          (map (lambda (glyph)
                 (let ((drawn (use (style-of name) (car (last-pair glyph)) scale
                                   (+ x (list-ref glyph 2)) (list-ref glyph 3))))
                   (set! x (+ x (car glyph)))
                   drawn))
               glyphs))))
    (assq-set! drawers 'named-glyph draw-named)
    (assq-set! drawers 'glyph-string draw-string)))
"""
DEFINITIONS = _TELL + _USE
_TOLD = {
    "StaffSymbol": "", "NoteHead": "'duration-log", "Rest": "'duration-log",
    "MultiMeasureRest": "'measure-count", "MultiMeasureRestNumber": "", "Clef": "'glyph",
    "ClefModifier": "", "Accidental": "'glyph-name", "KeySignature": "", "KeyCancellation": "",
    "TimeSignature": "", "BarLine": "'glyph-name", "Dots": "", "Stem": "beams",
    "Flag": "'glyph-name", "Tie": "", "Script": "'script-stencil",
    "MultiMeasureRestScript": "'script-stencil", "PercentRepeat": "",
}  # fmt: skip
#: Lines for the Score contexts of such a document.
MARKS = tuple(
    f'\\override {kind}.output-attributes = #(tell "{kind}" {told})' for kind, told in _TOLD.items()
)
_KINDS = {
    "StaffSymbol": "StaffLines", "NoteHead": "Note", "Rest": "Rest", "MultiMeasureRest": "Rest",
    "MultiMeasureRestNumber": "Rest", "Clef": "Clef", "ClefModifier": "ClefModifier",
    "Accidental": "Accidental", "KeySignature": "KeySig", "KeyCancellation": "KeySig",
    "TimeSignature": "TimeSig", "BarLine": "BarLine", "Dots": "NoteDot", "Tie": "TieSegment",
    "Stem": "Flag", "Flag": "Flag", "PercentRepeat": "MeasureRepeat",
}  # fmt: skip
#: Signs that are one element however many shapes they have; of others each shape is one.
_WHOLE = {"MeasureRepeat", "Note", "Clef", "Accidental", "TieSegment", "Flag", "Fermata", "Stem"}
#: Bases by LilyPond's logarithm of a duration; the first is -2.
_BASES = tuple(DURATIONS)
_ACCIDENTALS = {
    "accidentals.sharp": "s", "accidentals.flat": "f", "accidentals.natural": "n",
    "accidentals.doublesharp": "x", "accidentals.flatflat": "ff",
}  # fmt: skip
_BARLINES = {
    "|": "single", "||": "double", "|.": "final", ".|:": "repeat-start", ":|.": "repeat-end",
    ":|.|:": "repeat-both", ":..:": "repeat-both", ":|.:": "repeat-both",
}  # fmt: skip


@dataclass(frozen=True)
class _Piece:
    """A shape, the height of its origin, and the sign that it is part of."""

    shape: Shape
    y: float
    sign: int
    kind: str
    name: str


def read_engraving(svg: str, face: str = "serif") -> Engraving:
    """The elements of an SVG that LilyPond wrote, its words in one of lettering.FACES.

    Raises:
        InputError: the SVG does not show one staff of five lines, or has shapes of another kind.
        MissingDependencyError: there are words, and the extra `synth` is not installed.
    """
    try:
        root = ET.fromstring(svg)
    except ET.ParseError as error:
        raise InputError(f"This is no SVG: {error}; engrave the music again.") from error
    pieces = list(_Walker(face).walk(root, (0.0, 0.0), 0, ("", "")))
    elements = _name_clefs(list(_join_signs(pieces)))
    lines = sorted(e.y for e in elements if e.kind == "StaffLines")
    if len(lines) != 5:
        raise InputError("LilyPond needs more than one staff for this music; leave it out.")
    return Engraving(tuple(elements), lines[0], (lines[4] - lines[0]) / 4)


def _join_signs(pieces: list[_Piece]) -> Iterator[DrawnElement]:
    whole: dict[int, list[_Piece]] = {}
    for piece in pieces:
        if piece.kind in _WHOLE:
            whole.setdefault(piece.sign, []).append(piece)
        else:
            yield _element((piece,))
    yield from (_element(tuple(parts)) for parts in whole.values())


def _element(parts: tuple[_Piece, ...]) -> DrawnElement:
    kind, name = parts[0].kind, parts[0].name
    drawn = measure_element(kind, tuple(part.shape for part in parts))
    return replace(drawn, y=parts[0].y, name=name) if name else drawn


def _name_clefs(elements: list[DrawnElement]) -> list[DrawnElement]:
    """Tell clefs by line and octave too, as tokens do."""
    lines = sorted(e.y for e in elements if e.kind == "StaffLines")
    small = [e for e in elements if e.kind == "ClefModifier"]
    named = []
    for element in elements:
        if element.kind == "Clef" and len(lines) == 5:
            line = round((lines[4] - element.y) / (lines[4] - lines[0]) * 4) + 1
            digits = [e for e in small if e.x1 > element.x0 and e.x0 < element.x1]
            octave = ("", "_8v", "_15m")[min(len(digits), 2)]
            if digits:
                octave += "a" if digits[0].y < element.y else "b"
            element = replace(element, name=f"clef-{element.name}{line}{octave}")
        named.append(element)
    return named


class _Walker:
    """Collects shapes in the order in which they are drawn."""

    def __init__(self, face: str) -> None:
        self._face = face
        self._signs = 0

    def walk(
        self, element: ET.Element, place: tuple[float, float], sign: int, told: tuple[str, str]
    ) -> Iterator[_Piece]:
        """The pieces below an element whose origin is at `place`; `told` is kind and name."""
        for child in element:
            tag, here, number, what = child.tag.removeprefix(_SVG), place, sign, told
            if tag in ("g", "a"):
                here = _moved(child, place)
                if "class" in child.attrib:
                    self._signs += 1
                    number = self._signs
                    what = _translate(child.get("class", ""), child.get("data-name", ""))
                yield from self.walk(child, here, number, what)
            elif tag == "text":
                here = _moved(child, place)
                for letter in self._letters(child, here):
                    yield _Piece(letter, here[1], number, *what)
            elif tag in _READERS:
                for shape in _READERS[tag](child):
                    yield _Piece(_move(shape, *here), here[1], number, *what)
            elif tag != "style":
                raise InputError(f"LilyPond drew an unknown {tag}; leave this music out.")

    def _letters(self, text: ET.Element, place: tuple[float, float]) -> list[Outline]:
        words = "".join(text.itertext()).strip()
        lettering = Lettering(
            self._face,
            bold=text.get("font-weight", "") in ("bold", "700"),
            italic=text.get("font-style", "") in ("italic", "oblique"),
        )
        size = float((_NUMBER.search(text.get("font-size", "")) or ["0"])[0])
        anchor = {"middle": 0.5, "end": 1.0}.get(text.get("text-anchor", ""), 0.0)
        x = place[0] - anchor * size * (measure_text(words, lettering) if anchor else 0.0)
        return outline_words(words, (x, place[1]), size, lettering)


def _translate(kind: str, told: str) -> tuple[str, str]:
    """LilyPond's kind and what it tells -> those of `proof`."""
    if kind in ("Script", "MultiMeasureRestScript"):
        return ("Fermata", "") if "fermata" in told else ("", "")
    if kind == "Stem" and told == "0":
        return "Stem", ""
    return _KINDS[kind], _NAMES[kind](told) if kind in _NAMES else told


def _base(logarithm: str) -> str:
    return _BASES[int(logarithm) + 2]


def _flags(glyph: str) -> str:
    return str(int(glyph[-1]) - 2)


def _clef(glyph: str) -> str:
    return glyph.removeprefix("clefs.").removeprefix("var")[:1]


_NAMES: dict[str, Callable[[str], str]] = {
    "NoteHead": _base,
    "Rest": _base,
    "MultiMeasureRest": lambda count: "" if count == "1" else count,
    "Clef": _clef,
    "Accidental": lambda glyph: _ACCIDENTALS.get(glyph, glyph),
    "BarLine": lambda glyph: _BARLINES.get(glyph, glyph),
    "Flag": _flags,
}


def _moved(element: ET.Element, place: tuple[float, float]) -> tuple[float, float]:
    transform = element.get("transform")
    if not transform:
        return place
    found = _TRANSLATE.fullmatch(transform.strip())
    if not found:
        raise InputError("LilyPond turned something; leave this music out.")
    return place[0] + float(found[1]), place[1] + float(found[2])


def _move(shape: Shape, dx: float, dy: float) -> Shape:
    if isinstance(shape, Line):
        return Line(shape.x0 + dx, shape.y0 + dy, shape.x1 + dx, shape.y1 + dy, shape.width)
    return Outline(tuple(points + np.array((dx, dy)) for points in shape.contours), shape.stroke)


def _numbers(element: ET.Element, *names: str) -> list[float]:
    return [float(element.get(name, 0)) for name in names]


def _read_path(element: ET.Element) -> list[Shape]:
    outline = trace_path(element.get("d", ""), element.get("transform", ""))
    (width,) = _numbers(element, "stroke-width")
    if element.get("fill") != "none":
        return [Outline(outline.contours, width)] if outline.contours else []
    return [
        Line(x0, y0, x1, y1, width)
        for contour in outline.contours
        for (x0, y0), (x1, y1) in pairwise(contour.tolist())
    ]


def _read_line(element: ET.Element) -> list[Shape]:
    x0, y0, x1, y1, width = _numbers(element, "x1", "y1", "x2", "y2", "stroke-width")
    return [Line(x0, y0, x1, y1, width)]


def _read_rectangle(element: ET.Element) -> list[Shape]:
    x, y, width, height = _numbers(element, "x", "y", "width", "height")
    if height > width:
        return [Line(x + width / 2, y, x + width / 2, y + height, width)]
    return [Line(x, y + height / 2, x + width, y + height / 2, height)]


def _read_polygon(element: ET.Element) -> list[Shape]:
    values = [float(number) for number in _NUMBER.findall(element.get("points", ""))]
    return [Outline((np.array(values).reshape(-1, 2),), *_numbers(element, "stroke-width"))]


def _read_circle(element: ET.Element) -> list[Shape]:
    x, y, radius, width = _numbers(element, "cx", "cy", "r", "stroke-width")
    angles = np.linspace(0, 2 * math.pi, 48, endpoint=False)
    circle = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    if element.get("fill") != "none":
        return [Outline((circle * radius + (x, y),))]
    rings = tuple(circle * (radius + side * width / 2) + (x, y) for side in (1, -1))
    return [Outline(rings)]


def _read_use(element: ET.Element) -> list[Shape]:
    path = _read_font(element.get("font", "")).get(element.get("glyph", ""), "")
    outline = trace_path(path, element.get("transform", ""))
    return [outline] if outline.contours else []


@lru_cache(maxsize=16)
def _read_font(path: str) -> dict[str, str]:
    """The outlines of one of LilyPond's fonts by their names."""
    try:
        return dict(_GLYPH.findall(Path(path).read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(
            f"LilyPond's font {path} cannot be read: {error}; install it again."
        ) from error


_READERS = {
    "path": _read_path,
    "use": _read_use, "line": _read_line, "rect": _read_rectangle, "polygon": _read_polygon,
    "circle": _read_circle,
}  # fmt: skip
