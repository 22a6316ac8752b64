"""`python -m tests.bench_photos`: pages photographed every way, with and without straightening.

Each page has 2 to 8 staves of random music. Printed for each kind of photo: the share of staves
found, the share of pages the right way up, seconds a page of the step itself, and the symbol error
rate of the shipped model, all with the step and without it.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from omrcli.metrics import EditCounts, count_edits
from omrcli.pages.image import PageImage
from omrcli.pages.warp import Points, make_warp
from omrcli.pipeline import TranscribeOptions, Transcriber
from omrcli.staves.staff import find_staves, normalise_staff
from omrcli.synth.compose import ComposeOptions, compose_tokens
from omrcli.synth.degrade import PRESETS, degrade_page
from omrcli.synth.render import EngravingStyle, Margins, render_staff
from omrcli.tokens import project_primus
from omrcli.upright.straighten import straighten

Gray = NDArray[np.uint8]


@dataclass(frozen=True)
class Camera:
    """How far a page may be turned, tilted (degrees) and curled (shares of its height), and how
    wide the page is in the picture (shares of the width that just fits)."""

    roll: float = 0.0
    tilt: float = 0.0
    curl: float = 0.0
    fill: tuple[float, float] = (0.7, 0.95)
    quarters: bool = False


CAMERAS = {
    "straight": Camera(roll=2, tilt=3),
    "quarters": Camera(roll=3, tilt=5, quarters=True),
    "rolled": Camera(roll=180, tilt=8),
    "oblique": Camera(roll=12, tilt=32),
    "curled": Camera(roll=6, tilt=15, curl=0.08),
    "wild": Camera(roll=180, tilt=25, curl=0.06, fill=(0.5, 0.95)),
}
KINDS = ("clean", "scan", "photo", *CAMERAS)


@dataclass(frozen=True)
class BenchPage:
    """A picture of a page, the tokens of its staves, and where page px are in the picture."""

    pixels: Gray
    staves: tuple[tuple[str, ...], ...]


def draw_page(rng: np.random.Generator, interline: float) -> BenchPage:
    """2 to 8 staves of one width below each other on white paper with margins."""
    count = int(rng.integers(2, 9))
    options = ComposeOptions(24, 44, free=0, chords=0, tuplets=0.05, continued=0, changes=0)
    style = EngravingStyle(interline=interline, margins=Margins(0.5, 0.5, 0.5, 0.5))
    width = round(interline * rng.uniform(85, 105))
    rows: list[Gray] = []
    staves: list[tuple[str, ...]] = []
    while len(staves) < count:
        tokens = compose_tokens(rng, options)
        try:
            staff = render_staff(tokens, style).pixels
        except Exception:
            continue
        if not 0.8 * width < staff.shape[1] <= width:
            continue
        gap = np.full((round(interline * rng.uniform(2, 5)), width), 255, np.uint8)
        rows += [gap, np.pad(staff, ((0, 0), (0, width - staff.shape[1])), constant_values=255)]
        staves.append(tuple(tokens))
    page = np.vstack(rows)
    below = max(0, round(1.3 * width) - len(page))
    room = round(6 * interline)
    return BenchPage(
        np.pad(page, ((room, room + below), (room, room)), constant_values=255), tuple(staves)
    )


def take_photo(page: Gray, rng: np.random.Generator, camera: Camera, megapixels: float) -> Gray:
    """The page on a table, seen by a camera."""
    height, width = page.shape
    roll = rng.uniform(-camera.roll, camera.roll)
    if camera.quarters:
        roll += 90 * rng.integers(0, 4)
    turn = _rotation(roll, *rng.uniform(-camera.tilt, camera.tilt, 2))
    depth, phase = camera.curl * rng.uniform(0.5, 1), rng.uniform(0, 2 * np.pi)

    def lift(x: Points) -> Points:
        return np.asarray(depth * np.cos(3.5 * x + phase))

    edge = np.linspace(-0.5, 0.5, 9)
    border = np.concatenate(
        [[(a * width / height, b), (b * width / height, a)] for a in edge for b in (-0.5, 0.5)]
    )
    seen = _project(np.column_stack([border, lift(border[:, 0])]), turn)
    low, high = seen.min(axis=0), seen.max(axis=0)
    aspect = 0.75 if (high - low)[0] < (high - low)[1] else 4 / 3
    fill = rng.uniform(*camera.fill)
    size_y = max((high - low)[1], (high - low)[0] / aspect) / fill
    rows = round(float(np.sqrt(megapixels * 1e6 / aspect)))
    columns = round(rows * aspect)
    middle = (low + high) / 2

    def place(points: Points) -> Points:
        ray = middle + (points + 0.5 - [columns / 2, rows / 2]) * size_y / rows
        at = _unproject(ray, turn, np.zeros(len(ray)))
        for _ in range(12):
            at = _unproject(ray, turn, lift(at[:, 0]))
        return np.asarray(at * height + [width / 2, height / 2])

    warp = make_warp(columns, rows, place)
    scale = float(rows / (size_y * height))
    photo = warp.apply(page, scale, 255)
    mask = warp.apply(np.full_like(page, 255), scale, 0)
    table = _draw_table((rows, columns), rng)
    share = mask.astype(np.float32) / 255
    return np.asarray(photo * share + table * (1 - share), np.uint8)


_DISTANCE = 1.8  # of the camera, in page heights


def _rotation(roll: float, tilt: float, pan: float) -> Points:
    z, x, y = np.deg2rad([roll, tilt, pan])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    return np.asarray(about_y @ about_x @ about_z)


def _project(points: Points, turn: Points) -> Points:
    moved = points @ turn.T
    return np.asarray(moved[:, :2] / (1 + moved[:, 2:] / _DISTANCE))


def _unproject(ray: Points, turn: Points, lift: Points) -> Points:
    """The (x, y) on the page of rays that meet it at a height of `lift`."""
    rows = [turn[k][None, :] - ray[:, [k]] / _DISTANCE * turn[2][None, :] for k in (0, 1)]
    a, b = (row[:, 0] for row in rows)
    c, d = (row[:, 1] for row in rows)
    right = [ray[:, k] - rows[k][:, 2] * lift for k in (0, 1)]
    det = a * d - c * b
    return np.column_stack(
        [(right[0] * d - c * right[1]) / det, (a * right[1] - b * right[0]) / det]
    )


def _draw_table(shape: tuple[int, int], rng: np.random.Generator) -> Gray:
    """A dark, grained table top."""
    grain = rng.normal(0, 1, (shape[0] // 3 + 1, shape[1] // 40 + 1)).astype(np.float32)
    if rng.random() < 0.5:
        grain = rng.normal(0, 1, (shape[0] // 40 + 1, shape[1] // 3 + 1)).astype(np.float32)
    grain = np.asarray(cv2.resize(grain, shape[::-1]))
    return np.asarray(np.clip(rng.uniform(20, 140) + rng.uniform(2, 15) * grain, 0, 255), np.uint8)


def make_picture(kind: str, seed: int, megapixels: float) -> BenchPage:
    """Page number `seed` as a kind of picture."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    page = draw_page(np.random.default_rng(seed), 20.0)
    pixels = page.pixels
    if kind in ("scan", "photo"):
        pixels = degrade_page(pixels, rng, PRESETS[kind])
    elif kind in CAMERAS:
        unit = 20.0 * float(np.sqrt(megapixels * 1e6 / pixels.size)) * 0.8
        pixels = take_photo(pixels, rng, CAMERAS[kind], megapixels)
        wear = replace(
            *(PRESETS["photo"],), geometry=0.0, curve=0.0, shrink=0.0, ground=0.0, crop=0.0,
            low_resolution=0.0, strength=0.7, interline=min(unit, 20.0), light=1.0,
        )  # fmt: skip
        pixels = degrade_page(pixels, rng, wear)
    return BenchPage(pixels, page.staves)


@dataclass
class Tally:
    """Counts over the pages of one kind of picture, one way of reading."""

    found: int = 0
    upright: int = 0
    seconds: float = 0.0
    edits: EditCounts = field(default_factory=EditCounts)

    def add(self, staves: list[list[str]], truth: tuple[tuple[str, ...], ...]) -> None:
        """Count what was read on a page; staves are matched in order."""
        self.found += min(len(staves), len(truth))
        read = [project_primus([text for text in staff if text != "tie"]) for staff in staves]
        wanted = [project_primus([text for text in staff if text != "tie"]) for staff in truth]
        forth = count_edits(list(chain(*wanted)), list(chain(*read)))
        self.edits += forth
        self.upright += forth.errors < 0.7 * forth.reference


def read_page(reader: Transcriber, page: PageImage, tally: Tally, step: bool) -> list[list[str]]:
    """Texts of each staff found, with the step or without it."""
    if not step:
        cuts = [normalise_staff(page, staff, reader.geometry) for staff in find_staves(page)]
        return [[token.text for token in tokens] for tokens in reader.read_staves(cuts)]
    started = time.process_time()
    straight, staves = straighten(page)
    middle = time.process_time()
    find_staves(straight)  # would be done without the step too
    tally.seconds += 2 * middle - started - time.process_time()
    _, readings = reader._read_image(0, straight, staves)
    return [[token.text for token in reading.tokens] for reading in readings]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=4, help="pages of each kind")
    parser.add_argument("--megapixels", type=float, default=8.0)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=KINDS)
    parser.add_argument("--save", type=Path, help="folder to write the pictures to")
    options = parser.parse_args()
    reader = Transcriber(TranscribeOptions(beam=1))
    print("picture   staves  found without/with  pages read upright  symbol errors %  s a page")
    for kind in options.kinds:
        without, with_step, expected = Tally(), Tally(), 0
        for seed in range(options.pages):
            picture = make_picture(kind, seed, options.megapixels)
            if options.save:
                options.save.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(options.save / f"{kind}-{seed}.jpg"), picture.pixels)
            height, width = picture.pixels.shape
            page = PageImage(picture.pixels, kind, width, height)
            expected += len(picture.staves)
            for tally in (without, with_step):
                tally.add(read_page(reader, page, tally, tally is with_step), picture.staves)
        rates = [100 * (tally.edits.error_rate or 0) for tally in (without, with_step)]
        print(
            f"{kind:9} {expected:6}  {without.found:6} / {with_step.found:<6}"
            f"  {without.upright:6} / {with_step.upright} of {options.pages:<3}"
            f"  {rates[0]:6.1f} / {rates[1]:<6.1f}  {with_step.seconds / options.pages:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
