"""Everything a user of `omr transcribe` loads works without torch and the other extras."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests import tiny
from tests.drawn import write_page

ROOT = Path(__file__).parent.parent
BLOCKED = ("torch", "onnx", "verovio", "resvg_py", "matplotlib", "scipy", "pytest")
CODE = '''
import sys

class Without:
    """A finder that finds nothing of the blocked packages, as if they were not installed."""

    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            return None
        return self.finder.find_spec(name, path, target)

BLOCKED = set(sys.argv[1].split(","))
sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
from omrcli.cli.app import app
arguments = sys.argv[2:]
try:
    app(arguments)
finally:
    loaded = BLOCKED & {name.split(".")[0] for name in sys.modules}
    print("loaded:", sorted(loaded), file=sys.stderr)
'''


def run_blocked(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CODE, ",".join(BLOCKED), *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )


def test_transcribe_without_extras(tmp_path: Path) -> None:
    staff = write_page(tmp_path / "staff.png")
    outputs = [f"-o{tmp_path / name}" for name in ("a.musicxml", "a.mid", "a.json", "a.semantic")]
    result = run_blocked("transcribe", str(staff), "-m", str(tiny.PATH), *outputs)
    assert result.returncode == 0
    assert result.stderr.splitlines()[-1] == "loaded: []"
    assert (tmp_path / "a.semantic").read_text().split() == list(tiny.TUNE)
    assert (tmp_path / "a.musicxml").stat().st_size > 1000


def test_train_without_torch_names_the_extra(tmp_path: Path) -> None:
    result = run_blocked("train", str(tmp_path))
    assert result.returncode == 6
    assert "omr: This needs torch; run pip install 'omrcli[train]'." in result.stderr


def test_synth_without_verovio_names_the_extra(tmp_path: Path) -> None:
    result = run_blocked("synth", str(tmp_path / "out"), "-n", "1", "--jobs", "1")
    assert result.returncode == 6
    assert "omr: This needs verovio; run pip install 'omrcli[synth]'." in result.stderr
    assert not (tmp_path / "out").exists()


def test_transcribe_leaves_nothing_in_the_home_folder(tmp_path: Path) -> None:
    """The ONNX runtime's reports of its use keep a device id there; they must be off."""
    home = tmp_path / "home"
    home.mkdir()
    staff = write_page(tmp_path / "staff.png")
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("ORT_DISABLE_TELEMETRY", "CI") and not name.startswith("XDG_")
    }
    result = subprocess.run(
        [sys.executable, "-m", "omrcli", "transcribe", str(staff), "-m", str(tiny.PATH)],
        cwd=ROOT,
        env={**environment, "HOME": str(home)},
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0
    assert list(home.rglob("*")) == []
