"""Letters -> outlines, from the fonts that matplotlib brings along: the same pictures everywhere.

The only module that imports fontTools (extra `synth`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from omrcli.errors import MissingDependencyError

#: Files of each face: upright, bold, italic, bold italic.
_FILES = {
    "serif": ("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta"),
    "book": ("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic"),
    "sans": ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique"),
}
FACES = tuple(_FILES)
#: Size against that of Times, by which Verovio spaces its words; the wider faces would overlap.
_SIZES = {"serif": 1.0, "book": 0.84, "sans": 0.84}


@dataclass(frozen=True)
class Lettering:
    """How words are written: one of FACES, its weight and its slant."""

    face: str = "serif"
    bold: bool = False
    italic: bool = False


@dataclass(frozen=True)
class Letter:
    """A letter: `path` is an SVG path with y up, of `units` to the em; `advance` is in ems."""

    path: str
    units: float
    advance: float


def spell(text: str, lettering: Lettering) -> Iterator[tuple[Letter, float]]:
    """The letters of a line of text and where each begins, in ems; what a face lacks is left out.

    Raises:
        MissingDependencyError: fontTools or matplotlib is not installed.
    """
    x = 0.0
    for sign in text:
        letter = _letter(sign, lettering)
        if letter:
            yield letter, x
            x += letter.advance


def measure_text(text: str, lettering: Lettering) -> float:
    """Length of a line of text in ems."""
    return sum(letter.advance for letter, _ in spell(text, lettering))


@lru_cache(maxsize=4096)
def _letter(sign: str, lettering: Lettering) -> Letter | None:
    font = _font(_FILES[lettering.face][lettering.bold + 2 * lettering.italic])
    name = font.getBestCmap().get(ord(sign))
    if name is None:
        return None
    from fontTools.pens.svgPathPen import SVGPathPen

    glyphs, units = font.getGlyphSet(), font["head"].unitsPerEm / _SIZES[lettering.face]
    pen = SVGPathPen(glyphs)
    glyphs[name].draw(pen)
    return Letter(pen.getCommands(), units, glyphs[name].width / units)


@lru_cache(maxsize=12)
def _font(name: str) -> Any:
    place = find_spec("matplotlib")  # for its folder: the package itself is not loaded
    try:
        from fontTools.ttLib import TTFont
    except ImportError:
        place = None
    if place is None or place.origin is None:
        raise MissingDependencyError(
            "Lettering needs fontTools and matplotlib; run: pip install 'omrcli[synth]'"
        )
    fonts = Path(place.origin).parent / "mpl-data" / "fonts" / "ttf"
    return TTFont(fonts / f"{name}.ttf", lazy=True)
