"""StaffImage, Logits -> whether what was read on a staff is music at all.

Rules of a table, forms and blank music paper have five lines as staves have. A network reads
something on them all the same, but little, and it is not sure of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from omrcli.staves.openings import count_heads, is_blank

from .decoding import decode_greedy
from .logits import Logits

if TYPE_CHECKING:
    from omrcli.staves.staff import StaffGeometry, StaffImage

#: The fewest signs that are music, and the mean confidence in them below which they are none.
_LEAST_SIGNS, _LEAST_SURE = 3, 0.6
#: Confidence that makes music also of a staff that has hardly a filled head, or is very short.
_SURE = 0.9
#: Filled heads for each interline of a staff; the length in interlines of a short staff.
_HEADS, _SHORT = 0.03, 30.0


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
