"""Engraved pages (SVG) -> PDF, PNG or HTML. The only module that imports typst, which draws SVG as
vectors; it needs no other program and no font of the system."""

from __future__ import annotations

import datetime
import html
import json
import re
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from omrcli.errors import InputError, MissingDependencyError
from omrcli.scratch import scratch_folder

from .music_font import PRIVATE_USE, needs_music_font, write_music_font
from .verovio_process import INSTALL, engrave_apart

#: Dots per inch of a PNG: a staff is 57 px high.
PNG_DENSITY = 200

_SIZE = re.compile(r'viewBox="0 0 (\d+) (\d+)"')  # tenths of a millimetre
_WORDS = re.compile(r">([^<]+)<")
#: Up to here typst's own fonts have the signs.
_LAST_LETTER = 0x052F


def engrave_sheets(
    musicxml: str, name: str, layout: bool = True, cropped: bool = True
) -> list[str]:
    """The pages of a MusicXML document as SVG, engraved by Verovio.

    Args:
        musicxml: the document.
        name: of the score, for messages.
        layout: keep the line breaks of the source, as far as they fit.
        cropped: pages as high as their music, else all are A4.

    Raises:
        InputError: the score cannot be engraved.
        MissingDependencyError: Verovio is not installed.
    """
    options: dict[str, object] = {
        "breaks": "smart" if layout else "auto",
        "adjustPageHeight": cropped,
    }
    return engrave_apart(musicxml, options, name)


def pdf_bytes(pages: Sequence[str], title: str | None = None) -> bytes:
    """The pages as one PDF, in vectors; its metadata bear the title, if one is known."""
    (document,) = _draw(pages, "pdf", title=title)
    return document


def png_bytes(pages: Sequence[str], density: float = PNG_DENSITY) -> list[bytes]:
    """Each page as a PNG, black on white, at `density` dots per inch."""
    return _draw(pages, "png", density)


def html_bytes(pages: Sequence[str], title: str) -> bytes:
    """All pages as one HTML document that loads nothing from anywhere."""
    sheets = "\n".join(
        f'<div class="page" id="page-{n}">{svg}</div>' for n, svg in enumerate(pages, 1)
    )
    page = _HTML.format(title=html.escape(title), pages=sheets)
    return page.encode("utf-8", "backslashreplace")  # the title may be a name that is no text


_HTML = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
font-src data:; img-src data:">
<title>{title}</title>
<style>
body {{ margin: 0; background: #888; }}
.page {{ max-width: 60rem; margin: 1rem auto; background: #fff; color: #000; }}
.page svg {{ display: block; width: 100%; height: auto; }}
@media print {{
  body {{ background: #fff; }}
  .page {{ margin: 0; max-width: none; break-after: page; }}
}}
</style></head>
<body>
{pages}
</body></html>
"""


def _draw(
    pages: Sequence[str], format: str, density: float = PNG_DENSITY, title: str | None = None
) -> list[bytes]:
    typst = _typst()
    with scratch_folder("pages") as folder:
        # As JSON no text of the title can be read as a command.
        (folder / "title.json").write_text(json.dumps(title), encoding="utf-8")
        source = ['#set document(title: json("title.json"))'] if title else []
        for number, page in enumerate(pages):
            (folder / f"{number}.svg").write_text(page, encoding="utf-8")
            source.append(_sheet(page, number))
        (folder / "main.typ").write_text("\n".join(source), encoding="utf-8")
        if needs_music_font(pages):
            write_music_font(folder)
        options: dict[str, Any] = {"ppi": density} if format == "png" else {"pdf_tags": False}
        try:
            drawn = typst.compile(
                str(folder / "main.typ"),
                root=str(folder),
                font_paths=[str(folder)],
                format=format,
                ignore_system_fonts=not _needs_fonts(pages),
                timestamp=datetime.datetime.fromtimestamp(0, datetime.timezone.utc),
                **options,
            )
        except RuntimeError as error:
            raise InputError(
                f"typst cannot draw the pages ({error}); write .svg instead."
            ) from error
    return [bytes(part) for part in drawn] if isinstance(drawn, list) else [bytes(drawn)]


def _sheet(page: str, number: int) -> str:
    """The typst source of a page that an SVG fills."""
    found = _SIZE.search(page)
    width, height = (int(found[1]), int(found[2])) if found else (2100, 2970)
    return (
        f"#page(width: {width / 10}mm, height: {height / 10}mm, margin: 0pt, fill: white)"
        f'[#image("{number}.svg", width: 100%, height: 100%)]'
    )


def _needs_fonts(pages: Sequence[str]) -> bool:
    """Whether there are words in scripts for which fonts of the system are needed."""
    signs = {sign for page in pages for words in _WORDS.findall(page) for sign in words}
    return any(ord(sign) > _LAST_LETTER and ord(sign) not in PRIVATE_USE for sign in signs)


def _typst() -> ModuleType:
    try:
        import typst
    except ImportError as error:
        raise MissingDependencyError(f"Drawing PDF and PNG needs typst; {INSTALL}") from error
    return typst
