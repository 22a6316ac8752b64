from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omrcli import registry
from omrcli.errors import ModelError
from omrcli.registry import (
    ModelSpec,
    load_model,
    read_manifest,
    register_model,
    verify_model,
    write_spec,
)
from tests import tiny


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the tiny model and its manifest, the only one that is searched."""
    path = tmp_path / "models"
    path.mkdir()
    (path / "tiny.onnx").write_bytes(tiny.PATH.read_bytes())
    registry.register_model(path / "tiny.onnx")
    monkeypatch.setattr(registry, "model_folders", lambda: [path])
    return path


def test_spec_survives_json() -> None:
    spec = replace(tiny.SPEC, units=("é", "b"), blank=2, training={"steps": "7"})
    assert ModelSpec.from_json(spec.to_json()) == spec


def test_spec_knows_height_and_classes() -> None:
    assert tiny.SPEC.height == 8 * (5 + 4 + 5)
    assert tiny.SPEC.classes == len(tiny.SPEC.units) + 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alphabet": "klingon"}, "Model 'tiny' speaks the unknown alphabet 'klingon'"),
        ({"blank": 99}, "Model 'tiny' has its blank at 99, outside its 12 classes"),
        ({"interline": 0}, "Model 'tiny' has no possible staff geometry"),
    ],
)
def test_impossible_spec(change: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        replace(tiny.SPEC, **change)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "The model's spec is damaged"),
        ("[]", "The model's spec is no JSON object"),
        ("{}", "The model's spec lacks above, alphabet"),
        (
            json.dumps({**json.loads(tiny.SPEC.to_json()), "tuning": 442}),
            "The model's spec has tuning, unknown to this version; upgrade omrcli.",
        ),
    ],
)
def test_damaged_spec(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        ModelSpec.from_json(text)


def test_spec_is_read_from_the_file_without_the_runtime() -> None:
    assert registry.read_spec(tiny.PATH) == tiny.SPEC


def test_default_model_is_found_and_verified(folder: Path) -> None:
    model = registry.find_model()
    assert (model.name, model.path) == ("tiny", folder / "tiny.onnx")
    assert model.sha256 == registry.hash_file(tiny.PATH)


def test_path_is_not_a_name(folder: Path) -> None:
    assert registry.find_model(str(folder / "tiny.onnx")).name == "tiny"
    with pytest.raises(ModelError, match=r"There is no model file no/such.onnx"):
        registry.find_model("no/such.onnx")


def test_unknown_name_is_hinted_at(folder: Path) -> None:
    with pytest.raises(ModelError) as caught:
        registry.find_model("tyny")
    assert str(caught.value) == "No model is named 'tyny'; did you mean 'tiny'?"


def test_no_model_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "model_folders", lambda: [tmp_path])
    assert registry.list_models() == []
    with pytest.raises(ModelError, match="No model is installed; give one with --model PATH"):
        registry.find_model()


def test_changed_file_is_refused_by_name(folder: Path) -> None:
    with (folder / "tiny.onnx").open("ab") as stream:
        stream.write(b"\x00")
    with pytest.raises(ModelError, match=r"has SHA-256 .*, but its manifest says .*; reinstall it"):
        registry.find_model("tiny")


def test_missing_file_is_refused(folder: Path) -> None:
    (folder / "tiny.onnx").unlink()
    with pytest.raises(ModelError, match="of model 'tiny' is missing; reinstall it"):
        registry.find_model("tiny")


def test_damaged_manifest(folder: Path) -> None:
    (folder / registry.MANIFEST_NAME).write_text('{"models": [1]}')
    with pytest.raises(ModelError, match="is no manifest of models"):
        registry.list_models()


def test_earlier_folder_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "other-file.onnx").write_bytes(tiny.PATH.read_bytes())
    registry.register_model(mine / "other-file.onnx")
    monkeypatch.setattr(registry, "model_folders", lambda: [mine, folder])
    assert [entry.path.name for entry in registry.list_models()] == ["other-file.onnx"]
    assert registry.find_model("tiny").path.parent == mine


def test_search_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(registry.FOLDERS_VARIABLE, str(tmp_path))
    assert registry.model_folders() == [
        tmp_path,
        registry.packaged_folder(),
        registry.cache_folder(),
    ]


def test_register_keeps_the_default(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    second = tiny.make_model(folder / "second.onnx", replace(tiny.SPEC, name="second"))
    assert not registry.register_model(second).default
    assert [entry.name for entry in registry.list_models() if entry.default] == ["tiny"]
    assert registry.register_model(second, default=True).default
    assert [entry.name for entry in registry.list_models() if entry.default] == ["second"]


def test_shipped_models_are_whole() -> None:
    manifest = registry.read_manifest(registry.packaged_folder())
    if manifest is None:
        pytest.skip("this checkout has no models")
    assert manifest.default is not None
    for entry in manifest.entries:
        assert registry.verify_model(entry).name == entry.name
        assert entry.path.stat().st_size == entry.size <= 25_000_000


def test_a_calibration_travels_in_the_file_and_keeps_the_manifest_up(tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    path.write_bytes(tiny.PATH.read_bytes())
    register_model(path)
    old = load_model(path)
    new = write_spec(old, replace(old.spec, calibration=(0.5, 0.1, 0.99)), path)
    assert load_model(path).spec.calibration == (0.5, 0.1, 0.99)
    assert new.sha256 != old.sha256
    manifest = read_manifest(tmp_path)
    assert manifest is not None
    assert verify_model(manifest.entries[0]).sha256 == new.sha256
    assert "calibration" not in old.spec.to_json()
    again = write_spec(new, replace(new.spec, calibration=None), path)
    assert again.spec == old.spec


@pytest.mark.parametrize("values", [(0, 0, 1), (1, 0), (1, 0, 2), (1, float("inf"), 1), "abc"])
def test_a_damaged_calibration_is_refused(values: Any) -> None:
    with pytest.raises(ModelError, match="damaged calibration"):
        replace(tiny.SPEC, calibration=values)
