"""Workers for the tests, which do nothing, or die over it."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from multiprocessing.connection import Connection

from omrcli.batch.pool import Beat, Ready, Refused, prepare_worker
from omrcli.batch.records import Problem
from omrcli.batch.work import Finished, Orders, Task, fingerprint, make_record
from omrcli.registry import load_model
from tests import tiny


def serve(pipe: Connection, orders: Orders) -> None:
    """A worker that does what the name of an input says."""
    prepare_worker()
    pipe.send(Ready("There is no GPU."))
    model = load_model(tiny.PATH)
    while True:
        try:
            task: Task = pipe.recv()
        except EOFError:
            return
        if task.key.startswith("dies"):
            os.kill(os.getpid(), signal.SIGKILL)
        if task.key.startswith("hangs"):
            time.sleep(600)
        pipe.send(Beat())
        record = make_record(orders, model, task)
        pipe.send(Finished(replace(record, status="done", file=fingerprint(task.path))))


def refuse(pipe: Connection, orders: Orders) -> None:
    """A worker that has no model."""
    pipe.send(Refused(Problem("model", "The model is too new; update omr.", 5)))


def die(pipe: Connection, orders: Orders) -> None:
    """A worker that dies before it begins."""
    os._exit(7)
