"""`omr train` and `omr export`: samples to a checkpoint, a checkpoint to a model."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omrcli.errors import MissingDependencyError

from .failures import exit_on_error, say
from .options import DeviceOption, QuietOption, VerboseOption
from .progress import make_progress

if TYPE_CHECKING:
    from omrcli.training.loop import Progress as TrainingProgress


#: Seconds after which a run without a terminal says how it gets on.
_SILENCE = 60.0

Folders = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[DATA]...",
        help="Folders of samples: PrIMuS or Camera-PrIMuS as distributed, or omr synth output.",
        show_default=False,
    ),
]
Out = Annotated[
    Path,
    typer.Option("--out", "-o", metavar="DIR", help="Folder for checkpoint, log and curves."),
]
Synth = Annotated[int, typer.Option(min=0, help="Staves to engrave on the fly.")]
Corpora = Annotated[
    list[Path] | None,
    typer.Option(
        "--corpus", metavar="PATH", help="Music to engrave with --synth; may be repeated."
    ),
]
Split = Annotated[
    Path | None, typer.Option(metavar="FILE", help="List of the samples to train on, one a line.")
]
Validation = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="List of the samples to validate on. Default: every fiftieth."
    ),
]
Encoding = Annotated[
    str, typer.Option(metavar="semantic|agnostic", help="Which truth files to learn.")
]
Degrade = Annotated[
    str, typer.Option(metavar="none|staff|scan|photo", help="How staves are worn while training.")
]
Cache = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Keep the normalised staves for the next run.")
]
BatchPixels = Annotated[
    int, typer.Option(min=64, help="Padded width of a batch in px at the network's interline.")
]
ShortFirst = Annotated[
    float, typer.Option(min=0, max=1, help="Share of the steps that see short staves only.")
]
Loss = Annotated[str, typer.Option(metavar="ctc|focal", help="Loss function.")]
Alpha = Annotated[float, typer.Option(help="Weight of focal CTC.")]
Gamma = Annotated[float, typer.Option(min=0, help="Focusing exponent of focal CTC.")]
PerSymbol = Annotated[
    bool, typer.Option("--per-symbol", help="Focal CTC on the geometric mean of p over symbols.")
]
Alphabet = Annotated[
    str, typer.Option(metavar="positional|semantic", help="What the network's classes stand for.")
]
NetworkName = Annotated[
    str,
    typer.Option(
        "--network", metavar="lean|small|baseline", help="Network; baseline is that of 2018."
    ),
]
Factored = Annotated[
    bool, typer.Option("--factored", help="Sum output weights from factors of each class.")
]
Steps = Annotated[int, typer.Option(min=1, help="Training steps.")]
Rate = Annotated[float, typer.Option(help="Highest learning rate of the one-cycle schedule.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Workers = Annotated[int, typer.Option(min=0, help="Processes that prepare batches.")]
Threads = Annotated[int, typer.Option(min=0, help="Threads of torch; 0 lets it choose.")]
ValidateEvery = Annotated[int, typer.Option(min=1, help="Steps from one validation to the next.")]
CheckpointEvery = Annotated[int, typer.Option(min=1, help="Steps from checkpoint to checkpoint.")]
LogEvery = Annotated[int, typer.Option(min=1, help="Steps from row to row of log.csv.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in --out.")]
Initial = Annotated[
    Path | None, typer.Option("--from", metavar="CKPT", help="Start from these weights.")
]


def train(
    data: Folders = None,
    out: Out = Path("runs/train"),
    synth: Synth = 0,
    corpus: Corpora = None,
    split: Split = None,
    validation: Validation = None,
    encoding: Encoding = "semantic",
    degrade: Degrade = "staff",
    cache: Cache = None,
    batch_pixels: BatchPixels = 10_752,
    short_first: ShortFirst = 0.1,
    loss: Loss = "focal",
    alpha: Alpha = 0.5,
    gamma: Gamma = 2.0,
    per_symbol: PerSymbol = False,
    alphabet: Alphabet = "positional",
    network: NetworkName = "lean",
    factored: Factored = False,
    steps: Steps = 20_000,
    learning_rate: Rate = 2e-3,
    seed: Seed = 0,
    workers: Workers = 1,
    threads: Threads = 0,
    device: DeviceOption = "auto",
    validate_every: ValidateEvery = 1000,
    checkpoint_every: CheckpointEvery = 500,
    log_every: LogEvery = 50,
    resume: Resume = False,
    initial: Initial = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Train a network (needs the extra `train`)."""
    with exit_on_error(verbose, quiet):
        from omrcli.training.loop import LoopOptions, LossOptions
        from omrcli.training.recipe import DataOptions, TrainOptions, run_training

        options = TrainOptions(
            data=DataOptions(
                folders=tuple(data or ()),
                split=split,
                validation=validation,
                encoding=encoding,
                degrade=degrade,
                synth=synth,
                corpora=tuple(corpus or ()),
                cache=cache,
                batch_pixels=batch_pixels,
                short_first=short_first,
            ),
            loop=LoopOptions(
                out=out,
                steps=steps,
                learning_rate=learning_rate,
                seed=seed,
                device=device,
                workers=workers,
                threads=threads,
                validate_every=validate_every,
                checkpoint_every=checkpoint_every,
                log_every=log_every,
                resume=resume,
                initial=initial,
            ),
            loss=LossOptions(loss, alpha, gamma, per_symbol),
            alphabet=alphabet,
            network=network,
            factored=factored,
        )
        with _training_progress(steps, validate_every) as report:
            run_training(options, report, say)
        _draw_curves(out)


def export(
    checkpoint: Annotated[Path, typer.Argument(metavar="CKPT", help="Checkpoint of omr train.")],
    out: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE.onnx|.ckpt", help="File to write.")
    ],
    name: Annotated[
        str | None, typer.Option(help="Name of the model. Default: the file's name.")
    ] = None,
    precision: Annotated[
        str, typer.Option(metavar="float32|float16|int8", help="How the weights are stored.")
    ] = "float32",
    register: Annotated[
        bool, typer.Option("--register", help="List the model in the manifest of its folder.")
    ] = False,
    default: Annotated[
        bool, typer.Option("--default", help="Make it the default of its folder's manifest.")
    ] = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Write a checkpoint as a model file.

    It is ONNX with vocabulary and spec inside, and is compared with torch before it is written.
    FILE.ckpt keeps what `omr train --from` needs to train on, a quarter of the checkpoint.
    """
    with exit_on_error(verbose, quiet):
        from omrcli.registry import hash_file, register_model
        from omrcli.training.checkpoint import read_checkpoint, write_checkpoint
        from omrcli.training.loop import strip_state
        from omrcli.training.recipe import network_geometry
        from omrcli.training.to_onnx import ExportOptions, export_checkpoint

        read = read_checkpoint(checkpoint)
        if out.suffix == ".ckpt":
            write_checkpoint(out, strip_state(read))
        else:
            geometry = network_geometry(read.network.kind)
            options = ExportOptions(name or out.stem, geometry, precision=precision)
            export_checkpoint(read, out, options)
            if register or default:
                register_model(out, default)
        say(f"wrote {out}, {out.stat().st_size / 1e6:.1f} MB, SHA-256 {hash_file(out)}")


def report_lines(validate_every: int) -> Callable[[TrainingProgress], None]:
    """What says a sentence after each validation, and otherwise once a minute."""
    said = time.monotonic()

    def report(now: TrainingProgress) -> None:
        nonlocal said
        is_validated = now.step % validate_every == 0 or now.step == now.steps
        if not is_validated and time.monotonic() - said < _SILENCE:
            return
        said = time.monotonic()
        rate = now.symbol_error_rate
        shown = "" if rate is None else f", validation SER {100 * rate:.2f} %"
        speed = f"{now.staves_per_second:.1f} staves/s"
        say(f"step {now.step} of {now.steps}: loss {now.loss:.4f}{shown}, {speed}")

    return report


@contextmanager
def _training_progress(
    steps: int, validate_every: int
) -> Iterator[Callable[[TrainingProgress], None]]:
    """Show loss, validation error rate and speed on stderr: a bar in a terminal, else lines."""
    if not sys.stderr.isatty():
        yield report_lines(validate_every)
        return
    columns = (
        "loss {task.fields[loss]}",
        "SER {task.fields[ser]}",
        "{task.fields[speed]} staves/s",
    )
    with make_progress(*columns) as progress:
        task = progress.add_task("training", total=steps, loss="-", ser="-", speed="-")

        def report(now: TrainingProgress) -> None:
            rate = now.symbol_error_rate
            progress.update(
                task,
                completed=now.step,
                loss=f"{now.loss:.4f}",
                ser="-" if rate is None else f"{100 * rate:.2f} %",
                speed=f"{now.staves_per_second:.1f}",
            )

        yield report


def _draw_curves(out: Path) -> None:
    from omrcli.plots import plot_training

    try:
        plot_training(out / "log.csv", out / "curves.png")
    except MissingDependencyError as error:  # the run itself is done and whole
        say(str(error))
    else:
        say(f"wrote {out / 'last.ckpt'}, log.csv and curves.png")
