"""PageImage -> rows of five staff lines: where they run, traced on a sheet of working scale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from .image import Pixels
from .staff_ends import find_ends
from .staff_sheet import Curve, FiveLines, Floats, Sheet, sample

Mask = NDArray[np.bool_]

MIN_INTERLINE, MAX_INTERLINE = 4, 80
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
#: Share by which the interlines of staves of one size can differ.
_SAME_SIZE = 0.12
_MOVE_COST = np.float32(0.1)
_MAX_STAVES = 80
_MAX_MISSES = 3


@dataclass(frozen=True)
class Interline:
    """A distance of lines and their thickness in px; `share` is how often, 1 the commonest."""

    size: float
    thickness: float
    share: float

    def is_other_size(self, usual: Interline) -> bool:
        """Tell whether there may be staves of this size beside the page's usual ones."""
        ratio = self.size / usual.size
        return self.share > 0.08 and 0.55 < ratio < 1.8 and abs(ratio - 1) > _SAME_SIZE


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
        # No wider than sizes that differ: on small pictures others are close.
        reach = max(1, round(_SAME_SIZE * peak))
        counts[max(0, peak - reach) : peak + reach + 1] = 0
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
    seen = sample(field, rows, np.arange(len(path)))
    step = float(columns[1] - columns[0])
    for first, last in _stretches(seen.mean(axis=0), sheet.interline / step):
        part = slice(first, last)
        if _is_staff(field[:, part], rows[:, part]):
            yield find_ends(sheet, rows[:, part], columns[part])


def _fit_lines(field: Floats, path: NDArray[np.int64], interline: float) -> Curve:
    """Return the rows of the five lines at each column, (5, n), smooth along it."""
    steps = np.arange(len(path))
    near = _smooth(path.astype(float), np.ones(len(path)), 2)
    gaps = interline * _STRETCHES
    # (n, shifts, stretches, lines)
    rows = (near[:, None, None] + _SHIFTS[None, :, None])[..., None] + gaps[:, None] * _LINES
    score = sample(field, rows, steps[:, None, None, None]).sum(axis=-1)
    weight = np.maximum(score.max(axis=(1, 2)) - 2, 0) ** 2 + 1e-6
    gap = _fit_polynomial(gaps[score.max(axis=1).argmax(axis=1)], weight)
    fine = np.arange(-2, 2.01, 0.125)
    rows = (near[:, None] + fine)[..., None] + gap[:, None, None] * _LINES
    shift = sample(field, rows, steps[:, None, None]).sum(axis=-1)
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
        seen = sample(field, line[:, None] + fine, steps)
        # Pulled back to where the other lines say it is, most of all where it is hidden.
        weight = seen.max(axis=1) ** 2
        move = _peak(seen, fine) * weight / (weight + 0.1)
        bent.append(line + _smooth(move, weight + 0.1, 2))
    return np.stack(bent)


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
    lines = sample(field, rows, steps).mean(axis=1)
    sixth = sample(field, np.stack([rows[0] - gap, rows[4] + gap]), steps).mean(axis=1)
    between = sample(field, (rows[1:] + rows[:-1]) / 2, steps).mean()
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
