"""`omr convert` and `omr view`: scores between formats, and before the eyes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omrcli.errors import MissingDependencyError, OutputError, UsageError

from .failures import exit_on_error, say, write_stdout
from .options import (
    ComposerOption,
    NoLayoutOption,
    QuietOption,
    TempoOption,
    TitleOption,
    VerboseOption,
)
from .page_files import check_one_page, write_pages

if TYPE_CHECKING:
    from omrcli.convert.sources import Music
    from omrcli.convert.terminal import Protocol
    from omrcli.convert.writers import Target

Source = Annotated[
    str,
    typer.Argument(
        metavar="INPUT",
        help="A score: .semantic (a line for each part), .musicxml .xml .mxl, .mid, .mei or "
        ".krn; "
        "- is standard input.",
        show_default=False,
    ),
]
Outputs = Annotated[
    list[str] | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="File, its format told by its suffix (.semantic .musicxml .xml .mxl .mid .midi .mei "
        ".krn .ly .svg .png .pdf .html); - is standard output; may be repeated.",
        show_default=False,
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        "-f",
        metavar="FORMAT",
        help="Format of the input. Default: told by its suffix, or by its content.",
        show_default=False,
    ),
]
To = Annotated[
    str | None,
    typer.Option(
        "--to",
        "-t",
        metavar="FORMAT",
        help="Format of standard output, or of a file without a suffix of its own.",
        show_default=False,
    ),
]


def convert(
    source: Source,
    output: Outputs = None,
    from_format: From = None,
    to: To = None,
    title: TitleOption = None,
    composer: ComposerOption = None,
    tempo: TempoOption = None,
    no_layout: NoLayoutOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Convert a score to other formats.

    Says in a sentence what a format cannot hold. Pages are engraved by Verovio; several of .svg
    and .png are numbered files.
    """
    with exit_on_error(verbose, quiet):
        from omrcli.convert.losses import describe_losses
        from omrcli.convert.writers import find_target, write_music
        from omrcli.score.score import ExportOptions

        targets = [find_target(name, to) for name in output or ["-"]]
        _check_targets(source, targets)
        options = ExportOptions(title, tempo, composer, not no_layout)
        music = _read(source, from_format)
        for warning in music.warnings:
            say(f"{music.name}: {warning}")
        written = [(target, write_music(music, target.format, options)) for target in targets]
        # Standard output last: where nobody reads it any more, the files are there.
        for target, contents in sorted(written, key=lambda pair: pair[0].path is None):
            _write(target, contents)
            lost = describe_losses(music, target.format)
            if lost:
                say(f"{music.name}: {lost}")


Page = Annotated[
    int | None,
    typer.Option(min=1, help="Page to show, from 1. Default: the first; in a browser all."),
]
ViewOutput = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write .html, .svg, .png or .pdf there instead of showing it.",
        show_default=False,
    ),
]


def view(
    source: Source,
    page: Page = None,
    output: ViewOutput = None,
    from_format: From = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Engrave a score and show it.

    In the terminal where that can draw pictures (kitty, iTerm2, sixel), else in the browser.
    """
    with exit_on_error(verbose, quiet):
        from omrcli.convert.pages import engrave_sheets
        from omrcli.convert.terminal import find_protocol
        from omrcli.convert.writers import find_target, sheets_text

        target = find_target(output, None) if output is not None else None
        if target is not None:
            _check_view(target)
            _check_targets(source, [target])
        protocol = find_protocol() if target is None else None
        if target is None and protocol is None:
            _check_browser()
        music = _read(source, from_format)
        cropped = target is None or target.format != "pdf"
        pages = _choose_page(engrave_sheets(sheets_text(music), music.name, True, cropped), page)
        if target is not None:
            _write(target, _render(pages, target.format, music))
        elif protocol is not None:
            _draw(pages, protocol)
        else:
            _open(pages, music.name)


def _check_view(target: Target) -> None:
    if target.format not in ("html", "svg", "png", "pdf"):
        raise UsageError(
            f"omr view writes .html, .svg, .png or .pdf; omr convert writes .{target.format}."
        )
    if target.path is None:
        raise UsageError("omr view writes to files; omr convert writes to standard output.")


def _check_browser() -> None:
    from omrcli.convert.browser import has_browser

    if not has_browser():
        raise MissingDependencyError(
            "There is no terminal that draws pictures and no browser; write a file with -o."
        )


def _choose_page(pages: list[str], page: int | None) -> list[str]:
    if page is None:
        return pages
    if page > len(pages):
        raise UsageError(f"There is no page {page}: the score has {len(pages)}.")
    return [pages[page - 1]]


def _render(pages: Sequence[str], format: str, music: Music) -> list[bytes]:
    from omrcli.convert.pages import html_bytes, pdf_bytes, png_bytes

    if format == "html":
        return [html_bytes(pages, Path(music.name).name)]
    if format == "pdf":
        return [pdf_bytes(pages, music.title)]
    return png_bytes(pages) if format == "png" else [page.encode() for page in pages]


def _draw(pages: Sequence[str], protocol: Protocol) -> None:
    from omrcli.convert.pages import png_bytes
    from omrcli.convert.terminal import draw_picture, terminal_width

    (png,) = png_bytes(pages[:1])
    write_stdout(draw_picture(png, protocol, terminal_width()))
    if len(pages) > 1:
        say(f"This is page 1 of {len(pages)}; --page 2 shows the next.")


def _open(pages: Sequence[str], name: str) -> None:
    from omrcli.convert.browser import open_page
    from omrcli.convert.pages import html_bytes

    path = open_page(html_bytes(pages, Path(name).name))
    if path is None:
        raise MissingDependencyError("The browser does not open; write a file with -o.")
    say(f"Opened {path} in the browser.")


def _read(source: str, format: str | None) -> Music:
    from omrcli.convert.sources import STDIN, read_music

    if source == STDIN:
        from omrcli.formats.xml_files import MAX_BYTES

        return read_music(source, sys.stdin.buffer.read(MAX_BYTES + 1), format)
    return read_music(source, None, format)


def _check_targets(source: str, targets: Sequence[Target]) -> None:
    """Raise where an output is the input, written twice, or would garble a terminal."""
    from omrcli.convert.writers import BINARY
    from omrcli.output import is_same_file

    streams = [target for target in targets if target.path is None]
    if len(streams) > 1:
        raise UsageError("Standard output takes one format only; give files with -o.")
    if streams and streams[0].format in BINARY and sys.stdout.isatty():
        raise UsageError(f"{streams[0].format} is no text for a terminal; give a file with -o.")
    seen: list[Path] = []
    for target in targets:
        path = target.path
        if path is None:
            continue
        if not path.resolve().parent.is_dir():
            raise OutputError(f"Cannot write {path}: its folder does not exist; make it first.")
        if source != "-" and is_same_file(path, Path(source)):
            raise UsageError(f"{path} is the input; choose another output.")
        if any(is_same_file(path, other) for other in seen):
            raise UsageError(f"{path} would be written twice; give each output once.")
        seen.append(path)


def _write(target: Target, contents: Sequence[bytes]) -> None:
    if target.path is None:
        check_one_page(target.format, contents)
        write_stdout(contents[0])
    else:
        write_pages(target.path, contents)
