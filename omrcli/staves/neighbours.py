"""PageImage, Staves -> StaffImages without what belongs to the staves above and below.

Where staves stand close, the picture of one shows notes of its neighbours. What hangs together with
the staff next to it and not with its own, as notes on ledger lines and their stems do, is faded
out; stems that reach both stay, and so does what hangs together with neither. Barlines that run
through a system are cut to their staff, and what joins its staves at the left is left out: a model
learns from lone staves, which have neither.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from omrcli.pages.image import PageImage

from .sheet import Curve, Floats, recall_sheet
from .staff import (
    Staff,
    StaffGeometry,
    StaffImage,
    cut_pixels,
    make_image,
    normalise_staff,
    place_pixels,
)
from .through_barlines import BetweenStaves, find_through_barlines

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
    if len(staves) == 1:
        return [normalise_staff(page, staves[0], geometry)]
    barlines = None
    if len({staff.system for staff in staves}) < len(staves):
        sheet = recall_sheet(page, float(np.median([staff.interline for staff in staves])))
        barlines = find_through_barlines(sheet, staves)
    return [_cut_staff(page, staff, staves, geometry, barlines) for staff in staves]


def _cut_staff(
    page: PageImage,
    staff: Staff,
    staves: Sequence[Staff],
    geometry: StaffGeometry,
    barlines: BetweenStaves | None,
) -> StaffImage:
    room = math.ceil(max(geometry.above, geometry.below) + _REACH)
    wide = replace(geometry, above=room, below=room)
    places = place_pixels(staff, wide)
    pixels = cut_pixels(page, staff, places)
    first = (room - geometry.above) * geometry.interline
    own = slice(first, first + geometry.height)
    image = make_image(pixels[own], staff, geometry)
    columns = np.arange(image.pixels.shape[1], dtype=float)
    xs = image.x_offset + columns * image.scale
    gaps = {side: _measure_gaps(staff, staves, side, xs) for side in (-1, 1)}
    foreign = np.zeros(pixels.shape, bool)
    if sum(each.system == staff.system for each in staves) > 1:
        # A bracket makes a bass clef look like a C clef.
        foreign[:, : round((staff.x0 - image.x_offset) / image.scale) - 1] = True
    if barlines is not None:
        foreign |= barlines.look_up(places)
    if min(float(each.min()) for each in gaps.values()) < room:
        ink = make_image(pixels, staff, wide).pixels * ~foreign
        for side, gap in gaps.items():
            # Turned over, the side above is the one below.
            foreign[::side] |= _find_foreign(ink[::side], np.minimum(gap, room), wide)
    return replace(image, pixels=_fade(image.pixels, foreign[own]))


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
