"""Options of `omr train` -> a run: the data it reads, the alphabet, the network and the loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import numpy as np

from omrcli.datasets.corpus import Encoding, Sample, find_samples, read_split
from omrcli.errors import InputError, TokenError, UsageError
from omrcli.reading.alphabet import POSITIONAL_UNITS, Codec, PlainCodec, PositionalCodec
from omrcli.staves.staff import StaffGeometry
from omrcli.synth.degrade import PRESETS

from .checkpoint import Checkpoint
from .data import (
    STORE_INTERLINE,
    Augmentation,
    BatchPlan,
    StaffBatches,
    StaffSet,
    StoredStaff,
    keep_readable,
    plan_batches,
    plan_epoch,
    read_store,
    store_samples,
    write_store,
)
from .loop import Feeds, LoopOptions, LossOptions, Progress, Recipe, train
from .network import NETWORKS, NetworkSpec, factor_units

ALPHABETS = ("positional", "semantic")
_VALIDATION_SHARE, _MOST_VALIDATION = 0.02, 400
_MOST_NAMED = 3  # tokens in a sentence


@dataclass(frozen=True)
class DataOptions:
    """What is read: folders of samples, list files, and how the staves are varied.

    `split` lists the samples to train on and `validation` those to validate on; without
    `validation`, every fiftieth sample is held back. `synth` staves are engraved, from
    `corpora` and random music, of which `rare_share` is composed around rare tokens;
    `clutter_share` of them carry clutter (None: as SynthOptions has it, of both). `cache` keeps
    all normalised staves for the next run.
    """

    folders: tuple[Path, ...] = ()
    split: Path | None = None
    validation: Path | None = None
    encoding: str = "semantic"
    degrade: str = "staff"
    synth: int = 0
    corpora: tuple[Path, ...] = ()
    rare_share: float | None = None
    clutter_share: float | None = None
    cache: Path | None = None
    batch_pixels: int = 10_752
    short_first: float = 0.1

    def __post_init__(self) -> None:
        if not self.folders and not self.synth:
            raise UsageError(
                "There is nothing to train on; name a folder of samples or give --synth."
            )


@dataclass(frozen=True)
class TrainOptions:
    """All options of a run."""

    data: DataOptions
    loop: LoopOptions
    loss: LossOptions = field(default_factory=LossOptions)
    alphabet: str = "positional"
    network: str = "lean"
    factored: bool = False

    def __post_init__(self) -> None:
        if self.alphabet not in ALPHABETS:
            raise UsageError(
                f"The alphabet '{self.alphabet}' is unknown; choose positional or semantic."
            )
        if self.network not in NETWORKS:
            known = ", ".join(NETWORKS)
            raise UsageError(f"The network '{self.network}' is unknown; choose of {known}.")


def network_geometry(network: str) -> StaffGeometry:
    """The staff geometry that a network reads: the baseline's is 128 px high, as published."""
    return StaffGeometry(8, 6, 6) if network == "baseline" else StaffGeometry(8, 5, 5)


def run_training(
    options: TrainOptions,
    report: Callable[[Progress], None] | None = None,
    say: Callable[[str], None] = lambda message: None,
) -> Checkpoint:
    """Read the data, train, and return the last checkpoint.

    `report` gets the progress of every step, `say` a sentence now and then.

    Raises:
        InputError: there is no sample to train on.
    """
    geometry = network_geometry(options.network)
    training, validation = _load(options.data, options.loop, say)
    codec, alphabet = _make_codec(options, training)
    spec = replace(
        NETWORKS[options.network],
        height=geometry.height,
        classes=len(codec.units) + 1,
        factors=factor_units(codec.units) if options.factored else (),
    )
    sets = [_readable(part, codec, geometry, spec) for part in (training, validation)]
    if len(sets[0].staves) < len(training):
        _tell_lost(sets[0], training, codec, "train", say)
    if len(sets[1].staves) < len(validation):
        _tell_lost(sets[1], validation, codec, "validate", say)
    say(f"Training on {len(sets[0].staves)} staves, validating on {len(sets[1].staves)}.")
    notes = {"network": options.network, "staves": str(len(sets[0].staves))}
    recipe = Recipe(spec, alphabet, codec, options.loss, notes)
    return train(recipe, _make_feeds(sets[0], sets[1], options), options.loop, report)


def _load(
    data: DataOptions, loop: LoopOptions, say: Callable[[str], None]
) -> tuple[list[StoredStaff], list[StoredStaff]]:
    """The staves to train on and those to validate on."""
    staves = load_staves(data, loop, say)
    held = _held_back(data, [staff.name for staff in staves])
    chosen = set(read_split(data.split)) if data.split else None
    training = [s for s in staves if s.name not in held and (chosen is None or s.name in chosen)]
    validation = [s for s in staves if s.name in held]
    if staves and data.validation is not None and not validation:
        raise InputError(
            f"{data.validation} lists no sample that was read; its lines are names of samples, "
            f"such as {staves[0].name}."
        )
    if not training or not validation:
        raise InputError("Training needs at least 2 readable samples; see the sentences above.")
    return training, validation


def load_staves(
    data: DataOptions, loop: LoopOptions, say: Callable[[str], None]
) -> list[StoredStaff]:
    """All staves of the folders and those to be drawn; from the cache, or into it."""
    if data.cache is not None and data.cache.exists():
        return read_store(data.cache)
    staves = _load_folders(data, loop.workers, say)
    staves += _draw_synth(data, loop, say)
    if data.cache is not None:
        write_store(data.cache, staves)
    return staves


def _held_back(data: DataOptions, names: Sequence[str]) -> set[str]:
    if data.validation is not None:
        return set(read_split(data.validation))
    every = max(2, round(1 / _VALIDATION_SHARE))
    return set(names[:: max(every, -(-len(names) // _MOST_VALIDATION))])


def _load_folders(data: DataOptions, workers: int, say: Callable[[str], None]) -> list[StoredStaff]:
    if not data.folders:
        return []
    samples = [sample for folder in data.folders for sample in _find_looks(folder, data.encoding)]
    say(f"Normalising {len(samples)} samples.")
    staves, problems = store_samples(samples, workers)
    for problem in problems[:10]:
        say(problem)
    if len(problems) > 10:
        say(f"{len(problems) - 10} more samples were left out.")
    return staves


def _find_looks(folder: Path, name: str) -> list[Sample]:
    """Samples of a folder; one that Camera-PrIMuS gives clean and distorted counts twice."""
    encoding = cast(Encoding, name)  # find_samples refuses any other
    clean = find_samples(folder, encoding, "clean")
    known = {sample.image for sample in clean}
    return clean + [s for s in find_samples(folder, encoding, "distorted") if s.image not in known]


def _draw_synth(
    data: DataOptions, loop: LoopOptions, say: Callable[[str], None]
) -> list[StoredStaff]:
    if not data.synth:
        return []
    from omrcli.synth.dataset import SynthOptions

    from .drawing import draw_staves

    say(f"Engraving {data.synth} staves.")
    options = SynthOptions(
        count=data.synth, seed=loop.seed, jobs=loop.workers, corpora=data.corpora
    )
    if data.rare_share is not None:
        options = replace(options, rare_share=data.rare_share)
    if data.clutter_share is not None:
        options = replace(options, clutter=replace(options.clutter, share=data.clutter_share))
    return draw_staves(options)


def _make_codec(options: TrainOptions, staves: Sequence[StoredStaff]) -> tuple[Codec, str]:
    if options.data.encoding == "agnostic" or options.alphabet == "semantic":
        vocabulary = sorted({text for staff in staves for text in staff.texts})
        alphabet = "agnostic" if options.data.encoding == "agnostic" else "semantic"
        return PlainCodec(tuple(vocabulary)), alphabet
    return PositionalCodec(POSITIONAL_UNITS), "positional"


def _readable(
    staves: Sequence[StoredStaff], codec: Codec, geometry: StaffGeometry, spec: NetworkSpec
) -> StaffSet:
    kept, encoded = keep_readable(staves, codec, geometry, spec.width_reduction)
    return StaffSet(kept, encoded, geometry, spec.width_reduction)


def _tell_lost(
    kept: StaffSet,
    staves: Sequence[StoredStaff],
    codec: Codec,
    purpose: str,
    say: Callable[[str], None],
) -> None:
    """Say how many of the staves to train or validate on cannot be used, and why.

    Raises:
        InputError: none can.
    """
    unseen = sorted({text for staff in staves for text in staff.texts if _is_unseen(text, codec)})
    left = f" and {len(unseen) - _MOST_NAMED} more" if len(unseen) > _MOST_NAMED else ""
    reason = (
        f"{', '.join(unseen[:_MOST_NAMED])}{left} are not among the classes of the network, which "
        + ("are the tokens trained on" if isinstance(codec, PlainCodec) else "spell no such token")
        if unseen
        else "they have more symbols than the network has frames for"
    )
    if kept.staves:
        lost = len(staves) - len(kept.staves)
        say(f"{lost} of {len(staves)} samples to {purpose} on are left out: {reason}.")
        return
    advice = "list other samples with --validation" if purpose == "validate" else "check the truth"
    raise InputError(
        f"None of the {len(staves)} samples to {purpose} on can be used: {reason}; {advice}."
    )


def _is_unseen(text: str, codec: Codec) -> bool:
    try:
        codec.encode([text])
    except TokenError:
        return True
    return False


def _make_feeds(training: StaffSet, validation: StaffSet, options: TrainOptions) -> Feeds:
    data, loop = options.data, options.loop
    plan = BatchPlan(
        steps=loop.steps, pixels=data.batch_pixels, seed=loop.seed, short_first=data.short_first
    )
    if data.degrade != "none" and data.degrade not in PRESETS:
        known = ", ".join(["none", *PRESETS])
        raise UsageError(f"The degradation '{data.degrade}' is unknown; choose {known}.")
    wear = PRESETS.get(data.degrade)
    augmentation = Augmentation(wear and replace(wear, interline=STORE_INTERLINE))
    batches = plan_batches(training.widths, plan)
    widths = np.asarray(validation.widths)
    looks = plan_epoch(widths, np.arange(len(widths)), plan, np.random.default_rng(0))
    return Feeds(
        training=StaffBatches(training, batches, augmentation, loop.seed),
        validation=StaffBatches(validation, looks),
        validation_texts=[[validation.staves[i].texts for i in batch] for batch in looks],
    )
