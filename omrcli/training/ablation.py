"""`omr ablate`: the same data and budget for several recipes, to see what each choice is worth.

Every run trains with the same batches (same seed, same plan), is exported, and is measured by the
pipeline of `omr transcribe`. A run that is done is kept, so a stopped ablation goes on.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from statistics import mean

from omrcli.errors import UsageError
from omrcli.output import make_folder, write_file

from .checkpoint import Checkpoint
from .data import read_store
from .loop import LoopOptions, LossOptions, Progress
from .recipe import DataOptions, TrainOptions, load_staves, network_geometry, run_training
from .to_onnx import ExportOptions, export_checkpoint


@dataclass(frozen=True)
class Variant:
    """A recipe under test; what it leaves out is the same for all.

    `network` None: the one that all are compared with. `rare` trains on the store in which rare
    tokens were composed, else on the one without.
    """

    name: str
    loss: LossOptions
    alphabet: str = "positional"
    network: str | None = None
    factored: bool = False
    rare: bool = True


_CTC = LossOptions("ctc")
_FOCAL = LossOptions("focal", 0.5, 2.0)
_PER_SYMBOL = LossOptions("focal", 0.5, 2.0, per_symbol=True)

#: Focal CTC is compared in both alphabets, the output layer and the 2018 network in the semantic
#: one, which is theirs.
VARIANTS: tuple[Variant, ...] = (
    Variant("positional-ctc", _CTC),
    Variant("positional-focal", _FOCAL),
    Variant("positional-focal-per-symbol", _PER_SYMBOL),
    Variant("positional-ctc-no-rare", _CTC, rare=False),
    Variant("semantic-ctc", _CTC, "semantic"),
    Variant("semantic-focal", _FOCAL, "semantic"),
    Variant("semantic-focal-per-symbol", _PER_SYMBOL, "semantic"),
    Variant("semantic-ctc-factored", _CTC, "semantic", factored=True),
    Variant("baseline-2018-ctc", _CTC, "semantic", network="baseline"),
)


@dataclass(frozen=True)
class Figures:
    """What was measured on one test set: rates in 0..1; `rare` is the symbol error rate on the
    tokens that are rare in the training data, None where the set has none."""

    symbol_error_rate: float
    sequence_error_rate: float
    rare: float | None


#: Not 0: a new output layer would be drawn as that was which the weights of `loop.initial` once
#: grew up with, and their features would fit it.
_FIRST_SEED = 1000

#: (model file, occurrences of each token in training) -> figures by name of the test set.
Measure = Callable[[Path, Mapping[str, int]], dict[str, Figures]]


@dataclass(frozen=True)
class AblationOptions:
    """What is compared on what. `data` has rare tokens composed, `plain` has not; each has a
    `cache`, which is drawn at the first use. Runs are counted from 0 to `seeds` - 1. A checkpoint
    to start from (`loop.initial`) gives all but the output layer, to the variants that have its
    network; in a third of the steps their output layer learns alone."""

    data: DataOptions
    plain: DataOptions
    loop: LoopOptions
    seeds: int = 2
    network: str = "small"
    variants: tuple[Variant, ...] = VARIANTS

    def __post_init__(self) -> None:
        if self.data.cache is None or self.plain.cache is None:
            raise UsageError("An ablation keeps its data: both need a cache file.")
        if self.seeds < 1 or not self.variants:
            raise UsageError("An ablation needs a seed and a variant at least.")


@dataclass(frozen=True)
class Outcome:
    """One run: its figures by test set, training time and speed."""

    variant: str
    seed: int
    figures: dict[str, Figures]
    seconds: float
    steps: int


def choose_variants(names: Sequence[str]) -> tuple[Variant, ...]:
    """The variants of these names; all for none.

    Raises:
        UsageError: a name is unknown.
    """
    known = {variant.name: variant for variant in VARIANTS}
    for name in names:
        if name not in known:
            raise UsageError(f"The variant '{name}' is unknown; choose of {', '.join(known)}.")
    return tuple(known[name] for name in names) or VARIANTS


def run_ablation(
    options: AblationOptions,
    measure: Measure,
    report: Callable[[str, Progress], None],
    say: Callable[[str], None] = lambda message: None,
) -> list[Outcome]:
    """Train and measure every variant with every seed; seeds are the outer loop, so that an early
    stop leaves all variants with equally many.

    `report` gets the name of the run and its progress.
    """
    outcomes = []
    for seed in range(options.seeds):
        for variant in options.variants:
            outcomes.append(_run(options, variant, seed, (measure, report, say)))
    return outcomes


def run_folder(out: Path, variant: str, seed: int) -> Path:
    """Where a run keeps its checkpoint, log, model and figures."""
    return out / f"{variant}-{seed}"


_Hooks = tuple[Measure, Callable[[str, Progress], None], Callable[[str], None]]


def _run(options: AblationOptions, variant: Variant, seed: int, hooks: _Hooks) -> Outcome:
    measure, report, say = hooks
    folder = run_folder(options.loop.out, variant.name, seed)
    result = folder / "result.json"
    if result.exists():
        return _read_outcome(result)
    make_folder(folder)
    data = options.data if variant.rare else options.plain
    initial = options.loop.initial if variant.network is None else None
    run = TrainOptions(
        data=data,
        loop=replace(
            options.loop,
            out=folder,
            seed=_FIRST_SEED + seed,
            resume=True,
            initial=initial,
            initial_output=False,
            output_first=options.loop.steps // 3 if initial else 0,
        ),
        loss=variant.loss,
        alphabet=variant.alphabet,
        network=variant.network or options.network,
        factored=variant.factored,
    )
    checkpoint = run_training(run, lambda now: report(folder.name, now), say)
    model = folder / "model.onnx"
    export_checkpoint(checkpoint, model, ExportOptions(folder.name, network_geometry(run.network)))
    assert data.cache is not None  # AblationOptions sees to it
    figures = measure(model, _token_counts(data.cache))
    outcome = Outcome(variant.name, seed, figures, _seconds(checkpoint), checkpoint.step)
    write_file(result, (json.dumps(asdict(outcome), indent=1) + "\n").encode())
    return outcome


def prepare_ablation(options: AblationOptions, say: Callable[[str], None]) -> None:
    """Draw the stores that the variants train on, where they are not there yet."""
    needed = {variant.rare for variant in options.variants}
    for rare, data in ((True, options.data), (False, options.plain)):
        if rare in needed:
            load_staves(data, options.loop, say)


@lru_cache(maxsize=2)  # of the store with rare tokens and the one without, for all runs
def _token_counts(store: Path) -> Counter[str]:
    return Counter(text for staff in read_store(store) for text in staff.texts)


def _seconds(checkpoint: Checkpoint) -> float:
    return float(checkpoint.state.get("seconds", 0.0))


def _read_outcome(path: Path) -> Outcome:
    read = json.loads(path.read_text(encoding="utf-8"))
    figures = {name: Figures(**values) for name, values in read.pop("figures").items()}
    return Outcome(**read, figures=figures)


def ablation_table(outcomes: Sequence[Outcome]) -> str:
    """A Markdown table: a row for each variant; SER / sequence error rate / SER on rare tokens of
    each test set in per cent, the mean over the seeds with the lowest and highest SER."""
    sets = list(outcomes[0].figures)
    titles = [f"{name}: SER [seeds] / sequence / rare" for name in sets]
    lines = [
        "| " + " | ".join(["variant", *titles, "min a run"]) + " |",
        "| --- " * (len(sets) + 2) + "|",
    ]
    for name, group in _by_variant(outcomes):
        cells = [_cell([one.figures[test] for one in group]) for test in sets]
        minutes = f"{mean(one.seconds for one in group) / 60:.1f}"
        lines.append("| " + " | ".join([name, *cells, minutes]) + " |")
    return "\n".join(lines) + "\n"


def _by_variant(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, list[Outcome]]]:
    for name in dict.fromkeys(outcome.variant for outcome in outcomes):
        yield name, [outcome for outcome in outcomes if outcome.variant == name]


def _cell(figures: Sequence[Figures]) -> str:
    rates = [100 * one.symbol_error_rate for one in figures]
    text = f"**{mean(rates):.2f}**"
    if len(rates) > 1:
        text += f" [{min(rates):.2f}, {max(rates):.2f}]"
    text += f" / {100 * mean(one.sequence_error_rate for one in figures):.1f}"
    rare = [100 * one.rare for one in figures if one.rare is not None]
    return text + (f" / {mean(rare):.1f}" if rare else " / -")
