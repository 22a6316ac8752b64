"""`make soak`: hundreds of pages, some damaged, read by a command that is killed again and again.

`python -m tests.soak --pages 500` makes pages of music, damages every twentieth, and runs
`omr transcribe` on them in a process of its own, which it kills at random moments and starts again
until it ends by itself. Then everything must be there: each sound page with its outputs, each
damaged one as a failure, nothing half written, and at most the inputs in flight read twice.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from omrcli.batch.manifest import MANIFEST_NAME, output_paths, read_manifest
from omrcli.batch.records import DONE, FAILED
from omrcli.batch.work import fingerprint
from omrcli.errors import ExitCode
from tests import tiny
from tests.drawn import draw_page, write_page
from tests.pages.test_pdf import make_pdf

ROOT = Path(__file__).parent.parent
FORMATS = ("musicxml", "mid")
DAMAGED_SHARE = 0.05
_PAGES_PER_FOLDER = 25
_MOST_LINGERING = 60.0  # seconds that orphans have to notice and tidy up
_MOST_SOURCES = 40  # different pages, of which the others are copies


def cut(path: Path) -> None:
    """Leave the first third of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])


def empty(path: Path) -> None:
    """Leave nothing of a file."""
    path.write_bytes(b"")


def misname(path: Path) -> None:
    """Put text where an image should be."""
    path.write_text("This is a letter, and no image.\n" * 20)


def swap(path: Path) -> None:
    """Put a sound of another kind, and not an image, under an image's name."""
    path.write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(200))


def break_pdf(path: Path) -> None:
    """Put a PDF there that has lost its end and its middle."""
    content = make_pdf(draw_page())
    path.unlink()
    path.with_suffix(".pdf").write_bytes(content[:200] + bytes(100))


DAMAGES: tuple[Callable[[Path], None], ...] = (cut, empty, misname, swap, break_pdf)


@dataclass(frozen=True)
class Plan:
    """How much to do: pages, kills, and the seconds after which a run is killed, at most."""

    pages: int
    kills: int
    jobs: int = 0
    seed: int = 1
    longest: float = 30.0
    engraved: bool = True
    model: str | None = None


@dataclass
class Result:
    """What was seen. `problems` are sentences; there should be none."""

    runs: list[str] = field(default_factory=list)
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)
    twice: int = 0


def make_pages(folder: Path, plan: Plan) -> set[str]:
    """Write the pages, in folders of 25; return the keys of those that are damaged."""
    count = max(1, round(plan.pages * DAMAGED_SHARE), min(len(DAMAGES), plan.pages // 2))
    bad = random.Random(plan.seed).sample(range(plan.pages), count)
    damaged = set()
    if plan.engraved:
        sources = draw_sources(folder.parent / "sources", min(plan.pages, _MOST_SOURCES))
    else:
        (folder.parent / "sources").mkdir(parents=True)
        sources = [write_page(folder.parent / "sources" / f"{n}.png", n) for n in (1, 2)]
    for number in range(plan.pages):
        path = folder / f"box {number // _PAGES_PER_FOLDER + 1}" / f"page {number + 1}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(sources[number % len(sources)], path)
        with path.open("ab") as stream:  # behind the end of a PNG: no two files are equal
            stream.write(str(number).encode())
        if number in bad:
            DAMAGES[bad.index(number) % len(DAMAGES)](path)
            found = path if path.exists() else path.with_suffix(".pdf")
            damaged.add(found.relative_to(folder).as_posix())
    return damaged


def draw_sources(folder: Path, count: int) -> list[Path]:
    """Engrave pages of music that differ, A4 at 200 dpi."""
    import cv2
    import numpy as np

    from omrcli.synth.pages import draw_page as engrave_page

    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{seed}.png" for seed in range(count)]
    for seed, path in enumerate(paths):
        cv2.imwrite(str(path), engrave_page(np.random.default_rng(seed), 2339).pixels)
    return paths


def run_until_done(scans: Path, out: Path, plan: Plan) -> Result:
    """Run the command, kill it as often as the plan says, and let the last run end."""
    result, rng = Result(), random.Random(plan.seed)
    command = [sys.executable, "-m", "omrcli", "transcribe", str(scans), "-o", f"{out}/", "-r"]
    command += [word for name in FORMATS for word in ("-f", name)] + ["--jobs", str(plan.jobs)]
    command += ["--model", plan.model] if plan.model else []
    started = time.monotonic()
    for number in range(plan.kills + 1):
        last = number == plan.kills
        lines = count_lines(out)
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=-3, stderr=-3, start_new_session=True, preexec_fn=_heed
        )
        if not last:
            _wait_for_work(process, out, lines, rng.uniform(0.0, plan.longest))
            how = ("all", "command", "interrupt")[number % 3]
            _end(process, how)
            result.runs.append(f"{how} -> {process.returncode}")
            if not _has_ended(process.pid):
                result.problems.append(f"workers lived on after {how}")
            if how == "interrupt" and process.returncode not in (ExitCode.INTERRUPT, 8):
                result.problems.append(f"an interrupt ended it with {process.returncode}")
        elif process.wait() != ExitCode.PARTIAL_BATCH:
            result.problems.append(f"the last run ended with {process.returncode}")
    result.seconds = time.monotonic() - started
    return result


def _wait_for_work(process: subprocess.Popen[bytes], out: Path, lines: int, delay: float) -> None:
    """Wait until it has finished an input, then a random time."""
    while process.poll() is None and count_lines(out) == lines:
        time.sleep(0.05)
    ends = time.monotonic() + delay
    while process.poll() is None and time.monotonic() < ends:
        time.sleep(0.02)


def _heed() -> None:
    """What runs in the background of a shell has interrupts ignored, and hands that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _end(process: subprocess.Popen[bytes], how: str) -> None:
    """Kill the command with its workers, or it alone, or interrupt them all."""
    group = os.getpgid(process.pid) if process.poll() is None else None
    if group is not None and how == "all":
        os.killpg(group, signal.SIGKILL)
    elif group is not None and how == "command":
        process.kill()
    elif group is not None:
        os.killpg(group, signal.SIGINT)
    process.wait()


def _has_ended(group: int) -> bool:
    """Tell whether all processes of a group end soon; true where there is no /proc to look at."""
    ends = time.monotonic() + _MOST_LINGERING
    while time.monotonic() < ends:
        states = [text.rpartition(")")[2].split() for text in _read_states()]
        if not any(int(state[2]) == group and state[0] not in "ZX" for state in states):
            return True
        time.sleep(0.2)
    return False


def _read_states() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            yield path.read_text()


def count_lines(out: Path) -> int:
    """How many lines the manifest in a folder has."""
    path = out / MANIFEST_NAME
    return path.read_bytes().count(b"\n") if path.exists() else 0


def check(scans: Path, out: Path, damaged: set[str], result: Result, in_flight: int) -> None:
    """Add to the result what is not as it should be."""
    every = {p.relative_to(scans).as_posix() for p in scans.rglob("*") if p.is_file()}
    records = read_manifest(out)
    if set(records) != every:
        result.problems.append(f"{len(every - set(records))} inputs are missing in the manifest")
    failed = {key for key, record in records.items() if record.status == FAILED}
    if failed != damaged:
        result.problems.append(f"failed, and should not, or the other way: {failed ^ damaged}")
    for record in records.values():
        for output in record.outputs:
            path = out / output.path
            if not path.exists() or fingerprint(path).sha256 != output.sha256:
                result.problems.append(f"{output.path} is not as the manifest says")
        if record.status == DONE and len(record.outputs) != len(FORMATS):
            result.problems.append(f"{record.input} lacks outputs")
    known = {*output_paths(records.values(), out), out / MANIFEST_NAME}
    stray = {path for path in out.rglob("*") if path.is_file()} - known
    if stray:
        result.problems.append(f"files that nobody knows: {sorted(map(str, stray))[:5]}")
    content = (out / MANIFEST_NAME).read_text(encoding="utf-8")
    counts = Counter(json.loads(line)["input"] for line in content.splitlines())
    result.twice = sum(counts.values()) - len(counts)
    if result.twice > in_flight:
        result.problems.append(f"{result.twice} inputs were finished twice")


def soak(folder: Path, plan: Plan) -> Result:
    """Make pages in a folder, read them, and check what came of it."""
    scans, out = folder / "scans", folder / "out"
    damaged = make_pages(scans, plan)
    result = run_until_done(scans, out, plan)
    check(scans, out, damaged, result, 0)
    return result


def main() -> None:
    """Print what happened; end with 1 if something is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tiny", action="store_true", help="drawn pages and the tests' model")
    asked = parser.parse_args()
    model = str(tiny.PATH) if asked.tiny else None
    plan = Plan(asked.pages, asked.kills, asked.jobs, asked.seed, 30.0, not asked.tiny, model)
    with tempfile.TemporaryDirectory() as name:
        result = soak(Path(name), plan)
    rate = 60 * asked.pages / result.seconds
    print(f"{asked.pages} pages, {asked.kills} kills: {', '.join(result.runs)}")
    print(f"{result.seconds:.0f} s, {rate:.0f} pages a minute, all starts and repeats included")
    for problem in result.problems:
        print(f"WRONG: {problem}")
    sys.exit(1 if result.problems else 0)


if __name__ == "__main__":
    main()
