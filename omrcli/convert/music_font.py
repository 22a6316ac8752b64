"""Verovio's music font as a file, for the notes inside words, such as those of a metronome mark.

Verovio has it as WOFF2 only, which few programs read; fontTools unpacks it.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from pathlib import Path

from omrcli.errors import MissingDependencyError

FAMILY = "Leipzig"
#: Where music fonts have their signs.
PRIVATE_USE = range(0xE000, 0xF900)

_EMBEDDED = re.compile(r"base64,([A-Za-z0-9+/=]+)")
_INSIDE_WORDS = re.compile(r"<tspan[^>]*>[^<]*?[\ue000-\uf8ff]|&#xE[0-9A-F]{3};")


def needs_music_font(pages: Sequence[str]) -> bool:
    """Whether there are notes inside words on SVG pages."""
    return any(_INSIDE_WORDS.search(page) for page in pages)


def write_music_font(folder: Path) -> None:
    """Write the font into a folder as a TrueType file.

    Raises:
        MissingDependencyError: fontTools, brotli or Verovio is not installed.
    """
    from omrcli.engrave import read_font_css

    try:
        import brotli  # noqa: F401 - fontTools needs it for WOFF2
        from fontTools.ttLib import TTFont
    except ImportError as error:
        raise MissingDependencyError(
            "Drawing notes inside words needs fontTools and brotli; run: "
            "pip install 'omrcli[convert]'"
        ) from error
    found = _EMBEDDED.search(read_font_css(FAMILY))
    if found:
        # Without a new date in it equal pages become equal files.
        font = TTFont(io.BytesIO(base64.b64decode(found[1])), recalcTimestamp=False)
        font.flavor = None
        font.save(folder / f"{FAMILY}.ttf")
