"""MEI or MusicXML -> SVG, other notations -> MEI or Humdrum.

The only module that imports Verovio (extras `synth` and `convert`).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from omrcli.errors import InputError, MissingDependencyError

#: Music fonts that Verovio bundles.
FONTS = ("Bravura", "Gootville", "Leipzig", "Leland", "Petaluma")
#: Formats that `load_as_mei` reads, by Verovio's names; "mxl" is compressed MusicXML.
INPUT_FORMATS = ("musicxml", "mxl", "humdrum", "abc", "pae", "mei")

_PAGE: dict[str, object] = {
    "breaks": "none",
    "adjustPageWidth": True,
    "adjustPageHeight": True,
    "pageWidth": 100_000,
    "header": "none",
    "footer": "none",
    "svgViewBox": False,
    "xmlIdSeed": 1,  # without a seed the ids, and so the text, differ from run to run
}


#: A sheet of A4 with margins of 15 mm, in tenths of a millimetre; staves of 7.2 mm. Breaks of the
#: source are kept where a line would be at least two thirds full.
_SHEET: dict[str, object] = {
    "pageWidth": 2100,
    "pageHeight": 2970,
    "pageMarginLeft": 150,
    "pageMarginRight": 150,
    "pageMarginTop": 150,
    "pageMarginBottom": 150,
    "breaks": "smart",
    "footer": "none",
    "svgViewBox": True,
    "svgFormatRaw": True,
    "xmlIdSeed": 1,
}
#: When Verovio ran: without it equal input gives equal text.
_DATE = re.compile(r' isodate="[^"]*"')
#: Names of texts inside them: viewers show them as tips, some draw them.
_NAMES = re.compile(r"<title[^>]*>[^<]*</title>")

_PATH = re.compile(r' d="([^"]*)"')

#: Names of the options that the last call set, by font.
_changed: dict[str, set[str]] = {}


def engrave(mei: str, font: str = "Leipzig", options: Mapping[str, object] | None = None) -> str:
    """Engrave the first page of an MEI document on one endless system; equal input, equal text.

    Args:
        mei: an MEI document.
        font: one of FONTS.
        options: Verovio options on top of a page without breaks, header and footer; what is not
            named has Verovio's default, whatever an earlier call set.

    Raises:
        InputError: Verovio cannot engrave the document.
        MissingDependencyError: Verovio is not installed.
    """
    toolkit = _toolkit(font)
    wanted = {**_PAGE, **(options or {})}
    earlier = _changed.setdefault(font, set())
    # A toolkit keeps its options; to reset them all would read the font's files again.
    defaults = toolkit.getDefaultOptions() if earlier - wanted.keys() else {}
    toolkit.setOptions({**{name: defaults[name] for name in earlier - wanted.keys()}, **wanted})
    _changed[font] = set(wanted)
    if not toolkit.loadData(mei):
        raise InputError("Verovio cannot engrave this MEI document; check its notation.")
    return str(toolkit.renderToSVG(1))


def load_as_mei(data: bytes | str, input_from: str) -> str:
    """Convert a document to MEI.

    Args:
        data: text, or for "mxl" the bytes of the archive.
        input_from: one of INPUT_FORMATS.

    Raises:
        InputError: Verovio cannot read the data, or does not know the format.
        MissingDependencyError: Verovio is not installed.
    """
    if input_from not in INPUT_FORMATS:
        raise InputError(f"'{input_from}' is no format to import; use {', '.join(INPUT_FORMATS)}.")
    toolkit = _toolkit("")
    toolkit.setOptions({**_PAGE, "inputFrom": "musicxml" if input_from == "mxl" else input_from})
    if input_from == "mxl":
        raw = data if isinstance(data, bytes) else data.encode("latin-1")
        loaded = toolkit.loadZipDataBase64(base64.b64encode(raw).decode("ascii"))
    else:
        loaded = toolkit.loadData(data.decode("utf-8") if isinstance(data, bytes) else data)
    mei = _DATE.sub("", str(toolkit.getMEI({"removeIds": False}))) if loaded else ""
    if "<score" not in mei:  # Verovio also takes what it cannot read, and makes nothing of it
        raise InputError(f"This is no {input_from} document that Verovio can read; check the file.")
    return mei


def engrave_pages(musicxml: str, options: Mapping[str, object] | None = None) -> list[str]:
    """Engrave all pages of a MusicXML document, A4 unless `options` say otherwise.

    Raises:
        InputError: Verovio cannot engrave the document.
        MissingDependencyError: Verovio is not installed.
    """
    toolkit = _verovio().toolkit()
    toolkit.setOptions({**_SHEET, **(options or {}), "inputFrom": "musicxml"})
    if not toolkit.loadData(musicxml) or not toolkit.getPageCount():
        raise InputError("Verovio cannot engrave this score; open it in a notation program.")
    pages = range(1, toolkit.getPageCount() + 1)
    return [_NAMES.sub("", str(toolkit.renderToSVG(page))) for page in pages]


def translate(musicxml: str, to: str) -> str:
    """A MusicXML document as MEI ("mei") or as Humdrum text ("humdrum").

    Raises:
        InputError: Verovio cannot read the document.
        MissingDependencyError: Verovio is not installed.
    """
    toolkit = _verovio().toolkit()
    reader = "musicxml-hum" if to == "humdrum" else "musicxml"
    toolkit.setOptions({"inputFrom": reader, "xmlIdSeed": 1, "breaks": "encoded"})
    text = ""
    if toolkit.loadData(musicxml):
        text = str(toolkit.getHumdrumBuffer() if to == "humdrum" else toolkit.getMEI())
        text = _DATE.sub("", text)
    if ("**kern" if to == "humdrum" else "<score") not in text:
        raise InputError("Verovio cannot read this score; open it in a notation program.")
    return text


@lru_cache(maxsize=256)
def read_glyph(font: str, code: str) -> str:
    """The outline of a sign of one of FONTS, as an SVG path with y up and 1000 units to the em.

    Empty where neither the font nor Leipzig, which has the most signs, shows the code point.

    Raises:
        MissingDependencyError: Verovio is not installed.
    """
    data = Path(str(_verovio().__file__)).parent / "data"
    for folder in (data / font, data / "Leipzig"):
        try:
            found = _PATH.search((folder / f"{code}.xml").read_text(encoding="utf-8"))
        except OSError:
            continue
        return found[1] if found else ""
    return ""


def read_font_css(font: str) -> str:
    """The style sheet of one of FONTS, which holds the font as WOFF2 in base64.

    Raises:
        MissingDependencyError: Verovio is not installed.
    """
    data = Path(str(_verovio().__file__)).parent / "data"
    return (data / f"{font}.css").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _verovio() -> ModuleType:
    try:
        import verovio
    except ImportError as error:
        raise MissingDependencyError(
            "Engraving needs Verovio; run: pip install 'omrcli[synth]'"
        ) from error
    verovio.enableLog(verovio.LOG_OFF)
    return verovio


@lru_cache(maxsize=len(FONTS) + 1)
def _toolkit(font: str) -> Any:
    """One toolkit per font, and one for imports: changing the font of a toolkit reads its files
    again, which takes longer than engraving a staff."""
    toolkit = _verovio().toolkit()
    if font:
        toolkit.setOptions({"font": font})
    return toolkit
