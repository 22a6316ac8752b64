"""`omr doctor` tells what is there, what is missing, and reads a staff."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from omrcli import registry
from omrcli.cli.app import app
from omrcli.doctor import diagnosis, graphics, machine, reading, software
from omrcli.doctor.findings import Diagnosis, Finding, Section, SelfTest
from omrcli.errors import ExitCode
from omrcli.reading import devices, logits
from tests import tiny
from tests.settings.test_files import write
from tests.test_no_torch import run_blocked

SOUND = SelfTest("omr-staff", "cpu", 22, 22, 0.9, 0.07)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["doctor", *arguments])


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No staff is read: that takes a second."""
    section = Section("Self-test", ())
    monkeypatch.setattr(diagnosis, "try_reading", lambda options: (section, SOUND))


@pytest.fixture
def no_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_manifests", lambda: iter(()))


def states(section: Section) -> dict[str, str]:
    return {found.name: found.state for found in section.findings}


def has_model() -> bool:
    return bool(registry.list_models())


def test_the_bundled_staff_is_that_of_the_examples() -> None:
    examples = Path(__file__).parents[2] / "examples"
    assert reading.STAFF.read_bytes() == (examples / "ode-to-joy.png").read_bytes()
    assert reading.TRUTH.read_text() == (examples / "ode-to-joy.semantic").read_text()


def test_without_the_extras_a_staff_is_read() -> None:
    if not has_model():
        pytest.skip("this checkout has no model")
    result = run_blocked("doctor")
    assert result.returncode == 0, result.stdout
    assert "22 of 22 tokens right, by omr-staff on " in result.stdout
    assert result.stdout.splitlines()[-1].startswith("A staff is read in ")
    assert result.stderr.strip() == "loaded: []"


@pytest.mark.usefixtures("quick")
def test_report_and_json_tell_the_same() -> None:
    record = json.loads(run("--json").stdout)
    text = run().stdout
    assert record["exit_code"] == 0
    assert record["self_test"]["cold_seconds"] == 0.9
    assert {"This machine", "Packages", "Extras", "GPU", "Models"} <= record["sections"].keys()
    names = {row["name"] for rows in record["sections"].values() for row in rows}
    for name in names:
        assert name in text
    assert {"numpy", "opencv", "onnxruntime", "cores", "free memory"} <= names


def test_a_model_that_reads_something_else_is_told() -> None:
    result = run("--model", str(tiny.PATH), "--device", "cpu")
    assert result.exit_code == ExitCode.MODEL
    assert "by tiny on cpu" in result.stdout
    assert result.stdout.splitlines()[-1] == "No staff can be read: see what is to be mended."


def test_a_missing_model_is_told() -> None:
    result = run("--model", "no/such.onnx", "--json")
    assert result.exit_code == ExitCode.MODEL
    (problem,) = json.loads(result.stdout)["problems"]
    assert problem["value"].startswith("There is no model file no/such.onnx;")


@pytest.mark.usefixtures("no_models")
def test_no_model_at_all() -> None:
    result = run()
    assert result.exit_code == ExitCode.MODEL
    assert "none installed" in result.stdout
    assert "pip install --force-reinstall omrcli" in result.stdout


def test_a_changed_model_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny.onnx").write_bytes(tiny.PATH.read_bytes())
    registry.register_model(tmp_path / "tiny.onnx")
    (tmp_path / "tiny.onnx").write_bytes(b"other")
    monkeypatch.setattr(registry, "model_folders", lambda: [tmp_path])
    (found,) = reading.check_models().findings
    assert found.value == "damaged"
    assert "its manifest says" in found.advice
    section, test = reading.try_reading(reading.ReadingOptions())
    assert test is None
    assert section.findings[0].code == ExitCode.MODEL


@pytest.mark.parametrize(
    ("error", "code"),
    [(ImportError("libGL.so.1: cannot open"), 6), (ZeroDivisionError("division by zero"), 1)],
)
def test_whatever_fails_is_told(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    def fail(options: object) -> None:
        raise error

    monkeypatch.setattr(reading, "_read_staff", fail)
    section, test = reading.try_reading(reading.ReadingOptions())
    assert test is None
    assert str(error) in section.findings[0].value
    assert section.findings[0].advice
    assert section.findings[0].code == code


@pytest.mark.usefixtures("quick")
def test_wrong_settings_are_told_and_do_not_stop_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMR_SETTINGS", str(write(tmp_path / "own.toml", "beem = 1")))
    result = run()
    assert result.exit_code == 0
    assert "'beem' is unknown at its top; did you mean 'beam'?" in result.stdout


def test_settings_choose_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMR_MODEL", "no/such.onnx")
    assert "There is no model file no/such.onnx" in run().stdout


def test_extras_are_those_of_the_project() -> None:
    found = software.find_extras()
    assert {"synth", "plots", "train"} <= found.keys()
    assert "torch" in found["train"]
    assert not {"all", "dev"} & found.keys()


def test_missing_packages_name_what_brings_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software, "find_version", lambda name: None)
    extras = {found.name: found for found in software.check_extras().findings}
    assert extras["train"].advice == "Run pip install 'omrcli[train]'."
    needed = {found.name: found for found in software.check_packages().findings}
    assert needed["numpy"].advice == "Run pip install numpy."
    assert Diagnosis((software.check_packages(),), None).exit_code == ExitCode.DEPENDENCY


def test_two_runtimes_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software, "find_version", lambda name: "1.20")
    found = {found.name: found for found in software.check_packages().findings}
    assert found["onnxruntime"].advice.startswith("Two ONNX runtimes overwrite each other's files")
    assert found["opencv"].state == "ok"


def test_needed_packages_are_those_of_the_project() -> None:
    tomllib = pytest.importorskip("tomllib")
    path = Path(__file__).parents[2] / "pyproject.toml"
    lines = tomllib.loads(path.read_text())["project"]["dependencies"]
    names = {line.split(">")[0] for line in lines} - {"tomli"}  # for old Pythons only
    assert names <= {each for group in software.NEEDED.values() for each in group}


def test_programs_tell_their_version(tmp_path: Path) -> None:
    if os.name == "nt":
        pytest.skip("needs a shell script")
    program = write(tmp_path / "engraver", "#!/bin/sh\necho Engraver version 2.24.3\n")
    program.chmod(0o755)
    assert list(software._ask_version(str(program))) == ["2.24.3"]
    assert list(software._ask_version(str(tmp_path / "no"))) == []


def test_no_sign_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "gpu_seems_present", lambda: False)
    assert states(graphics.check_graphics())["NVIDIA GPU"] == ""


def test_missing_driver_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "gpu_seems_present", lambda: True)
    monkeypatch.setattr(devices, "find_driver_problem", lambda: "the NVIDIA driver is not there")
    found = graphics.check_graphics().findings[-1]
    assert (found.name, found.state) == ("NVIDIA driver", "-")


@pytest.mark.parametrize("missing", [["libcudnn.so.9"], []])
def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch, missing: list[str]) -> None:
    monkeypatch.setattr(devices, "gpu_seems_present", lambda: True)
    monkeypatch.setattr(devices, "find_driver_problem", lambda: None)
    monkeypatch.setattr(devices, "gpu_names", lambda: ["NVIDIA T4"])
    monkeypatch.setattr(logits, "preload_cuda_libraries", lambda: missing)
    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(logits, "execution_providers", lambda: providers)
    found = {each.name: each for each in graphics.check_graphics().findings}
    assert found["NVIDIA GPU"].value == "NVIDIA T4"
    if missing:
        assert devices.INSTALL_CUDA in found["libcudnn.so.9"].advice
    else:
        assert found["CUDA and cuDNN"].state == "ok"
    monkeypatch.setattr(logits, "execution_providers", lambda: providers[1:])
    assert graphics.check_graphics().findings[-1].advice.startswith("Run pip uninstall onnxruntime")


def test_loaded_libraries_are_those_of_this_process() -> None:
    if not Path("/proc/self/maps").exists():
        pytest.skip("Linux only")
    assert devices.loaded_libraries(["libc."])
    assert devices.loaded_libraries(["libnothing"]) == []


def test_little_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_memory", lambda: 1e8)
    found = machine.describe_machine().findings[-1]
    assert (found.value, found.state) == ("0.1 GB", "!!")
    monkeypatch.setattr(machine, "free_memory", lambda: float("nan"))
    assert machine.describe_machine().findings[-1].value == "unknown"


def test_the_first_reason_gives_the_status() -> None:
    findings = (
        Finding("a", "", "!!"),
        Finding("b", "", "!!", "", ExitCode.DEPENDENCY),
        Finding("c", "", "!!", "", ExitCode.MODEL),
    )
    assert Diagnosis((Section("s", findings),), None).exit_code == ExitCode.DEPENDENCY
    assert Diagnosis((Section("s", findings),), SOUND).exit_code == ExitCode.OK, "a staff is read"
    assert Diagnosis((Section("s", findings),), replace(SOUND, right=3)).exit_code == 6
