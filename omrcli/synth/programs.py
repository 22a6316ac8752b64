"""Optional programs that engrave: run without a word, and never for longer than is likely."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def run_program(
    command: Sequence[str],
    folder: Path,
    patience: float,
    environment: Mapping[str, str] | None = None,
) -> int | None:
    """The exit status of a program run in `folder`; None if it took longer than `patience` seconds
    and was ended. It reads nothing and what it says is dropped; `environment` None is our own."""
    try:
        run = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=patience,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return run.returncode


def draw_all(
    number: int, draw: Callable[[Sequence[int]], bool], is_drawn: Callable[[int], bool]
) -> None:
    """Let one run of a program draw many things, in the order of their indices.

    One that a thing brings down is started again behind it: behind the first that was not drawn
    after the last that was.

    Args:
        number: of things.
        draw: runs the program on some; whether it came to its end.
        is_drawn: whether there is a drawing.
    """
    waiting = range(number)
    while waiting and not draw(waiting):
        last = max(filter(is_drawn, waiting), default=waiting[0] - 1)
        waiting = range(last + 2, number)
