"""PageImage -> rows of five staff lines: where they run, traced on a sheet of working scale."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from .ends import find_ends
from .evidence import weigh_lines
from .sheet import Curve, FiveLines, Floats, Sheet, sample

Mask = NDArray[np.bool_]
Columns = NDArray[np.int64]

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
#: How clear lines are that may run less steadily; the shares of a staff on which it runs steadily
#: and on which there are no ledger lines.
_CLEAR = 0.25
_STEADY_RUN, _STEADY = 0.8, 0.7
_MIN_STRENGTH = 0.2
#: Lines as thick as which a beam is at least, and the interlines over which that is measured.
_BEAM, _ACROSS = 2.0, np.linspace(-0.4, 0.4, 9)
#: How strongly lines are seen, 0..1: where they are there, in gaps in which they are only broken,
#: and in the best staff in three of four columns; they are strengthened to that, within a limit.
_SEEN, _BRIDGED = 0.3, 0.1
_GOOD, _USUAL, _MOST_GAIN = 0.6, 75, 2.5
_MOST_GRAIN = 0.3
#: At the ends of a staff, over so many columns, lines have this share of their strength.
_END, _FAINT = 5, 0.5
#: Interlines up to which five lines may be a row of ledger lines; ink of paper, and the share of
#: their columns that is paper.
_WIDEST_STACK = 40
_PAPER, _MOST_PAPER = 0.2, 0.1
_MOVE_COST = np.float32(0.1)
_MAX_STAVES = 80
_MAX_MISSES = 3


def trace_lines(sheet: Sheet) -> Iterator[FiveLines]:
    """Find staves one after the other, the clearest first."""
    field, columns = make_field(sheet)
    if len(columns) < _MIN_WIDTH:
        return
    comb = find_combs(field, sheet.interline)
    gain = find_gain(comb)
    field, comb = np.minimum(gain * field, 1), np.minimum(gain * comb, 1)
    misses = 0
    for _ in range(_MAX_STAVES):
        # What is left has no stretch long enough for a staff.
        if misses > _MAX_MISSES or _longest_mean(comb.max(axis=0)) < _MIN_STRENGTH:
            return
        path = _best_path(comb)
        if _longest_mean(comb[path, np.arange(len(path))]) < _MIN_STRENGTH:
            return
        found = list(_fit_path(sheet, field, path, columns))
        # Text may look more like staves than faint staves do, and there may be much of it.
        misses = 0 if found else misses + 1
        yield from (each for each in found if weigh_lines(sheet, each).speaks_for_staff())
        _wipe(comb, path, round(4 * sheet.interline))


def make_field(sheet: Sheet) -> tuple[Floats, Columns]:
    """The lines of a sheet at columns an interline apart, (H, n), and those columns, (n,).

    What grain looks like a line everywhere is taken off.
    """
    step = max(1, round(sheet.interline))
    columns = np.arange(step // 2, sheet.lines.shape[1], step)
    if not len(columns):
        return np.zeros((len(sheet.lines), 0), np.float32), columns
    field = np.asarray(cv2.GaussianBlur(sheet.lines[:, columns], (1, 3), 0.6), np.float32)
    grain = min(float(np.median(field)), _MOST_GRAIN)
    return np.maximum(field - np.float32(grain), 0) / np.float32(1 - grain), columns


def find_gain(comb: Floats) -> float:
    """What faint lines must be multiplied by: those beside something much darker, or in pieces."""
    usual = float(np.percentile(comb.max(axis=0), _USUAL))
    return float(np.clip(_GOOD / max(usual, 1e-3), 1, _MOST_GAIN))


def find_combs(field: Floats, interline: float) -> Floats:
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


def _fit_path(sheet: Sheet, field: Floats, path: Columns, columns: Columns) -> Iterator[FiveLines]:
    """Fit the five lines along a path; yield a staff for each stretch that holds all five."""
    rows = _fit_lines(field, path, sheet.interline)
    seen = sample(field, rows, np.arange(len(path)))
    step = float(columns[1] - columns[0])
    for first, last in _stretches(seen.mean(axis=0), sheet.interline / step):
        part = slice(first, last)
        beside = _measure_beside(sheet, rows[:, part], columns[part])
        if _is_staff(field[:, part], rows[:, part], beside) and not _is_stack(
            sheet, rows[:, part], columns[part]
        ):
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
        padded = np.zeros(len(terms) + 2 * reach)  # `np.pad` takes longer than all the rest
        padded[reach : reach + len(terms)] = terms
        return np.asarray(np.convolve(padded, kernel, "valid"), np.float64)

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
    on = np.flatnonzero(seen > _SEEN)
    if not len(on):
        return
    far = np.flatnonzero(np.diff(on) > _MAX_GAP * interline)
    # Broken lines show in a gap too; paper does not.
    gaps = [place + 1 for place in far if seen[on[place] + 1 : on[place + 1]].mean() < _BRIDGED]
    for part in np.split(on, gaps):
        first, last = _trim(seen, int(part[0]), int(part[-1]) + 1)
        if last - first >= _MIN_WIDTH * interline:
            yield first, last


def _trim(seen: Curve, first: int, last: int) -> tuple[int, int]:
    """A stretch without what is much fainter at its ends, such as grain beyond a staff."""
    part = seen[first:last]
    bell = np.ones(min(_END, len(part)))
    mean = np.convolve(part, bell, "same") / np.convolve(np.ones(len(part)), bell, "same")
    plain = np.flatnonzero(mean >= _FAINT * np.median(part))
    return first + int(plain[0]), first + int(plain[-1]) + 1


def _measure_beside(sheet: Sheet, rows: Curve, columns: Columns) -> Curve:
    """How thick what lies an interline above and below a staff is, in its lines, (2, n)."""
    gap = (rows[4] - rows[0]) / 4
    across = _ACROSS[:, None, None] * gap
    lines = sample(sheet.ink, rows + across, columns).sum(axis=0)
    beside = sample(sheet.ink, np.stack([rows[0] - gap, rows[4] + gap]) + across, columns)
    return np.asarray(beside.sum(axis=0) / max(float(np.median(lines)), 1e-3), np.float64)


def _is_staff(field: Floats, rows: Curve, beside: Curve) -> bool:
    """Tell whether all five lines are there, and neither a sixth nor ink all over.

    `beside` says how thick what lies where a sixth would be is; a beam is no line.
    """
    if rows.shape[1] < _MIN_WIDTH:
        return False
    steps = np.arange(rows.shape[1])
    gap = (rows[4] - rows[0]) / 4
    lines = sample(field, rows, steps).mean(axis=1)
    # Ledger lines come and go, a sixth line stays.
    outside = sample(field, np.stack([rows[0] - gap, rows[4] + gap]), steps)
    outside = np.where(beside > _BEAM, np.float32(0), outside)
    sixth = _mean_of_least(outside, _STEADY)
    between = sample(field, (rows[1:] + rows[:-1]) / 2, steps).mean()
    clear = lines.min() - between - sixth.max() / 2
    return bool(
        clear > _MIN_SEEN
        and sixth.max() < _MAX_SIXTH * lines.mean()
        and between < _MAX_BETWEEN * lines.mean()
        and _roughness(rows) < _MAX_ROUGHNESS * max(1.0, clear / _CLEAR)
    )


def _roughness(rows: Curve) -> float:
    """How unsteady five lines mostly run, in interlines; the grain of wood or cloth wavers."""
    middle = rows.mean(axis=0)
    apart = np.abs(np.diff(rows - middle, 2, axis=1)).mean(axis=0)
    together = np.abs(np.diff(middle, 3))
    rough = _mean_of_least(apart, _STEADY_RUN) + _mean_of_least(together, _STEADY_RUN)
    return float(rough / (rows[4] - rows[0]).mean() * 4)


def _mean_of_least(values: Curve | Floats, share: float) -> Curve:
    """Mean of the smallest share of the values along the last axis."""
    count = max(1, round(share * values.shape[-1]))
    return np.asarray(np.sort(values, axis=-1)[..., :count].mean(axis=-1), np.float64)


def _is_stack(sheet: Sheet, rows: Curve, columns: Columns) -> bool:
    """Tell whether five lines are short and all gone in between: ledger lines of notes in a row."""
    if len(columns) > _WIDEST_STACK:
        return False
    xs = np.arange(columns[0], columns[-1] + 1)
    lines = np.stack([np.interp(xs, columns, line) for line in rows])
    near = np.array([-1.0, 0.0, 1.0])[:, None, None]
    ink = sample(sheet.ink, lines + near, xs).max(axis=0)
    paper = min(_PAPER, 0.4 * float(np.percentile(ink, 75)))
    return bool((ink.max(axis=0) < paper).mean() > _MOST_PAPER)
