"""`omr train` in a process of its own, killed at any moment, goes on as if it had not been."""

from __future__ import annotations

import csv
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import tiny

pytest.importorskip("torch")
pytestmark = pytest.mark.train


def start(samples: Path, out: Path, *more: str) -> subprocess.Popen[bytes]:
    """A run of 12 steps with a worker process, as it is by default."""
    options = "--loss focal --steps 12 --checkpoint-every 4 --validate-every 6 --log-every 1"
    command = [sys.executable, "-m", "omrcli", "train", str(samples), "--out", str(out)]
    command += [*options.split(), "--threads", "1", "--seed", "5", *more]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def read_losses(out: Path) -> list[tuple[str, str, str]]:
    with (out / "log.csv").open() as stream:
        return [
            (row["step"], row["loss"], row["validation_symbol_error_rate"])
            for row in csv.DictReader(stream)
        ]


def test_resume_after_sigkill_follows_the_same_losses(tmp_path: Path) -> None:
    samples = tiny.write_samples(tmp_path / "samples")
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    undisturbed, killed = start(samples, whole), start(samples, cut)
    deadline = time.monotonic() + 900
    while killed.poll() is None and not (cut / "last.ckpt").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    killed.kill()
    killed.communicate()
    assert (cut / "last.ckpt").exists()
    resumed = start(samples, cut, "--resume")
    for run in (undisturbed, resumed):
        _, errors = run.communicate(timeout=900)
        assert run.returncode == 0, errors.decode()
    assert read_losses(cut) == read_losses(whole)
    assert len(read_losses(whole)) == 12
