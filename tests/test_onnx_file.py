from __future__ import annotations

from pathlib import Path

import pytest

from omrcli.errors import ModelError
from omrcli.onnx_file import read_metadata
from omrcli.registry import SPEC_KEY, read_spec
from tests import tiny


def test_metadata_equals_what_onnx_reads() -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(tiny.PATH)
    assert read_metadata(tiny.PATH) == {entry.key: entry.value for entry in model.metadata_props}


def test_the_fixture_is_what_its_maker_makes(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    made = tiny.make_model(tmp_path / "tiny.onnx")
    assert read_metadata(made)[SPEC_KEY] == read_metadata(tiny.PATH)[SPEC_KEY]


def test_model_without_spec(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    bare = tiny.make_model(tmp_path / "bare.onnx", spec=None)
    with pytest.raises(ModelError, match=r"carries no omr.spec; make models with `omr export`"):
        read_spec(bare)


@pytest.mark.parametrize("content", [b"this is no model", b"\x89PNG\r\n\x1a\n", b"\xff" * 20])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "fake.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="is no ONNX model, or a damaged one"):
        read_metadata(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_truncated_model_is_refused(tmp_path: Path, share: float) -> None:
    content = tiny.PATH.read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelError):
        read_spec(path)


def test_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="Cannot read"):
        read_metadata(tmp_path)
