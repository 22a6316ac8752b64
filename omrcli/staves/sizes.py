"""PageImage -> sizes of its staves: likely interlines, and other ones beside those of most staves.

A part that is printed small, a cue or an ossia, has an interline of its own. Where all staves of
the usual size are blotted out, five lines at another distance stand out along a stretch of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from omrcli.pages.image import Pixels

from .lines import Columns, find_combs, find_gain, make_field
from .sheet import FiveLines, Floats, Sheet

Mask = NDArray[np.bool_]

MIN_INTERLINE, MAX_INTERLINE = 4, 80
_MIN_RUNS = 20
#: Share by which the interlines of staves of one size can differ.
_SAME_SIZE = 0.12
#: How common a second interline makes the first one doubtful, and px over which grain is evened.
_DOUBT, _SMOOTH = 0.4, 9
#: Interlines of other staves as shares of the usual one: smaller and larger ones.
_RATIOS = (np.geomspace(0.55, 0.85, 6), np.geomspace(1.17, 1.8, 5))
#: Interlines beside a staff that are blotted out with it.
_BESIDE = 1.5
#: Every second column will do. Over how many of these five lines are to be seen, and how strongly,
#: 0..1; pages without such staves reach 0.25.
_STEP, _COLUMNS, _LEAST = 2, 8, 0.38
#: Sizes that are seen nearly as strongly as the best are the same.
_SAME = 0.85


@dataclass(frozen=True)
class Interline:
    """A distance of lines and their thickness in px; `share` is how often, 1 the commonest."""

    size: float
    thickness: float
    share: float


def measure_interlines(pixels: Pixels) -> list[Interline]:
    """Likely interlines of a page, the likeliest first."""
    mean = np.asarray(cv2.blur(pixels, (31, 31)), np.uint8)
    found = _measure_runs(_find_ink(pixels, mean))
    if len(found) < 2 or found[1].share < _DOUBT:
        return found
    # Grain has runs of its own; along the lines it is evened out.
    smooth = np.asarray(cv2.blur(pixels, (_SMOOTH, 1)), np.uint8)
    other = _measure_runs(_find_ink(smooth, mean))[:1]
    return [each for each in other if abs(each.size / found[0].size - 1) > _SAME_SIZE] + found


def _find_ink(pixels: Pixels, mean: Pixels) -> Mask:
    """Mask of what is darker than the mean around it, on a sample of columns: (H, n) bool."""
    sample = (slice(None, None, 4),) * 2
    depth = np.subtract(mean[sample], pixels[sample], dtype=np.int16)
    threshold = max(6.0, 0.3 * float(np.percentile(depth, 99)))
    columns = slice(None, None, max(1, pixels.shape[1] // 400))
    found = np.subtract(mean[:, columns], pixels[:, columns], dtype=np.int16) > threshold
    return np.asarray(found, np.bool_)


def _measure_runs(mask: Mask) -> list[Interline]:
    """Interlines by how often they occur.

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


# --- other sizes ----------------------------------------------------------------------------------


def find_other_sizes(sheet: Sheet, staves: Sequence[FiveLines]) -> list[float]:
    """Interlines in px of the sheet of staves that may be there beside those found.

    At most one that is smaller, and one that is larger.
    """
    field, columns = make_field(sheet)
    gain = find_gain(find_combs(field, sheet.interline))
    field = np.minimum(gain * field[:, ::_STEP], 1)
    for staff in staves:
        _blot_out(field, staff, columns[::_STEP], sheet.interline)
    sizes = []
    for ratios in _RATIOS:
        seen = np.array([_clearest(find_combs(field, each * sheet.interline)) for each in ratios])
        near = np.where(seen >= _SAME * seen.max(), seen, 0)
        if seen.max() > _LEAST:
            sizes.append(float((ratios * near).sum() / near.sum() * sheet.interline))
    return sizes


def _blot_out(field: Floats, staff: FiveLines, columns: Columns, unit: float) -> None:
    """Clear a staff and what is beside it."""
    inside = np.flatnonzero((columns > staff.left - unit) & (columns < staff.right + unit))
    top, bottom = (np.interp(columns[inside], staff.columns, staff.rows[line]) for line in (0, 4))
    for place, high, low in zip(inside, top - _BESIDE * unit, bottom + _BESIDE * unit, strict=True):
        field[max(0, round(high)) : max(0, round(low) + 1), place] = 0


def _clearest(comb: Floats) -> float:
    """How clearly five lines run along some rows, 0..1; they may fall or rise a little."""
    if comb.shape[1] < _COLUMNS:
        return 0.0
    near = cv2.dilate(comb, np.ones((5, 1), np.uint8))
    means = cv2.blur(near, (_COLUMNS, 1), borderType=cv2.BORDER_CONSTANT)
    return float(means.max())
