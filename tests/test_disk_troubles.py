"""Full disks, vanished folders and interrupts: a sentence, the right code, and nothing left."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from omrcli import registry
from omrcli.cli.app import app
from omrcli.datasets.corpus import find_samples, read_split, select_samples
from omrcli.errors import ExitCode, InputError, OutputError
from omrcli.pages import pdf
from omrcli.pipeline import TranscribeOptions, Transcriber
from omrcli.scratch import scratch_folder
from tests import bombs, tiny
from tests.drawn import write_page

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


class FullDisk:
    """A file that takes nothing."""

    def __init__(self, handle: int, mode: str) -> None:
        self._handle = handle

    def __enter__(self) -> FullDisk:
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self._handle)

    def write(self, content: bytes) -> int:
        raise FULL


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omrcli.output.os.fdopen", FullDisk)


@pytest.mark.usefixtures("full_disk")
@pytest.mark.parametrize("name", ["a.musicxml", "a.mid", "a.semantic"])
def test_a_full_disk_keeps_what_was_there(name: str, tmp_path: Path) -> None:
    page = write_page(tmp_path / "a.png")
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_bytes(b"old")
    done = run("transcribe", page, "-m", tiny.PATH, "-o", out / name)
    assert done.exit_code == ExitCode.OUTPUT
    assert "no space left on device; check the folder" in " ".join(done.stderr.split())
    assert [(path.name, path.read_bytes()) for path in out.iterdir()] == [(name, b"old")]


@pytest.mark.parametrize("blocked", [False, True])
def test_a_folder_that_vanishes_meanwhile(
    blocked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, out = write_page(tmp_path / "a.png"), tmp_path / "out"
    out.mkdir()
    transcribe = Transcriber.transcribe

    def vanish(self: Transcriber, *arguments: Any) -> Any:
        shutil.rmtree(out)
        if blocked:
            out.write_text("no folder any more")
        return transcribe(self, *arguments)

    monkeypatch.setattr(Transcriber, "transcribe", vanish)
    done = run("transcribe", page, "-m", tiny.PATH, "-o", out / "a.mid")
    if blocked:
        assert done.exit_code == ExitCode.OUTPUT
        assert "Cannot write" in done.stderr
    else:  # it is made again
        assert (out / "a.mid").read_bytes().startswith(b"MThd")


def test_an_output_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    page = write_page(tmp_path / "a.png")
    (tmp_path / "real").mkdir()
    (tmp_path / "link.semantic").symlink_to(tmp_path / "real" / "a.semantic")
    done = run("transcribe", page, "-m", tiny.PATH, "-o", tmp_path / "link.semantic")
    assert done.exit_code == ExitCode.OK
    assert (tmp_path / "link.semantic").is_symlink()
    assert (tmp_path / "real" / "a.semantic").read_text().split() == list(tiny.TUNE)


@pytest.mark.usefixtures("full_disk")
def test_a_manifest_that_cannot_be_written_is_kept(tmp_path: Path) -> None:
    (tmp_path / "tiny.onnx").write_bytes(tiny.PATH.read_bytes())
    (tmp_path / "manifest.json").write_text('{"default": null, "models": {}}')
    with pytest.raises(OutputError, match="no space left on device"):
        registry.register_model(tmp_path / "tiny.onnx")
    assert json.loads((tmp_path / "manifest.json").read_text())["models"] == {}
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError()])
def test_what_breaks_off_a_pdf_leaves_no_process(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(bombs.pdf_page(b""))
    started: list[Any] = []

    def fail(process: Any, request: object) -> Any:
        started.append(process._process)
        raise error

    monkeypatch.setattr(pdf._Process, "draw", fail)
    with pytest.raises(type(error)):
        Transcriber(TranscribeOptions(model=tiny.PATH, device="cpu")).transcribe(path)
    assert [process.returncode is not None for process in started] == [True]
    assert not pdf._drawing


def test_temporary_files_are_those_of_outputs_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch, page = tmp_path / "scratch", write_page(tmp_path / "a.png")
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    done = run("transcribe", page, "-m", tiny.PATH, "-o", tmp_path / "a.mid")
    assert done.exit_code == ExitCode.OK
    assert not list(scratch.iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mid", "a.png", "scratch"]


@pytest.mark.parametrize(
    ("most", "place"),
    [(0, " (no usable temporary directory"), (99, " in {scratch} (file too large")],
)
@pytest.mark.parametrize("format", ["pdf", "png", "ly"])
def test_a_full_disk_for_temporary_files(
    format: str, most: int, place: str, tmp_path: Path
) -> None:
    resource = pytest.importorskip("resource", reason="needs limits of the system")
    if format == "ly":
        if find_spec("lilypond") is None and shutil.which("musicxml2ly") is None:
            pytest.skip("needs LilyPond")
    else:
        pytest.importorskip("verovio")
        pytest.importorskip("typst")
    tune, scratch = tmp_path / "a.semantic", tmp_path / "scratch"
    tune.write_text("clef-G2 note-C4_whole barline")
    scratch.mkdir()
    done = subprocess.run(
        [sys.executable, "-B", "-m", "omrcli", "convert", str(tune), "-t", format],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(scratch)},
        cwd=Path(__file__).parents[1],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
        timeout=300,
    )
    assert done.returncode == ExitCode.OUTPUT, done.stderr
    place = place.format(scratch=scratch)
    assert done.stderr.startswith(f"omr: Temporary files cannot be written{place}")
    assert done.stderr.count("\n") == 1
    assert not list(scratch.iterdir())


def test_a_missing_program_is_no_lack_of_room() -> None:
    with pytest.raises(FileNotFoundError), scratch_folder("test") as folder:
        subprocess.run([folder.parent / "none"], check=False)
    assert not folder.exists()


@pytest.mark.parametrize(
    "line", ["../../etc/passwd", "/etc/passwd", "s0/../../s1", "..\\s0", "../s0.png/x"]
)
def test_ids_of_lists_open_no_files(line: str, tmp_path: Path) -> None:
    tiny.write_samples(tmp_path / "set")
    (tmp_path / "list.txt").write_text(f"s0\n{line}\n")
    samples = find_samples(tmp_path / "set")
    with pytest.raises(InputError, match="1 of 2 listed samples are not in the folder"):
        select_samples(samples, read_split(tmp_path / "list.txt"))


def test_ids_given_as_paths_name_samples_of_the_folder_only(tmp_path: Path) -> None:
    samples = find_samples(tiny.write_samples(tmp_path / "set"))
    (tmp_path / "list.txt").write_text("/elsewhere/../../s0.png\n")
    (chosen,) = select_samples(samples, read_split(tmp_path / "list.txt"))
    assert chosen.image == tmp_path / "set" / "s0" / "s0.png"
