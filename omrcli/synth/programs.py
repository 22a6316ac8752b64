"""Optional programs that engrave: run without a word, and never for longer than is likely."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
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
