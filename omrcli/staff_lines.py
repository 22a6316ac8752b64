"""PageImage -> rows of five staff lines: where they run, traced on a sheet of working scale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from .image import Pixels

Floats = NDArray[np.float32]
Curve = NDArray[np.float64]
Mask = NDArray[np.bool_]

MIN_INTERLINE, MAX_INTERLINE = 4, 80
#: Interlines in px at which staves are searched; other pages are resized to _WORK_INTERLINE.
_WORK_RANGE = (7.0, 13.0)
_WORK_INTERLINE = 10.0
#: Interlines by which a staff's interline can differ from the page's.
_STRETCHES = np.linspace(0.88, 1.12, 9)
_SHIFTS = np.arange(-1.5, 1.51, 0.25)
_LINES = np.arange(-2, 3)

# A staff is at least this many interlines wide; narrower gaps than _MAX_GAP are music.
_MIN_WIDTH = 6.0
_MAX_GAP = 10.0
# How much clearer, 0..1, the faintest line must be than what lies beside and between the lines;
# how much of the mean line there may be where a sixth one would lie, and between them.
_MIN_SEEN = 0.12
_MAX_SIXTH = 0.75
_MAX_BETWEEN = 0.5
_MAX_ROUGHNESS = 0.013
_MIN_STRENGTH = 0.2
_MIN_RUNS = 20
_MOVE_COST = np.float32(0.1)
_MAX_STAVES = 80
_MAX_MISSES = 3


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


@dataclass(frozen=True)
class Interline:
    """A distance of lines and their thickness in px; `share` is how often, 1 the commonest."""

    size: float
    thickness: float
    share: float

    def is_other_size(self, usual: Interline) -> bool:
        """Tell whether there may be staves of this size beside the page's usual ones."""
        ratio = self.size / usual.size
        return self.share > 0.08 and 0.55 < ratio < 1.8 and abs(ratio - 1) > 0.12


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
    share = pixels.astype(np.float32) / np.maximum(paper, 1).astype(np.float32)
    return np.asarray(np.clip(1 - share, 0, 1), np.float32)


# --- interline ------------------------------------------------------------------------------------


def find_ink(pixels: Pixels) -> Mask:
    """Mask of what is darker than its surroundings, on a sample of columns: (H, n) bool."""
    mean = cv2.blur(pixels, (31, 31)).astype(np.int16)
    depth = mean - pixels
    threshold = max(6.0, 0.3 * float(np.percentile(depth[::4, ::4], 99)))
    step = max(1, pixels.shape[1] // 400)
    return depth[:, ::step] > threshold


def measure_interlines(mask: Mask) -> list[Interline]:
    """Likely interlines of a page, the likeliest first.

    From vertical runs: the black run of a line and the white run below it add up to the interline,
    however thick the lines are.
    """
    black, both = _run_lengths(mask)
    keep = (both <= MAX_INTERLINE) & (both >= MIN_INTERLINE) & (black * 2 <= both)
    black, both = black[keep], both[keep]
    counts = np.bincount(both, minlength=MAX_INTERLINE + 2).astype(float)
    found: list[Interline] = []
    most = 0.0
    for _ in range(3):
        peak = int(np.convolve(counts, (0.5, 1, 0.5), "same").argmax())
        near = slice(max(0, peak - 1), peak + 2)
        count = float(counts[near].sum())
        if count < _MIN_RUNS:
            break
        size = float(np.average(np.arange(len(counts))[near], weights=counts[near]))
        thickness = float(np.median(black[np.abs(both - peak) <= 1]))
        most = most or count
        found.append(Interline(size, thickness, count / most))
        counts[max(0, peak - 2) : peak + 3] = 0
    # Where lines are broken the runs mostly reach from one line to the next but one.
    halves = [replace(first, size=first.size / 2, share=0.0) for first in found[:1]]
    return found + [half for half in halves if half.size >= MIN_INTERLINE]


def _run_lengths(mask: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lengths of each vertical black run, and of it with the white run below, both ending."""
    framed = np.zeros((mask.shape[1], mask.shape[0] + 2), np.int8)
    framed[:, 1:-1] = mask.T
    flat = np.diff(framed.ravel())
    starts, ends = np.flatnonzero(flat == 1), np.flatnonzero(flat == -1)
    column = starts // framed.shape[1]
    same = column[1:] == column[:-1]
    return (ends - starts)[:-1][same], np.diff(starts)[same]


# --- lines ----------------------------------------------------------------------------------------


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


def _line_likeness(ink: Floats, interline: float) -> Floats:
    """How much darker a px is than those a third of an interline above and below it, 0..1."""
    reach = max(2, round(0.35 * interline))
    sides = np.zeros_like(ink)
    sides[reach:] = ink[:-reach]
    np.maximum(sides[:-reach], ink[reach:], out=sides[:-reach])
    ridge = np.clip(ink - sides, 0, None)
    total = float(ridge.sum())
    if total < 1:
        return np.asarray(ridge, np.float32)
    # The mean of the ridges weighted by themselves: about the contrast of the lines.
    usual = float((ridge * ridge).sum()) / total
    ridge = np.minimum(ridge / max(0.7 * usual, 0.05), 1)
    width = round(2 * interline) | 1
    return np.asarray(cv2.blur(ridge, (width, 1), borderType=cv2.BORDER_REPLICATE), np.float32)


def trace_lines(sheet: Sheet) -> Iterator[FiveLines]:
    """Find staves one after the other, the clearest first."""
    step = max(1, round(sheet.interline))
    columns = np.arange(step // 2, sheet.lines.shape[1], step)
    if len(columns) < _MIN_WIDTH:
        return
    field = np.asarray(cv2.GaussianBlur(sheet.lines[:, columns], (1, 3), 0.6), np.float32)
    comb = _comb(field, sheet.interline)
    misses = 0
    for _ in range(_MAX_STAVES):
        # What is left has no stretch long enough for a staff.
        if misses > _MAX_MISSES or _longest_mean(comb.max(axis=0)) < _MIN_STRENGTH:
            return
        path = _best_path(comb)
        if _longest_mean(comb[path, np.arange(len(path))]) < _MIN_STRENGTH:
            return
        found = list(_fit_path(sheet, field, path, columns))
        misses = 0 if found else misses + 1
        yield from found
        _wipe(comb, path, round(4 * sheet.interline))


def _comb(field: Floats, interline: float) -> Floats:
    """How much each (row, column) is the middle of five lines, (H, n) in 0..1."""
    best = np.zeros_like(field)
    height = len(field)
    for stretch in (0.94, 1.0, 1.06):
        reach = round(2 * stretch * interline)
        rows = height - 2 * reach
        if rows <= 0:
            continue
        offsets = [reach + round(k * stretch * interline) for k in _LINES]
        lines = [field[max(0, at) : max(0, at) + rows] for at in offsets]
        low, total = lines[0].copy(), np.zeros_like(lines[0])
        for line in lines:
            np.minimum(low, line, out=low)
            total += line
        score = 0.1 * total + 0.5 * low
        np.maximum(best[reach : reach + rows], score, out=best[reach : reach + rows])
    return best


def _best_path(comb: Floats) -> NDArray[np.int64]:
    """Row of the best level path at each column; a step moves by at most one row."""
    height, count = comb.shape
    total = comb[:, 0].copy()
    came = np.zeros((count, height), np.int8)
    gains = np.ascontiguousarray(comb.T)
    for column in range(1, count):
        best = total.copy()
        for move, here, there in ((-1, slice(1, None), slice(-1)), (1, slice(-1), slice(1, None))):
            moved = total[there] - _MOVE_COST
            better = moved > best[here]
            came[column, here][better] = move
            np.maximum(best[here], moved, out=best[here])
        total = best + gains[column]
    path = np.empty(count, np.int64)
    path[-1] = int(total.argmax())
    for column in range(count - 1, 0, -1):
        path[column - 1] = path[column] + came[column, path[column]]
    return path


def _longest_mean(strength: Floats) -> float:
    """Highest mean over the width of the narrowest staff."""
    width = min(int(_MIN_WIDTH), len(strength))
    return float(np.convolve(strength, np.ones(width) / width, "valid").max())


def _wipe(comb: Floats, path: NDArray[np.int64], reach: int) -> None:
    """Clear the comb around a path, so that it is not found again."""
    for column, row in enumerate(path):
        comb[max(0, row - reach) : row + reach + 1, column] = 0


# --- staves ---------------------------------------------------------------------------------------


def _fit_path(
    sheet: Sheet, field: Floats, path: NDArray[np.int64], columns: NDArray[np.int64]
) -> Iterator[FiveLines]:
    """Fit the five lines along a path; yield a staff for each stretch that holds all five."""
    rows = _fit_lines(field, path, sheet.interline)
    seen = _sample(field, rows, np.arange(len(path)))
    step = float(columns[1] - columns[0])
    for first, last in _stretches(seen.mean(axis=0), sheet.interline / step):
        part = slice(first, last)
        if _is_staff(field[:, part], rows[:, part]):
            yield _find_ends(sheet, rows[:, part], columns[part])


def _fit_lines(field: Floats, path: NDArray[np.int64], interline: float) -> Curve:
    """Return the rows of the five lines at each column, (5, n), smooth along it."""
    steps = np.arange(len(path))
    near = _smooth(path.astype(float), np.ones(len(path)), 2)
    gaps = interline * _STRETCHES
    # (n, shifts, stretches, lines)
    rows = (near[:, None, None] + _SHIFTS[None, :, None])[..., None] + gaps[:, None] * _LINES
    score = _sample(field, rows, steps[:, None, None, None]).sum(axis=-1)
    weight = np.maximum(score.max(axis=(1, 2)) - 2, 0) ** 2 + 1e-6
    gap = _fit_polynomial(gaps[score.max(axis=1).argmax(axis=1)], weight)
    fine = np.arange(-2, 2.01, 0.125)
    rows = (near[:, None] + fine)[..., None] + gap[:, None, None] * _LINES
    shift = _sample(field, rows, steps[:, None, None]).sum(axis=-1)
    middle = _smooth(near + _peak(shift, fine), weight, 2)
    return _bend_lines(field, middle + _LINES[:, None] * gap, interline)


def _peak(score: Floats, places: Curve) -> Curve:
    """The place at the middle of the top of each row's scores, (n,)."""
    weight = np.maximum(score - 0.8 * score.max(axis=1, keepdims=True), 0) + 1e-6
    return np.asarray((weight * places).sum(axis=1) / weight.sum(axis=1), np.float64)


def _bend_lines(field: Floats, rows: Curve, interline: float) -> Curve:
    """Move each line a little to where it is seen: creased paper bends them unequally."""
    fine = np.linspace(-0.25, 0.25, 13) * interline
    steps = np.arange(rows.shape[1])[:, None]
    bent = []
    for line in rows:
        seen = _sample(field, line[:, None] + fine, steps)
        # Pulled back to where the other lines say it is, most of all where it is hidden.
        weight = seen.max(axis=1) ** 2
        move = _peak(seen, fine) * weight / (weight + 0.1)
        bent.append(line + _smooth(move, weight + 0.1, 2))
    return np.stack(bent)


def _sample(field: Floats, rows: Curve, columns: NDArray[np.int64]) -> Floats:
    """The field at fractional rows, by linear interpolation."""
    rows = np.clip(rows, 0, len(field) - 1.001)
    low = rows.astype(np.int64)
    part = (rows - low).astype(np.float32)
    # Flat indices are a good deal faster than pairs.
    flat, at = field.ravel(), low * field.shape[1] + columns
    above, below = flat[at], flat[at + field.shape[1]]
    return np.asarray(above + (below - above) * part, np.float32)


def _smooth(values: Curve, weight: Curve, width: float) -> Curve:
    """Local straight lines through weighted values; `width` is the bell's deviation in steps."""
    reach = int(3 * width)
    at = np.arange(-reach, reach + 1)
    bell = np.exp(-0.5 * (at / width) ** 2)

    def gather(terms: Curve, power: int) -> Curve:
        kernel = (bell * at**power)[::-1]
        return np.asarray(np.convolve(np.pad(terms, reach), kernel, "valid"), np.float64)

    w0, w1, w2 = (gather(weight, power) for power in range(3))
    v0, v1 = (gather(weight * values, power) for power in range(2))
    spread = w0 * w2 - w1 * w1
    straight = (w2 * v0 - w1 * v1) / np.where(spread > 0, spread, 1)
    plain = v0 / np.maximum(w0, 1e-12)
    return np.asarray(np.where(spread > 1e-9 * w0 * w2, straight, plain), np.float64)


def _fit_polynomial(values: Curve, weight: Curve) -> Curve:
    """A parabola through weighted values, fitted again without what is far off."""
    x = np.linspace(-1, 1, len(values))
    for _ in range(3):
        fit = np.polyval(np.polyfit(x, values, 2, w=np.sqrt(weight)), x)
        off = np.abs(values - fit)
        weight = np.where(off > 2 * np.median(off) + 0.05, weight * 0.1, weight)
    return np.asarray(np.clip(fit, values.min(), values.max()), np.float64)


def _stretches(seen: Curve, interline: float) -> Iterator[tuple[int, int]]:
    """First and last step of each stretch of lines; `interline` is in steps."""
    on = np.flatnonzero(seen > 0.3)
    if not len(on):
        return
    for part in np.split(on, np.flatnonzero(np.diff(on) > _MAX_GAP * interline) + 1):
        first, last = int(part[0]), int(part[-1]) + 1
        if last - first >= _MIN_WIDTH * interline:
            yield first, last


def _is_staff(field: Floats, rows: Curve) -> bool:
    """Tell whether all five lines are there, and neither a sixth nor ink all over."""
    if rows.shape[1] < _MIN_WIDTH:
        return False
    steps = np.arange(rows.shape[1])
    gap = (rows[4] - rows[0]) / 4
    lines = _sample(field, rows, steps).mean(axis=1)
    sixth = _sample(field, np.stack([rows[0] - gap, rows[4] + gap]), steps).mean(axis=1)
    between = _sample(field, (rows[1:] + rows[:-1]) / 2, steps).mean()
    return bool(
        lines.min() - between - sixth.max() / 2 > _MIN_SEEN
        and sixth.max() < _MAX_SIXTH * lines.mean()
        and between < _MAX_BETWEEN * lines.mean()
        and _roughness(rows) < _MAX_ROUGHNESS
    )


def _roughness(rows: Curve) -> float:
    """How unsteady five lines run, in interlines; the grain of wood or cloth wavers."""
    middle = rows.mean(axis=0)
    apart = np.abs(np.diff(rows - middle, 2, axis=1)).mean()
    together = np.abs(np.diff(middle, 3)).mean()
    return float((apart + together) / (rows[4] - rows[0]).mean() * 4)


def _find_ends(sheet: Sheet, rows: Curve, columns: NDArray[np.int64]) -> FiveLines:
    left, right = (_find_end(sheet, rows, columns, end) for end in (0, -1))
    return FiveLines(rows, columns, left - 0.5, right + 0.5)


def _find_end(sheet: Sheet, rows: Curve, columns: NDArray[np.int64], end: int) -> float:
    """Column near the first (0) or last (-1) one in which the ink on the lines falls off."""
    reach = round(2 * sheet.interline)
    outward = -1 if end == 0 else 1
    xs = columns[end] + outward * np.arange(-reach, reach + 1)
    xs = xs[(xs >= 0) & (xs < sheet.ink.shape[1])]
    ink = _sample(sheet.ink, np.repeat(rows[:, [end]], len(xs), axis=1), xs)
    # The two faintest of the lines: a brace or a name beside the staff does not touch them all.
    faint = np.sort(ink, axis=0)[:2].mean(axis=0)
    inside = np.flatnonzero(faint > 0.5 * np.median(faint[:reach]))
    return float(xs[inside[-1]] if len(inside) else columns[end])
