"""PageImage, Staves -> StaffImages without what belongs to the staves above and below.

Where staves stand close, the picture of one shows notes of its neighbours. What hangs together with
the staff next to it and not with its own, as notes on ledger lines and their stems do, is faded
out; barlines and stems that reach both stay, and so does what hangs together with neither.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from omrcli.pages.image import PageImage

from .sheet import Curve, Floats
from .staff import Staff, StaffGeometry, StaffImage, normalise_staff

Mask = NDArray[np.bool_]

#: Interlines beyond the picture of a staff within which the lines of a neighbour matter: its notes
#: seldom reach farther from it.
_REACH = 6.0
#: Interlines beside lines that count as touching them, and ink, 0..1, that holds things together.
_BESIDE, _TOUCH, _INK = 0.4, 0.4, 0.3


def cut_staves(
    page: PageImage, staves: Sequence[Staff], geometry: StaffGeometry
) -> list[StaffImage]:
    """Normalise staves, and fade out of each what belongs to its neighbours."""
    return [_cut_staff(page, staff, staves, geometry) for staff in staves]


def _cut_staff(
    page: PageImage, staff: Staff, staves: Sequence[Staff], geometry: StaffGeometry
) -> StaffImage:
    image = normalise_staff(page, staff, geometry)
    room = math.ceil(max(geometry.above, geometry.below) + _REACH)
    columns = np.arange(image.pixels.shape[1], dtype=float)
    xs = image.x_offset + columns * image.scale
    gaps = {side: _measure_gaps(staff, staves, side, xs) for side in (-1, 1)}
    if min(float(each.min()) for each in gaps.values()) >= room:
        return image
    wide = replace(geometry, above=room, below=room)
    ink = normalise_staff(page, staff, wide).pixels
    foreign = np.zeros(ink.shape, bool)
    for side, gap in gaps.items():
        # Turned over, the side above is the one below.
        foreign[::side] |= _find_foreign(ink[::side], np.minimum(gap, room), wide)
    first = (room - geometry.above) * geometry.interline
    return replace(image, pixels=_fade(image.pixels, foreign[first : first + geometry.height]))


def _measure_gaps(staff: Staff, staves: Sequence[Staff], side: int, xs: Curve) -> Curve:
    """Interlines at each x from a staff to the one next to it, below (1) or above (-1)."""
    own, other = (4, 0) if side > 0 else (0, 4)
    here = np.interp(xs, staff.xs, staff.lines[own])
    gaps = np.full(len(xs), np.inf)
    for each in staves:
        away = side * (np.interp(xs, each.xs, each.lines[other]) - here) / staff.interline
        beside = (xs >= each.x0) & (xs <= each.x1) & (away > 0)
        gaps[beside] = np.minimum(gaps[beside], away[beside])
    return gaps


def _find_foreign(ink: Floats, gaps: Curve, geometry: StaffGeometry) -> Mask:
    """What is of the staff below: the staff itself, and what touches it and not the own one."""
    unit = geometry.interline
    own = geometry.top_line + (4 + _BESIDE) * unit
    rows = np.arange(len(ink))[:, None]
    lines = geometry.top_line + (4 + gaps - _BESIDE) * unit
    between = (rows > own) & (rows < lines)
    _, labels = cv2.connectedComponents(((ink > _INK) & between).astype(np.uint8))
    near_own = between & (rows <= own + _TOUCH * unit)
    # Where there is no neighbour nothing touches one.
    near_other = between & (rows >= lines - _TOUCH * unit) & (gaps < geometry.below)
    touching = np.setdiff1d(labels[near_other], np.append(labels[near_own], 0))
    return np.asarray(np.isin(labels, touching) | (rows >= lines), np.bool_)


def _fade(pixels: Floats, foreign: Mask) -> Floats:
    """Pixels without the foreign ink and its soft edges."""
    wide = cv2.dilate(foreign.astype(np.float32), np.ones((3, 3), np.uint8))
    return np.asarray(pixels * (1 - wide), np.float32)
