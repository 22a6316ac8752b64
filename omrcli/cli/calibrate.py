"""`omr calibrate`: staves with truth in, a model out whose confidence means what it says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .failures import exit_on_error, say
from .options import (
    BatchOption,
    BeamOption,
    DeviceOption,
    ModelOption,
    QuietOption,
    ThreadsOption,
    VerboseOption,
)
from .progress import make_console, print_table, show_progress

if TYPE_CHECKING:
    from omrcli.datasets.corpus import Sample
    from omrcli.pipeline import TranscribeOptions
    from omrcli.reading.calibration import Calibration, Outcome

Folders = Annotated[
    list[Path],
    typer.Argument(
        metavar="SAMPLES...",
        help="Folders of samples that the model was not trained on, as omr synth writes them.",
        show_default=False,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE.onnx",
        help="Model file to write. Default: the model's own file.",
        show_default=False,
    ),
]


def calibrate(
    samples: Folders,
    model: ModelOption = None,
    output: Output = None,
    device: DeviceOption = "auto",
    beam: BeamOption = 8,
    batch_size: BatchOption = 8,
    threads: ThreadsOption = 0,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Fit a model's confidence to what it gets right."""
    with exit_on_error(verbose, quiet):
        from omrcli.datasets.corpus import find_samples
        from omrcli.pipeline import TranscribeOptions
        from omrcli.reading.calibration import fit_calibration
        from omrcli.registry import find_model, write_spec

        found = [sample for folder in samples for sample in find_samples(folder)]
        options = TranscribeOptions(model, device, beam, batch_size, threads)
        outcomes = _judge(found, options)
        fit = fit_calibration(outcomes)
        _print_fit(outcomes, fit)
        old = find_model(model)
        values = (fit.slope, fit.offset, fit.ceiling)
        new = write_spec(old, replace(old.spec, calibration=values), output or old.path)
        say(f"wrote {new.path}, SHA-256 {new.sha256}")


def _judge(samples: list[Sample], options: TranscribeOptions) -> list[Outcome]:
    """Read all samples with the network's own confidences and judge each token."""
    from omrcli.evaluation import evaluate as evaluation

    model = evaluation.load_model(options, calibrated=False)
    compare = evaluation.EvalOptions(projection="none", resamples=1)
    with show_progress("reading", len(samples)) as advance:
        [result] = evaluation.evaluate(samples, [model], compare, advance)
    return [outcome for row in result.rows for outcome in row.outcomes]


def _print_fit(outcomes: list[Outcome], fit: Calibration) -> None:
    from omrcli.reading.calibration import measure_reliability, recalibrate
    from omrcli.tables import reliability_table

    console = make_console()
    before = measure_reliability(outcomes)
    after = measure_reliability(recalibrate(outcomes, fit))
    print_table(console, reliability_table(before, "As the network says"))
    print_table(console, reliability_table(after, "Calibrated"))
    print(f"slope {fit.slope:.4f}, offset {fit.offset:.4f}, ceiling {fit.ceiling:g}")
