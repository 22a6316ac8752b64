"""`omr eval`: a test set in, error rates out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from .failures import exit_on_error, say, write_stdout
from .options import BatchOption, DeviceOption, QuietOption, ThreadsOption, VerboseOption
from .progress import make_console, print_table, show_progress

if TYPE_CHECKING:
    from omrcli.datasets import corpus
    from omrcli.evaluation.evaluate import EvalResult

TestSet = Annotated[
    Path,
    typer.Argument(
        metavar="TESTSET",
        help="Folder with images and a .semantic or .musicxml truth beside each, at any depth.",
        show_default=False,
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        "-m",
        metavar="PATH|NAME",
        help="Model to measure; repeat to compare models. Default: the model in the box.",
        show_default=False,
    ),
]
JsonFile = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE|-", help="Write all figures and readings as JSON."),
]
Plots = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Draw confusions, token frequency and reliability."),
]
Sheet = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.html", help="Show every sample not read perfectly, with image and errors."
    ),
]
Ignore = Annotated[
    list[str] | None,
    typer.Option(metavar="KIND", help="Leave a kind of token out, such as tie; may be repeated."),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Take the first samples only.")]
Projection = Annotated[
    str,
    typer.Option(
        metavar="auto|primus|none",
        help="Compare plain PrIMuS tokens (primus), all (none), or as the truths are (auto).",
    ),
]
Encoding = Annotated[
    str, typer.Option(metavar="semantic|agnostic", help="Which truth files to compare with.")
]
Look = Annotated[
    str,
    typer.Option(metavar="clean|distorted", help="Which image of a Camera-PrIMuS sample to read."),
]
Beams = Annotated[
    list[int] | None,
    typer.Option(
        "--beam",
        min=1,
        help="As in `omr transcribe`; repeat to compare, in pairs with the first. Default: 8.",
        show_default=False,
    ),
]
Resamples = Annotated[int, typer.Option(min=10, help="Resamples of the bootstrap.")]


def evaluate(
    testset: TestSet,
    model: Models = None,
    json_file: JsonFile = None,
    plots: Plots = None,
    sheet: Sheet = None,
    ignore: Ignore = None,
    limit: Limit = None,
    projection: Projection = "auto",
    encoding: Encoding = "semantic",
    look: Look = "clean",
    resamples: Resamples = 1000,
    device: DeviceOption = "auto",
    beam: Beams = None,
    batch_size: BatchOption = 8,
    threads: ThreadsOption = 0,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Measure models on images with truth."""
    with exit_on_error(verbose, quiet):
        from omrcli.datasets.corpus import find_samples
        from omrcli.evaluation import evaluate as evaluation
        from omrcli.pipeline import TranscribeOptions

        options = evaluation.EvalOptions(tuple(ignore or ()), projection, limit, None, resamples)
        samples = find_samples(
            testset, cast("corpus.Encoding", encoding), cast("corpus.Look", look)
        )[:limit]
        names: Sequence[str | None] = model or [None]
        beams = beam or [TranscribeOptions().beam]
        models = [
            evaluation.load_model(TranscribeOptions(name, device, width, batch_size, threads))
            for name in names
            for width in beams
        ]
        if len(beams) > 1:
            models = [
                replace(each, name=f"{each.name} --beam {width}")
                for each, width in zip(models, list(beams) * len(names), strict=True)
            ]
        with show_progress("reading", len(samples) * len(models)) as advance:
            results = evaluation.evaluate(samples, models, options, advance)
        if sheet is not None:
            from omrcli.evaluation.error_sheet import write_error_sheet

            write_error_sheet(results, sheet)
            say(f"wrote {sheet}")
        _give_out(results, json_file, plots)


def _give_out(results: Sequence[EvalResult], json_file: str | None, plots: Path | None) -> None:
    """Write the results, then print them; the tables make way where JSON takes standard output."""
    if json_file not in (None, "-"):
        from omrcli.output import write_file

        write_file(Path(str(json_file)), _to_json(results))
    if plots is not None:
        _draw_plots(results, plots)
    if json_file == "-":
        write_stdout(_to_json(results))
    else:
        _print_results(results)


def _print_results(results: Sequence[EvalResult]) -> None:
    from omrcli.evaluation.evaluate import compare_results
    from omrcli.tables import comparison_table, result_tables

    console = make_console()
    for result in results:
        for table in result_tables(result):
            print_table(console, table)
    if len(results) > 1:
        print_table(console, comparison_table(results, compare_results(results)))


def _draw_plots(results: Sequence[EvalResult], folder: Path) -> None:
    from omrcli.plots import plot_evaluation

    for number, result in enumerate(results, start=1):
        own = folder if len(results) == 1 else folder / f"{number}-{result.model}"
        for path in plot_evaluation(result, own):
            say(f"wrote {path}")


def _to_json(results: Sequence[EvalResult]) -> bytes:
    from omrcli.evaluation.evaluate import evaluation_json

    text = json.dumps(evaluation_json(results), indent=2, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"  # ids may be no text
