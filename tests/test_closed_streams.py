"""No result is lost to standard streams that are closed, or that nobody reads: real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from omrcli.errors import ExitCode
from tests import tiny
from tests.drawn import write_blank, write_page

ROOT = Path(__file__).parent.parent
OMR = (sys.executable, "-m", "omrcli")
MODEL = ("-m", str(tiny.PATH))

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs pipes and file numbers of POSIX")


@pytest.fixture
def staff(tmp_path: Path) -> Path:
    return write_page(tmp_path / "staff.png")


@pytest.fixture
def unread() -> Iterator[int]:
    """The writing end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


def run(*arguments: str | Path, **streams: int) -> subprocess.CompletedProcess[bytes]:
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    command = [*OMR, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, timeout=300, check=False, **given)  # type: ignore[call-overload, no-any-return]


def run_in_shell(line: str, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run a line of a shell in which "$@" is the command."""
    command = ["bash", "-c", line, "bash", *OMR, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, timeout=300, check=False, capture_output=True)


def test_messages_that_nobody_reads_are_dropped(staff: Path, tmp_path: Path, unread: int) -> None:
    out = tmp_path / "out.musicxml"
    assert run("transcribe", staff, *MODEL, "-v", "-o", out, stderr=unread).returncode == 0
    assert out.stat().st_size > 1000


def test_both_streams_may_be_unread(staff: Path, tmp_path: Path, unread: int) -> None:
    out = tmp_path / "out.musicxml"
    arguments = ("transcribe", staff, *MODEL, "-v", "-o", out)
    assert run(*arguments, stdout=unread, stderr=unread).returncode == 0
    assert out.exists()


def test_as_a_pipeline_of_a_shell(staff: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.musicxml"
    line = '"$@" 2>&1 | head -0; exit ${PIPESTATUS[0]}'
    found = run_in_shell(line, "transcribe", staff, *MODEL, "-v", "-o", out)
    assert (found.returncode, found.stdout, found.stderr) == (0, b"", b"")
    assert out.exists()


@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
def test_streams_closed_from_the_start(staff: Path, tmp_path: Path, stream: str) -> None:
    out = tmp_path / "out.musicxml"
    close = {"stdin": "<&-", "stdout": ">&-", "stderr": "2>&-"}[stream]
    found = run_in_shell(f'"$@" {close}', "transcribe", staff, *MODEL, "-v", "-o", out)
    assert found.returncode == 0
    assert found.stdout == b""
    assert out.read_bytes().rstrip().endswith(b"</score-partwise>")


def test_messages_for_a_closed_stderr_do_not_mix_with_results(staff: Path) -> None:
    found = run_in_shell('"$@" 2>&-', "transcribe", staff, *MODEL, "-v")
    assert found.returncode == 0
    assert found.stdout.decode().split() == list(tiny.TUNE)


def test_a_failure_keeps_its_status(tmp_path: Path, unread: int) -> None:
    blank = write_blank(tmp_path / "blank.png")
    found = run("transcribe", blank, *MODEL, "-o", tmp_path / "a.mid", stderr=unread)
    assert found.returncode == ExitCode.NOTHING_RECOGNISED


def test_a_full_disk_behind_stderr(staff: Path, tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    out = tmp_path / "out.mid"
    with Path("/dev/full").open("wb") as full:
        found = run("transcribe", staff, *MODEL, "-v", "-o", out, stderr=full.fileno())
    assert found.returncode == 0
    assert out.exists()


def test_a_result_for_a_closed_stdout_is_a_failure(staff: Path) -> None:
    found = run_in_shell('"$@" >&-', "transcribe", staff, *MODEL)
    assert found.returncode == ExitCode.OUTPUT
    assert found.stderr == b"omr: Standard output is closed; give a file with -o.\n"


def test_files_are_written_though_stdout_is_unread(
    staff: Path, tmp_path: Path, unread: int
) -> None:
    out = tmp_path / "out.musicxml"
    found = run("transcribe", staff, *MODEL, "-o", "-", "-o", out, stdout=unread)
    assert (found.returncode, found.stderr) == (ExitCode.OUTPUT, b"")
    assert out.exists()


def test_of_several_inputs_too(tmp_path: Path, unread: int) -> None:
    pages = [write_page(tmp_path / f"{name}.png") for name in "abc"]
    out = tmp_path / "out"
    found = run("transcribe", *pages, *MODEL, "-o", "-", "-o", f"{out}/", stdout=unread)
    assert (found.returncode, found.stderr) == (ExitCode.OUTPUT, b"")
    assert sorted(path.name for path in out.iterdir()) == [f"{n}.musicxml" for n in "abc"]


def test_without_files_the_work_ends_with_stdout(tmp_path: Path, unread: int) -> None:
    page, bad = write_page(tmp_path / "a.png"), tmp_path / "b.png"
    bad.write_bytes(b"no image")
    found = run("transcribe", page, bad, *MODEL, stdout=unread)
    assert (found.returncode, found.stderr) == (ExitCode.OUTPUT, b"")


def test_a_folder_is_read_whoever_listens(tmp_path: Path, unread: int) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_page(folder / "a.png")
    (folder / "notes.txt").write_text("skipped")
    arguments = ("transcribe", folder, *MODEL, "-o", tmp_path / "out", "-j", "1", "-v")
    found = run(*arguments, stdout=unread, stderr=unread)
    assert found.returncode == 0
    assert (tmp_path / "out" / "a.musicxml").exists()


def test_tables_for_a_closed_pipe_end_quietly(tmp_path: Path, unread: int) -> None:
    samples = tiny.write_samples(tmp_path)
    json, out = tmp_path / "results.json", tmp_path / "out.mid"
    found = run("eval", samples, *MODEL, "--resamples", "10", "--json", json, stdout=unread)
    assert (found.returncode, found.stderr) == (ExitCode.OUTPUT, b"")
    assert json.exists()
    truth = next(samples.rglob("*.semantic"))
    found = run("convert", truth, "-o", "-", "-o", out, "-t", "semantic", "-q", stdout=unread)
    assert (found.returncode, found.stderr) == (ExitCode.OUTPUT, b"")
    assert out.exists()
