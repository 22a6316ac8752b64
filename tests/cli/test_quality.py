"""The closing line on quality, the same in JSON, and `--strict`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from omrcli import pipeline
from omrcli.cli.app import app
from omrcli.errors import ExitCode
from omrcli.score.checks import Quality
from tests import tiny
from tests.drawn import write_page

BAD = Quality(120, 2, 0, 0, 400, 3)


@pytest.fixture
def staff(tmp_path: Path) -> Path:
    return write_page(tmp_path / "staff.png")


def read(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, ["transcribe", "-m", str(tiny.PATH), *map(str, arguments)])


def test_the_last_line_says_how_well_it_was_read(staff: Path) -> None:
    assert read(staff).stderr == f"omr: {staff}: 2 measures, all add up.\n"
    assert read(staff, "-q").stderr == ""


def test_json_has_the_figures(staff: Path) -> None:
    record = json.loads(read(staff, "-f", "json").stdout)
    assert record["quality"] == {
        **{"measures": 2, "off": 0, "unread": 0, "unchecked": 0, "notes": 6, "doubtful": 0},
        "doubtful_below": 0.5,
    }


def test_strict_tells_what_was_read_badly_and_writes_it(
    staff: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(staff, "--strict").exit_code == ExitCode.OK
    monkeypatch.setattr(pipeline, "measure_quality", lambda score: BAD)
    target = tmp_path / "staff.semantic"
    result = read(staff, "--strict", "-o", target)
    assert result.exit_code == ExitCode.DOUBTFUL == 9
    assert "118 of 120 measures add up, 3 doubtful notes; correct" in result.stderr
    assert target.read_text().split() == list(tiny.TUNE)
    assert read(staff, "-o", target).exit_code == ExitCode.OK


def test_of_several_a_failure_counts_for_more(
    staff: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "measure_quality", lambda score: BAD)
    other, damaged = write_page(tmp_path / "other.png"), tmp_path / "damaged.png"
    damaged.write_bytes(b"no image")
    result = read(staff, other, "--strict")
    assert result.exit_code == ExitCode.DOUBTFUL
    assert result.stderr.endswith("omr: 2 of 2 inputs were read badly.\n")
    assert read(staff, damaged, "--strict").exit_code == ExitCode.PARTIAL_BATCH


def test_a_folder_is_counted_and_with_strict_has_a_status_of_its_own(tmp_path: Path) -> None:
    """Of what was read before, too; the manifest is where that is remembered."""
    scans, out = tmp_path / "scans", tmp_path / "out"
    scans.mkdir()
    write_page(scans / "a.png")
    command = (scans, "-o", f"{out}/", "--jobs", "1", "--strict")
    good = read(*command)
    assert (good.exit_code, "inputs read badly" in good.stdout) == (ExitCode.OK, True)
    manifest = out / "manifest.jsonl"
    (line,) = map(json.loads, manifest.read_text().splitlines())
    assert line["quality"]["measures"] == 2
    line["quality"]["off"] = 1
    manifest.write_text(json.dumps(line) + "\n")
    bad = read(*command)
    assert bad.exit_code == ExitCode.DOUBTFUL
    assert bad.stderr.endswith("omr: 1 input was read badly; the manifest tells which.\n")
    assert read(*command[:-1]).exit_code == ExitCode.OK
