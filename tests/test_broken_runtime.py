"""An ONNX runtime of which files are missing is named, with what repairs it: real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from omrcli.errors import ExitCode
from omrcli.reading.devices import REPAIR_RUNTIME
from tests import tiny
from tests.drawn import write_page

ROOT = Path(__file__).parent.parent
#: What is left of the package: a bare folder, a module that is gone, a library that is gone.
LEFT = {
    "": "has no attribute 'InferenceSession'",
    "from onnxruntime.capi import gone": "No module named 'onnxruntime.capi'",
    "raise OSError('libonnxruntime.so: cannot open')": "libonnxruntime.so: cannot open",
}


def run(package: Path, left: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command where the package has nothing but this code."""
    (package / "onnxruntime").mkdir()
    (package / "onnxruntime" / "__init__.py").write_text(left)
    command = [sys.executable, "-m", "omrcli", *map(str, arguments)]
    path = os.pathsep.join([str(package), str(ROOT)])
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("left", LEFT)
def test_transcribe_says_how_to_repair_it(left: str, tmp_path: Path) -> None:
    staff = write_page(tmp_path / "staff.png")
    found = run(tmp_path, left, "transcribe", staff, "-m", tiny.PATH)
    assert (found.returncode, found.stdout) == (ExitCode.DEPENDENCY, "")
    assert found.stderr.startswith("omr: The ONNX runtime is not whole (")
    assert LEFT[left] in found.stderr
    assert found.stderr.endswith(f"run {REPAIR_RUNTIME}\n")
    assert found.stderr.count("\n") == 1


def test_of_folders_too(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_page(folder / "staff.png")
    found = run(tmp_path, "", "transcribe", folder, "-m", tiny.PATH, "-o", tmp_path / "out")
    assert found.returncode == ExitCode.DEPENDENCY
    assert found.stderr.startswith("omr: The ONNX runtime is not whole (")


def test_the_doctor_goes_on_and_says_it(tmp_path: Path) -> None:
    found = run(tmp_path, "", "doctor")
    assert (found.returncode, found.stderr) == (ExitCode.DEPENDENCY, "")
    assert "a staff is read: The ONNX runtime is not whole (" in found.stdout
    assert REPAIR_RUNTIME in found.stdout
    assert "numpy" in found.stdout
