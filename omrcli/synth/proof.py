"""Whether what an engraver drew shows the tokens.

The engraver says of everything that it draws of what kind it is, and heights on the staff can be
measured. What passes `check_engraving` shows the same signs in the same order, every head at its
height, and as many accidentals, dots, ties and fermatas as the tokens say. Where the engraver also
tells which glyph it took (`DrawnElement.name`), durations, flags, clefs and the place of every
accidental are compared too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from omrcli.errors import InputError
from omrcli.reading.alphabet import shown_accidentals
from omrcli.tokens import (
    DURATIONS,
    Barline,
    Clef,
    KeySignature,
    MeasureRepeat,
    Multirest,
    Note,
    PercussionClef,
    Rest,
    Slash,
    Symbol,
    TimeSignature,
)

from .measures import find_ties
from .raster import Drawing, Line, Outline

Points = NDArray[np.float64]
_Filter = Callable[["DrawnElement"], bool]

_COUNTED = ("Accidental", "NoteDot", "TieSegment", "Fermata")
_ORDERED = ("Clef", "KeySig", "TimeSig", "Note", "Rest", "MeasureRepeat", "BarLine")
_BASES = tuple(DURATIONS)
_BLACK = _BASES.index("quarter")


@dataclass(frozen=True)
class DrawnElement:
    """Something that was drawn: its kind, and one filled shape or its lines.

    `name` is "" where the engraver does not tell more. Else it is the duration's base of a Rest,
    and of a Note up to "quarter" for all black heads, the count of a multirest, the token of a
    Clef, the MEI name of an Accidental, the kind of a BarLine, and of a Flag (also the stem of each
    beamed note) the number of its flags or beams.
    """

    kind: str
    shapes: tuple[Outline | Line, ...]
    x0: float
    x1: float
    y: float  # its middle, or the height that it stands for if it has a name
    name: str = ""


@dataclass(frozen=True)
class Engraving:
    """A page with one staff: its elements, and the heights of the staff's lines."""

    elements: tuple[DrawnElement, ...]
    top_line: float
    interline: float

    def steps(self, y: float) -> float:
        """A height as steps above the lowest line."""
        return (self.top_line + 4 * self.interline - y) / self.interline * 2


def measure_element(kind: str, shapes: tuple[Outline | Line, ...]) -> DrawnElement:
    """The element that some shapes make."""
    points = np.vstack([_corners(shape) for shape in shapes])
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return DrawnElement(kind, shapes, float(x0), float(x1), float(y0 + y1) / 2)


def _corners(shape: Outline | Line) -> Points:
    if isinstance(shape, Outline):
        return np.vstack(shape.contours)
    return np.array(((shape.x0, shape.y0), (shape.x1, shape.y1)))


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
    _Comparison(engraving, symbols).compare()


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

    def __init__(self, engraving: Engraving, symbols: Sequence[Symbol]) -> None:
        self.engraving = engraving
        self.symbols = symbols
        self.waiting = self._by_place(lambda e: e.kind in _ORDERED)
        self.accidentals = self._by_place(lambda e: e.kind == "Accidental" and e.name != "")
        self.flags = self._by_place(lambda e: e.kind == "Flag")
        self.clef = Clef("G", 2)
        self.key = KeySignature(0)

    def _by_place(self, wanted: _Filter) -> list[DrawnElement]:
        return sorted(filter(wanted, self.engraving.elements), key=lambda element: element.x0)

    def compare(self) -> None:
        for symbol, shown in zip(self.symbols, shown_accidentals(self.symbols), strict=True):
            self._compare(symbol, shown)
        left = [*self.waiting, *self.flags]
        if left:
            raise _mismatch(f"a {left[0].kind} too many")

    def _compare(self, symbol: Symbol, shown: tuple[str | None, ...]) -> None:
        if isinstance(symbol, Clef):
            self._compare_clef(symbol)
        elif isinstance(symbol, PercussionClef):
            _expect(self._take("Clef", 1), "clef-p3")
        elif isinstance(symbol, MeasureRepeat):
            self._take("MeasureRepeat", 1)
        elif isinstance(symbol, Slash):
            self._take("Note", 1)
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
            self._compare_heads(symbol, shown)
        elif isinstance(symbol, Rest):
            _expect(self._take("Rest", 1), symbol.duration.base)
        elif isinstance(symbol, Multirest):
            taken_rest = self._take_run("Rest")
            if len(taken_rest) < len(str(symbol.count)) + 1:
                raise _mismatch("another multirest")
            _expect(taken_rest, str(symbol.count))
        elif isinstance(symbol, Barline):
            self._compare_barline(symbol)

    def _compare_clef(self, clef: Clef) -> None:
        (drawn,) = self._take("Clef", 1)
        if drawn.name:
            _expect((drawn,), str(clef))
            if abs(self.engraving.steps(drawn.y) - 2 * (clef.line - 1)) > 0.4:
                raise _mismatch("a clef at another height")
        self.clef = clef

    def _compare_heads(self, note: Note, shown: tuple[str | None, ...]) -> None:
        heads = self._take("Note", len(note.pitches))
        _expect(heads, _BASES[min(_BASES.index(note.duration.base), _BLACK)])
        said = [pitch.diatonic - self.clef.bottom_line for pitch in note.pitches]
        if heads[0].name:
            wanted = [(place, name) for place, name in zip(said, shown, strict=True) if name]
            self._compare_accidentals(min(head.x0 for head in heads), sorted(wanted))
            self._compare_flags(note)
        elif note.duration.base == "quadruple_whole":  # its head has a tail
            return
        if self._differ(heads, sorted(said)):
            raise _mismatch("a note at another height")

    def _compare_accidentals(self, right: float, wanted: Sequence[tuple[int, str]]) -> None:
        """Take the accidentals of a note that begins at `right`, given by step and name."""
        number = len(wanted)
        taken, self.accidentals = self.accidentals[:number], self.accidentals[number:]
        if len(taken) < number or any(element.x0 > right for element in taken):
            raise _mismatch("an accidental at another place")
        if self._differ(taken, [place for place, _ in wanted]):
            raise _mismatch("an accidental at another height")
        taken.sort(key=lambda element: -element.y)
        for element, (_, name) in zip(taken, wanted, strict=True):
            _expect((element,), name)

    def _compare_flags(self, note: Note) -> None:
        flags = _BASES.index(note.duration.base) - _BLACK
        if flags > 0:
            if not self.flags:
                raise _mismatch("a note without its flag")
            _expect((self.flags.pop(0),), str(flags))

    def _differ(self, elements: Sequence[DrawnElement], places: Sequence[int]) -> bool:
        """Whether the elements stand elsewhere than at these steps, which go up."""
        drawn = sorted(self.engraving.steps(element.y) for element in elements)
        return any(abs(a - b) > 0.4 for a, b in zip(drawn, places, strict=True))

    def _compare_barline(self, barline: Barline) -> None:
        lines, dots = _STROKES[barline.kind]
        taken = self._take("BarLine", lines + dots)
        if sum(isinstance(element.shapes[0], Line) for element in taken) != lines:
            raise _mismatch("another barline")
        _expect(taken, barline.kind)

    def _take(self, kind: str, number: int) -> list[DrawnElement]:
        taken, self.waiting = self.waiting[:number], self.waiting[number:]
        if len(taken) < number or any(element.kind != kind for element in taken):
            raise _mismatch(f"something other than a {kind}")
        return taken

    def _take_run(self, kind: str) -> list[DrawnElement]:
        number = next((i for i, e in enumerate(self.waiting) if e.kind != kind), len(self.waiting))
        return self._take(kind, number)


def _expect(elements: Sequence[DrawnElement], name: str) -> None:
    """Compare the names of elements, where they have any."""
    for element in elements:
        if element.name not in ("", name):
            raise _mismatch(f"a {element.kind} of {element.name} instead of {name}")


def _mismatch(found: str) -> InputError:
    return InputError(f"The engraving shows {found}; leave this music out.")
