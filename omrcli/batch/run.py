"""Folders in, folders out: finds, decides, reads on all cores, records, and sums up."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from omrcli.errors import InputError, UsageError
from omrcli.output import make_folder
from omrcli.pages.image_formats import find_suffixes
from omrcli.registry import Model, find_model

from .inputs import Found, Input, find_inputs, name_outputs
from .manifest import Manifest, output_paths
from .plan import Judge, known_names, refresh
from .pool import PATIENCE, Beat, Lost, Pool, Ready, Server
from .records import Record
from .settling import QUIET, Settling
from .summary import Count, Summary
from .work import Finished, Orders, Task, fingerprint, make_record

#: What a worker needs at most, for a page of usual size, in bytes.
WORKER_MEMORY = 1 << 30

_TICK = 0.25  # seconds between looks at whether to stop
_LOOK = 1.0  # seconds between looks into a watched folder
_LOOK_SHARE = 0.05  # of the time, at most, is spent on looking
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class BatchOptions:
    """What to read, and how; see `Orders` for what becomes of each input.

    `jobs` 0 takes as many processes as there are cores, and memory for. `watch` goes on looking for
    new and changed files, until it is stopped. `patience` and `quiet` are in seconds, see `pool`
    and `settling`.
    """

    roots: tuple[Path, ...]
    orders: Orders
    recursive: bool = False
    retry: bool = False
    watch: bool = False
    jobs: int = 0
    patience: float = PATIENCE
    quiet: float = QUIET

    def __post_init__(self) -> None:
        if self.jobs < 0:
            raise UsageError(f"The number of jobs must be 0 (all cores) or more, not {self.jobs}.")


class Listener(Protocol):
    """Is told how a batch gets on."""

    def say(self, text: str) -> None:
        """A sentence for the user."""

    def expect(self, inputs: int) -> None:
        """So many more inputs are to be read."""

    def finish(self, record: Record, trace: str) -> None:
        """An input was finished; `trace` tells where in the code it failed, if it did."""

    def turn_page(self) -> None:
        """A page was read."""


def run_batch(
    options: BatchOptions,
    listener: Listener,
    stopped: Callable[[], bool] = lambda: False,
    serve: Server | None = None,
) -> Summary:
    """Read what is new or changed in some folders, until all is done or `stopped` says so.

    What is done is in the manifest of the output folder, line by line; a run that was killed is
    taken up by the next one. `serve` is what workers run, for tests.

    Raises:
        OutputError: the output folder or its manifest cannot be written.
        ModelError, MissingDependencyError: no worker can start.
        InputError: there is nothing to read in the folders.
        UsageError: folders or options do not fit together.
    """
    model = find_model(options.orders.transcribe.model)
    _look_around(options, listener)
    make_folder(options.orders.folder)
    with Manifest(options.orders.folder) as manifest:
        batch = _Batch(options, model, manifest, listener)
        with Pool(batch.orders, batch.jobs, serve, options.patience) as pool:
            return batch.run(pool, stopped)


class _Batch:
    """What is known while a batch runs."""

    def __init__(
        self, options: BatchOptions, model: Model, manifest: Manifest, listener: Listener
    ) -> None:
        self.options = options
        self.jobs = options.jobs or count_jobs()
        self.orders = share_cores(options.orders, self.jobs)
        self._model = model
        self._judge = Judge(self.orders, model, options.retry)
        self._manifest = manifest
        self._listener = listener
        self._count = Count()
        self._names: dict[str, str] = {}
        self._queue: deque[Input] = deque()
        self._settling = Settling(options.quiet)
        self._noticed: set[str] = set()

    def run(self, pool: Pool, stopped: Callable[[], bool]) -> Summary:
        """Work until nothing is left, or, where the folders are watched, until it is stopped."""
        watch = self.options.watch
        if not watch:
            self._enqueue(self._find().inputs, stopped)
        next_look = time.monotonic()
        while not stopped() and (watch or self._queue or pool.tasks):
            if watch and time.monotonic() >= next_look:
                next_look = self._look(stopped)
            self._submit(pool)
            for event in pool.wait(_TICK):
                self._take(event)
        in_flight = [task.key for task in pool.tasks]
        pool.stop()
        unread = [item.key for item in self._queue]
        return self._count.summarise(in_flight + unread, stopped())

    def _look(self, stopped: Callable[[], bool]) -> float:
        """Line up what a watched folder has of new, finished files; return when to look again."""
        started = time.monotonic()
        self._enqueue(self._settling.take(self._find().inputs, started), stopped)
        ended = time.monotonic()
        return ended + max(_LOOK, (ended - started) / _LOOK_SHARE)

    def _find(self) -> Found:
        suffixes = find_suffixes()
        written = (
            path
            for path in output_paths(self._manifest.records.values(), self.orders.folder)
            if path.suffix.lower() in suffixes
        )
        found = _find(self.options, written)
        for problem in found.problems:
            if problem not in self._noticed:
                self._noticed.add(problem)
                self._count.add_problem(problem)
                self._listener.say(problem)
        return found

    def _enqueue(self, inputs: Sequence[Input], stopped: Callable[[], bool]) -> None:
        """Decide on inputs; line those up that are to be read."""
        if not inputs:
            return
        known = {**known_names(list(self._manifest.records.values())), **self._names}
        self._names.update(name_outputs(inputs, known))
        queued = {item.key for item in self._queue}
        for item in (item for item in inputs if item.key not in queued):
            if stopped():
                return
            record = self._manifest.records.get(item.key)
            decision = self._judge.decide(item, self._names[item.key], record)
            if decision == "read":
                self._queue.append(item)
                self._listener.expect(1)
            elif record is not None:
                renewed = refresh(item.path, record)
                if renewed is not None:
                    self._manifest.append(renewed)
                self._count.skip(record)

    def _submit(self, pool: Pool) -> None:
        """Give work to those who have none; of one input only one state at a time."""
        busy = {task.key for task in pool.tasks}
        waiting = []
        while self._queue and pool.has_room:
            item = self._queue.popleft()
            if item.key in busy:
                waiting.append(item)
                continue
            if self.options.watch and not item.path.exists():
                continue  # taken away, or given another name, by what put it there
            pool.submit(Task(item.path, item.key, self._names[item.key]))
            busy.add(item.key)
        self._queue.extendleft(reversed(waiting))

    def _take(self, event: Finished | Lost | Beat | Ready) -> None:
        if isinstance(event, Beat):
            self._listener.turn_page()
        elif isinstance(event, Ready):
            if event.notice and event.notice not in self._noticed:
                self._noticed.add(event.notice)
                self._listener.say(event.notice)
        elif isinstance(event, Lost):
            self._finish(self._record_loss(event), "")
        else:
            self._finish(event.record, event.trace)

    def _finish(self, record: Record, trace: str) -> None:
        self._manifest.append(record)
        self._count.add(record)
        self._listener.finish(record, trace)

    def _record_loss(self, lost: Lost) -> Record:
        """The record of an input whose worker died."""
        record = make_record(self.orders, self._model, lost.task)
        try:
            found = fingerprint(lost.task.path)
        except InputError:
            found = None
        return replace(record, error=lost.problem, file=found)


def _find(options: BatchOptions, written: Iterable[Path] = ()) -> Found:
    """What is in the folders, without what was written there."""
    places = (options.orders.folder, options.orders.debug)
    roots = [root for root in options.roots if root.is_dir()]
    own = [p for p in places if p is not None and not any(_is_same(p, root) for root in roots)]
    return find_inputs(options.roots, options.recursive, [*own, *written])


def _look_around(options: BatchOptions, listener: Listener) -> None:
    """Name what is skipped, and raise where there is nothing to read, before anything is written.

    A watched folder may be empty yet.
    """
    found = _find(options)
    for text in found.describe_skipped():
        listener.say(text)
    if options.watch or found.inputs or found.problems:
        return
    places = " and ".join(map(str, options.roots))
    hint = "" if options.recursive else "; with -r the folders in it are read too"
    raise InputError(f"There are no images or PDF files in {places}{hint}.")


def count_jobs() -> int:
    """How many workers this machine has cores and memory for."""
    cores, memory = usable_cores(), usable_memory()
    return max(1, min(cores, cores if memory is None else memory // WORKER_MEMORY))


def usable_cores() -> int:
    """The number of cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else (os.cpu_count() or 1)


def usable_memory() -> int | None:
    """The memory of this machine or container in bytes, None where that is not known."""
    sizes = []
    try:
        sizes.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        sizes.append(int(_CGROUP_LIMIT.read_text()))
    except (AttributeError, OSError, ValueError):  # "max" is no number
        pass
    return min(sizes, default=None)


def share_cores(orders: Orders, jobs: int) -> Orders:
    """Let each worker's network have its share of the cores, unless a number was asked for."""
    if orders.transcribe.threads:
        return orders
    threads = max(1, usable_cores() // jobs)
    return replace(orders, transcribe=replace(orders.transcribe, threads=threads))


def _is_same(first: Path, second: Path) -> bool:
    return os.path.realpath(first) == os.path.realpath(second)
