"""Pages with what was found and read drawn over them: one sees where a reading went wrong."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from omrcli.output import make_folder, write_file
from omrcli.pages.image import STDIN
from omrcli.score.checks import measure_warnings
from omrcli.score.score import Score
from omrcli.staves.staff import Staff, StaffGeometry
from omrcli.token_labels import LEGEND, label_token

if TYPE_CHECKING:
    from omrcli.pipeline import Page, PageReading, StaffReading

Colour = tuple[int, int, int]
Canvas = NDArray[np.uint8]

#: The page is drawn so large that its interline has so many px, within limits.
INTERLINE = 26.0
MAX_SCALE, MAX_SIDE = 4.0, 7000
#: Confidence from which a token is green, and amber; below it is red and shows its confidence.
SURE, DOUBTFUL = 0.9, 0.6
_GREEN, _AMBER, _RED = (0, 105, 40), (185, 95, 0), (205, 0, 0)
_SYSTEMS: tuple[Colour, ...] = ((20, 90, 220), (150, 40, 190), (0, 140, 150), (190, 80, 20))
_FLAG: Colour = (255, 60, 60)
_FLAG_SHARE = 0.28
_INK_SHARE = 0.6  # of the darkness of the page, which stands behind what is drawn
_FONT, _ROW, _GAP = 19, 23, 5  # px
_HEADER = 84  # px
_FOOT_ROWS = 4
_FIRST_ROW = 1.6  # interlines below the bottom line
_PAGE_QUALITY, _QUALITY = 92, 88


@dataclass(frozen=True, eq=False)
class _Seen:
    """A page kept until the score is known: its pixels as JPEG, and its first staff's index."""

    page: Page
    pixels: bytes
    staves: tuple[StaffReading, ...]
    first: int


@dataclass(frozen=True)
class Flag:
    """A measure that does not add up: its tokens on a staff, and what it has to say."""

    staff: int
    tokens: tuple[int, ...]
    text: str


class DebugView:
    """Gathers pages as they are read, and draws them when the score is known."""

    def __init__(self, folder: Path, geometry: StaffGeometry, name: str | None = None) -> None:
        """`folder` is made when it is needed; `geometry` is that of the crops.

        `name` is what the drawings are called; None calls them after the file that they are of.
        """
        self._folder = folder
        self._geometry = geometry
        self._name = name
        self._seen: list[_Seen] = []
        self._staves = 0

    def add(self, reading: PageReading) -> None:
        """Keep a page that was read, as JPEG: a page of paper and ink takes about 1 MB."""
        quality = [cv2.IMWRITE_JPEG_QUALITY, _PAGE_QUALITY]
        _, packed = cv2.imencode(".jpg", reading.image.pixels, quality)
        self._seen.append(_Seen(reading.page, packed.tobytes(), reading.staves, self._staves))
        self._staves += len(reading.staves)

    def write(self, score: Score | None = None) -> list[Path]:
        """Write `NAME-001.jpg` and so on, one for each page; return their paths.

        Raises:
            OutputError: the folder or a file cannot be written.
        """
        flags = find_flags(score) if score else []
        paths = []
        for seen in self._seen:
            make_folder(self._folder)
            stem = "stdin" if seen.page.source == STDIN else Path(seen.page.source).stem
            paths.append(self._folder / f"{self._name or stem}-{seen.page.index + 1:03}.jpg")
            write_file(paths[-1], self._draw(seen, flags))
        return paths

    def _draw(self, seen: _Seen, flags: Sequence[Flag]) -> bytes:
        packed = np.frombuffer(seen.pixels, np.uint8)
        pixels = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)
        drawing = _Drawing(pixels, seen.staves, self._geometry)
        for flag in flags:
            place = flag.staff - seen.first
            if 0 <= place < len(seen.staves):
                drawing.flag(seen.staves[place], flag)
        for reading in seen.staves:
            drawing.outline(reading.staff)
        drawing.brace_systems(seen.staves)
        return drawing.finish(_describe(seen))


def find_flags(score: Score) -> list[Flag]:
    """The measures that do not add up, one Flag for each staff that they stand on."""
    wanted: dict[tuple[int, int, int], str] = {}
    for item in measure_warnings(score):
        text = f"measure {item.number}: {item.lengths}"
        wanted[item.part or 0, item.number, item.staff] = text
    flags = []
    for number, part in enumerate(score.parts):
        for measure in part.measures:
            said = wanted.get((number, measure.number, measure.staff))
            events = [event for event in measure.events if not event.filler]
            for staff in sorted({event.staff for event in events}) if said else ():
                tokens = tuple(event.token for event in events if event.staff == staff)
                flags.append(Flag(staff, tokens, said or ""))
    return flags


class _Drawing:
    """One page being drawn. Lines are drawn first; labels stand over them."""

    def __init__(
        self, pixels: Canvas, staves: Sequence[StaffReading], geometry: StaffGeometry
    ) -> None:
        interline = float(np.median([item.staff.interline for item in staves] or [INTERLINE]))
        longest = max(pixels.shape)
        self.scale = min(INTERLINE / interline, MAX_SCALE, MAX_SIDE / longest)
        size = (round(pixels.shape[1] * self.scale), round(pixels.shape[0] * self.scale))
        method = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_LINEAR
        grey = cv2.resize(pixels, size, interpolation=method).astype(np.float32)
        faint = (255 - (255 - grey) * _INK_SHARE).astype(np.uint8)
        self.canvas: Canvas = cv2.cvtColor(faint, cv2.COLOR_GRAY2RGB).astype(np.uint8)
        self.staves = staves
        self.geometry = geometry
        self.notes: list[tuple[int, int, str]] = []  # remarks above staves: x, y, text

    def flag(self, reading: StaffReading, flag: Flag) -> None:
        """Tint the part of a staff where a measure does not add up."""
        spans = [reading.spans[token] for token in flag.tokens]
        staff = reading.staff
        margin = staff.interline
        left, right = min(a for a, _ in spans) - margin, max(b for _, b in spans) + margin
        area = self._band(staff, left, right, 1.0, 1.0)
        tinted = self.canvas.copy()
        cv2.fillPoly(tinted, [area], _FLAG)
        cv2.addWeighted(tinted, _FLAG_SHARE, self.canvas, 1 - _FLAG_SHARE, 0, self.canvas)
        self.notes.append((area[0][0], area[0][1] - _ROW, flag.text))

    def outline(self, staff: Staff) -> None:
        """Draw the five lines as they were traced, and the edge of what was cut out."""
        colour = _SYSTEMS[staff.system % len(_SYSTEMS)]
        for line in staff.lines:
            self._curve(staff.xs, line, colour, 1)
        edge = staff.interline
        above, below = self.geometry.above, self.geometry.below
        crop = self._band(staff, staff.x0 - edge, staff.x1 + edge, above, below)
        pale = _pale(colour)
        cv2.polylines(self.canvas, [crop], True, pale, 1, cv2.LINE_AA)

    def brace_systems(self, staves: Sequence[StaffReading]) -> None:
        """Draw a bar at the left of each system, from its top line to its bottom line."""
        for system in sorted({item.staff.system for item in staves}):
            members = [item.staff for item in staves if item.staff.system == system]
            x = min(staff.x0 for staff in members) - members[0].interline * 0.6
            ends = min(staff.y0 for staff in members), max(staff.y1 for staff in members)
            top, bottom = (self._point(x, y) for y in ends)
            cv2.line(self.canvas, top, bottom, _SYSTEMS[system % len(_SYSTEMS)], 5, cv2.LINE_AA)

    def finish(self, title: str) -> bytes:
        """Write the labels and the header; the whole as a JPEG."""
        height, width = self.canvas.shape[:2]
        page = np.full((_HEADER + height + self._foot(), width, 3), 255, np.uint8)
        page[_HEADER : _HEADER + height] = self.canvas
        image = Image.fromarray(page)
        pen = _Pen(image)
        for reading in self.staves:
            self._label(pen, reading)
        for left, top, text in self.notes:
            pen.plate(max(0, left), top + _HEADER, text, _RED)
        pen.text(8, 6, title, (0, 0, 0))
        x = 8.0
        sure, doubtful = f"{SURE:.0%} sure or more", f"{DOUBTFUL:.0%} or more"
        for text, colour in ((sure, _GREEN), (doubtful, _AMBER), ("less", _RED)):
            x = pen.text(x, 6 + _ROW, text, colour) + 14
        pen.text(x, 6 + _ROW, "red ground: a measure that does not add up", _FLAG)
        pen.text(8, 6 + 2 * _ROW, LEGEND, (90, 90, 90))
        packed = io.BytesIO()
        image.save(packed, "JPEG", quality=_QUALITY, subsampling=0)
        return packed.getvalue()

    def _foot(self) -> int:
        """Px to add at the bottom, where the page ends too soon for the last labels."""
        staves = [item.staff for item in self.staves]
        ends = [self.scale * (staff.y1 + _FIRST_ROW * staff.interline) for staff in staves]
        return max(0, round(max(ends, default=0.0)) + _FOOT_ROWS * _ROW - len(self.canvas))

    def _label(self, pen: _Pen, reading: StaffReading) -> None:
        """Write the tokens of a staff under it, in as many rows as keep them apart."""
        staff = reading.staff
        rows: list[float] = []
        number = f"system {staff.system + 1}, staff {staff.index + 1}"
        x, y = self._point(staff.x0, staff.y0 - 1.5 * staff.interline)
        pen.plate(max(0, x), y + _HEADER - _ROW, number, _SYSTEMS[staff.system % len(_SYSTEMS)])
        for token, (left, right) in zip(reading.tokens, reading.spans, strict=True):
            centre = (left + right) / 2
            text, colour = label_token(token.text), _colour(token.confidence)
            if token.confidence < DOUBTFUL:
                text += f" {token.confidence:.0%}"
            width = pen.width(text)
            bottom = float(np.interp(centre, staff.xs, staff.lines[4]))
            at, foot = self._point(centre, bottom)
            start = max(0.0, at - width / 2)
            row = next((r for r, end in enumerate(rows) if end + _GAP <= start), len(rows))
            rows[row : row + 1] = [start + width]
            y = foot + round(_FIRST_ROW * staff.interline * self.scale) + row * _ROW + _HEADER
            pen.lead((at, foot + _HEADER), (at, y), colour)
            pen.plate(start, y, text, colour)

    def _band(
        self, staff: Staff, left: float, right: float, above: float, below: float
    ) -> NDArray[np.int32]:
        """The edge of the part of a staff from `left` to `right`, and so many interlines beyond."""
        xs = np.linspace(left, right, 24)
        top = np.interp(xs, staff.xs, staff.lines[0]) - above * staff.interline
        bottom = np.interp(xs, staff.xs, staff.lines[4]) + below * staff.interline
        edge = np.concatenate([np.stack([xs, top], 1), np.stack([xs, bottom], 1)[::-1]])
        return np.asarray(np.round(edge * self.scale), np.int32)

    def _curve(self, xs: NDArray[Any], ys: NDArray[Any], colour: Colour, thick: int) -> None:
        points = np.asarray(np.round(np.stack([xs, ys], 1) * self.scale), np.int32)
        cv2.polylines(self.canvas, [points], False, colour, thick, cv2.LINE_AA)

    def _point(self, x: float, y: float) -> tuple[int, int]:
        return round(x * self.scale), round(y * self.scale)


class _Pen:
    """Writes text on an image."""

    def __init__(self, image: Image.Image) -> None:
        self._draw = ImageDraw.Draw(image)
        self._font = ImageFont.load_default(_FONT)

    def width(self, text: str) -> float:
        """How wide a text is in px."""
        return float(self._draw.textlength(text, self._font))

    def text(self, x: float, y: float, text: str, colour: Colour) -> float:
        """Write a text with its top left corner at (x, y); return where it ends."""
        self._draw.text((x, y), text, colour, self._font)
        return x + self.width(text)

    def plate(self, x: float, y: float, text: str, colour: Colour) -> None:
        """Write a text on white, so that what is behind does not disturb."""
        ground = (x - 1, y, x + self.width(text) + 1, y + _ROW - 1)
        self._draw.rectangle(ground, (255, 255, 255))
        self.text(x, y, text, colour)

    def lead(self, start: tuple[float, float], end: tuple[float, float], colour: Colour) -> None:
        """Draw a thin line from a staff to a label."""
        self._draw.line((start, end), _pale(colour), 1)


def _pale(colour: Colour) -> Colour:
    red, green, blue = ((255 + part) // 2 for part in colour)
    return red, green, blue


def _colour(confidence: float) -> Colour:
    if confidence >= SURE:
        return _GREEN
    return _AMBER if confidence >= DOUBTFUL else _RED


def _describe(seen: _Seen) -> str:
    systems = len({item.staff.system for item in seen.staves})
    name = Path(seen.page.source).name if seen.page.source != STDIN else "standard input"
    found = f"{len(seen.staves)} staves in {systems} systems" if seen.staves else "no staff found"
    return f"{name}, page {seen.page.source_index + 1}: {found}"
