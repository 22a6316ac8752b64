"""Which end of a page is up: staves read both ways, if reading them one way leaves doubt.

Turned upside down, a staff shows no clef at its left. A model reads one there all the same, as
every staff that it has seen began with one, but it is not sure of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from omrcli.reading.logits import Logits
from omrcli.staves.openings import lacks_clef
from omrcli.staves.staff import StaffGeometry, StaffImage

#: Mean confidence in the first sign of the staves of a page above which they are upright; of a
#: staff or two, for which one wrong clef is enough.
_SURE, _SURE_ALONE, _FEW = 0.995, 0.9995, 2
#: Staves of a page that are read the other way round.
_SAMPLE = 4
#: How much better they must read then, of 1; and where their first signs leave no doubt any more.
_CLEARLY, _CLEARLY_SURE = 0.03, 0.01


def leaves_doubt(staves: Sequence[Logits], blank: int) -> bool:
    """Tell whether a page's staves, as the model read them, may be upside down."""
    sure = _SURE if len(staves) > _FEW else _SURE_ALONE
    return bool(staves) and float(np.mean([_first_sign(item, blank) for item in staves])) < sure


def sample_staves(count: int) -> list[int]:
    """Indices of the staves, spread over a page of `count`, that are to be read both ways."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, _SAMPLE))})


def turn_staff(staff: StaffImage) -> StaffImage:
    """The image of a staff upside down."""
    return replace(staff, pixels=np.ascontiguousarray(staff.pixels[::-1, ::-1]))


def has_clefs(staves: Sequence[StaffImage], geometry: StaffGeometry) -> bool:
    """Tell whether most of some staves begin with what may be a clef.

    Music without clefs, such as a few measures out of a line, has none at its other end either.
    """
    return 2 * sum(not lacks_clef(staff, geometry) for staff in staves) > len(staves)


def reads_better(turned: Sequence[Logits], upright: Sequence[Logits], blank: int) -> bool:
    """Tell whether staves read clearly better turned than as they were."""
    after, before = (
        float(np.mean([_legibility(item, blank) for item in staves]))
        for staves in (turned, upright)
    )
    return after > before + (_CLEARLY if leaves_doubt(turned, blank) else _CLEARLY_SURE)


def _legibility(logits: Logits, blank: int) -> float:
    """Confidence in the first sign, less the doubt in all frames as far as it is not too great.

    Of music that the model does not know, such as chords, only the clef tells.
    """
    doubt = 10 * float(-logits.values.max(axis=1).mean())
    return _first_sign(logits, blank) - min(doubt, 1.0)


def _first_sign(logits: Logits, blank: int) -> float:
    """The probability of the first frame that is not blank; 0 if all are."""
    first = np.flatnonzero(logits.values.argmax(axis=1) != blank)[:1]
    return float(np.exp(logits.values[first].max())) if len(first) else 0.0
