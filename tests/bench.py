"""`make bench`: start-up, cold and warm speed, and peak memory of the installed `omr`.

Each figure is the best of a few runs: what else the machine does only ever adds to it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from omrcli.errors import MissingDependencyError, ModelError
from omrcli.pages.image import PageImage
from omrcli.pipeline import Timings, TranscribeOptions, Transcriber
from omrcli.registry import find_model
from omrcli.staves.neighbours import cut_staves
from omrcli.staves.staff import StaffGeometry, find_staves
from tests import tiny
from tests.drawn import draw_page, write_page

ROOT = Path(__file__).parent.parent
RUNS = 3
BATCH = 16
DRAWN, FED = 96, 80  # staves, batches
STAVES = 10  # of a page


@dataclass(frozen=True)
class Cost:
    """What a process took: wall and processor time in seconds, peak memory in MB."""

    wall: float
    cpu: float
    peak: float

    def __str__(self) -> str:
        return f"{self.wall:6.2f} s  {self.cpu:6.2f} s of processor  {self.peak:5.0f} MB at peak"


def measure_process(*arguments: str) -> Cost:
    """Run one `omr` process."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "omrcli", *arguments], stdout=-3, cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"omr {' '.join(arguments)} failed with status {process.returncode}")
    scale = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes elsewhere
    wall = time.perf_counter() - started
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / scale)


def best_of(*arguments: str) -> Cost:
    """The shortest times and the highest peak of some runs."""
    costs = [measure_process(*arguments) for _ in range(RUNS)]
    return Cost(min(c.wall for c in costs), min(c.cpu for c in costs), max(c.peak for c in costs))


def measure_warm(staff: Path, model: str | None) -> float:
    """Staves per second from file to score, the model loaded."""
    transcriber = Transcriber(TranscribeOptions(model=model))
    transcriber.transcribe(staff)
    started = time.perf_counter()
    for _ in range(BATCH):
        transcriber.transcribe(staff)
    return BATCH / (time.perf_counter() - started)


def measure_stages(folder: Path, model: str | None) -> Iterator[str]:
    """Lines on a page of a part from file to score, the model loaded, in all and by stages."""
    page = write_page(folder / "page.png", STAVES)
    transcriber = Transcriber(TranscribeOptions(model=model))
    transcriber.transcribe(page)
    costs: list[float] = []
    timings: list[Timings] = []
    for _ in range(RUNS):
        started = time.process_time()
        timings.append(transcriber.transcribe(page).timings)
        costs.append(time.process_time() - started)
    best = min(timings, key=lambda each: each.total)
    yield f"page of a part, file to score{min(costs):5.2f} s of processor"
    yield (
        f"  its stages                {best.staves:6.2f} s staves  {best.reading:6.2f} s reading  "
        f"{best.score:6.2f} s score"
    )


def choose_model() -> str | None:
    """The shipped model, or the tests' tiny one where there is none."""
    try:
        find_model()
    except ModelError:
        print("no model is installed: figures are of the tests' tiny model")
        return str(tiny.PATH)
    return None


def measure_page() -> Iterator[str]:
    """Lines on what it takes to find the staves of a page of a part, and to cut them out."""
    pixels = np.kron(draw_page(STAVES), np.ones((2, 2), np.uint8))
    page = PageImage(pixels, "drawn", pixels.shape[1], pixels.shape[0])
    geometry = StaffGeometry()
    finding = cutting = float("inf")
    for _ in range(RUNS):
        started = time.process_time()
        staves = find_staves(page)
        found = time.process_time()
        cut_staves(page, staves, geometry)
        finding = min(finding, found - started)
        cutting = min(cutting, time.process_time() - found)
    yield f"staves of a page, found     {finding:6.2f} s of processor"
    yield f"staves of a page, cut out   {cutting:6.2f} s of processor"


def measure_training_data() -> Iterator[str]:
    """Lines on how fast staves are drawn, and how fast drawn ones are degraded and batched."""
    try:
        from torch.utils.data import DataLoader

        from omrcli.reading.alphabet import PositionalCodec
        from omrcli.synth.dataset import SynthOptions
        from omrcli.training.data import (
            Augmentation,
            BatchPlan,
            StaffBatches,
            StaffSet,
            keep_readable,
            plan_batches,
        )
        from omrcli.training.drawing import draw_staves
        from omrcli.training.recipe import network_geometry

        jobs = os.cpu_count() or 1
        started = time.perf_counter()
        staves = draw_staves(SynthOptions(count=DRAWN, seed=1, random_share=1, jobs=jobs))
    except (ImportError, MissingDependencyError) as error:
        yield f"training data               not measured: {error}"
        return
    yield f"staves drawn, start included{DRAWN / (time.perf_counter() - started):6.1f} staves/s"
    geometry = network_geometry("lean")
    known = StaffSet(*keep_readable(staves, PositionalCodec(), geometry, 4), geometry, 4)
    plan = plan_batches(known.widths, BatchPlan(steps=FED, short_first=0))
    feed = DataLoader(
        StaffBatches(known, plan, Augmentation()),
        batch_size=None,
        num_workers=jobs,
        multiprocessing_context="spawn",
    )
    count = 0
    for number, batch in enumerate(feed):
        if number == jobs:  # every worker has started
            started, count = time.perf_counter(), 0
        count += len(batch.widths)
    yield f"drawn staves fed to training{count / (time.perf_counter() - started):6.1f} staves/s"


def main(folder: Path) -> None:
    """Print one line for each figure."""
    example = ROOT / "examples" / "ode-to-joy.png"
    staff = example if example.exists() else write_page(folder / "staff.png")
    model = choose_model()
    chosen = ["--model", model] if model else []
    out = folder / "out.musicxml"
    semantic, musicxml = ["transcribe", str(staff), *chosen], ["-o", str(out)]
    print(f"omr --help                  {best_of('--help')}")
    print(f"one staff to semantic, cold {best_of(*semantic)}")
    print(f"one staff to MusicXML, cold {best_of(*semantic, *musicxml)}")
    print(f"warm, file to score         {measure_warm(staff, model):6.1f} staves/s")
    for line in chain(measure_stages(folder, model), measure_page(), measure_training_data()):
        print(line)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        main(Path(name))
