"""`omr synth`: random music and excerpts of corpora -> a folder of samples with exact truth.

Sample k depends on the seed and on k alone, never on the number of samples or processes.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from omrcli.errors import InputError, OmrError, UsageError
from omrcli.output import make_folder, write_file
from omrcli.tokens import format_semantic

from .clutter import ClutterRates
from .compose import compose_tokens
from .degrade import PRESETS, degrade_page
from .engravers import (
    BLOCK,
    Commission,
    Piece,
    choose_engraver,
    draw_block,
    paint_piece,
    read_shares,
)
from .enrichment import enrich_excerpt
from .marks import add_marks
from .rare_music import compose_rare_tokens
from .rarity import find_rare_tokens
from .render import EngravingStyle, RenderedStaff, draw_style, render_staff
from .rhythm import Dice
from .sources import SourceOptions, load_excerpts
from .surroundings import add_neighbours
from .uncommon_notation import notate_uncommonly
from .variation import vary_excerpt

Music = tuple[tuple[str, ...], ...]

#: Staves that the engraver refuses are drawn again; so many in a row mean that all are refused.
_MOST_TRIES = 100
#: Files read of the tunes that music21 ships; many are books, and these give some 10,000 excerpts.
_SHIPPED_FILES = 30
_SETTINGS = "synth.json"


@dataclass(frozen=True)
class SynthOptions:
    """What is drawn and how it is made.

    `jobs` 0 takes one process for each core, `random_share` (0..1) of the samples are random
    music and the others come from `corpora` (none: tunes that music21 ships), of each of which at
    most `max_files` files are read; `rare_share` (0..1) of the random music is composed around
    rare tokens, of the grammar or of a file `vocabulary` of token texts; into `changed_share` of
    the excerpts of corpora changes of clef, key and barlines are put, into `enriched_share`
    chords, triplets, ties and grace notes, and `uncommon_share` of all staves have octave clefs or
    signs for music without pitches. `degrade` is "none" or one
    of degrade.PRESETS, and `engraver` one of engravers.ENGRAVERS or shares of several.

    Raises:
        UsageError: a value out of range.
    """

    count: int = 100
    seed: int = 0
    jobs: int = 0
    corpora: tuple[Path, ...] = ()
    degrade: str = "none"
    random_share: float = 0.35
    max_files: int = 400
    clutter: ClutterRates = field(default_factory=ClutterRates)
    rare_share: float = 0.3
    changed_share: float = 0.15
    enriched_share: float = 0.2
    uncommon_share: float = 0.1
    vocabulary: Path | None = None
    engraver: str = "verovio"

    def __post_init__(self) -> None:
        read_shares(self.engraver)
        if self.degrade != "none" and self.degrade not in PRESETS:
            known = ", ".join(["none", *PRESETS])
            raise UsageError(f"The degradation '{self.degrade}' is unknown; choose {known}.")
        if min(self.count, self.seed, self.jobs) < 0:
            raise UsageError("Count, seed and jobs must not be negative.")
        for share, what in (
            (self.random_share, "random music"),
            (self.rare_share, "rare music"),
            (self.changed_share, "changed excerpts"),
            (self.enriched_share, "enriched excerpts"),
            (self.uncommon_share, "uncommon notation"),
        ):
            if not 0 <= share <= 1:
                raise UsageError(f"The share of {what} must lie between 0 and 1.")


@dataclass(frozen=True)
class DrawnSample:
    """A staff and its truth: (H, W) uint8 image with 255 = paper, and token texts."""

    tokens: tuple[str, ...]
    pixels: NDArray[np.uint8]


def load_music(options: SynthOptions) -> Music:
    """Excerpts of the corpora; empty if only random music is drawn.

    Raises:
        InputError: a corpus does not exist, or holds nothing readable.
        MissingDependencyError: Verovio, or music21 where no corpus is named, is not installed.
    """
    if options.random_share == 1:
        return ()
    music: list[tuple[str, ...]] = []
    for path in options.corpora or (None,):
        files = options.max_files if path else min(options.max_files, _SHIPPED_FILES)
        source = SourceOptions(max_files=files, seed=options.seed)
        rng = random.Random(options.seed)
        found = [tuple(texts) for texts in load_excerpts(path, rng, source)]
        if not found:
            raise InputError(f"No music of one voice was found in {path}; choose another corpus.")
        music += found
    return tuple(music)


def draw_sample(options: SynthOptions, index: int, music: Music | None = None) -> DrawnSample:
    """Draw sample `index`; equal options give equal pixels.

    Args:
        options: seed, share of random music and degradation count here.
        index: 0-based.
        music: what `load_music` gave; None loads it at the first call of the process.

    Raises:
        InputError: nothing in the corpora can be engraved.
        MissingDependencyError: the engraver or resvg is not installed.
    """
    music = _load_once(options) if music is None else music
    rng = np.random.default_rng((options.seed, index))
    engraver = choose_engraver(options.engraver, options.seed, index // BLOCK)
    if engraver == "verovio":
        tokens, staff = _draw_staff(options, music, rng)
    else:
        pieces = _draw_block(options, engraver, index // BLOCK, music)
        share = options.clutter.share * options.clutter.neighbours
        tokens, staff = paint_piece(pieces, index % BLOCK, share, rng)
    staff = add_marks(staff, options.clutter, rng)
    pixels = staff.pixels
    if options.degrade != "none":
        wear = replace(PRESETS[options.degrade], interline=staff.interline)
        pixels = degrade_page(pixels, rng, wear)
    return DrawnSample(tokens, pixels)


def _draw_staff(
    options: SynthOptions, music: Music, rng: np.random.Generator
) -> tuple[tuple[str, ...], RenderedStaff]:
    """Tokens and staff, by Verovio."""
    for _ in range(_MOST_TRIES):
        texts = _draw_tokens(options, music, rng)
        style = draw_style(rng, options.clutter)
        try:
            staff = render_staff(texts, style)
        except InputError:  # such as a tie that leads out of an excerpt
            continue
        if rng.random() < options.clutter.share * options.clutter.neighbours:
            above, below = (_draw_neighbour(options, music, style, rng) for _ in range(2))
            staff = add_neighbours(staff, above, below, rng)
        return tuple(texts), staff
    raise InputError("None of this music can be engraved; choose another corpus.")


#: The block that was drawn last, with what it was drawn from.
_last_block: tuple[tuple[SynthOptions, str, int], Music, list[Piece]] | None = None


def _draw_block(options: SynthOptions, engraver: str, block: int, music: Music) -> list[Piece]:
    """A block by an optional program; samples of one block are mostly asked for in a row."""
    global _last_block
    key = (replace(options, count=0, jobs=0), engraver, block)
    if _last_block is None or _last_block[0] != key or _last_block[1] is not music:
        draw = partial(_draw_tokens, options, music)
        commission = Commission(engraver, options.clutter, options.seed, block, draw)
        _last_block = (key, music, draw_block(commission))
    return _last_block[2]


def _draw_neighbour(
    options: SynthOptions, music: Music, style: EngravingStyle, rng: np.random.Generator
) -> RenderedStaff | None:
    """Another staff of the same page, or nothing there."""
    if rng.random() < 0.3:
        return None
    try:
        return render_staff(_draw_tokens(options, music, rng), style)
    except InputError:
        return None


@lru_cache(maxsize=1)
def _load_once(options: SynthOptions) -> Music:
    return load_music(options)


def _draw_tokens(options: SynthOptions, music: Music, rng: np.random.Generator) -> list[str]:
    texts = _draw_music(options, music, rng)
    return notate_uncommonly(texts, Dice(rng)) if rng.random() < options.uncommon_share else texts


def _draw_music(options: SynthOptions, music: Music, rng: np.random.Generator) -> list[str]:
    if not music or rng.random() < options.random_share:
        return compose_staff(options, rng)
    excerpt: Sequence[str] = music[int(rng.integers(len(music)))]
    if rng.random() < options.enriched_share:
        excerpt = enrich_excerpt(excerpt, Dice(rng))
    if rng.random() < options.changed_share:
        excerpt = vary_excerpt(excerpt, Dice(rng))
    return list(excerpt)


def compose_staff(options: SynthOptions, rng: np.random.Generator) -> list[str]:
    """Random music as the options mix it: `rare_share` of it is composed around rare tokens.

    Raises:
        InputError, TokenError: the vocabulary of the options cannot be read.
    """
    if rng.random() < options.rare_share:
        return compose_rare_tokens(rng, find_rare_tokens(options.vocabulary))
    return compose_tokens(rng)


def write_samples(
    out: Path, options: SynthOptions, report: Callable[[], None] | None = None
) -> int:
    """Write ID/ID.png and ID/ID.semantic for each sample that `out` does not hold yet.

    Args:
        out: folder, made if need be; samples that an earlier run finished are kept.
        options: what to make; a folder made with other options is refused.
        report: called once for each sample, also for those that are there already.

    Returns:
        Number of samples written.

    Raises:
        UsageError: `out` was made with other options.
        OutputError: a file cannot be written.
        InputError, MissingDependencyError: as `draw_sample` and `load_music`.
    """
    make_folder(out)
    _claim_folder(out, options)
    missing = []
    for index in range(options.count):
        if not _is_whole(out, options, index):
            missing.append(index)
        elif report:
            report()
    if missing:
        for _ in _write_all(_Task(out, options, load_music(options)), missing):
            if report:
                report()
    return len(missing)


def sample_name(options: SynthOptions, index: int) -> str:
    """The ID of a sample."""
    return f"synth-{options.seed}-{index:06d}"


def _claim_folder(out: Path, options: SynthOptions) -> None:
    """Leave the settings in the folder, so that it never holds two sorts of samples."""
    settings = {
        "seed": options.seed,
        "corpora": [path.as_posix() for path in options.corpora],
        "degrade": options.degrade,
        "random_share": options.random_share,
        "max_files": options.max_files,
        "clutter": asdict(options.clutter),
        "engraver": options.engraver,
        "rare_share": options.rare_share,
        "changed_share": options.changed_share,
        "enriched_share": options.enriched_share,
        "uncommon_share": options.uncommon_share,
        "vocabulary": options.vocabulary.as_posix() if options.vocabulary else None,
    }
    text = json.dumps(settings, indent=1) + "\n"
    path = out / _SETTINGS
    if not path.exists():
        write_file(path, text.encode())
    elif path.read_text(encoding="utf-8") != text:
        raise UsageError(
            f"{out} holds samples made with other options (see {_SETTINGS} there); "
            "choose another folder."
        )


def _is_whole(out: Path, options: SynthOptions, index: int) -> bool:
    """Whether an earlier run finished a sample; its truth is written last."""
    name = sample_name(options, index)
    return (out / name / f"{name}.semantic").is_file() and (out / name / f"{name}.png").is_file()


@dataclass(frozen=True)
class _Task:
    out: Path
    options: SynthOptions
    music: Music

    def write(self, index: int) -> None:
        """Draw a sample and write its two files."""
        name = sample_name(self.options, index)
        sample = draw_sample(self.options, index, self.music)
        folder = self.out / name
        make_folder(folder)
        _, png = cv2.imencode(".png", sample.pixels)
        write_file(folder / f"{name}.png", png.tobytes())
        write_file(folder / f"{name}.semantic", format_semantic(sample.tokens).encode())


def _write_all(task: _Task, indices: list[int]) -> Iterator[None]:
    """Write samples in as many processes as asked for; yields after each."""
    # A block that a program draws is for one process.
    size = 4 if task.options.engraver == "verovio" else BLOCK
    # The first are made here: what is missing or wrong is told before any process starts.
    first = sum(index // size == indices[0] // size for index in indices)
    jobs = min(task.options.jobs or os.cpu_count() or 1, len(indices) - first)
    alone = indices[:first] if jobs > 1 else indices
    for index in alone:
        task.write(index)
        yield
    if len(alone) == len(indices):
        return
    # Spawned and not forked: a fork would copy Verovio's and OpenCV's threads half alive.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, context, _start_worker, (task,))
    try:
        for _ in pool.map(_write_one, indices[first:], chunksize=size):
            yield
    except BrokenProcessPool as error:
        raise OmrError(
            "A process died while engraving; run the command again, it goes on from there."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_worker_task: _Task | None = None


def _start_worker(task: _Task) -> None:
    global _worker_task  # the music is sent once for each process, and not with every sample
    _worker_task = task
    cv2.setNumThreads(1)


def _write_one(index: int) -> None:
    assert _worker_task is not None
    _worker_task.write(index)
