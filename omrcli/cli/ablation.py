"""`omr ablate`: recipes trained on the same data and budget, measured on the same test sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omrcli.errors import MissingDependencyError, UsageError

from .failures import exit_on_error, require_packages, say, write_stdout
from .options import DeviceOption, QuietOption, VerboseOption
from .progress import make_progress, show_progress

if TYPE_CHECKING:
    from rich.progress import TaskID

    from omrcli.training.ablation import Figures, Outcome
    from omrcli.training.loop import Progress as TrainingProgress

HELD_OUT_SEED = 424_242  # of the staves measured on; training draws from small seeds

Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for all runs.")]
Synth = Annotated[int, typer.Option(min=2, help="Staves to draw for training.")]
Held = Annotated[int, typer.Option(min=0, help="Staves to draw for measuring, worn like scans.")]
Corpora = Annotated[
    list[Path] | None,
    typer.Option("--corpus", metavar="PATH", help="Music to engrave; may be repeated."),
]
Tests = Annotated[
    list[str] | None,
    typer.Option(
        "--test",
        metavar="NAME=DIR[:KIND,...]",
        help="Test set to measure on, and kinds of token to ignore there, such as tie.",
    ),
]
Clutter = Annotated[
    float, typer.Option(min=0, max=1, help="Share of the drawn staves that carry clutter.")
]
Chosen = Annotated[
    list[str] | None,
    typer.Option("--variant", metavar="NAME", help="Recipe to run; may be repeated. Default: all."),
]
Seeds = Annotated[int, typer.Option(min=1, help="Runs of each recipe.")]
Network = Annotated[
    str, typer.Option(metavar="small|lean", help="Network that all recipes are compared with.")
]
Initial = Annotated[
    Path | None,
    typer.Option(
        "--from", metavar="CKPT", help="Checkpoint that gives all weights but the output layer's."
    ),
]
Steps = Annotated[int, typer.Option(min=1, help="Training steps of each run.")]
Pixels = Annotated[int, typer.Option("--batch-pixels", min=64, help="Padded width of a batch, px.")]
Rate = Annotated[float, typer.Option(help="Highest learning rate of the one-cycle schedule.")]
Workers = Annotated[int, typer.Option(min=0, help="Processes that draw and prepare batches.")]
Threads = Annotated[int, typer.Option(min=0, help="Threads of torch; 0 lets it choose.")]


@dataclass(frozen=True)
class TestSet:
    """A folder to measure on."""

    name: str
    folder: Path
    ignore: tuple[str, ...] = ()


def ablate(
    out: Out = Path("runs/ablation"),
    synth: Synth = 6000,
    held: Held = 300,
    corpus: Corpora = None,
    test: Tests = None,
    clutter: Clutter = 0.1,
    variant: Chosen = None,
    network: Network = "small",
    initial: Initial = None,
    seeds: Seeds = 2,
    steps: Steps = 400,
    batch_pixels: Pixels = 10_752,
    learning_rate: Rate = 2e-3,
    workers: Workers = 1,
    threads: Threads = 0,
    device: DeviceOption = "auto",
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Compare recipes trained alike: losses, alphabets, output layers, rare tokens.

    A run that is done is kept: the same command goes on where it was stopped.
    """
    with exit_on_error(verbose, quiet):
        require_packages("verovio", "resvg_py")
        from omrcli.training import ablation
        from omrcli.training.loop import LoopOptions
        from omrcli.training.recipe import DataOptions

        sets = [_parse_test(text) for text in test or ()]
        folder = _draw_held_out(out, held, tuple(corpus or ()), clutter)
        sets += [TestSet("synthetic", folder)] if folder else []
        data = DataOptions(
            synth=synth,
            corpora=tuple(corpus or ()),
            clutter_share=clutter,
            cache=out / "rare.staves",
            batch_pixels=batch_pixels,
            short_first=0.3,
        )
        loop = LoopOptions(
            out=out,
            steps=steps,
            learning_rate=learning_rate,
            workers=workers,
            threads=threads,
            device=device,
            initial=initial,
            validate_every=max(1, steps // 8),
            checkpoint_every=max(1, steps // 4),
        )
        options = ablation.AblationOptions(
            data=data,
            plain=replace(data, rare_share=0.0, cache=out / "plain.staves"),
            loop=loop,
            seeds=seeds,
            network=network,
            variants=ablation.choose_variants(variant or ()),
        )
        ablation.prepare_ablation(options, say)
        with _show_runs(steps) as report:
            measure = _measure_on(sets, device)
            outcomes = ablation.run_ablation(options, measure, report, say)
        _give_out(out, outcomes)


def _parse_test(text: str) -> TestSet:
    name, equals, rest = text.partition("=")
    folder, _, kinds = rest.partition(":")
    if not (name and equals and folder):
        raise UsageError(f"The test set '{text}' is not of the form NAME=DIR or NAME=DIR:KIND,...")
    return TestSet(name, Path(folder), tuple(kind for kind in kinds.split(",") if kind))


def _draw_held_out(out: Path, held: int, corpora: tuple[Path, ...], clutter: float) -> Path | None:
    if not held:
        return None
    from omrcli.synth.clutter import read_rates
    from omrcli.synth.dataset import SynthOptions, write_samples

    options = SynthOptions(
        count=held,
        seed=HELD_OUT_SEED,
        corpora=corpora,
        degrade="scan",
        clutter=read_rates(clutter, ()),
    )
    with show_progress("drawing staves to measure on", held) as advance:
        write_samples(out / "held-out", options, advance)
    return out / "held-out"


def _measure_on(
    sets: Sequence[TestSet], device: str
) -> Callable[[Path, Mapping[str, int]], dict[str, Figures]]:
    """Read the test sets as `omr eval` does."""
    from omrcli.datasets.corpus import find_samples
    from omrcli.evaluation.evaluate import EvalOptions, evaluate, load_model
    from omrcli.pipeline import TranscribeOptions
    from omrcli.training.ablation import Figures

    found = [(one, find_samples(one.folder)) for one in sets]

    def measure(model: Path, frequency: Mapping[str, int]) -> dict[str, Figures]:
        reader = load_model(TranscribeOptions(model, device, beam=1))
        figures = {}
        for one, samples in found:
            options = EvalOptions(ignore=one.ignore, frequency=frequency, resamples=10)
            result = evaluate(samples, [reader], options)[0]
            rare = next(group for group in result.frequency if group.name == "rare")
            figures[one.name] = Figures(
                result.symbol_error_rate, result.sequence_error_rate, rare.counts.error_rate
            )
        return figures

    return measure


@contextmanager
def _show_runs(steps: int) -> Iterator[Callable[[str, TrainingProgress], None]]:
    """A bar on stderr for each run."""
    with make_progress("loss {task.fields[loss]}") as progress:
        tasks: dict[str, TaskID] = {}

        def report(name: str, now: TrainingProgress) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=steps, loss="-")
            progress.update(tasks[name], completed=now.step, loss=f"{now.loss:.4f}")

        yield report


def _give_out(out: Path, outcomes: Sequence[Outcome]) -> None:
    """The table on stdout and in ablation.md, the curves of all runs in curves.png."""
    from omrcli.output import write_file
    from omrcli.plots import plot_runs
    from omrcli.training.ablation import ablation_table, run_folder

    table = ablation_table(outcomes)
    write_stdout(table.encode())
    write_file(out / "ablation.md", table.encode())
    folders = [run_folder(out, one.variant, one.seed) for one in outcomes]
    try:
        plot_runs({folder.name: folder / "log.csv" for folder in folders}, out / "curves.png")
    except MissingDependencyError as error:  # the runs themselves are done and whole
        say(str(error))
