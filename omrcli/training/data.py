"""Samples -> batches: staves normalised by `staves/staff.py` itself, kept small in memory, degraded
as they are drawn.

A staff is stored at a higher resolution than the network reads (`STORE_INTERLINE`), as PNG:
degradation then works on crisp ink, and 100,000 staves fit into about a gigabyte. Everything
random is drawn from (seed, step), so a run that is killed and resumed sees the same batches.
"""

from __future__ import annotations

import itertools
import multiprocessing
import pickle
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from omrcli.datasets.corpus import Sample
from omrcli.errors import InputError, OmrError, TokenError
from omrcli.output import write_file
from omrcli.pages.image import PageImage, load_pages
from omrcli.reading.alphabet import Codec
from omrcli.staves.staff import StaffGeometry, find_staves, normalise_staff
from omrcli.synth.degrade import PRESETS, DegradeOptions, degrade_staff

from .joined_barlines import join_barlines
from .losses import Targets
from .staff_start import draw_measure_number, draw_system_line

STORE_INTERLINE = 12  # px; half as much again as the network's 8, for sub-pixel degradation
#: Staves are stored alike for every network: room for the tallest and an interline for shifts.
STORE_GEOMETRY = StaffGeometry(STORE_INTERLINE, 7, 7)
_STORE_MARK = ["staves", 2]  # a store of another version is not read
_SHORT_SHARE = 0.35  # of the staves count as short


@dataclass(frozen=True)
class StoredStaff:
    """One staff: PNG of the (H, W) uint8 ink image at STORE_INTERLINE, and its token texts."""

    name: str
    png: bytes
    width: int
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Augmentation:
    """How a stored staff is varied: degradation, and the errors of finding and measuring a
    staff."""

    degrade: DegradeOptions | None = field(
        default_factory=lambda: replace(PRESETS["staff"], interline=STORE_INTERLINE)
    )
    degrade_share: float = 0.8  # of the drawn staves are degraded; the others stay clean
    scale: float = 0.02  # largest relative error of the interline
    system_line: float = 0.15  # share of staves drawn with the line that joins a system
    measure_number: float = 0.25  # share of staves with a measure number over their left end
    joined_barlines: float = 0.15  # share of staves whose barlines run on to other staves
    shift: float = 0.12  # largest vertical error in interlines


@dataclass(frozen=True)
class Batch:
    """A padded batch: image (B, 1, H, W) float32 ink, widths (B,) px, and the targets."""

    image: torch.Tensor
    widths: torch.Tensor
    targets: Targets


@dataclass(frozen=True)
class BatchPlan:
    """How staves are put into batches.

    `pixels` is the sum of padded widths of a batch at the network's interline; `short_first` the
    share of all steps in which only short staves are drawn: the alignment of CTC is found sooner
    on them.
    """

    steps: int
    pixels: int = 10_752
    staves: int = 64
    seed: int = 0
    short_first: float = 0.1


def store_page(name: str, page: PageImage, texts: Sequence[str]) -> StoredStaff:
    """Find the staff of a one-staff image and store it.

    Raises:
        InputError: the image has no staff, or several.
    """
    staves = find_staves(page)
    if len(staves) != 1:
        raise InputError(f"{name} has {len(staves)} staves; a training sample has one.")
    ink = normalise_staff(page, staves[0], STORE_GEOMETRY).pixels
    pixels = np.round(ink * 255).astype(np.uint8)
    _, png = cv2.imencode(".png", pixels)
    return StoredStaff(name, png.tobytes(), pixels.shape[1], tuple(texts))


def _store_sample(sample: Sample) -> StoredStaff | str:
    try:
        page = load_pages(sample.image)[0]
        return store_page(sample.id, page, sample.tokens)
    except OmrError as error:
        return str(error)


def store_samples(
    samples: Sequence[Sample],
    workers: int = 0,
    report: Callable[[int, int], None] | None = None,
) -> tuple[list[StoredStaff], list[str]]:
    """Store all samples, in their order; also the sentences on those that could not be stored."""
    staves: list[StoredStaff] = []
    problems: list[str] = []

    def collect(results: Iterable[StoredStaff | str]) -> None:
        for done, result in enumerate(results, 1):
            if isinstance(result, str):
                problems.append(result)
            else:
                staves.append(result)
            if report and done % 50 == 0:
                report(done, len(samples))

    if workers < 2:
        collect(map(_store_sample, samples))
    else:
        with multiprocessing.get_context("spawn").Pool(workers) as pool:
            collect(pool.imap(_store_sample, samples, chunksize=16))
    return staves, problems


def write_store(path: Path, staves: Sequence[StoredStaff]) -> None:
    """Write stored staves to a file, whole or not at all."""
    rows = [(staff.name, staff.png, staff.width, staff.texts) for staff in staves]
    write_file(path, pickle.dumps([_STORE_MARK, *rows], protocol=5))


class _PlainUnpickler(pickle.Unpickler):
    """Reads lists, tuples, texts, bytes and numbers only: a store can name no code to run."""

    def find_class(self, module: str, name: str) -> object:
        raise pickle.UnpicklingError(f"{module}.{name} in a store of staves")


def _is_whole(staff: StoredStaff) -> bool:
    """Whether a stored staff is what `store_page` makes; its PNG is trusted in no size but this."""
    png = (
        isinstance(staff.png, bytes) and staff.png[:8] == b"\x89PNG\r\n\x1a\n" and staff.png[16:24]
    )
    return (
        type(staff.width) is int
        and png
        == b"".join(side.to_bytes(4, "big") for side in (staff.width, STORE_GEOMETRY.height))
        and isinstance(staff.texts, tuple)
        and all(isinstance(text, str) for text in (staff.name, *staff.texts))
    )


def read_store(path: Path) -> list[StoredStaff]:
    """Read what `write_store` wrote.

    Raises:
        InputError: the file cannot be read, or is no store.
    """
    try:
        with path.open("rb") as stream:
            mark, *rows = _PlainUnpickler(stream).load()
        if mark != _STORE_MARK:
            raise ValueError("it was made by another version")
        staves = [StoredStaff(*row) for row in rows]
        if not all(map(_is_whole, staves)):
            raise ValueError("it holds something else")
        return staves
    # What the bytes of a damaged pickle ask for can fail in any way.
    except Exception as error:
        raise InputError(
            f"{path} is no store of staves ({error}); delete it to make it anew."
        ) from error


def keep_readable(
    staves: Sequence[StoredStaff], codec: Codec, geometry: StaffGeometry, width_reduction: int
) -> tuple[list[StoredStaff], list[list[int]]]:
    """The staves that a network can spell, with their unit indices.

    Left out are texts outside the alphabet and targets that need more frames than the staff has:
    CTC takes a frame a unit, and one more between equal neighbours.
    """
    kept, encoded = [], []
    for staff in staves:
        try:
            units = codec.encode(staff.texts)
        except TokenError:
            continue
        repeats = sum(a == b for a, b in itertools.pairwise(units))
        narrowest = staff.width * geometry.interline / STORE_INTERLINE * 0.95
        if units and len(units) + repeats <= int(narrowest) // width_reduction:
            kept.append(staff)
            encoded.append(units)
    return kept, encoded


def plan_batches(widths: Sequence[int], plan: BatchPlan) -> list[list[int]]:
    """Indices of the staves of each step's batch: staves of similar width together, epochs
    shuffled.

    Args:
        widths: px at the network's interline.
        plan: sizes and seed; the same plan gives the same batches.
    """
    order = np.argsort(np.asarray(widths), kind="stable")
    short = np.sort(order[: max(1, int(len(order) * _SHORT_SHARE))])
    short_steps = int(plan.steps * plan.short_first)
    batches: list[list[int]] = []
    epoch = 0
    while len(batches) < plan.steps:
        rng = np.random.default_rng((plan.seed, epoch))
        pool = short if len(batches) < short_steps else np.arange(len(order))
        batches += plan_epoch(np.asarray(widths), pool, plan, rng)
        epoch += 1
    return batches[: plan.steps]


def plan_epoch(
    widths: NDArray[np.int64], pool: NDArray[np.int64], plan: BatchPlan, rng: np.random.Generator
) -> list[list[int]]:
    """Batches that draw every staff of `pool` once, in random order."""
    # Widths are blurred before sorting, or a staff would have the same companions in every epoch.
    blurred = widths[pool] * rng.uniform(0.9, 1.1, len(pool))
    batches: list[list[int]] = [[]]
    widest = 0
    for index in pool[np.argsort(blurred, kind="stable")].tolist():
        widest = max(widest, int(widths[index]))
        full = (len(batches[-1]) + 1) * widest > plan.pixels or len(batches[-1]) == plan.staves
        if batches[-1] and full:
            batches.append([])
            widest = int(widths[index])
        batches[-1].append(index)
    return [batches[k] for k in rng.permutation(len(batches))]


def vary_staff(
    pixels: NDArray[np.uint8],
    geometry: StaffGeometry,
    rng: np.random.Generator | None,
    augmentation: Augmentation,
    shifted: bool = False,
) -> NDArray[np.float32]:
    """A stored (H, W) uint8 ink image as the network reads it: (geometry.height, W') float32 in
    0..1.

    `shifted` says that an 8 stands over the clef: no measure number is printed there then. With
    `rng` None nothing is drawn: the staff is only brought to the network's geometry.
    """
    scale, shift = geometry.interline / STORE_INTERLINE, 0.0
    if rng is not None:
        place = (STORE_GEOMETRY.top_line, STORE_INTERLINE)
        if rng.random() < augmentation.measure_number and not shifted:
            pixels = draw_measure_number(pixels, *place, rng)
        if rng.random() < augmentation.system_line:
            pixels = draw_system_line(pixels, *place, rng)
        if rng.random() < augmentation.joined_barlines:
            pixels = join_barlines(pixels, *place, rng)
        if augmentation.degrade is not None and rng.random() < augmentation.degrade_share:
            pixels = degrade_staff(pixels, rng, augmentation.degrade)
        scale *= 1 + rng.uniform(-augmentation.scale, augmentation.scale)
        shift = rng.uniform(-augmentation.shift, augmentation.shift) * geometry.interline
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    # The middle line of the staff stays in its place whatever the scale.
    middle = (STORE_GEOMETRY.above + 2) * STORE_INTERLINE * scale
    top = round(middle + shift - (geometry.above + 2) * geometry.interline)
    result = np.zeros((geometry.height, small.shape[1]), np.float32)
    first, last = max(0, top), min(small.shape[0], top + geometry.height)
    result[first - top : last - top] = small[first:last]
    result /= 255
    return result


def pad_batch(
    images: Sequence[NDArray[np.float32]], encoded: Sequence[Sequence[int]], reduction: int
) -> Batch:
    """Images of equal height and their unit indices as one padded batch with true frame numbers."""
    widths = [image.shape[1] for image in images]
    full = -(-max(widths) // 16) * 16
    batch = np.zeros((len(images), 1, images[0].shape[0], full), np.float32)
    lengths = [len(units) for units in encoded]
    indices = np.zeros((len(images), max(lengths)), np.int64)
    for row, (image, units) in enumerate(zip(images, encoded, strict=True)):
        batch[row, 0, :, : image.shape[1]] = image
        indices[row, : len(units)] = units
    frames = torch.tensor([width // reduction for width in widths])
    targets = Targets(torch.from_numpy(indices), frames, torch.tensor(lengths))
    return Batch(torch.from_numpy(batch), torch.tensor(widths), targets)


@dataclass(frozen=True)
class StaffSet:
    """Stored staves with their unit indices, for a network of this geometry and width reduction."""

    staves: Sequence[StoredStaff]
    encoded: Sequence[Sequence[int]]
    geometry: StaffGeometry
    reduction: int

    @property
    def widths(self) -> list[int]:
        """Widths in px at the network's interline."""
        return [staff.width * self.geometry.interline // STORE_INTERLINE for staff in self.staves]


class StaffBatches(Dataset[Batch]):
    """The batches of a plan over a set of staves; item k is the batch of step k, whoever asks and
    when."""

    def __init__(
        self,
        staves: StaffSet,
        batches: Sequence[Sequence[int]],
        augmentation: Augmentation | None = None,
        seed: int = 0,
    ) -> None:
        self._set, self.batches = staves, batches
        self._seed, self._augmentation = seed, augmentation

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, step: int) -> Batch:
        cv2.setNumThreads(1)  # the workers are the parallelism
        images = [self._draw(step, index) for index in self.batches[step]]
        encoded = [self._set.encoded[index] for index in self.batches[step]]
        return pad_batch(images, encoded, self._set.reduction)

    def _draw(self, step: int, index: int) -> NDArray[np.float32]:
        staff = self._set.staves[index]
        data = np.frombuffer(staff.png, np.uint8)
        pixels = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
        rng = None
        if self._augmentation is not None:
            rng = np.random.default_rng((self._seed, step, index))
        shifted = bool(staff.texts) and staff.texts[0].endswith(("_8va", "_15ma"))
        augmentation = self._augmentation or Augmentation()
        return vary_staff(pixels, self._set.geometry, rng, augmentation, shifted)
