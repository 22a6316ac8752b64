"""The proof sheet: one HTML file in which a reading is checked against its source and corrected.

`crops.py` keeps the staves' images while pages are read, `sheet.py` puts them beside the reading,
which `staff_mei.py`, `marks.py` and `aligning.py` engrave under it, and `page.py` writes the file;
`proof.py` does all of it for one piece.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .proof import Proof


def begin_proof(path: Path | None) -> Proof | None:
    """What keeps the pages of a piece for the proof sheet at `path`; None where none is wanted.

    Only then are the parts of a proof sheet loaded.
    """
    if path is None:
        return None
    from .proof import Proof

    return Proof()
