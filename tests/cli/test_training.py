"""`omr train`, `omr export` and `omr eval` as a user runs them, on a handful of drawn staves."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from omrcli.cli import synth as cli_synth
from omrcli.cli import training as cli_training
from omrcli.cli.app import app
from omrcli.errors import ExitCode
from tests import tiny


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """Four PrIMuS-style samples of the tiny model's tune."""
    return tiny.write_samples(tmp_path / "samples")


# --- eval -----------------------------------------------------------------------------------------


def test_eval_prints_tables(samples: Path) -> None:
    result = run("eval", samples, "--model", tiny.PATH, "--resamples", "10")
    assert result.exit_code == 0
    assert "symbol error rate 0.00 % [0.00, 0.00]" in " ".join(result.stdout.split())
    assert "By kind of token" in result.stdout


def test_eval_json_and_plots(samples: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    plots = tmp_path / "plots"
    result = run("eval", samples, "-m", tiny.PATH, "--json", "-", "--plots", plots, "--limit", "2")
    assert result.exit_code == 0
    record = json.loads(result.stdout)
    assert record["results"][0]["samples"] == 2
    assert record["results"][0]["symbol_error_rate"] == 0
    assert sorted(path.name for path in plots.iterdir()) == [
        "confusions.png",
        "frequency.png",
        "reliability.png",
    ]


def test_eval_compares_models(samples: Path) -> None:
    result = run("eval", samples, "-m", tiny.PATH, "-m", tiny.PATH, "--resamples", "10")
    assert result.exit_code == 0
    assert "paired" in result.stdout


def test_eval_compares_beams(samples: Path) -> None:
    beams = ("--beam", "1", "--beam", "4", "--resamples", "10")
    result = run("eval", samples, "-m", tiny.PATH, *beams, "--limit", "2")
    assert "tiny --beam 4" in result.stdout
    assert "paired" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--ignore", "tye"], ExitCode.USAGE, "did you mean 'tie'?"),
        (["--look", "blurred"], ExitCode.USAGE, "blurred"),
        (["-m", "no/such.onnx"], ExitCode.MODEL, "There is no model file no/such.onnx"),
    ],
)
def test_eval_errors(samples: Path, arguments: list[str], code: ExitCode, message: str) -> None:
    result = run(
        "eval", samples, *(arguments if "-m" in arguments else ["-m", tiny.PATH, *arguments])
    )
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr


def defaults_of(command: Callable[..., Any]) -> dict[str, Any]:
    return {
        name: parameter.default
        for name, parameter in inspect.signature(command).parameters.items()
        if parameter.default not in (None, inspect.Parameter.empty)
    }


def test_defaults_are_those_of_the_library() -> None:
    pytest.importorskip("torch")
    from omrcli.training import loop, recipe

    data = recipe.DataOptions(folders=(Path("x"),))
    options = recipe.TrainOptions(data, loop.LoopOptions(Path("x")))
    parts = (options.loss, options.loop, options.data, options)
    for name, value in defaults_of(cli_training.train).items():
        if name in ("out", "verbose", "quiet"):
            continue
        owner = next(part for part in parts if hasattr(part, OTHER_NAMES.get(name, name)))
        assert getattr(owner, OTHER_NAMES.get(name, name)) == value, name


def test_synth_defaults_are_those_of_the_library() -> None:
    from omrcli.synth.dataset import SynthOptions

    for name, value in defaults_of(cli_synth.synth).items():
        if name == "clutter":
            assert SynthOptions().clutter.share == value
        elif name not in ("verbose", "quiet"):
            assert getattr(SynthOptions(), OTHER_NAMES.get(name, name)) == value, name


OTHER_NAMES = {"number": "count", "loss": "kind"}


# --- train and export -----------------------------------------------------------------------------


def test_in_a_pipe_lines_tell_how_training_gets_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    from omrcli.training.loop import Progress

    now = 0.0
    monkeypatch.setattr(cli_training.time, "monotonic", lambda: now)
    report = cli_training.report_lines(4)
    for step in range(1, 7):
        now += 25.0
        report(Progress(step, 6, 0.5, 80.0, None if step < 4 else 0.125))
    assert capsys.readouterr().err.splitlines() == [
        "omr: step 3 of 6: loss 0.5000, 80.0 staves/s",
        "omr: step 4 of 6: loss 0.5000, validation SER 12.50 %, 80.0 staves/s",
        "omr: step 6 of 6: loss 0.5000, validation SER 12.50 %, 80.0 staves/s",
    ]


@pytest.mark.train
def test_train_resume_export_and_read(samples: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    out, model = tmp_path / "run", tmp_path / "models" / "mine.onnx"
    model.parent.mkdir()
    options = ["--steps", "2", "--workers", "0", "--threads", "1", "--degrade", "none"]
    started = run("train", samples, "--out", out, *options)
    assert (started.exit_code, started.stdout) == (0, "")
    assert "omr: step 2 of 2: loss " in started.stderr
    assert {path.name for path in out.iterdir()} >= {"last.ckpt", "log.csv"}

    again = run("train", samples, "--out", out, *options)
    assert again.exit_code == ExitCode.USAGE
    assert "go on with --resume" in again.stderr

    exported = run("export", out / "last.ckpt", "-o", model, "--register")
    assert exported.exit_code == 0
    assert "SHA-256" in exported.stderr
    manifest = json.loads((model.parent / "manifest.json").read_text())
    assert manifest["default"] == "mine"

    small, onward = tmp_path / "mine.ckpt", tmp_path / "onward"
    assert run("export", out / "last.ckpt", "-o", small).exit_code == 0
    assert small.stat().st_size < (out / "last.ckpt").stat().st_size / 2
    assert run("train", samples, "--out", onward, "--from", small, *options).exit_code == 0

    shown = run("models", "show", model)
    assert "positional" in shown.stdout
    page = samples / "s0" / "s0.png"
    assert run("transcribe", page, "-m", model).exit_code in (0, ExitCode.NOTHING_RECOGNISED)


def test_train_needs_data() -> None:
    pytest.importorskip("torch")
    result = run("train")
    assert result.exit_code == ExitCode.USAGE
    assert result.stderr == (
        "omr: There is nothing to train on; name a folder of samples or give --synth.\n"
    )


def test_export_of_no_checkpoint(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (tmp_path / "fake.ckpt").write_bytes(b"no checkpoint")
    result = run("export", tmp_path / "fake.ckpt", "-o", tmp_path / "x.onnx")
    assert result.exit_code == ExitCode.MODEL
    assert not (tmp_path / "x.onnx").exists()
