"""StaffImage, Logits -> whether what was read on a staff is music at all.

Rules of a table, forms and blank music paper have five lines as staves have. A network reads
something on them all the same, but little, and it is not sure of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from .decoding import decode_greedy
from .logits import Logits

if TYPE_CHECKING:
    from omrcli.staves.staff import StaffGeometry, StaffImage

#: Share of the columns of a staff that have ink between its lines; a staff of which none has
#: more than this is blank. On staves with a clef and a whole rest or two it is 0.03.
_BLANK, _INK = 0.02, 0.4
#: The fewest signs that are music, and the mean confidence in them below which they are none.
_LEAST_SIGNS, _LEAST_SURE = 3, 0.6
#: Confidence that makes music also of a staff that has hardly a filled head, or is very short.
_SURE = 0.9
#: Filled heads, by their diameter in interlines, for each interline of a staff; the length in
#: interlines of a short staff.
_HEAD, _HEADS, _SHORT = 0.55, 0.03, 30.0


def is_blank(staff: StaffImage, geometry: StaffGeometry) -> bool:
    """Tell whether a staff has nothing but its lines, and perhaps a barline at its ends."""
    unit = geometry.interline
    inside = staff.pixels[:, 2 * unit : -2 * unit]
    if not inside.size:
        return False
    reach = max(1, round(unit / 6))
    middles = [geometry.top_line + round((space + 0.5) * unit) for space in range(-1, 5)]
    ink = np.max([inside[row - reach : row + reach].max(axis=0) for row in middles], axis=0)
    return float((ink > _INK).mean()) < _BLANK


def is_music(staff: StaffImage, logits: Logits, geometry: StaffGeometry, blank: int) -> bool:
    """Tell whether a staff was read as music is read: signs enough, and sure enough of them."""
    units = decode_greedy(logits.values, blank)
    if len(units) < _LEAST_SIGNS or is_blank(staff, geometry):
        return False
    sure = float(np.mean([unit.confidence for unit in units]))
    length = staff.pixels.shape[1] / geometry.interline
    if length < _SHORT or count_heads(staff, geometry) < _HEADS * length:
        return sure > _SURE
    return sure > _LEAST_SURE


def count_heads(staff: StaffImage, geometry: StaffGeometry) -> int:
    """How many blots as thick as a filled head there are on a staff and near it."""
    size = round(_HEAD * geometry.interline) | 1
    ink = (staff.pixels > 0.5).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return cv2.connectedComponents(cv2.morphologyEx(ink, cv2.MORPH_OPEN, disc))[0] - 1
