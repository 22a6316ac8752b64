"""Worker processes, each with a model of its own; one that dies fails its task and no other.

Every worker has a pipe to this process. A worker that is killed, or crashes, closes its end; a
worker whose parent is gone ends by itself.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from omrcli.errors import ExitCode, MissingDependencyError, ModelError, OmrError, UsageError

from .records import Problem

if TYPE_CHECKING:
    from .work import Finished, Orders, Task

#: A worker that finishes no page for so many seconds is taken for stuck.
PATIENCE = 600.0
_GRACE = 5.0  # seconds that a worker has to tidy up before it is killed
_LAST_WORDS = 2.0  # seconds in which a process that has closed its pipe says how it ended
_MOST_FALSE_STARTS = 3
#: A worker that has done so many tasks gives way to a new one: what a library fails to give back
#: of its memory does not add up over a night.
_MOST_TASKS = 200

Server = Callable[[Connection, "Orders"], None]


@dataclass(frozen=True)
class Ready:
    """A worker has loaded its model; `notice` is why it does not run where one would expect."""

    notice: str | None


@dataclass(frozen=True)
class Refused:
    """A worker cannot start, as no other will."""

    problem: Problem


@dataclass(frozen=True)
class Beat:
    """A worker has read a page."""


@dataclass(frozen=True)
class Lost:
    """A worker died over a task; `problem` says how."""

    task: Task
    problem: Problem


class Pool:
    """Workers that are started when there is work for them; a context manager that ends them."""

    def __init__(
        self, orders: Orders, jobs: int, serve: Server | None = None, patience: float = PATIENCE
    ) -> None:
        """Start nothing yet; `serve` is what a worker runs, `patience` in seconds."""
        self._context = multiprocessing.get_context("spawn")
        self._orders = orders
        self._jobs = jobs
        self._serve = serve or serve_tasks
        self._patience = patience
        self._workers: list[_Worker] = []
        self._false_starts = 0

    @property
    def has_room(self) -> bool:
        """Tell whether one more task would be begun at once."""
        return sum(worker.task is not None for worker in self._workers) < self._jobs

    @property
    def tasks(self) -> list[Task]:
        """The tasks in work."""
        return [worker.task for worker in self._workers if worker.task is not None]

    def submit(self, task: Task) -> None:
        """Give a task to a worker that has none, or to a new one."""
        for worker in self._workers:
            if worker.task is None and worker.give(task):
                return
        worker = _Worker(self._context, self._serve, self._orders)
        self._workers.append(worker)
        worker.give(task)

    def wait(self, seconds: float) -> Iterator[Finished | Lost | Beat | Ready]:
        """Yield what workers have to tell, as soon as one has, or nothing after so many seconds.

        Raises:
            OmrError: no worker can be started.
        """
        ready = wait([worker.pipe for worker in self._workers], seconds) if self._workers else []
        if not self._workers:
            time.sleep(seconds)
        for worker in [worker for worker in self._workers if worker.pipe in ready]:
            yield from self._listen(worker)
        for worker in list(self._workers):
            patience = self._patience if worker.is_ready else PATIENCE
            if worker.task is not None and worker.silence > patience:
                yield from self._bury(worker, _stuck(patience))

    def stop(self, grace: float = _GRACE) -> None:
        """End all workers: idle ones at once, busy ones when they have tidied up."""
        for worker in self._workers:
            worker.end()
        ends = time.monotonic() + grace
        for worker in self._workers:
            worker.join(max(0.0, ends - time.monotonic()))
        self._workers.clear()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _listen(self, worker: _Worker) -> Iterator[Finished | Lost | Beat | Ready]:
        try:
            said = worker.hear()
        except (EOFError, OSError):
            yield from self._bury(worker, None)
            return
        if isinstance(said, Refused):
            raise _revive(said.problem)
        if isinstance(said, Ready):
            self._false_starts = 0
        elif not isinstance(said, Beat):
            worker.task = None
            if worker.given >= _MOST_TASKS:
                self._workers.remove(worker)
                worker.end()
                worker.join(_GRACE)
        yield said

    def _bury(self, worker: _Worker, problem: Problem | None) -> Iterator[Lost]:
        """Take a dead worker out; a task that it never began goes to another one."""
        self._workers.remove(worker)
        worker.join(0.0 if problem else _LAST_WORDS)
        if worker.task is None:
            return
        if not worker.is_ready:
            self._false_starts += 1
            if self._false_starts < _MOST_FALSE_STARTS:
                self.submit(worker.task)
                return
            raise OmrError(
                f"Workers end before they begin ({worker.ending}); give fewer --jobs if memory is "
                "short."
            )
        yield Lost(worker.task, problem or _died(worker.ending))


class _Worker:
    """A process and this end of its pipe."""

    def __init__(self, context: Any, serve: Server, orders: Orders) -> None:
        self.pipe, other = context.Pipe()
        self.task: Task | None = None
        self.is_ready = False
        self.given = 0
        self._heard = time.monotonic()
        self._process = context.Process(target=serve, args=(other, orders), daemon=True)
        self._process.start()
        other.close()

    @property
    def silence(self) -> float:
        """Seconds since it told anything, or was given a task."""
        return time.monotonic() - self._heard

    @property
    def ending(self) -> str:
        """How it ended."""
        code = self._process.exitcode
        if code is None or code >= 0:
            return f"status {code}"
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
        return f"signal {-code}"

    def give(self, task: Task) -> bool:
        """Send it a task; false where it is dead."""
        try:
            self.pipe.send(task)
        except OSError:
            if not self.is_ready:  # it is about to be buried, and its task handed on
                self.task = task
                return True
            return False
        self.task, self._heard = task, time.monotonic()
        self.given += 1
        return True

    def hear(self) -> Any:
        """What it tells; raises EOFError where it is dead."""
        said = self.pipe.recv()
        self._heard = time.monotonic()
        self.is_ready = True
        return said

    def end(self) -> None:
        """Ask it to end."""
        if self.task is not None or not self.is_ready:
            self._process.terminate()
        with contextlib.suppress(OSError):
            self.pipe.close()

    def join(self, seconds: float) -> None:
        """Wait for its end, then make one."""
        self._process.join(seconds)
        self.kill()

    def kill(self) -> None:
        """End it for good."""
        self._process.kill()
        self._process.join()
        with contextlib.suppress(OSError):
            self.pipe.close()


def serve_tasks(pipe: Connection, orders: Orders) -> None:
    """What a worker runs: task after task, until the pipe is closed."""
    prepare_worker()
    from .work import Workshop, describe_problem

    try:
        workshop = Workshop(orders, on_page=lambda: pipe.send(Beat()))
    except Exception as error:
        pipe.send(Refused(describe_problem(error)))
        return
    pipe.send(Ready(workshop.transcriber.notice))
    with contextlib.suppress(EOFError, OSError):  # the parent closed the pipe, or is gone
        while True:
            pipe.send(workshop.do(pipe.recv()))


def prepare_worker() -> None:
    """Leave interrupts to the parent, and stdout; end with it; use one core."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_follow_parent, daemon=True).start()
    with contextlib.suppress(OSError, ValueError):
        os.dup2(2, 1)  # what a library prints must not mix with results
    import cv2

    cv2.setNumThreads(1)


def _leave(number: int, frame: object) -> None:
    """End by an exception, so that a file half written is removed."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(128 + number)


def _follow_parent() -> None:
    """End when the parent has ended, however it did."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE)
    os._exit(ExitCode.INTERRUPT)


def _died(ending: str) -> Problem:
    text = f"The process that read it died ({ending}), perhaps for want of memory; give fewer "
    return Problem("crash", f"{text}--jobs and --retry.", int(ExitCode.INTERNAL))


def _stuck(seconds: float) -> Problem:
    text = f"No page of it was read in {seconds:.0f} s; it was given up."
    return Problem("timeout", text, int(ExitCode.INTERNAL))


def _revive(problem: Problem) -> OmrError:
    """The error that a worker could not start for."""
    kinds = (ModelError, MissingDependencyError, UsageError)
    kind = next((kind for kind in kinds if kind.exit_code == problem.exit_code), OmrError)
    return kind(problem.message)
