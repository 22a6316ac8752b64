"""Training learns, resumes to the same curve after being cut off, and exports what it learnt."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from omrcli.errors import ModelError, UsageError  # noqa: E402
from omrcli.reading.alphabet import PlainCodec  # noqa: E402
from omrcli.reading.logits import Reader  # noqa: E402
from omrcli.registry import load_model  # noqa: E402
from omrcli.training import to_onnx  # noqa: E402
from omrcli.training.checkpoint import read_checkpoint  # noqa: E402
from omrcli.training.data import (  # noqa: E402
    Augmentation,
    BatchPlan,
    StaffBatches,
    StaffSet,
    keep_readable,
    plan_batches,
)
from omrcli.training.loop import Feeds, LoopOptions, LossOptions, Recipe, train  # noqa: E402
from omrcli.training.network import NetworkSpec, factor_units  # noqa: E402
from tests.training.stored import GEOMETRY, TEXTS, make_staves  # noqa: E402

pytestmark = pytest.mark.train
STEPS = 60


def _recipe(**loss: object) -> Recipe:
    spec = NetworkSpec(
        classes=4, channels=(4, 8, 8, 8), features=24, temporal_blocks=1, recurrent=16, dropout=0.0
    )
    options = LossOptions(**loss)  # type: ignore[arg-type]
    return Recipe(spec, "semantic", PlainCodec(TEXTS), options, {"network": "lean"})


def _feeds(steps: int = STEPS) -> Feeds:
    staves, encoded = keep_readable(make_staves(40), PlainCodec(TEXTS), GEOMETRY, 4)
    whole = StaffSet(staves, encoded, GEOMETRY, 4)
    plan = BatchPlan(steps=steps, pixels=1200, short_first=0.0)
    batches = plan_batches(whole.widths, plan)
    looks = batches[:3]
    texts = [[staves[i].texts for i in batch] for batch in looks]
    feed = StaffBatches(whole, batches, Augmentation(degrade=None))
    return Feeds(feed, StaffBatches(whole, looks), texts)


def _options(out: Path, **changes: object) -> LoopOptions:
    base = LoopOptions(
        out=out,
        steps=STEPS,
        learning_rate=1e-2,
        average=0.9,
        device="cpu",
        workers=0,
        threads=1,
        log_every=10,
        validate_every=30,
        checkpoint_every=10,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def _losses(out: Path) -> list[str]:
    with (out / "log.csv").open() as stream:
        return [row["loss"] for row in csv.DictReader(stream)]


@pytest.mark.parametrize(
    "loss", [{"kind": "ctc"}, {"kind": "focal"}, {"kind": "focal", "per_symbol": True}]
)
def test_every_loss_learns(tmp_path: Path, loss: dict[str, object]) -> None:
    train(_recipe(**loss), _feeds(), _options(tmp_path / "run"))
    losses = [float(value) for value in _losses(tmp_path / "run")]
    assert losses[-1] < 0.6 * losses[0]


def test_a_new_output_layer_learns_before_the_rest(tmp_path: Path) -> None:
    train(_recipe(), _feeds(), _options(tmp_path / "given", steps=2))
    given = tmp_path / "given" / "last.ckpt"
    options = _options(tmp_path / "run", initial=given, initial_output=False, output_first=4)
    moved = [_find_moved(given, options, steps) for steps in (4, 6)]
    assert moved[0] == {"output.plain.weight", "output.plain.bias"}
    assert {"stages.0.convolution.weight", "recurrent.ahead.weight_ih_l0"} <= moved[1]


def _find_moved(given: Path, options: LoopOptions, steps: int) -> set[str]:
    """Weights that a run of so many steps changed."""
    options = replace(options, out=options.out / str(steps), steps=steps)
    train(_recipe(), _feeds(steps), options)
    before, after = (read_checkpoint(path).weights for path in (given, options.out / "last.ckpt"))
    learned = [name for name in before if "running" not in name and "tracked" not in name]
    return {name for name in learned if not np.allclose(before[name], after[name], atol=1e-7)}


class _CutError(Exception):
    """Stands for a kill."""


def test_a_run_cut_off_resumes_to_the_same_curve(tmp_path: Path) -> None:
    train(_recipe(), _feeds(), _options(tmp_path / "whole"))

    def cut(progress: object) -> None:
        if progress.step == 27:  # type: ignore[attr-defined]
            raise _CutError

    with pytest.raises(_CutError):
        train(_recipe(), _feeds(), _options(tmp_path / "cut"), cut)
    with pytest.raises(UsageError, match="--resume"):
        train(_recipe(), _feeds(), _options(tmp_path / "cut"))
    assert read_checkpoint(tmp_path / "cut" / "last.ckpt").step == 20
    train(_recipe(), _feeds(), _options(tmp_path / "cut", resume=True))
    assert _losses(tmp_path / "cut") == _losses(tmp_path / "whole")


def test_export_reads_like_torch_and_fails_loudly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = _recipe()
    spec = replace(recipe.network, factors=factor_units(TEXTS))
    checkpoint = train(
        replace(recipe, network=spec), _feeds(), _options(tmp_path / "run", steps=10)
    )
    options = to_onnx.ExportOptions("tiny-trained", GEOMETRY)
    out = tmp_path / "model.onnx"
    written = to_onnx.export_checkpoint(checkpoint, out, options)
    model = load_model(out)
    assert model.spec == written
    assert model.spec.units == TEXTS
    assert Reader(model, "cpu", threads=1).device == "cpu"

    impossible = replace(options, tolerance=0.0)
    monkeypatch.setattr(to_onnx, "measure_difference", lambda *arguments: float("nan"))
    with pytest.raises(ModelError, match="differs from torch"):
        to_onnx.export_checkpoint(checkpoint, tmp_path / "bad.onnx", impossible)
    assert not (tmp_path / "bad.onnx").exists()


def test_damaged_checkpoints_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    with pytest.raises(ModelError, match="no checkpoint"):
        read_checkpoint(path)
    path.write_bytes(np.random.default_rng(0).bytes(500))
    with pytest.raises(ModelError, match="no checkpoint of omr"):
        read_checkpoint(path)
