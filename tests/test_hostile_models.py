"""Models that were changed, that name other files, or whose spec has wild numbers are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from omrcli.cli.app import app
from omrcli.errors import ExitCode, ModelError
from omrcli.onnx_file import MAX_METADATA, _field, check_alone, set_metadata
from omrcli.reading.logits import Reader
from omrcli.registry import FOLDERS_VARIABLE, SPEC_KEY, ModelSpec, load_model, read_manifest
from tests import tiny
from tests.drawn import write_page

TINY = tiny.PATH.read_bytes()


def write(path: Path, *more: bytes) -> Path:
    """The tiny model with further fields."""
    path.write_bytes(b"".join([TINY, *more]))
    return path


def external_tensor(path: bytes = b"../../etc/passwd") -> bytes:
    """A TensorProto whose values lie in another file."""
    return _field(13, _field(1, b"location") + _field(2, path)) + b"\x70\x01"


def spoil(**values: Any) -> bytes:
    """The tiny model with other values in its spec."""
    spec = json.loads(tiny.SPEC.to_json())
    return set_metadata(TINY, SPEC_KEY, json.dumps({**spec, **values}))


@pytest.mark.parametrize(
    "more",
    [
        _field(7, _field(5, external_tensor())),
        _field(7, _field(1, _field(5, _field(5, external_tensor())))),
        _field(7, _field(1, _field(5, _field(6, _field(5, external_tensor()))))),
        _field(7, _field(15, _field(1, external_tensor()))),
        _field(25, _field(7, _field(5, _field(5, external_tensor())))),
    ],
    ids=["weight", "constant", "branch", "sparse", "function"],
)
def test_weights_in_other_files_are_refused(more: bytes, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="keeps weights in other files, which is not allowed"):
        load_model(write(tmp_path / "a.onnx", more))


def test_external_weights_as_onnx_writes_them(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(tiny.PATH)
    path = tmp_path / "a.onnx"
    onnx.save(model, path, save_as_external_data=True, size_threshold=0, location="weights")
    with pytest.raises(ModelError, match="keeps weights in other files"):
        check_alone(path)


def test_a_graph_nested_without_end_is_refused(tmp_path: Path) -> None:
    graph = b""
    for _ in range(500):
        graph = _field(1, _field(5, _field(6, graph)))
    with pytest.raises(ModelError, match="is no ONNX model, or a damaged one"):
        load_model(write(tmp_path / "a.onnx", _field(7, graph)))


@pytest.mark.parametrize(
    "more",
    [
        _field(14, _field(1, b"x") + _field(2, b"a" * MAX_METADATA)),
        _field(14, _field(1, b"x") + _field(2, b"a")) * 20_000,
    ],
    ids=["long", "many"],
)
def test_oversized_metadata_is_refused(more: bytes, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no ONNX model, or a damaged one"):
        load_model(write(tmp_path / "a.onnx", more))


@pytest.mark.parametrize(
    "values",
    [
        {"interline": 10**9},
        {"above": 10**6},
        {"below": -1},
        {"width_reduction": 0},
        {"width_reduction": 10**12},
        {"interline": 8.5},
        {"interline": "8"},
        {"interline": True},
        {"blank": 10**9},
        {"blank": None},
        {"units": 7},
        {"units": "clef-G2"},
        {"units": [1, 2]},
        {"units": ["x"] * 100_001, "blank": 0},
        {"name": ["tiny"]},
        {"training": [1]},
        {"calibration": {"a": 1}},
        {"calibration": ["a", "b", "c"]},
        {"alphabet": {}},
    ],
    ids=str,
)
def test_wild_specs_are_refused(values: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(spoil(**values))
    with pytest.raises(ModelError) as caught:
        load_model(path)
    assert "; " in str(caught.value) or "this version" in str(caught.value)


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, "NaN", '"x"', "1e999"])
def test_specs_that_are_no_specs(text: str) -> None:
    with pytest.raises(ModelError):
        ModelSpec.from_json(text)


@pytest.mark.parametrize("name", ["../tiny.onnx", "/etc/passwd", "a\\b.onnx", "C:x.onnx", "..", ""])
def test_manifests_name_files_of_their_own_folder_only(name: str, tmp_path: Path) -> None:
    row = {"file": name, "sha256": "0", "bytes": 1}
    manifest = {"default": "tiny", "models": {"tiny": row}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="is no manifest of models; reinstall or remove it"):
        read_manifest(tmp_path)


def test_values_that_are_no_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    class Session:
        def run(self, outputs: object, inputs: object) -> list[np.ndarray]:
            return [np.full((1, 10, tiny.SPEC.classes), np.nan, np.float32)]

    reader = Reader(load_model(tiny.PATH), "cpu")
    monkeypatch.setattr(reader, "_session", Session())
    with pytest.raises(ModelError, match="gives values that are no numbers; export it again"):
        list(reader._read_batch([np.zeros((tiny.SPEC.height, 40), np.float32)]))


def test_a_spec_of_another_network_ends_with_the_code_of_models(tmp_path: Path) -> None:
    page = write_page(tmp_path / "a.png")
    path = tmp_path / "a.onnx"
    other = replace(tiny.SPEC, units=tiny.SPEC.units[1:], blank=0)
    path.write_bytes(set_metadata(TINY, SPEC_KEY, other.to_json()))
    done = CliRunner().invoke(app, ["transcribe", str(page), "-m", str(path), "--device", "cpu"])
    assert done.exit_code == ExitCode.MODEL
    assert "gives 12 classes, but its spec names 11" in " ".join(done.stderr.split())


def test_a_changed_model_ends_with_the_code_of_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = write_page(tmp_path / "a.png")
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "tiny.onnx").write_bytes(TINY)
    row = {"file": "tiny.onnx", "sha256": "0" * 64, "bytes": len(TINY)}
    (folder / "manifest.json").write_text(json.dumps({"default": "tiny", "models": {"tiny": row}}))
    monkeypatch.setenv(FOLDERS_VARIABLE, str(folder))
    done = CliRunner().invoke(app, ["transcribe", str(page), "-m", "tiny"])
    assert done.exit_code == ExitCode.MODEL
    assert "its manifest says 000000000000...; reinstall it." in " ".join(done.stderr.split())
