"""PageImage -> a sheet of working scale, on which thin level lines stand out."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from omrcli.pages.image import PageImage, Pixels

Floats = NDArray[np.float32]
Curve = NDArray[np.float64]
Place = TypeVar("Place", float, Curve, Floats)

#: Interlines in px at which staves are searched; other pages are resized to _WORK_INTERLINE.
_WORK_RANGE = (7.0, 13.0)
_WORK_INTERLINE = 10.0
#: Share by which the interline of a sheet that is used again can be off.
_SAME_SIZE = 0.05


@dataclass(frozen=True)
class Sheet:
    """A page at working scale: `lines` (H, W) is how much like a thin level line each px is, 0..1.

    `ink` (H, W) is 0..1. `pad` rows of paper were added above and below.
    """

    ink: Floats
    lines: Floats
    interline: float
    scale: float
    pad: int

    def page_y(self, y: Curve) -> Curve:
        """Return the page y of a y of this sheet."""
        return (y - self.pad + 0.5) / self.scale - 0.5

    def page_x(self, x: Curve) -> Curve:
        """Return the page x of an x of this sheet."""
        return (x + 0.5) / self.scale - 0.5

    def sheet_x(self, x: Place) -> Place:
        """Return the x on this sheet of a page x."""
        return (x + 0.5) * self.scale - 0.5

    def sheet_y(self, y: Place) -> Place:
        """Return the y on this sheet of a page y."""
        return (y + 0.5) * self.scale - 0.5 + self.pad


@dataclass(frozen=True, eq=False)
class FiveLines:
    """Five lines on a sheet, in its px: rows (5, n) at `columns` (n,), from `left` to `right`."""

    rows: Curve
    columns: NDArray[np.int64]
    left: float
    right: float


def divide_paper(pixels: Pixels, interline: float) -> Floats:
    """Return 1 - pixels / paper, (H, W) float32; the paper is the page with all ink closed over."""
    size = round(3 * interline) | 1
    kernel = np.ones((size, size), np.uint8)
    paper = cv2.morphologyEx(pixels, cv2.MORPH_CLOSE, kernel)
    paper = cv2.blur(paper, (size // 2 | 1, size // 2 | 1))
    share = np.asarray(cv2.divide(pixels, np.maximum(paper, 1), dtype=cv2.CV_32F), np.float32)
    np.subtract(1, share, out=share)
    return np.maximum(share, 0, out=share)


def make_sheet(pixels: Pixels, interline: float) -> Sheet:
    """Bring a page to working scale and find what looks like a thin level line."""
    low, high = _WORK_RANGE
    scale = 1.0 if low <= interline <= high else _WORK_INTERLINE / interline
    if scale != 1.0:
        size = tuple(max(1, round(side * scale)) for side in pixels.shape[::-1])
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=how), np.uint8)
    work = interline * scale
    ink = divide_paper(pixels, work)
    pad = round(4 * work)
    ink = np.pad(ink, ((pad, pad), (0, 0)))
    return Sheet(ink, _line_likeness(ink, work), work, scale, pad)


# The sheet of the page at hand, which is asked for twice; it goes with its page.
_last: tuple[weakref.ref[PageImage], Sheet] | None = None


def remember_sheet(page: PageImage, sheet: Sheet) -> None:
    """Keep the sheet of a page until the page is gone or the next one comes."""
    global _last

    def forget(gone: weakref.ref[PageImage]) -> None:
        global _last
        if _last is not None and _last[0] is gone:
            _last = None

    _last = weakref.ref(page, forget), sheet


def recall_sheet(page: PageImage, interline: float) -> Sheet:
    """The sheet of a page for an interline in px of the page, made only if it is not the last."""
    last = _last
    if last is not None and last[0]() is page:
        sheet = last[1]
        if abs(sheet.interline / sheet.scale / interline - 1) < _SAME_SIZE:
            return sheet
    return make_sheet(page.pixels, interline)


def _line_likeness(ink: Floats, interline: float) -> Floats:
    """How much darker a px is than those a third of an interline above and below it, 0..1."""
    reach = max(2, round(0.35 * interline))
    sides = np.zeros_like(ink)
    sides[reach:] = ink[:-reach]
    np.maximum(sides[:-reach], ink[reach:], out=sides[:-reach])
    ridge = np.subtract(ink, sides, out=sides)
    np.maximum(ridge, 0, out=ridge)
    total = float(ridge.sum())
    if total < 1:
        return ridge
    # The mean of the ridges weighted by themselves: about the contrast of the lines.
    usual = float(cv2.norm(ridge, cv2.NORM_L2SQR)) / total
    ridge *= np.float32(1 / max(0.7 * usual, 0.05))
    np.minimum(ridge, 1, out=ridge)
    width = round(2 * interline) | 1
    return np.asarray(cv2.blur(ridge, (width, 1), borderType=cv2.BORDER_REPLICATE), np.float32)


def sample(field: Floats, rows: Curve, columns: NDArray[np.int64]) -> Floats:
    """The field at fractional rows, by linear interpolation."""
    rows = np.clip(rows, 0, len(field) - 1.001)
    low = rows.astype(np.int64)
    part = (rows - low).astype(np.float32)
    # Flat indices are a good deal faster than pairs.
    flat, at = field.ravel(), low * field.shape[1] + columns
    above, below = flat[at], flat[at + field.shape[1]]
    return np.asarray(above + (below - above) * part, np.float32)


def find_runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Begin and end of each run of a mask (n,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
