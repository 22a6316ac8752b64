"""What the readme promises is there."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from omrcli.cli.app import app
from omrcli.errors import ExitCode
from omrcli.formats.destinations import FORMATS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


COMMANDS = (
    "transcribe",
    "convert",
    "view",
    "synth",
    "train",
    "export",
    "calibrate",
    "eval",
    "ablate",
    "data",
    "models",
    "doctor",
    "settings",
)


def test_the_scores_of_the_readme_need_musescore_and_say_so(tmp_path: Path) -> None:
    command = [sys.executable, "docs/make_scores.py", str(tmp_path / "scores")]
    environment = {**os.environ, "PATH": str(tmp_path), "PYTHONPATH": str(ROOT)}
    found = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert found.returncode == ExitCode.DEPENDENCY
    assert found.stderr.startswith("omr: Engraving with MuseScore needs MuseScore 3 on the PATH;")
    assert found.stderr.count("\n") == 1
    assert not (tmp_path / "scores").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_readme_shows_every_command(command: str) -> None:
    assert f"omr {command}" in README
    assert command in CliRunner().invoke(app, ["--help"]).stdout


@pytest.mark.parametrize("name", FORMATS)
def test_readme_names_every_format(name: str) -> None:
    assert f"`.{name}`" in README


@pytest.mark.parametrize("code", list(ExitCode))
def test_readme_names_every_exit_status(code: ExitCode) -> None:
    (sentence,) = re.findall(r"Exit status:(.*?)\.\n\n", README, re.DOTALL)
    assert re.search(rf"(?<!\d){code.value} [a-z]", sentence)


def test_options_in_the_readme_exist() -> None:
    for line in re.findall(r"^(?:\S+/)?omr ([a-z].*?)(?: +#.*)?$", README, re.MULTILINE):
        command, *words = line.split()
        shown = CliRunner().invoke(app, [command, "--help"]).stdout
        for word in words:
            if re.fullmatch(r"--?[a-z][a-z-]*", word):
                assert re.search(rf"(?<![\w-]){word}\b", shown), f"omr {command} has no {word}"


def test_make_targets_in_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"\bmake ([a-z-]+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_readme_knows_all_commands() -> None:
    groups = {group.name for group in app.registered_groups}
    single = {c.name or c.callback.__name__ for c in app.registered_commands if c.callback}
    assert single | groups == set(COMMANDS)


def load_figures() -> ModuleType:
    spec = importlib.util.spec_from_file_location("figures", ROOT / "scripts" / "figures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_figures_in_documents_are_those_of_the_file() -> None:
    figures = load_figures()
    known = json.loads(figures.FIGURES.read_text(encoding="utf-8"))
    assert figures.stale_documents(known) == []
    name = "quartet-parts.notes"
    assert README.count(f"<!-- fig:{name} -->") == 2
    figures.record(known, name, {"results": [{"rate": 0.01234}]}, "results.0.rate", "a command")
    assert (known[name]["value"], known[name]["command"]) == ("1.23", "a command")
    assert ROOT / "README.md" in figures.stale_documents(known)
    assert figures.fill(f"<!-- fig:{name} -->old<!-- /fig -->", known) == (
        f"<!-- fig:{name} -->1.23 %<!-- /fig -->"
    )
    with pytest.raises(KeyError):
        figures.fill("<!-- fig:none -->1<!-- /fig -->", known)
