"""`omr synth`: the options for clutter, and its contact sheet."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

pytest.importorskip("verovio")
pytest.importorskip("resvg_py")

from typer.testing import CliRunner

from omrcli.cli.app import app
from omrcli.errors import ExitCode

ALONE = ["-n", "2", "--random", "1", "--jobs", "1"]


def test_rates_reach_the_settings_and_a_sheet_is_written(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    options = ["--clutter", "1", "--clutter-rate", "lyrics=1", "--clutter-rate", "page-edges=0.5"]
    command = ["synth", str(tmp_path / "out"), *ALONE, *options, "--sheet", str(sheet)]
    assert CliRunner().invoke(app, command).exit_code == 0
    clutter = json.loads((tmp_path / "out" / "synth.json").read_text())["clutter"]
    assert (clutter["share"], clutter["lyrics"], clutter["page_edges"]) == (1.0, 1.0, 0.5)
    assert clutter["slurs"] == 0.5
    assert cv2.imread(str(sheet), cv2.IMREAD_GRAYSCALE).min() < 100


def test_an_unknown_kind_is_a_usage_error(tmp_path: Path) -> None:
    command = ["synth", str(tmp_path / "out"), *ALONE, "--clutter-rate", "lyric=1"]
    assert CliRunner().invoke(app, command).exit_code == ExitCode.USAGE
    assert not (tmp_path / "out").exists()
