"""Music -> the bytes of each format, and the files they go to."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree as ET

from omrcli.errors import OutputError, UsageError
from omrcli.score.score import ExportOptions
from omrcli.tokens import format_semantic

from .sources import Music

STDOUT = "-"
#: Formats of bytes that are no text, and those of which a score may take several files.
BINARY = ("mxl", "mid", "midi", "pdf", "png")
PAGED = ("svg", "png")

Writer = Callable[[Music, ExportOptions], "list[bytes]"]


@dataclass(frozen=True)
class Target:
    """One output: a format, and the file it goes to, or None for standard output."""

    format: str
    path: Path | None


def find_target(output: str, format: str | None) -> Target:
    """What an output stands for: its suffix is its format, if it is one of them; "-" is standard
    output in `format`.

    Raises:
        UsageError: the format is not given or unknown.
        OutputError: the output is a folder.
    """
    if output == STDOUT:
        if format is None:
            raise UsageError("Standard output has no suffix; say its format with --to.")
        return Target(_check(format), None)
    name = Path(output).suffix.lower().lstrip(".")
    if name not in WRITERS:
        name = format or name
    if os.path.isdir(output):  # noqa: PTH112 - pathlib raises of a name that is too long
        raise OutputError(f"{output} is a folder; give the name of a file in it with -o.")
    if not name:
        raise UsageError(f"{output} has no suffix; choose from {_names()}, or say it with --to.")
    return Target(_check(name), Path(output))


def _check(format: str) -> str:
    if format.lower() not in WRITERS:
        raise UsageError(f"Format {format!r} cannot be written; choose from {_names()}.")
    return format.lower()


def _names() -> str:
    return ", ".join(f".{name}" for name in WRITERS)


def write_music(music: Music, format: str, options: ExportOptions) -> list[bytes]:
    """The music in a format of WRITERS: one content, or one for each page.

    Raises:
        InputError: the music cannot be written so.
        MissingDependencyError: a library or program is not installed.
    """
    return WRITERS[format](music, options)


def _semantic(music: Music, options: ExportOptions) -> list[bytes]:
    """A line for each part; of a part with several staves one for each."""
    lines = music.lines or music.reading.staves
    return ["".join(map(format_semantic, lines)).encode()]


def _musicxml(music: Music, options: ExportOptions) -> list[bytes]:
    return [music.musicxml(options)]


def _mxl(music: Music, options: ExportOptions) -> list[bytes]:
    from omrcli.formats.musicxml import pack_mxl

    return [pack_mxl(music.musicxml(options))]


def _midi(music: Music, options: ExportOptions) -> list[bytes]:
    from omrcli.formats.midi import midi_bytes, piece_bytes
    from omrcli.formats.musicxml_playing import document_piece

    if music.lines:
        return [midi_bytes(music.score, options)]
    return [piece_bytes(document_piece(music.copy_root(options), music.name))]


def _mei(music: Music, options: ExportOptions) -> list[bytes]:
    from .verovio_process import translate_apart

    return [translate_apart(music.musicxml_text(options), "mei", music.name).encode()]


def _humdrum(music: Music, options: ExportOptions) -> list[bytes]:
    from .verovio_process import translate_apart

    return [translate_apart(music.musicxml_text(options), "humdrum", music.name).encode()]


def _lilypond(music: Music, options: ExportOptions) -> list[bytes]:
    from .lilypond import lilypond_text

    return [lilypond_text(music.musicxml_text(options), music.name).encode()]


def _svg(music: Music, options: ExportOptions) -> list[bytes]:
    return [page.encode() for page in _sheets(music, options)]


def _png(music: Music, options: ExportOptions) -> list[bytes]:
    from .pages import png_bytes

    return png_bytes(_sheets(music, options))


def _pdf(music: Music, options: ExportOptions) -> list[bytes]:
    from .pages import pdf_bytes

    return [pdf_bytes(_sheets(music, options, cropped=False), options.title or music.title)]


def _html(music: Music, options: ExportOptions) -> list[bytes]:
    from .pages import html_bytes

    return [html_bytes(_sheets(music, options), Path(music.name).name)]


def _sheets(music: Music, options: ExportOptions, cropped: bool = True) -> list[str]:
    from .pages import engrave_sheets

    return engrave_sheets(sheets_text(music, options), music.name, options.layout, cropped)


def sheets_text(music: Music, options: ExportOptions | None = None) -> str:
    """The MusicXML document to engrave."""
    from .retouch import add_credits

    root = music.copy_root(replace(options or ExportOptions(), layout=True))
    add_credits(root)
    return ET.tostring(root, encoding="unicode")


#: Every format by its suffix.
WRITERS: dict[str, Writer] = {
    "semantic": _semantic,
    "musicxml": _musicxml,
    "xml": _musicxml,
    "mxl": _mxl,
    "mid": _midi,
    "midi": _midi,
    "mei": _mei,
    "krn": _humdrum,
    "ly": _lilypond,
    "svg": _svg,
    "png": _png,
    "pdf": _pdf,
    "html": _html,
}


def name_pages(path: Path, count: int) -> list[Path]:
    """The files of the pages of a score: one has the name as given, several are numbered from 1
    with as many digits as the last needs."""
    if count == 1:
        return [path]
    digits = len(str(count))
    return [path.with_name(f"{path.stem}-{n:0{digits}}{path.suffix}") for n in range(1, count + 1)]
