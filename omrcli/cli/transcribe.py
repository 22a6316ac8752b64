"""`omr transcribe`: images in, notation out."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omrcli.errors import DoubtfulError, ExitCode, OmrError, UsageError
from omrcli.report import begin_proof

from .batch import STDIN, BatchWishes, choose_folder, do_batch
from .failures import complain, exit_on_error, leave_pipe, report_error, say, write_stdout
from .options import (
    BatchOption,
    BeamOption,
    ComposerOption,
    DeviceOption,
    ModelOption,
    NoLayoutOption,
    QuietOption,
    TempoOption,
    ThreadsOption,
    TitleOption,
    VerboseOption,
)
from .page_files import check_one_page, write_pages
from .pages import watch_pages
from .report import ReportOption, count_alternatives

if TYPE_CHECKING:
    from omrcli.formats.destinations import Job
    from omrcli.pages.piece import Piece
    from omrcli.pipeline import PageReading, TranscribeOptions, Transcription
    from omrcli.report.proof import Proof
    from omrcli.score.score import ExportOptions

Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT",
        help="Images or PDF files, of a staff or of pages, or folders of them; "
        "- is standard input.",
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
        ".json, and with the extra `convert` .pdf .mei .krn .ly .svg .png), or a folder for all "
        "inputs; may be repeated. Default: standard output.",
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
MarkDoubtful = Annotated[
    float | None,
    typer.Option(
        "--mark-doubtful",
        min=0,
        max=1,
        metavar="CONFIDENCE",
        help="Colour notes and rests below this confidence in MusicXML, such as 0.8, and write "
        "over measures that do not fill their meter. Default: no marks.",
        show_default=False,
    ),
]
Debug = Annotated[
    str | None,
    typer.Option(
        metavar="DIR",
        help="Write an image of each page there, with what was found and read drawn over it.",
        show_default=False,
    ),
]
Recursive = Annotated[
    bool, typer.Option("--recursive", "-r", help="Read the folders in a folder too.")
]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs",
        "-j",
        min=0,
        help="Processes that read a folder; 0 takes all cores there is memory for.",
    ),
]
Retry = Annotated[
    bool, typer.Option("--retry", help="Try again what failed when the folder was read before.")
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Exit with status 9 where a measure does not add up, or more than 2 % of the notes "
        "are doubtful. Outputs are written all the same.",
    ),
]
Watch = Annotated[
    bool,
    typer.Option("--watch", help="Go on reading what is put into the folder, until Ctrl-C."),
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
    tempo: TempoOption = None,
    title: TitleOption = None,
    composer: ComposerOption = None,
    pages: Pages = None,
    join: Join = False,
    no_layout: NoLayoutOption = False,
    mark_doubtful: MarkDoubtful = None,
    debug: Debug = None,
    report: ReportOption = None,
    recursive: Recursive = False,
    jobs: Jobs = 0,
    retry: Retry = False,
    watch: Watch = False,
    strict: Strict = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Read the music in images and PDF files.

    Writes MusicXML, MIDI, the PrIMuS semantic encoding, or JSON with confidence and places. Of a
    folder all images and PDF files are read, by several processes; manifest.jsonl beside the
    outputs remembers what is done, so that the same command goes on later.
    """
    with exit_on_error(verbose, quiet):
        from omrcli.formats.destinations import check_formats, plan_jobs, report_folder

        outputs, formats = output or [], format or []
        wishes = BatchWishes(recursive, jobs, retry, watch)
        if join:
            inputs = wishes.list_pages(inputs)
        is_batch = not join and wishes.is_batch(inputs, outputs)
        if is_batch:
            folder = choose_folder(inputs, outputs)
            check_formats(formats)
            _check_marks(mark_doubtful, formats or ["musicxml"])
            proofs = report_folder(report, several=True) if report is not None else None
        else:
            planned = plan_jobs(inputs, outputs, formats, join, report)
            _check_terminal(planned)
            _check_marks(mark_doubtful, [t.format for job in planned for t in job.targets])
        from omrcli.pages.piece import Piece, parse_pages
        from omrcli.pipeline import TranscribeOptions
        from omrcli.score.score import ExportOptions

        chosen = parse_pages(pages) if pages is not None else None
        others = count_alternatives(report)
        options = TranscribeOptions(model, device, beam, batch_size, threads, others)
        piece = Piece((), chosen, title, composer)
        export = ExportOptions(tempo=tempo, layout=not no_layout, doubtful=mark_doubtful)
        if is_batch:
            from omrcli.batch.work import Orders

            drawn = Path(debug) if debug is not None else None
            names = tuple(dict.fromkeys(formats)) or ("musicxml",)
            orders = Orders(options, piece, export, names, folder, drawn, proofs)
            do_batch(wishes.options(inputs, orders), verbose, strict)
        else:
            run = _Run(options, piece, export, debug, verbose)
            run.strict = strict
            run_jobs(run, planned)


class _Run:
    """What all jobs of one call share."""

    def __init__(
        self,
        options: TranscribeOptions,
        piece: Piece,
        export: ExportOptions,
        debug: str | None,
        verbose: bool,
    ) -> None:
        """Load the model, and tell what one would not expect of the device.

        `piece` has no sources yet; `debug` is the folder for drawings.
        """
        from omrcli.pipeline import Transcriber

        self.transcriber = Transcriber(options)
        self.piece = piece
        self.export = export
        self.debug = debug
        self.verbose = verbose
        self.names: dict[str, str] = {}
        self.is_unread = False
        self.strict = False
        if self.transcriber.notice:
            say(self.transcriber.notice)

    def do(self, job: Job) -> None:
        """Transcribe one input, render every output, and only then write the first of them.

        Raises:
            DoubtfulError: it was read badly, which is asked for.
        """
        proof = begin_proof(job.report)
        result = self.read(job, proof)
        for warning in result.warnings:
            say(f"{job.source}: {warning}")
        rendered = [
            (target, result.render_pages(target.format, self.export)) for target in job.targets
        ]
        report = proof.render(result) if proof else b""
        for target, pages in rendered:
            if target.path is None:
                check_one_page(target.format, pages)
        for target, pages in rendered:
            if target.path is not None:
                write_pages(target.path, pages)
        if job.report is not None:
            write_pages(job.report, [report])
        # Last: where nobody reads it any more, nothing else is lost.
        self._print(pages[0] for target, pages in rendered if target.path is None)
        if self.verbose:
            say(_describe(result, self.transcriber.device))
        quality = result.quality
        if quality is not None and self.strict and quality.is_bad:
            raise DoubtfulError(
                f"{job.source} was read, but badly: {str(quality).removesuffix('.')}; correct what "
                "--report shows, or leave out --strict."
            )
        if quality is not None and quality.measures and not self.is_unread:
            say(f"{job.source}: {quality}")

    def _print(self, contents: Iterable[bytes]) -> None:
        """Write to stdout, unless it was found closed."""
        try:
            for content in contents:
                write_stdout(content)
        except BrokenPipeError:
            leave_pipe()
            self.is_unread = True

    def read(self, job: Job, proof: Proof | None) -> Transcription:
        """Read one input, with a bar, and draw what was read where that is asked for."""
        piece = replace(self.piece, sources=job.sources)
        if self.debug is None:
            keep = proof.add if proof else None
            with watch_pages(Path(job.source).name, keep) as watcher:
                return self.transcriber.transcribe(piece, watcher)
        from omrcli.debug_view import DebugView

        name = self.names.get(job.source)
        view = DebugView(Path(self.debug), self.transcriber.geometry, name)

        def show(reading: PageReading) -> None:
            view.add(reading)
            if proof:
                proof.add(reading)

        try:
            with watch_pages(Path(job.source).name, show) as watcher:
                result = self.transcriber.transcribe(piece, watcher)
        except OmrError:
            view.write()  # it shows why
            raise
        view.write(result.score)
        return result


def run_jobs(run: _Run, jobs: Sequence[Job]) -> None:
    """Do every job; in a batch a failure is reported and the rest goes on.

    Raises:
        typer.Exit: some job of a batch failed, or was read badly where that is asked for.
        BrokenPipeError: stdout was closed; what goes to files was written.
    """
    failures = doubtful = 0
    if len(jobs) == 1:
        run.do(jobs[0])
    else:
        failures, doubtful = _run_batch(run, jobs)
    if failures:
        complain(f"{failures} of {len(jobs)} inputs failed.")
        write_stdout()
        raise typer.Exit(ExitCode.PARTIAL_BATCH)
    if doubtful:
        complain(f"{doubtful} of {len(jobs)} inputs were read badly.")
        write_stdout()
        raise typer.Exit(ExitCode.DOUBTFUL)
    if run.is_unread:
        raise BrokenPipeError


def _run_batch(run: _Run, jobs: Sequence[Job]) -> tuple[int, int]:
    """Do every job of which something can still be written; return how many failed, and how many
    were read badly where that is asked for."""
    run.names = name_jobs(jobs)
    failures = doubtful = 0
    for job in jobs:
        if run.is_unread and not job.has_files:
            continue
        try:
            run.do(job)
        except DoubtfulError as error:
            doubtful += 1
            report_error(error, source=job.source)
        except Exception as error:
            failures += 1
            report_error(error, run.verbose, job.source)
    return failures, doubtful


def name_jobs(jobs: Sequence[Job]) -> dict[str, str]:
    """A name for the drawings of each input, by its path; no two are equal."""
    from omrcli.batch.inputs import choose_name

    taken: set[str] = set()
    sources = (job.source for job in jobs if job.source != STDIN)
    return {source: choose_name(Path(source).name, taken) for source in sources}


def _check_marks(doubtful: float | None, formats: Sequence[str]) -> None:
    """Raise where marks are asked for and no output can show them."""
    if doubtful is not None and not {"musicxml", "xml", "mxl"}.intersection(formats):
        raise UsageError("--mark-doubtful marks MusicXML; add -o FILE.musicxml or leave it out.")


def _check_terminal(jobs: Sequence[Job]) -> None:
    """Raise where bytes that are no text would go to a terminal."""
    from omrcli.formats.destinations import BINARY_FORMATS

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
