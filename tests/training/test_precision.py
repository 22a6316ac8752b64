"""Weights in fewer bytes: the file shrinks, the network stays itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from omrcli.errors import ModelError, UsageError
from omrcli.reading.logits import open_bytes
from omrcli.registry import load_model
from omrcli.staves.staff import StaffGeometry
from omrcli.training import to_onnx
from omrcli.training.checkpoint import Checkpoint
from omrcli.training.network import NetworkSpec, build_network
from omrcli.training.precision import change_precision

GEOMETRY = StaffGeometry(8, 5, 5)
UNITS = tuple(f"note-C4_{k}" for k in range(40))


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    spec = NetworkSpec(kind="lean", classes=len(UNITS) + 1, height=GEOMETRY.height)
    weights = build_network(spec).state_dict()
    return Checkpoint(1, spec, "semantic", UNITS, weights, {}, {}, {})


@pytest.mark.parametrize(("precision", "share"), [("float16", 0.65), ("int8", 0.75)])
def test_variants_are_smaller_and_say_much_the_same(
    checkpoint: Checkpoint, tmp_path: Path, precision: str, share: float
) -> None:
    full, small = tmp_path / "full.onnx", tmp_path / "small.onnx"
    for out, name in ((full, "float32"), (small, precision)):
        options = to_onnx.ExportOptions("x", GEOMETRY, precision=name)
        to_onnx.export_checkpoint(checkpoint, out, options)
    assert small.stat().st_size < share * full.stat().st_size
    assert load_model(small).spec == load_model(full).spec
    image = np.random.default_rng(0).random((1, 1, GEOMETRY.height, 80), dtype=np.float32)
    widths = np.array([80])
    one, other = (open_bytes(path.read_bytes())(image, widths) for path in (full, small))
    assert 0 < np.abs(np.exp(one) - np.exp(other)).max() < 0.05


def test_a_variant_that_differs_too_much_is_not_written(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(to_onnx.TOLERANCES, "int8", 1e-9)
    with pytest.raises(ModelError, match="In int8 the probabilities differ"):
        to_onnx.export_checkpoint(
            checkpoint, tmp_path / "x.onnx", to_onnx.ExportOptions("x", GEOMETRY, precision="int8")
        )
    assert not (tmp_path / "x.onnx").exists()


def test_an_unknown_precision_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="'int4' is unknown"):
        change_precision(b"", "int4")
