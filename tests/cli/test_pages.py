"""`omr transcribe` on documents of several pages, in this process and as a real one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from omrcli.errors import ExitCode
from tests.cli.test_app import MODEL, ROOT, check_error, run
from tests.drawn import draw_page, write_blank, write_page
from tests.pages.test_pdf import make_pdf


@pytest.fixture
def part(tmp_path: Path) -> Path:
    path = tmp_path / "part.pdf"
    path.write_bytes(make_pdf(draw_page(), draw_page(), draw_page()))
    return path


def test_joined_inputs_are_one_piece(part: Path, tmp_path: Path) -> None:
    first = write_page(tmp_path / "first.png")
    result = run("transcribe", first, part, "--join", "-m", MODEL, "-f", "json")
    record = json.loads(result.stdout)
    assert record["sources"] == [str(first), str(part)]
    places = [(page["index"], page["source"], page["source_index"]) for page in record["pages"]]
    assert places == [(0, str(first), 0), *((k + 1, str(part), k) for k in range(3))]
    assert [measure["number"] for measure in record["measures"]] == list(range(1, 9))


def test_chosen_pages(part: Path) -> None:
    result = run("transcribe", part, "--pages", "3,1", "-m", MODEL, "-f", "json")
    assert [page["index"] for page in json.loads(result.stdout)["pages"]] == [2, 0]


def test_pages_that_are_not_there(part: Path) -> None:
    result = run("transcribe", part, "--pages", "2-5", "-m", MODEL)
    check_error(result, ExitCode.USAGE, f"There is no page 5 in {part}: it has 3 pages.")


def test_title_composer_and_layout(part: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.musicxml"
    named = ("--title", "Rondo", "--composer", "Clara Schumann")
    assert run("transcribe", part, "-m", MODEL, "-o", out, *named).exit_code == 0
    text = out.read_text()
    assert "Rondo" in text
    assert "Clara Schumann" in text
    assert 'new-page="yes"' in text
    assert run("transcribe", part, "-m", MODEL, "-o", out, "--no-layout").exit_code == 0
    assert "<print" not in out.read_text()


def test_debug_draws_each_page(part: Path, tmp_path: Path) -> None:
    debug = tmp_path / "seen"
    assert run("transcribe", part, "-m", MODEL, "--debug", debug).exit_code == 0
    assert sorted(path.name for path in debug.iterdir()) == [f"part-00{k}.jpg" for k in (1, 2, 3)]


def test_debug_shows_why_nothing_was_read(tmp_path: Path) -> None:
    page = write_blank(tmp_path / "blank.png")
    result = run("transcribe", page, "-m", MODEL, "--debug", tmp_path / "seen")
    check_error(result, ExitCode.NOTHING_RECOGNISED, "no staff was found")
    assert (tmp_path / "seen" / "blank-001.jpg").exists()


def test_interrupt_between_pages_leaves_nothing(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("needs signals as POSIX has them")
    path, out = tmp_path / "long.pdf", tmp_path / "out"
    out.mkdir()
    path.write_bytes(make_pdf(*[draw_page(3)] * 200))
    code = (
        "import sys\n"
        "from omrcli import pipeline\n"
        "add = pipeline.GatheredPages.add\n"
        "def tell(self, page):\n"
        "    add(self, page)\n"
        "    print('page', flush=True, file=sys.stderr)\n"
        "pipeline.GatheredPages.add = tell\n"
        "from omrcli.cli.app import main\n"
        "main()"
    )
    options = ["-o", str(out / "a.musicxml"), "-o", str(out / "a.mid"), "--debug", f"{out}/seen"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, "transcribe", str(path), "-m", MODEL, *options],
        stderr=subprocess.PIPE,
        cwd=ROOT,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert process.stderr is not None
        assert process.stderr.readline() == b"page\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == ExitCode.INTERRUPT
    assert said.endswith(b"omr: Interrupted.\n")
    assert list(out.iterdir()) == []


def test_a_bar_counts_pages_on_a_terminal_only(part: Path) -> None:
    pty = pytest.importorskip("pty")
    command = [sys.executable, "-m", "omrcli", "transcribe", str(part), "-m", MODEL]
    quiet = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=300)
    assert quiet.stderr.count(b"\n") == 1
    assert b"add up" in quiet.stderr
    upper, lower = pty.openpty()
    wide = {**os.environ, "COLUMNS": "120", "TERM": "xterm"}
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=lower, env=wide)
    os.close(lower)
    shown = read_all(upper)
    assert process.communicate(timeout=300)[0] == quiet.stdout
    assert b"3/3" in shown


def read_all(terminal: int) -> bytes:
    """What a terminal is shown until its process ends."""
    shown = b""
    ends = time.monotonic() + 300
    while time.monotonic() < ends:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux says so at the end
            break
        if not piece:
            break
        shown += piece
    os.close(terminal)
    return shown
