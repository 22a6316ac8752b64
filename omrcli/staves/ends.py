"""Where a staff begins and ends: its lines are followed on beyond where all five are plain.

Where lines are whole, a staff ends where they end. But thin lines of binarised scans are broken, or
gone under the clef for want of ink, and braces, brackets and instrument names stand beside a staff.
There the walk goes on while there are dashes of the lines, or ink between them, and stops at paper.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .sheet import Curve, FiveLines, Sheet, find_runs, sample

Columns = NDArray[np.int64]
Mask = NDArray[np.bool_]

# In interlines: paper at which a staff ends, how far its end is looked for beyond the plain lines,
# the shortest dash of a line, and over how much the lines' course is carried on.
_GAP = 0.8
_SHORT_GAP = 0.4
_BRACKET = 1.5
_REACH = 40.0
_DASH = 0.6
_COURSE = 10
_BAR = 2.0
_SHIFTS = np.linspace(-0.3, 0.3, 13)
#: Share of the contrast of the lines' own dashes, and of ink, at which something is there.
_SEEN = 0.4
#: Share of their usual ink that unbroken lines have, and of the columns in which they have it.
_UNBROKEN_INK, _UNBROKEN = 0.35, 0.96
_INK = 0.4


def find_ends(sheet: Sheet, rows: Curve, columns: Columns) -> FiveLines:
    """Carry five lines (5, n), plain at `columns` (n,), on to their ends on both sides."""
    before, first, left = _find_end(sheet, rows[:, ::-1], columns[::-1])
    after, last, right = _find_end(sheet, rows, columns)
    whole = np.concatenate([before[:, ::-1], rows, after], axis=1)
    return FiveLines(whole, np.concatenate([first[::-1], columns, last]), left - 0.5, right + 0.5)


def _find_end(sheet: Sheet, rows: Curve, columns: Columns) -> tuple[Curve, Columns, float]:
    """The lines beyond the last of their columns, at which columns, and where they end.

    Columns may run either way; rows and columns are returned in the same order.
    """
    plain = _find_plain_end(sheet, rows, columns)
    ahead, at = _carry_on(sheet, rows, columns)
    if not len(at):
        return ahead, at, plain
    end = _walk(sheet, np.concatenate([rows, ahead], axis=1), np.concatenate([columns, at]), plain)
    outward = np.sign(columns[-1] - columns[0])
    kept = (end - at) * outward >= 0
    return ahead[:, kept], at[kept], end


def _find_plain_end(sheet: Sheet, rows: Curve, columns: Columns) -> float:
    """Column near the last one in which the ink on the lines falls off."""
    reach = round(2 * sheet.interline)
    outward = int(np.sign(columns[-1] - columns[0]))
    xs = columns[-1] + outward * np.arange(-reach, reach + 1)
    xs = xs[(xs >= 0) & (xs < sheet.ink.shape[1])]
    ink = sample(sheet.ink, np.repeat(rows[:, [-1]], len(xs), axis=1), xs)
    # The two faintest of the lines: a brace or a name beside the staff does not touch them all.
    faint = np.sort(ink, axis=0)[:2].mean(axis=0)
    inside = np.flatnonzero(faint > 0.5 * np.median(faint[:reach]))
    if not len(inside):
        return float(columns[-1])
    # Beyond some paper a bracket can lie on all five.
    gaps = np.flatnonzero(np.diff(inside) > _GAP * sheet.interline)
    return float(xs[inside[gaps[0]] if len(gaps) else inside[-1]])


def _carry_on(sheet: Sheet, rows: Curve, columns: Columns) -> tuple[Curve, Columns]:
    """Rows (5, m) where the lines would be in columns (m,) beyond the last, and those columns.

    They go on straight, and bend to what is seen of them.
    """
    step = int(columns[-1] - columns[-2])
    edge = sheet.ink.shape[1] - 1 if step > 0 else 0
    count = min(int(_REACH), int(abs(edge - columns[-1]) // abs(step)))
    at = columns[-1] + step * np.arange(1, count + 1)
    gaps = rows[:, -_COURSE:].mean(axis=1) - rows[:, -_COURSE:].mean()
    middle = list(rows[:, -_COURSE:].mean(axis=0))
    for column in at:
        past = np.array(middle[-_COURSE:])
        next_row = _extend_straight(past)
        moves = _SHIFTS * sheet.interline
        seen = sample(sheet.lines, next_row + moves[:, None] + gaps, np.array([[column]])).sum(
            axis=1
        )
        weight = np.maximum(seen - 0.8 * seen.max(), 0) + 1e-6
        pull = seen.max() ** 2 / (seen.max() ** 2 + 1)
        middle.append(next_row + pull * float((weight * moves).sum() / weight.sum()))
    return np.array(middle[len(middle) - len(at) :])[None, :] + gaps[:, None], at


def _extend_straight(past: Curve) -> float:
    """The next of some values along the straight line through them."""
    steps = np.arange(len(past)) - (len(past) - 1) / 2
    slope = float(steps @ past) / max(float(steps @ steps), 1.0)
    return float(past.mean()) + slope * (len(past) + 1) / 2


def _walk(sheet: Sheet, rows: Curve, columns: Columns, plain: float) -> float:
    """Go outward from a column until there is nothing of a staff; returns where it ended."""
    outward = int(np.sign(columns[-1] - columns[0]))
    unit = sheet.interline
    start = plain - outward * 4 * unit
    count = int((columns[-1] - start) * outward) + 1
    xs = np.round(start + outward * np.arange(count)).astype(np.int64)
    xs = xs[(xs >= 0) & (xs < sheet.ink.shape[1])]
    lines = _lines_at(rows, columns, xs)
    dashes = _find_dashes(sheet, lines, xs)
    bars = _find_bars(sheet, lines, xs)
    ink = _find_ink_between(sheet, lines, xs) & ~bars
    going = dashes.any(axis=0) | ink
    if _are_unbroken(sheet, rows, columns, plain):
        end = _follow(sheet, lines, xs, plain)
        beside = slice(max(0, end - round(unit)), end + round(unit) + 1)
        # A line down the systems, or paper; else the lines are gone where there is music.
        if bars[beside].any() or not going[end + 2 : beside.stop].any():
            return float(xs[end])
    last = min(int(abs(plain - xs[0])), len(xs) - 1)
    for place in range(last + 1, len(xs)):
        if going[place]:
            last = place
        elif place - last > (_SHORT_GAP if _is_whole(dashes, last, unit) else _GAP) * unit:
            break
    return float(xs[last])


def _lines_at(rows: Curve, columns: Columns, xs: Columns) -> Curve:
    """The rows (5, n) of lines at xs (n,), whichever way their columns run."""
    order = np.argsort(columns)
    return np.stack([np.interp(xs, columns[order], line[order]) for line in rows])


def _are_unbroken(sheet: Sheet, rows: Curve, columns: Columns, plain: float) -> bool:
    """Whether there is ink nearly everywhere on each line, up to where they are plain."""
    low, high = sorted((int(columns[0]), round(plain)))
    xs = np.arange(max(0, low), min(high + 1, sheet.ink.shape[1]))
    lines = _lines_at(rows, columns, xs)
    ink = _find_line_ink(sheet, lines, xs)
    there = ink > _UNBROKEN_INK * np.median(ink, axis=1, keepdims=True)
    return bool(there.mean(axis=1).min() > _UNBROKEN)


def _find_line_ink(sheet: Sheet, lines: Curve, xs: Columns) -> Curve:
    """The ink on each line, or a px beside it, (5, n)."""
    near = np.array([-1.0, 0.0, 1.0])[None, :, None]
    return np.asarray(sample(sheet.ink, lines[:, None, :] + near, xs).max(axis=1), np.float64)


def _follow(sheet: Sheet, lines: Curve, xs: Columns, plain: float) -> int:
    """The place up to which there is ink on all lines. What follows behind a gap must be longer
    than a bracket is wide."""
    ink = _find_line_ink(sheet, lines, xs)
    inside = ink[:, : int(abs(plain - xs[0])) + 1]
    there = ink.min(axis=0) > _UNBROKEN_INK * np.median(inside)
    unit = sheet.interline
    last = -1
    for begin, end in find_runs(there):
        if last >= 0 and (begin - last > _GAP * unit or end - begin < _BRACKET * unit):
            break
        last = end
    return max(last - 1, 0)


def _is_whole(dashes: Mask, place: int, unit: float) -> bool:
    """Whether at least three lines are there up to a place, so that they are seen to end there."""
    before = dashes[:, max(0, place - round(1.5 * unit)) : place + 1]
    return bool((before.mean(axis=1) > 0.6).sum() >= 3)


def _find_dashes(sheet: Sheet, lines: Curve, xs: Columns) -> Mask:
    """Where thin level ink lies on each line, at least a dash long, (5, n)."""
    unit = sheet.interline
    near = np.array([-1.0, 0.0, 1.0])
    ink = sample(sheet.ink, lines[:, None, :] + near[None, :, None], xs).max(axis=1)
    side = max(2.0, 0.35 * unit) + 1
    beside = np.maximum(sample(sheet.ink, lines - side, xs), sample(sheet.ink, lines + side, xs))
    ridge = np.clip(ink - beside, 0, None)
    usual = float((ridge * ridge).sum() / max(float(ridge.sum()), 1e-6))
    return np.stack([_keep_runs(line > _SEEN * usual, _DASH * unit) for line in ridge])


def _keep_runs(mask: Mask, length: float) -> Mask:
    """A mask without its runs shorter than `length`."""
    kept = np.zeros(len(mask), bool)
    for begin, end in find_runs(mask):
        kept[begin:end] = end - begin >= length
    return kept


def _find_ink_between(sheet: Sheet, lines: Curve, xs: Columns) -> Mask:
    """Columns with ink between the outer lines, (n,)."""
    shares = np.linspace(0.02, 0.98, 24)[:, None]
    inside = lines[0] + (lines[4] - lines[0]) * shares
    return np.asarray((sample(sheet.ink, inside, xs) > _INK).any(axis=0))


def _find_bars(sheet: Sheet, lines: Curve, xs: Columns) -> Mask:
    """Columns whose ink goes on far above or below the staff: a brace, a bracket or a barline."""
    away = np.linspace(0.3, _BAR, 10)[:, None] * sheet.interline
    above = (sample(sheet.ink, lines[0] - away, xs) > _INK).mean(axis=0)
    below = (sample(sheet.ink, lines[4] + away, xs) > _INK).mean(axis=0)
    return np.asarray((above > 0.9) | (below > 0.9))
