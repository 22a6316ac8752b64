"""Two ways to read a folder on all cores, and what more processes bring.

`python -m tests.bench_batch --pages 40 --jobs 1 2` engraves pages and reads them to MusicXML and
MIDI in two ways: `own`, whole files in processes that have a network each, as `omr transcribe`
does; and `shared`, where one process owns the network, and others load pages, find staves, decode
and write. Beside the wall time stands the processor time of all processes, which what else the
machine does changes little.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from omrcli.batch.pool import Pool, prepare_worker
from omrcli.batch.work import Finished, Orders, Task, Workshop
from omrcli.pages.piece import Piece
from omrcli.pipeline import TranscribeOptions
from omrcli.reading.logits import Logits, Reader
from omrcli.registry import find_model
from omrcli.score.score import ExportOptions
from tests import soak


class RemoteReader:
    """Stands in a worker for the network, which is in another process."""

    notice, device = None, "cpu"

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def read(self, staves: Sequence[Any], batch_size: int = 8) -> list[Logits]:
        """Send staves, get their Logits."""
        self._pipe.send((staves, batch_size))
        found: list[Logits] = self._pipe.recv()
        return found


def serve_shared(pipe: Connection, tasks: Any, orders: Orders) -> None:
    """A worker that asks for the network through `pipe`, and takes tasks from a queue."""
    prepare_worker()
    workshop = Workshop(orders)
    workshop.transcriber._reader = RemoteReader(pipe)  # type: ignore[assignment]
    while (task := tasks.get()) is not None:
        assert workshop.do(task).record.error is None
    pipe.close()


def read_shared(orders: Orders, tasks: list[Task], jobs: int) -> float:
    """Wall seconds, the start of the workers included."""
    context = multiprocessing.get_context("spawn")
    queue, started = context.Queue(), time.perf_counter()
    pipes, workers = [], []
    for _ in range(jobs):
        near, far = context.Pipe()
        workers.append(context.Process(target=serve_shared, args=(far, queue, orders)))
        workers[-1].start()
        far.close()
        pipes.append(near)
    reader = Reader(find_model(), "cpu", threads=jobs)
    for task in [*tasks, *[None] * jobs]:
        queue.put(task)
    while pipes:
        for pipe in wait(pipes):
            assert isinstance(pipe, Connection)
            try:
                staves, batch_size = pipe.recv()
                pipe.send(reader.read(staves, batch_size))
            except EOFError:
                pipes.remove(pipe)
    for worker in workers:
        worker.join()
    return time.perf_counter() - started


def read_own(orders: Orders, tasks: list[Task], jobs: int) -> float:
    """Wall seconds, the start of the workers included."""
    waiting, started = list(tasks), time.perf_counter()
    with Pool(orders, jobs) as pool:
        for _ in range(jobs):
            pool.submit(waiting.pop())
        done = 0
        while done < len(tasks):
            for event in pool.wait(1.0):
                if isinstance(event, Finished):
                    assert event.record.error is None, event.record.error
                    done += 1
                    if waiting:
                        pool.submit(waiting.pop())
        return time.perf_counter() - started


def processor_seconds() -> float:
    """What this process and its children that have ended took."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def main() -> None:
    """Print a line for each way and number of processes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pages", type=int, default=40)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, os.cpu_count() or 1])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pages = soak.draw_sources(folder, asked.pages)
        tasks = [Task(page, page.name, page.stem) for page in pages]
        read = TranscribeOptions(device="cpu", threads=1)
        formats = ("musicxml", "mid")
        orders = Orders(read, Piece(()), ExportOptions(), formats, folder / "out")
        for jobs in asked.jobs:
            for label, way in (("own", read_own), ("shared", read_shared)):
                before = processor_seconds()
                wall = way(replace(orders, folder=folder / f"{label}{jobs}"), tasks, jobs)
                took = processor_seconds() - before
                print(
                    f"{label:6}  {jobs:2} jobs  {60 * len(tasks) / wall:6.1f} pages a minute, "
                    f"{took / len(tasks):.2f} s of processor a page, start included",
                    flush=True,
                )


if __name__ == "__main__":
    main()
