"""PageImage -> Staves -> StaffImages: find five-line staves, cut each out straight and to size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from omrcli.pages.image import PageImage, Pixels

from .lines import trace_lines
from .sheet import (
    Curve,
    FiveLines,
    Floats,
    Sheet,
    divide_paper,
    make_sheet,
    remember_sheet,
)
from .sizes import Interline, find_other_sizes, measure_interlines
from .systems import order_staves

#: Height in interlines from which an image may hold staves of several sizes.
_MIN_PAGE = 30
_PIECE = 8192  # px of a normalised staff that are cut out at once
#: Staves shrunk by less than this are taken as they are: it would only blur them.
_NEARLY = 0.9
#: Interlines above and below a staff, and beside it, that are shrunk with it.
_ROOM, _MARGIN = 11.5, 3.0


@dataclass(frozen=True, eq=False)
class Staff:
    """Five lines on a page, all measures in page px.

    The box (x0, y0, x1, y1) spans the lines; `lines` are five curves, top first: arrays of the y of
    a line at the places `xs`. `index` counts the page's staves in reading order, `system` its
    systems (staves joined by a line on their left).
    """

    x0: float
    y0: float
    x1: float
    y1: float
    lines: tuple[Curve, ...]
    xs: Curve
    interline: float
    line_thickness: float
    system: int = 0
    index: int = 0


@dataclass(frozen=True)
class StaffGeometry:
    """Size of a normalised staff in px: `above` and `below` are interlines outside the lines."""

    interline: int = 8
    above: int = 5
    below: int = 5

    @property
    def height(self) -> int:
        """Height of the image in px."""
        return self.interline * (self.above + 4 + self.below)

    @property
    def top_line(self) -> int:
        """Row of the top line in px."""
        return self.interline * self.above


@dataclass(frozen=True, eq=False)
class StaffImage:
    """A staff cut out: `pixels` (H, W) float32, ink = 1, paper = 0, lines straight.

    `scale` is page px per px of this image, `x_offset` the page x of its left edge.
    """

    pixels: Floats
    staff: Staff
    scale: float
    x_offset: float

    def page_x(self, x: float) -> float:
        """Return the page x in px of an x of this image."""
        return self.x_offset + x * self.scale


def find_staves(page: PageImage) -> list[Staff]:
    """Return the page's five-line staves in reading order; none on a page without music."""
    sheet: Sheet | None = None
    for interline in measure_interlines(page.pixels):
        made = make_sheet(page.pixels, interline.size)
        sheet = sheet or made
        if found := list(trace_lines(made)):
            remember_sheet(page, made)
            return order_staves(_make_staves(page, made, found, interline), made)
    if sheet is not None:
        remember_sheet(page, sheet)
    return []


def _make_staves(
    page: PageImage, sheet: Sheet, found: Sequence[FiveLines], interline: Interline
) -> list[Staff]:
    """The staves found on a sheet, and those of other sizes beside them."""
    staves: list[Staff] = []
    _add_staves(staves, sheet, found, interline.thickness)
    if len(page.pixels) >= _MIN_PAGE * interline.size:
        for size in find_other_sizes(sheet, found):
            other = make_sheet(page.pixels, size / sheet.scale)
            _add_staves(staves, other, trace_lines(other), interline.thickness)
    return staves


def _add_staves(
    staves: list[Staff], sheet: Sheet, found: Iterable[FiveLines], thickness: float
) -> None:
    """Add what was found, unless there is a staff already."""
    for lines in found:
        staff = _make_staff(sheet, lines, thickness)
        if not any(_overlap(staff, other) for other in staves):
            staves.append(staff)


def _overlap(one: Staff, other: Staff) -> bool:
    """Tell whether two staves share some of the page."""
    return min(one.x1, other.x1) > max(one.x0, other.x0) and min(one.y1, other.y1) > max(
        one.y0, other.y0
    )


def _make_staff(sheet: Sheet, found: FiveLines, thickness: float) -> Staff:
    lines = sheet.page_y(found.rows)
    x0, x1 = (float(x) for x in sheet.page_x(np.array([found.left, found.right])))
    return Staff(
        x0=max(x0, 0.0),
        y0=float(lines[0].min()),
        x1=x1,
        y1=float(lines[4].max()),
        lines=tuple(lines),
        xs=sheet.page_x(found.columns.astype(float)),
        interline=float((lines[4] - lines[0]).mean() / 4),
        line_thickness=thickness,
    )


def normalise_staff(page: PageImage, staff: Staff, geometry: StaffGeometry) -> StaffImage:
    """Cut a staff out of its page, with straight level lines `geometry.interline` px apart.

    The image reaches one interline beyond the staff on both sides; outside the page is paper.
    """
    places = place_pixels(staff, geometry)
    return make_image(cut_pixels(page, staff, places), staff, geometry)


def make_image(pixels: Pixels, staff: Staff, geometry: StaffGeometry) -> StaffImage:
    """The image of a staff whose (H, W) grey pixels were cut out."""
    ink = _to_ink(pixels, geometry.interline)
    scale = staff.interline / geometry.interline
    return StaffImage(ink, staff, scale, staff.x0 - staff.interline)


# --- normalising ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Places:
    """Where each px of a normalised staff at twice its size is on the page, in px of it.

    `across` and `down` are (2H, 2W); `scale` is page px per px of the normalised staff.
    """

    across: Floats
    down: Floats
    scale: float


def place_pixels(staff: Staff, geometry: StaffGeometry) -> Places:
    """Where the pixels of a normalised staff come from."""
    scale = staff.interline / geometry.interline
    width = max(1, round((staff.x1 - staff.x0 + 2 * staff.interline) / scale))
    xs = staff.x0 - staff.interline + (np.arange(2 * width) + 0.5) / 2 * scale - 0.5
    lines = np.stack([_extend(xs, staff.xs, line) for line in staff.lines])
    rows = (np.arange(2 * geometry.height) + 0.5) / 2 - 0.5
    steps = (rows - geometry.top_line) / geometry.interline
    # A turned page turns the stems with the lines.
    slope = np.polyfit(staff.xs, staff.lines[2], 1)[0]
    lean = (slope * staff.interline * (2 - steps)).astype(np.float32)
    across = xs.astype(np.float32) + lean[:, None]
    # Not `@`: its threads spin longer than so small a product takes.
    down = np.einsum("rl,lx->rx", _line_shares(steps), lines.astype(np.float32))
    return Places(across, down, scale)


def cut_pixels(page: PageImage, staff: Staff, places: Places) -> Pixels:
    """The page at places, (H, W) uint8."""
    # Twice the size first, then halved: neither step drops or doubles thin lines.
    factor = min(1.0, 2 / places.scale)
    # Only what is about the staff is shrunk, the same for every geometry.
    room = _ROOM * staff.interline
    left, top = max(0, int(staff.x0 - _MARGIN * staff.interline)), max(0, int(staff.y0 - room))
    top = max(0, min(top, int(places.down.min())))
    bottom = int(max(staff.y1 + room, places.down.max())) + 2
    source = page.pixels[top:bottom, left : int(staff.x1 + _MARGIN * staff.interline) + 2]
    if factor < _NEARLY and source.size:
        source = _shrink(source, factor)
    else:
        factor = 1.0
    across, down = (places.across - left + 0.5) * factor, (places.down - top + 0.5) * factor
    across -= 0.5
    down -= 0.5
    large = look_up(source, across, down)
    size = (across.shape[1] // 2, across.shape[0] // 2)
    return np.asarray(cv2.resize(large, size, interpolation=cv2.INTER_AREA), np.uint8)


def _shrink(pixels: Pixels, factor: float) -> Pixels:
    """Resize by area to exactly `factor`, which is below 1."""
    # A page may be thinner than a px of the result.
    least = int(np.ceil(1 / factor))
    rows, columns = (max(0, least - side) for side in pixels.shape)
    if rows or columns:
        pixels = np.pad(pixels, ((0, rows), (0, columns)), "edge")
    return np.asarray(
        cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8
    )


def look_up(source: Pixels, across: Floats, down: Floats, outside: int = 255) -> Pixels:
    """The source at each (across, down), between its px; `outside` beyond it.

    OpenCV takes no side of 32,767 px or more, and strips of music are longer; so it goes by pieces.
    """
    pieces: list[Pixels] = []
    for left in range(0, across.shape[1], _PIECE):
        x, y = across[:, left : left + _PIECE], down[:, left : left + _PIECE]
        first, top = (max(0, int(at.min()) - 1) for at in (x, y))
        part = source[
            top : max(top + 1, int(y.max()) + 3), first : max(first + 1, int(x.max()) + 3)
        ]
        if not part.size:  # all of it is outside
            pieces.append(np.full(x.shape, outside, np.uint8))
            continue
        piece = cv2.remap(
            *(part, x - np.float32(first), y - np.float32(top)),
            interpolation=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=outside,
        )
        pieces.append(np.asarray(piece, np.uint8))
    return np.hstack(pieces)


def _line_shares(steps: Curve) -> Floats:
    """How much each line's y counts in the y of each row, (rows, 5).

    `steps` says where the rows are, in interlines below the top line. Between two lines it is their
    mixture; outside the staff rows are a mean interline apart.
    """
    inside = np.clip(steps, 0, 4)
    shares = np.maximum(1 - np.abs(inside[:, None] - np.arange(5)), 0)
    outside = (steps - inside) / 4
    shares[:, 4] += outside
    shares[:, 0] -= outside
    return np.asarray(shares, np.float32)


def _extend(x: Curve, xs: Curve, ys: Curve) -> Curve:
    """Interpolate; beyond the ends go on along the slope at the end."""
    out = np.interp(x, xs, ys)
    if len(xs) < 3:
        return out
    for side, end, inner in ((x < xs[0], 0, 2), (x > xs[-1], -1, -3)):
        slope = (ys[end] - ys[inner]) / (xs[end] - xs[inner])
        out[side] = ys[end] + slope * (x[side] - xs[end])
    return out


def _to_ink(pixels: Pixels, interline: float) -> Floats:
    """Divide by the paper around each px: (H, W) float32, ink about 1, paper about 0."""
    ink = divide_paper(pixels, interline)
    # The solid parts (heads, beams, stems, at least the lines) are 1, the grain of the paper 0.
    usual, solid = (float(level) for level in np.percentile(ink, (50, 99)))
    full = max(solid, 0.15)
    grain = min(usual, 0.3 * full)
    return np.asarray(np.clip((ink - grain) / (full - grain), 0, 1), np.float32)
