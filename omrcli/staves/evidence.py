"""Five lines on a sheet -> whether they are the lines of a staff: what their ink shows px by px.

Lines are looked for on a sheet that is smoothed along them, on which rows of text, rules of a table
or squared paper look alike. Here the ink itself is asked: the lines of a staff are there nearly
everywhere, thin against their distance, clearer than what lies between them, and no sixth one
follows at the same distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .sheet import Curve, FiveLines, Floats, Sheet, sample

#: Share of the columns in which the faintest of the lines is seen. In real prints and photos it is
#: 0.85 at least, but lines of binarised scans are broken.
_EACH_SEEN = 0.5
#: Share of the columns in which none is seen: lines break one here and one there, boxes beside
#: each other end together.
_MOST_GONE = 0.2
#: Share of the usual ink of lines at which a line is seen.
_SEEN = 0.5
#: Thickness of lines in interlines; blurred photos and old prints reach 0.31. Lines that are plain
#: in all else may be thicker: a photo out of focus widens them.
_THICKEST, _BLURRED = 0.36, 0.5
_PLAINLY_SEEN, _PLAINLY_CLEARER = 0.9, 0.6
#: Lines as thick as which a beam is at least.
_BEAM = 2.0
#: How much more ink there is on the faintest line than in most spaces, of the usual ink.
_CLEARER = 0.25
#: Share of the columns in which a sixth line is seen; rows of ledger lines reach 0.42.
_MOST_SIXTH = 0.55
#: What is beside a line at this distance, in interlines, and has no more than this share of its
#: ink, leaves it thin.
_BESIDE, _THIN = 0.45, 0.4
#: Interlines along the lines over which grain is evened out, and how far from its place a sixth
#: line is looked for; heights at which ink around a line is looked at.
_ALONG, _NEAR, _STEPS = 0.8, (-0.25, -0.15, -0.05, 0.05, 0.15, 0.25), 21


@dataclass(frozen=True)
class Evidence:
    """What the ink of five lines shows; shares are of columns, distances in interlines."""

    each_seen: float
    gone: float
    thickness: float
    clearer: float
    sixth: float

    @property
    def is_plain(self) -> bool:
        """Whether all five are there throughout, with paper between them."""
        return self.each_seen > _PLAINLY_SEEN and self.clearer > _PLAINLY_CLEARER

    def speaks_for_staff(self) -> bool:
        """Tell whether these are the lines of a staff."""
        return (
            self.each_seen > _EACH_SEEN
            and self.gone < _MOST_GONE
            and self.thickness < (_BLURRED if self.is_plain else _THICKEST)
            and self.clearer > _CLEARER
            and self.sixth < _MOST_SIXTH
        )


def weigh_lines(sheet: Sheet, found: FiveLines) -> Evidence:
    """Look at the ink along five lines, between them and beyond them."""
    xs = np.arange(max(0, round(found.left)), min(sheet.ink.shape[1], round(found.right) + 1))
    rows = np.stack([np.interp(xs, found.columns, line) for line in found.rows])
    gap = (rows[4] - rows[0]) / 4
    on = np.max([_look(sheet, rows + d, xs) for d in (-1, 0, 1)], axis=0)
    usual = max(float(np.percentile(on, 60)), 1e-3)
    seen = on > _SEEN * usual
    spaces = _look(sheet, (rows[1:] + rows[:-1]) / 2, xs)
    # Beams may fill a space or two.
    clearer = on.mean(axis=1).min() - np.median(spaces.mean(axis=1))
    steps = np.linspace(-0.5, 0.5, _STEPS)[:, None, None]
    dark = _look(sheet, rows + steps * gap, xs) > _SEEN * usual
    middle = dark[_STEPS // 2 - 2 : _STEPS // 2 + 3].any(axis=0)
    heights = dark.mean(axis=0)[middle]
    thickness = float(np.median(heights)) if len(heights) else 1.0
    line = _Line(usual, thickness)
    return Evidence(
        gone=float(1 - seen.any(axis=0).mean()),
        each_seen=float(seen.mean(axis=1).min()),
        thickness=thickness,
        clearer=float(clearer / usual),
        sixth=max(
            _find_line(sheet, end, gap, line) for end in ((xs, rows[0] - gap), (xs, rows[4] + gap))
        ),
    )


def _look(sheet: Sheet, rows: Curve, xs: NDArray[np.int64]) -> Floats:
    """The ink at rows (..., n) of columns xs (n,), evened out along them against grain."""
    ink = sample(sheet.ink, rows, xs)
    size = (round(_ALONG * sheet.interline) | 1, 1)
    return np.asarray(cv2.blur(ink.reshape(-1, len(xs)), size), np.float32).reshape(ink.shape)


@dataclass(frozen=True)
class _Line:
    """The usual ink of the lines of a staff, and their thickness in interlines."""

    ink: float
    thickness: float


def _find_line(
    sheet: Sheet, place: tuple[NDArray[np.int64], Curve], gap: Curve, line: _Line
) -> float:
    """Share of the columns in which there is a thin line near a row, given as columns and row.

    A beam is no line.
    """
    xs, row = place
    on = np.max([_look(sheet, row + shift * gap, xs) for shift in _NEAR], axis=0)
    beside = np.max([_look(sheet, row + side * _BESIDE * gap, xs) for side in (-1, 1)], axis=0)
    steps = np.linspace(-0.5, 0.5, _STEPS)[:, None]
    dark = _look(sheet, row + steps * gap, xs) > _SEEN * line.ink
    thin = dark.mean(axis=0) < _BEAM * line.thickness
    return float(((on > _SEEN * line.ink) & (beside < _THIN * on) & thin).mean())
