"""`omr train`: optimise, validate, checkpoint, resume."""

from __future__ import annotations

import csv
import io
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from omrcli.errors import InputError, UsageError
from omrcli.metrics import EditCounts, count_edits, sequence_error_rate, symbol_error_rate
from omrcli.output import make_folder, write_file
from omrcli.reading.alphabet import Codec
from omrcli.reading.decoding import decode_greedy

from .checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from .data import Batch
from .losses import ctc, focal_ctc, focal_ctc_per_symbol
from .network import NetworkSpec, build_network

LOG_COLUMNS = (
    "step",
    "seconds",
    "loss",
    "lr",
    "staves_per_second",
    "validation_symbol_error_rate",
    "validation_sequence_error_rate",
)
_OUTPUT = "output."  # what the weights of the output layer are called in both networks


@dataclass(frozen=True)
class LossOptions:
    """`kind` is ctc or focal; `per_symbol` takes p of focal CTC as the geometric mean over the
    symbols."""

    kind: str = "focal"
    alpha: float = 0.5
    gamma: float = 2.0
    per_symbol: bool = False

    def __post_init__(self) -> None:
        if self.kind not in ("ctc", "focal"):
            raise UsageError(f"The loss '{self.kind}' is unknown; choose ctc or focal.")
        if self.alpha <= 0 or self.gamma < 0:
            raise UsageError("Focal CTC needs alpha above 0 and gamma of at least 0.")

    def __str__(self) -> str:
        if self.kind == "ctc":
            return "ctc"
        variant = " per symbol" if self.per_symbol else ""
        return f"focal{variant} alpha={self.alpha:g} gamma={self.gamma:g}"


@dataclass(frozen=True)
class LoopOptions:
    """How a run goes: steps, optimiser, and how often it looks at itself (in steps).

    `initial` is a checkpoint whose weights are taken over where their shapes fit; without
    `initial_output` its output layer is left behind. In the first `output_first` steps only the
    output layer learns: a new one, still random, would spoil the weights that it was given.
    """

    out: Path
    steps: int = 20_000
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    clip: float = 1.0
    average: float = 0.999  # decay of the moving average of the weights
    seed: int = 0
    device: str = "auto"
    workers: int = 1
    threads: int = 0
    log_every: int = 50
    validate_every: int = 1000
    checkpoint_every: int = 500
    resume: bool = False
    initial: Path | None = None
    initial_output: bool = True
    output_first: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.learning_rate <= 0:
            raise UsageError("Training needs at least 1 step and a learning rate above 0.")


@dataclass(frozen=True)
class Progress:
    """What a run reports after each step."""

    step: int
    steps: int
    loss: float
    staves_per_second: float
    symbol_error_rate: float | None


@dataclass(frozen=True)
class Recipe:
    """What is trained, on what: network, codec, loss, and texts for the model card."""

    network: NetworkSpec
    alphabet: str
    codec: Codec
    loss: LossOptions
    notes: dict[str, str]

    @property
    def blank(self) -> int:
        """Index of the CTC blank: the last class."""
        return self.network.classes - 1


@dataclass(frozen=True)
class Feeds:
    """Where batches come from: a map from step to batch, and the batches to validate on with their
    texts."""

    training: Any  # torch Dataset[Batch] of at least `steps` items
    validation: Any  # torch Dataset[Batch]
    validation_texts: Sequence[Sequence[Sequence[str]]]


def train(
    recipe: Recipe,
    feeds: Feeds,
    options: LoopOptions,
    report: Callable[[Progress], None] | None = None,
) -> Checkpoint:
    """Train to the end and return the last checkpoint, also written to `out/last.ckpt`.

    `out/log.csv` has LOG_COLUMNS. A run killed at any moment goes on with `resume` from its last
    checkpoint to the same losses, given the same machine and number of threads.

    Raises:
        UsageError: `out` holds a run and `resume` is not set.
    """
    return _Run(recipe, feeds, options).go(report or (lambda progress: None))


def _pick_device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("This torch has no usable CUDA device; train with --device cpu.")
    return torch.device(name)


def _has_bfloat16() -> bool:
    """Whether the processor multiplies in bfloat16; others emulate it, slowly."""
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


class _Run:
    """The moving parts of one training run."""

    def __init__(self, recipe: Recipe, feeds: Feeds, options: LoopOptions) -> None:
        self.recipe, self.feeds, self.options = recipe, feeds, options
        self.device = _pick_device(options.device)
        if options.threads:
            torch.set_num_threads(options.threads)
        _seed_all(options.seed)
        self.is_mixed = self.device.type == "cuda" or _has_bfloat16()
        # Channels last is the layout in which convolutions in bfloat16 are quick.
        self.network = build_network(recipe.network).to(self.device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if options.initial is not None:
            initial = read_checkpoint(options.initial)
            _load_initial(self.network, initial, recipe.codec.units, options.initial_output)
        self.average = _Average(self.network, options.average)
        self.optimiser = torch.optim.AdamW(
            _decay_groups(self.network, options.weight_decay),
            lr=options.learning_rate,
            betas=(0.9, 0.98),
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser,
            max_lr=options.learning_rate,
            total_steps=options.steps + 1,
            pct_start=0.15,
            div_factor=20,
            final_div_factor=200,
        )
        self.step, self.seconds = 0, 0.0
        self.rows: list[list[str]] = []
        self.scores: dict[str, float] = {}
        self.window = _Window()

    @property
    def checkpoint_path(self) -> Path:
        return self.options.out / "last.ckpt"

    def go(self, report: Callable[[Progress], None]) -> Checkpoint:
        make_folder(self.options.out)
        if self.checkpoint_path.exists():
            if not self.options.resume:
                raise UsageError(
                    f"{self.options.out} holds a run; go on with --resume or choose another --out."
                )
            self._restore(read_checkpoint(self.checkpoint_path))
        window = self.window
        window.start()
        for batch in self._batches():
            self._choose_learners()
            loss = self._train_step(batch)
            self.step += 1
            self.seconds += window.add(loss, len(batch.widths))
            self._look()
            ser = self.scores.get("symbol_error_rate")
            report(Progress(self.step, self.options.steps, window.mean, window.rate, ser))
        checkpoint = self._checkpoint()
        write_checkpoint(self.checkpoint_path, checkpoint)
        return checkpoint

    def _batches(self) -> Iterator[Batch]:
        workers = self.options.workers
        loader = DataLoader(
            self.feeds.training,
            batch_size=None,
            sampler=range(self.step, self.options.steps),
            num_workers=workers,
            # A fork would copy OpenCV's and torch's thread pools half alive, and hang.
            multiprocessing_context="spawn" if workers else None,
            prefetch_factor=8 if workers else None,
            pin_memory=self.device.type == "cuda",
            # Of its own, or a resumed run would draw a number more than one that was never cut off.
            generator=torch.Generator(),
        )
        return iter(loader)

    def _choose_learners(self) -> None:
        """All weights learn, but in the first steps those of the output layer alone."""
        everything = self.step >= self.options.output_first
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(everything or name.startswith(_OUTPUT))

    def _train_step(self, batch: Batch) -> float:
        self.network.train()
        image = batch.image.to(self.device, non_blocking=True, memory_format=torch.channels_last)
        widths = batch.widths.to(self.device, non_blocking=True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.is_mixed):
            log_probs = self.network(image, widths)
        loss = self._loss(log_probs.float(), batch)
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        self.optimiser.step()
        self.schedule.step()
        self.average.update(self.network)
        return float(loss.detach())

    def _loss(self, log_probs: Tensor, batch: Batch) -> Tensor:
        """Loss per symbol: every symbol of the batch counts alike, in short staves and long
        ones."""
        options = self.recipe.loss
        targets = batch.targets.to(self.device)
        nll = ctc(log_probs, targets, self.recipe.blank)
        if options.kind == "focal":
            if options.per_symbol:
                nll = focal_ctc_per_symbol(nll, targets.lengths, options.alpha, options.gamma)
            else:
                nll = focal_ctc(nll, options.alpha, options.gamma)
        return nll.sum() / targets.lengths.sum()

    def _look(self) -> None:
        """Log, validate and checkpoint where the step says so."""
        options, last = self.options, self.step == self.options.steps
        validate = self.step % options.validate_every == 0 or last
        if validate:
            self.scores = self.validate()
        if self.step % options.log_every == 0 or last:
            self._log(self.scores if validate else {})
        if self.step % options.checkpoint_every == 0 or last:
            write_checkpoint(self.checkpoint_path, self._checkpoint())

    def validate(self) -> dict[str, float]:
        """Error rates of the averaged weights on the validation staves, read greedily."""
        network = build_network(self.recipe.network).to(self.device).eval()
        network.load_state_dict(self.average.weights)
        counts: list[EditCounts] = []
        with torch.inference_mode():
            for number, texts in enumerate(self.feeds.validation_texts):
                counts += self._validate_batch(network, self.feeds.validation[number], texts)
        return {
            "symbol_error_rate": symbol_error_rate(counts),
            "sequence_error_rate": sequence_error_rate(counts),
        }

    def _validate_batch(
        self, network: nn.Module, batch: Batch, texts: Sequence[Sequence[str]]
    ) -> Iterator[EditCounts]:
        log_probs = network(batch.image.to(self.device), batch.widths.to(self.device))
        values = log_probs.float().cpu().numpy()
        for row, frames, truth in zip(values, batch.targets.frames.tolist(), texts, strict=True):
            units = decode_greedy(row[:frames], self.recipe.blank)
            yield count_edits(truth, [token.text for token in self.recipe.codec.decode(units)])

    def _log(self, scores: dict[str, float]) -> None:
        window = self.window
        row = [
            str(self.step),
            f"{self.seconds:.1f}",
            f"{window.mean:.5f}",
            f"{self.schedule.get_last_lr()[0]:.3g}",
            f"{window.rate:.1f}",
        ]
        row += [
            f"{scores[name]:.5f}" if scores else ""
            for name in ("symbol_error_rate", "sequence_error_rate")
        ]
        self.rows.append(row)
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows([LOG_COLUMNS, *self.rows])
        write_file(self.options.out / "log.csv", buffer.getvalue().encode())
        window.clear()

    def _checkpoint(self) -> Checkpoint:
        state = {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "random": torch.get_rng_state(),
            "rows": self.rows,
            "seconds": self.seconds,
            "window": self.window.sums,
        }
        recipe = self.recipe
        notes = {**recipe.notes, "loss": str(recipe.loss), "steps": str(self.step)}
        return Checkpoint(
            step=self.step,
            network=recipe.network,
            alphabet=recipe.alphabet,
            units=recipe.codec.units,
            weights=dict(self.average.weights),
            recipe=notes,
            scores=dict(self.scores),
            state=state,
        )

    def _restore(self, checkpoint: Checkpoint) -> None:
        if checkpoint.units != self.recipe.codec.units or checkpoint.network != self.recipe.network:
            raise UsageError(
                f"{self.checkpoint_path} is of another network or alphabet; choose another --out."
            )
        state = checkpoint.state
        self.network.load_state_dict(state["network"])
        self.average.weights = {k: v.to(self.device) for k, v in checkpoint.weights.items()}
        self.average.count = checkpoint.step
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["random"])
        self.step, self.seconds = checkpoint.step, state["seconds"]
        self.window.sums = state["window"]
        self.rows, self.scores = [list(row) for row in state["rows"]], dict(checkpoint.scores)


def _seed_all(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def _decay_groups(network: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices and kernels only, not for norms and biases."""
    groups: dict[bool, list[nn.Parameter]] = defaultdict(list)
    for parameter in network.parameters():
        groups[parameter.ndim > 1].append(parameter)
    return [
        {"params": groups[True], "weight_decay": decay},
        {"params": groups[False], "weight_decay": 0.0},
    ]


def _load_initial(
    network: nn.Module, checkpoint: Checkpoint, units: Sequence[str], output: bool
) -> None:
    """Take over all weights of a checkpoint whose shapes fit, those of the output layer if asked
    for: unit by unit, so that an alphabet may have grown."""
    own = network.state_dict()
    taken: set[str] = set()
    if output:
        names = (*units, "blank")
        given = {name: row for row, name in enumerate((*checkpoint.units, "blank"))}
        for key in [name for name in own if name.startswith(f"{_OUTPUT}plain.")]:
            rows = checkpoint.weights.get(key)
            if rows is None or rows.shape[1:] != own[key].shape[1:]:
                continue
            known = [name in given for name in names]
            own[key][known] = rows[[given[name] for name in names if name in given]]
            taken.add(key)
    fitting = {
        name: weights
        for name, weights in checkpoint.weights.items()
        if name in own
        and own[name].shape == weights.shape
        and (output or not name.startswith(_OUTPUT))
        and name not in taken
    }
    if not fitting and not taken:
        raise InputError("The initial checkpoint has no weights that fit this network.")
    network.load_state_dict({**own, **fitting})


class _Average:
    """Exponential moving average of weights and norm statistics; young averages decay faster."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay, self.count = decay, 0
        self.weights = {k: v.detach().clone() for k, v in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        self.count += 1
        decay = min(self.decay, (1 + self.count) / (10 + self.count))
        for name, value in network.state_dict().items():
            if value.dtype.is_floating_point:
                self.weights[name].lerp_(value, 1 - decay)
            else:
                self.weights[name].copy_(value)


class _Window:
    """Means since the last log row; time waiting for batches counts, time validating does not."""

    def __init__(self) -> None:
        self.sums = {"loss": 0.0, "steps": 0.0, "staves": 0.0, "seconds": 0.0}
        self.mean = self.rate = 0.0
        self.start()

    def start(self) -> None:
        """Time runs from here."""
        self._lap = time.monotonic()

    def clear(self) -> None:
        """Begin anew."""
        self.sums = dict.fromkeys(self.sums, 0.0)
        self.start()

    def add(self, loss: float, staves: int) -> float:
        """Count a step and return its seconds."""
        now = time.monotonic()
        spent, self._lap = now - self._lap, now
        for name, value in (("loss", loss), ("steps", 1), ("staves", staves), ("seconds", spent)):
            self.sums[name] += value
        self.mean = self.sums["loss"] / self.sums["steps"]
        self.rate = self.sums["staves"] / max(self.sums["seconds"], 1e-9)
        return spent


def strip_state(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint without what only resuming needs: a fifth of the size."""
    return replace(checkpoint, state={})
