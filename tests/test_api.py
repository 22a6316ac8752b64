"""The Python API of the same words: what is documented is there, and the notebook runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import omrcli
from docs import make_notebook
from omrcli import errors
from omrcli.registry import list_models
from tests import tiny
from tests.drawn import write_page

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> omrcli.Transcription:
    staff = write_page(tmp_path_factory.mktemp("api") / "staff.png")
    return omrcli.transcribe(staff, omrcli.TranscribeOptions(model=tiny.PATH))


def test_every_public_name_is_there_and_documented() -> None:
    for name in omrcli.__all__:
        assert getattr(omrcli, name) is not None
        assert name == "__version__" or re.search(rf"\b{name}\b", PAGE), name
    assert set(dir(omrcli)) == set(omrcli.__all__)


def test_every_documented_name_is_there(reading: omrcli.Transcription) -> None:
    for owner, name in re.findall(r"`([A-Z]\w+)\.(\w+)", PAGE):
        assert hasattr(getattr(omrcli, owner), name) or hasattr(reading, name), f"{owner}.{name}"
    (row,) = re.findall(r"^\| `Transcription\.pages`.*$", PAGE, re.M)
    for name in re.findall(r"\.(\w+)`", row):
        assert hasattr(reading, name), name


def test_all_kinds_of_errors_are_public() -> None:
    kinds = {
        kind for kind in errors.OmrError.__subclasses__() if kind.__module__ == errors.__name__
    }
    assert {kind.__name__ for kind in kinds} <= set(omrcli.__all__)


@pytest.mark.parametrize("name", ["a.musicxml", "a.xml", "a.mxl", "a.mid", "a.semantic", "a.json"])
def test_save_writes_what_render_gives(
    reading: omrcli.Transcription, tmp_path: Path, name: str
) -> None:
    path = reading.save(str(tmp_path / name))
    assert path == tmp_path / name
    assert path.read_bytes() == reading.render(path.suffix[1:])


def test_save_takes_export_options(reading: omrcli.Transcription, tmp_path: Path) -> None:
    path = reading.save(tmp_path / "a.musicxml", omrcli.ExportOptions(title="Rondo"))
    assert "Rondo" in path.read_text(encoding="utf-8")


def test_save_tells_a_wrong_suffix(reading: omrcli.Transcription, tmp_path: Path) -> None:
    with pytest.raises(omrcli.UsageError, match="no suffix of a known format"):
        reading.save(tmp_path / "a.doc")
    with pytest.raises(omrcli.UsageError, match="Format 'doc' is unknown"):
        reading.render("doc")


def test_a_failed_save_keeps_what_was_there(reading: omrcli.Transcription, tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(b"old")
    with pytest.raises(omrcli.OutputError):
        reading.save(tmp_path / "no" / "a.mid")
    with pytest.raises(omrcli.UsageError):
        reading.save(tmp_path / "a.mid", omrcli.ExportOptions(tempo=-1))
    assert [path.name for path in tmp_path.iterdir()] == ["a.mid"]
    assert (tmp_path / "a.mid").read_bytes() == b"old"


def test_settings_do_not_reach_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMR_BEAM", "3")
    assert omrcli.TranscribeOptions().beam == 8


def test_types_are_shipped() -> None:
    assert (ROOT / "omrcli" / "py.typed").is_file()


def test_the_notebook_is_that_of_its_script() -> None:
    notebook = json.loads(make_notebook.TARGET.read_text(encoding="utf-8"))
    found = ["".join(cell["source"]) for cell in notebook["cells"]]
    wanted = [make_notebook.CELLS[0]]
    wanted += [text.removeprefix("# ") for text in make_notebook.CELLS[1:]]
    assert found == wanted, "the notebook is old; run python -m docs.make_notebook"
    assert notebook["nbformat"] == 4
    assert all(cell["cell_type"] in ("code", "markdown") for cell in notebook["cells"])


def test_the_notebook_runs() -> None:
    if not list_models():
        pytest.skip("this checkout has no model")
    printed = [
        "".join(output["text"])
        for cell in make_notebook.make_notebook()["cells"]
        for output in cell.get("outputs", ())
    ]
    assert printed[0] == "1 page, 1 staff, 26 tokens\n"
    assert "clef-G2" in printed[1]
    assert "tune.musicxml True\ntune.mid True" in printed[4]
    assert "InputError, exit code 3: no-such-file.png does not exist" in printed[5]
