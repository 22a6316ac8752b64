"""What a model read in one image, token by token: how sure it was, and where on the page it looked.

Needs nothing but the standard library, so that results can be judged, kept and drawn without the
modules that made them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from omrcli.metrics import align


@dataclass(frozen=True)
class StaffBox:
    """A staff on its page: 0-based page, box of the five lines and interline in page px."""

    page: int
    x0: float
    y0: float
    x1: float
    y1: float
    interline: float


@dataclass(frozen=True)
class Mark:
    """What a model knew of a token: confidence in 0..1, and where it read it.

    `staff` is a place in `Reading.boxes`; `left` and `right` are page x in px.
    """

    confidence: float
    staff: int
    left: float
    right: float


Marks = tuple["Mark | None", ...]


@dataclass(frozen=True)
class Reading:
    """What a model read in one image: the tokens of `staves` staves as one sequence.

    `marks` stand beside the tokens, None where nothing is known of one; without any mark the tuple
    may be left empty.
    """

    tokens: tuple[str, ...]
    staves: int = 1
    marks: Marks = ()
    boxes: tuple[StaffBox, ...] = ()

    def __post_init__(self) -> None:
        if self.marks and len(self.marks) != len(self.tokens):
            raise ValueError(f"{len(self.marks)} marks for {len(self.tokens)} tokens")


def carry_marks(texts: Sequence[str], marks: Marks, changed: Sequence[str]) -> Marks:
    """The marks of a sequence after some of its texts were rewritten, left out or put in.

    A text that was put in has None, unless it stands where a text was taken out.
    """
    if not marks:
        return ()
    if list(texts) == list(changed):
        return marks
    known = iter(marks)
    carried: list[Mark | None] = []
    for pair in align(texts, changed):
        mark = next(known) if pair.reference is not None else None
        if pair.prediction is not None:
            carried.append(mark)
    return tuple(carried)


def mark_confidences(marks: Iterable[Mark | None]) -> list[float | None]:
    """The confidence of each token, None where it is unknown."""
    return [None if mark is None else mark.confidence for mark in marks]
