"""`omr transcribe`: images in, notation out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .cli_errors import complain, exit_on_error, report_error, say, write_stdout
from .cli_options import (
    BatchOption,
    BeamOption,
    DeviceOption,
    ModelOption,
    QuietOption,
    ThreadsOption,
    VerboseOption,
)
from .cli_pages import watch_pages
from .errors import ExitCode, OmrError, UsageError

if TYPE_CHECKING:
    from .destinations import Job, Target
    from .piece import Piece
    from .pipeline import Transcriber, Transcription
    from .score import ExportOptions

Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT",
        help="Images or PDF files, of a staff or of pages; - is standard input.",
        show_default=False,
    ),
]
Outputs = Annotated[
    list[str] | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE|DIR/",
        help="File, its format told by its suffix (.musicxml .xml .mxl .mid .midi .semantic "
        ".json), or a folder for all inputs; may be repeated. Default: standard output.",
        show_default=False,
    ),
]
Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        help="Format for a folder (default musicxml) or standard output (default semantic); "
        "may be repeated.",
        show_default=False,
    ),
]
Tempo = Annotated[
    float | None,
    typer.Option(
        min=10,
        max=1000,
        help="Tempo in quarter notes a minute. Default: none in MusicXML, 120 in MIDI.",
        show_default=False,
    ),
]
Title = Annotated[
    str | None,
    typer.Option(
        help="Title in MusicXML and MIDI. Default: what a PDF says of itself.", show_default=False
    ),
]
Composer = Annotated[
    str | None,
    typer.Option(
        help="Composer in MusicXML. Default: what a PDF says of itself.", show_default=False
    ),
]
Pages = Annotated[
    str | None,
    typer.Option(
        metavar="RANGES",
        help="Pages to read, from 1, such as 2-5 or 1,3,7-. Default: all.",
        show_default=False,
    ),
]
Join = Annotated[
    bool, typer.Option("--join", help="Take all inputs for the pages of one piece, in this order.")
]
NoLayout = Annotated[
    bool, typer.Option("--no-layout", help="Leave the line and page breaks out of MusicXML.")
]
Debug = Annotated[
    str | None,
    typer.Option(
        metavar="DIR",
        help="Write an image of each page there, with what was found and read drawn over it.",
        show_default=False,
    ),
]


def transcribe(
    inputs: Inputs,
    output: Outputs = None,
    format: Formats = None,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    beam: BeamOption = 8,
    batch_size: BatchOption = 8,
    threads: ThreadsOption = 0,
    tempo: Tempo = None,
    title: Title = None,
    composer: Composer = None,
    pages: Pages = None,
    join: Join = False,
    no_layout: NoLayout = False,
    debug: Debug = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Read the music in images and PDF files.

    Writes MusicXML, MIDI, the PrIMuS semantic encoding, or JSON with confidence and places.
    """
    with exit_on_error(verbose, quiet):
        from .destinations import plan_jobs

        jobs = plan_jobs(inputs, output or [], format or [], join)
        _check_terminal(jobs)
        from .piece import Piece, parse_pages
        from .pipeline import TranscribeOptions, Transcriber
        from .score import ExportOptions

        chosen = parse_pages(pages) if pages is not None else None
        options = TranscribeOptions(model, device, beam, batch_size, threads)
        run = _Run(
            transcriber=Transcriber(options),
            piece=Piece((), chosen, title, composer),
            export=ExportOptions(tempo=tempo, layout=not no_layout),
            debug=debug,
            verbose=verbose,
            count=len(jobs),
        )
        run.start()
        run_jobs(run, jobs)


@dataclass(frozen=True)
class _Run:
    """What all jobs of one call share; `piece` has no sources yet."""

    transcriber: Transcriber
    piece: Piece
    export: ExportOptions
    debug: str | None
    verbose: bool
    count: int

    def start(self) -> None:
        """Tell the user what they would not expect of the device."""
        if self.transcriber.notice:
            say(self.transcriber.notice)

    def do(self, job: Job) -> None:
        """Transcribe one input, render every output, and only then write the first of them."""
        from .formats import render_transcription

        result = self.read(job)
        for warning in result.warnings:
            say(f"{job.source}: {warning}")
        rendered = [
            (target, render_transcription(result, target.format, self.export))
            for target in job.targets
        ]
        for target, content in rendered:
            _write(target, content)
        if self.verbose:
            say(_describe(result, self.transcriber.device))

    def read(self, job: Job) -> Transcription:
        """Read one input, with a bar, and draw what was read where that is asked for."""
        piece = replace(self.piece, sources=job.sources)
        if self.debug is None:
            with watch_pages(Path(job.source).name) as watcher:
                return self.transcriber.transcribe(piece, watcher)
        from .debug_view import DebugView

        view = DebugView(Path(self.debug), self.transcriber.geometry)
        try:
            with watch_pages(Path(job.source).name, view.add) as watcher:
                result = self.transcriber.transcribe(piece, watcher)
        except OmrError:
            view.write()  # it shows why
            raise
        view.write(result.score)
        return result


def run_jobs(run: _Run, jobs: Sequence[Job]) -> None:
    """Do every job; in a batch a failure is reported and the rest goes on.

    Raises:
        typer.Exit: some job of a batch failed.
    """
    if len(jobs) == 1:
        run.do(jobs[0])
        return
    failures = 0
    for job in jobs:
        try:
            run.do(job)
        except BrokenPipeError:
            raise
        except Exception as error:
            failures += 1
            report_error(error, run.verbose, job.source)
    if failures:
        complain(f"{failures} of {len(jobs)} inputs failed.")
        write_stdout()
        raise typer.Exit(ExitCode.PARTIAL_BATCH)


def _write(target: Target, content: bytes) -> None:
    from .output import make_folder, write_file

    if target.path is None:
        write_stdout(content)
        return
    make_folder(target.path.parent)
    write_file(target.path, content)


def _check_terminal(jobs: Sequence[Job]) -> None:
    """Raise where bytes that are no text would go to a terminal."""
    from .destinations import BINARY_FORMATS

    names = {target.format for job in jobs for target in job.targets if target.path is None}
    binary = sorted(names.intersection(BINARY_FORMATS))
    if binary and sys.stdout.isatty():
        raise UsageError(f"{binary[0]} is no text for a terminal; give a file with -o.")


def _describe(result: Transcription, device: str) -> str:
    timings = result.timings
    return (
        f"{result.source}: {len(result.pages)} pages, {len(result.staves)} staves, "
        f"{len(result.tokens)} tokens, "
        f"staves {timings.staves:.2f} s, reading {timings.reading:.2f} s on {device}, "
        f"score {timings.score:.2f} s."
    )
