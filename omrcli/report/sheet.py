"""A transcription and the crops of its staves -> all that a proof sheet shows, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from omrcli.errors import TokenError
from omrcli.pages.image import STDIN
from omrcli.reading.alternatives import Alternative
from omrcli.score.assembly import StaffLine
from omrcli.score.carrying import InForce, carry_signs, copy_signs
from omrcli.score.checks import measure_warnings
from omrcli.score.parts import Arrangement, arrange_parts
from omrcli.tokens import Barline, Symbol, Tie, Token, parse_symbol

from .crops import Crop
from .engraving import Ruling, engrave_staff
from .marks import LEDGERS, Engraving, mark_box
from .staff_mei import find_opening

if TYPE_CHECKING:
    from omrcli.pipeline import Page, StaffReading, Transcription

#: Doubt from which a token is marked (docs/report.md measures it).
DOUBT = 0.05
#: Units of a token that tell where it stands; what belongs to them stands beside.
_HEADS = ("note.", "grace.", "rest.")
#: A token is shown at least so large, and with so much around it, in interlines.
_LEAST_SIZE, _AROUND = 1.2, 0.35

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class ProofToken:
    """A token: `box` (left, top, right, bottom) is in px of the crop, y from the top line down;
    `line` is the y of the top line there, and `x` the middle of where it was read. `doubt` is that
    of `measure_doubt`."""

    text: str
    confidence: float
    box: Box
    line: float
    x: float
    alternatives: tuple[Alternative, ...] = ()
    doubt: float = 0.0


@dataclass(frozen=True)
class ProofStaff:
    """A staff: where it is, its image, its tokens and how they look engraved.

    Page, system and staff count from 1, `place` is 0-based through the piece; `clef`, `key` and
    `time` are token texts of what is in force before it. `edges` are the crop's x of its two ends,
    and `space` is the distance of its lines in px of the page.
    """

    name: str
    source: str
    page: int
    system: int
    staff: int
    crop: Crop
    edges: tuple[float, float]
    space: float
    tokens: tuple[ProofToken, ...]
    engraving: Engraving | None = None
    clef: str | None = None
    key: str | None = None
    time: str | None = None


@dataclass(frozen=True)
class ProofSheet:
    """Everything that the page shows.

    `systems` are lists of staves that sound together, one entry a part, None where a part has no
    staff. Without a `has_score` the tokens are none of the semantic encoding.
    """

    title: str
    stem: str
    staves: tuple[ProofStaff, ...]
    systems: tuple[tuple[int | None, ...], ...]
    has_score: bool
    model: str
    version: str
    warnings: tuple[str, ...]
    threshold: float


def make_sheet(
    transcription: Transcription, crops: Sequence[Crop], threshold: float = DOUBT
) -> ProofSheet:
    """Put a transcription beside the crops of its staves, which are in the same order.

    Raises:
        MissingDependencyError: Verovio is not installed.
    """
    score = transcription.score
    lines = list(place_lines(transcription.staves))
    arrangement = arrange_parts(lines) if score else _one_by_one(len(lines))
    before = _states(lines, arrangement) if score else [InForce() for _ in lines]
    names = _name_staves(transcription)
    pages = {page.index: page for page in transcription.pages}
    staves = []
    for place, (reading, crop) in enumerate(zip(transcription.staves, crops, strict=True)):
        staff = _Staff(reading, crop, transcription.model.spec.units, before[place])
        staves.append(staff.make(names[place], pages[reading.page], score is not None))
    spec = transcription.model.spec
    # Measures that do not add up are found by the page itself, as they change with corrections.
    amiss = set(map(str, measure_warnings(score))) if score else set()
    return ProofSheet(
        title=(score.title if score else None) or _shown(transcription.source),
        stem=_stem(transcription.source),
        staves=tuple(staves),
        systems=tuple(system.staves for system in arrangement.systems),
        has_score=score is not None,
        model=f"{transcription.model.name} {spec.version}".strip(),
        version=transcription.model.sha256[:12],
        warnings=tuple(text for text in transcription.warnings if text not in amiss),
        threshold=threshold,
    )


def place_lines(readings: Sequence[StaffReading]) -> Iterator[StaffLine]:
    """The staves with their places in their systems."""
    place, last = 0, None
    for reading in readings:
        here = (reading.page, reading.staff.system)
        place, last = (place + 1 if here == last else 0), here
        staff = reading.staff
        box = (staff.x0, staff.y0, staff.x1, staff.y1)
        yield StaffLine(reading.tokens, *here, place, box, reading.spans)


def _one_by_one(count: int) -> Arrangement:
    """Systems of one staff each."""
    return arrange_parts([StaffLine((), 0, number) for number in range(count)])


def _states(lines: Sequence[StaffLine], arrangement: Arrangement) -> list[InForce]:
    """What is in force before each staff."""
    states = [InForce() for _ in lines]

    def note(index: int, state: InForce) -> Sequence[Token]:
        states[index] = copy_signs(state)
        return lines[index].tokens

    carry_signs(lines, note, arrangement)
    return states


def _shown(source: str) -> str:
    return "standard input" if source == STDIN else Path(source).name


def _stem(source: str) -> str:
    """A file name without what a file system or an archive may take amiss."""
    stem = "stdin" if source == STDIN else Path(source).stem
    return "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in stem)[:80] or "score"


def _name_staves(transcription: Transcription) -> list[str]:
    """A file name for each staff, no two alike."""
    stem = _stem(transcription.source)
    return [
        f"{stem}-{reading.page + 1:03}-{reading.staff.index + 1:02}"
        for reading in transcription.staves
    ]


@dataclass(frozen=True)
class _Staff:
    """A staff being made into what the page shows."""

    reading: StaffReading
    crop: Crop
    units: Sequence[str]
    before: InForce

    def make(self, name: str, page: Page, has_score: bool) -> ProofStaff:
        symbols = _parse([token.text for token in self.reading.tokens]) if has_score else None
        engraving = None
        if symbols:
            ruling = Ruling(self.crop.x(self.reading.staff.x0), self.crop.interline)
            engraving = engrave_staff(symbols, self._wanted(symbols), ruling, self.before)
        staff, key = self.reading.staff, self.before.accidentals.key
        return ProofStaff(
            name=name,
            source=_shown(page.source),
            page=page.index + 1,
            system=staff.system + 1,
            staff=staff.index + 1,
            crop=self.crop,
            edges=(self.crop.x(staff.x0), self.crop.x(staff.x1)),
            space=(staff.y1 - staff.y0) / 4,
            tokens=tuple(self._tokens(engraving)),
            engraving=engraving,
            clef=str(self.before.clef) if self.before.clef else None,
            key=str(key) if key.fifths else None,
            time=str(self.before.time) if self.before.time else None,
        )

    def _wanted(self, symbols: Sequence[Symbol]) -> dict[int, float]:
        """Where in the crop each token was read, ties and the signs that open a staff apart.

        A network may say those signs anywhere before the first note, so they stand where they
        always do; and a barline at the end is that of the staff.
        """
        opening = len(find_opening(symbols))
        middles = dict(enumerate(map(self._middle, range(len(symbols)))))
        wanted = {n: x for n, x in middles.items() if not isinstance(symbols[n], Tie)}
        if symbols and isinstance(symbols[-1], Barline) and len(symbols) > opening + 1:
            wanted[len(symbols) - 1] = self.crop.x(self.reading.staff.x1)
        return {n: x for n, x in wanted.items() if n >= opening}

    def _middle(self, place: int) -> float:
        """The crop's x of the middle of a token: of a note, its head's."""
        token, span = self.reading.tokens[place], self.reading.spans[place]
        for unit, found in zip(self.reading.units, self.reading.unit_spans, strict=True):
            inside = token.start <= unit.start and unit.end <= token.end
            if inside and self.units[unit.index].startswith(_HEADS):
                span = found
                break
        return self.crop.x(sum(span) / 2)

    def _tokens(self, engraving: Engraving | None) -> Iterator[ProofToken]:
        boxes = _token_boxes(engraving) if engraving else {}
        alternatives: Iterable[tuple[Alternative, ...]] = self.reading.alternatives
        known = dict(enumerate(alternatives))
        for place, token in enumerate(self.reading.tokens):
            box = boxes.get(place) or self._plain_box(place)
            line = self._top_line((box[0] + box[2]) / 2)
            spread = _spread(box, self.crop.interline)
            others, doubt = known.get(place, ()), measure_doubt(self.reading, place)
            x = self.crop.x(sum(self.reading.spans[place]) / 2)
            yield ProofToken(token.text, token.confidence, spread, line, x, others, doubt)

    def _plain_box(self, place: int) -> Box:
        """A box as high as the staff, where nothing was engraved."""
        left, right = (self.crop.x(x) for x in self.reading.spans[place])
        return left, 0.0, right, 4 * self.crop.interline

    def _top_line(self, x: float) -> float:
        staff = self.reading.staff
        page_x = x / self.crop.scale + self.crop.left
        return self.crop.y(float(np.interp(page_x, staff.xs, staff.lines[0])))


def measure_doubt(reading: StaffReading, place: int) -> float:
    """How likely a token was itself misread: by its own units, and by its best alternative.

    Its confidence also counts the clef and the key that a pitch rests on, so that one doubtful sign
    would mark all notes of its staff.
    """
    token = reading.tokens[place]
    own = [
        unit.confidence
        for unit in reading.units
        if token.start <= unit.start and unit.end <= token.end
    ]
    others = reading.alternatives[place] if reading.alternatives else ()
    return max([1 - min(own, default=token.confidence), *(share for _, share in others)])


def _parse(texts: Sequence[str]) -> list[Symbol] | None:
    try:
        return [parse_symbol(text) for text in texts]
    except TokenError:
        return None


def _token_boxes(engraving: Engraving) -> dict[int, Box]:
    """The box of each token's marks; ties are only a part of what they join."""
    boxes: dict[int, Box] = {}
    for mark in engraving.marks:
        if mark.token is None or mark.part == LEDGERS:
            continue
        box = mark_box(mark, engraving)
        other = boxes.get(mark.token, box)
        boxes[mark.token] = (
            *(min(box[0], other[0]), min(box[1], other[1])),
            *(max(box[2], other[2]), max(box[3], other[3])),
        )
    return boxes


def _spread(box: Box, interline: float) -> Box:
    left, top, right, bottom = box
    around = _AROUND * interline
    wide = max(0.0, _LEAST_SIZE * interline - (right - left)) / 2 + around
    high = max(0.0, _LEAST_SIZE * interline - (bottom - top)) / 2 + around
    return left - wide, top - high, right + wide, bottom + high
