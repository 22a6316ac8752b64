"""Whole batches: in this process with workers of their own, and as the command."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from omrcli.batch.manifest import MANIFEST_NAME, read_manifest
from omrcli.batch.records import Record
from omrcli.batch.run import BatchOptions, count_jobs, run_batch, share_cores
from omrcli.batch.summary import Summary, summary_tables
from omrcli.batch.work import Orders
from omrcli.errors import ExitCode, InputError, ModelError, OmrError
from omrcli.pages.piece import Piece
from omrcli.pipeline import TranscribeOptions
from omrcli.score.score import ExportOptions
from tests import soak, tiny
from tests.batch.workers import die, refuse, serve
from tests.cli.test_app import MODEL, ROOT, check_error, run
from tests.cli.test_pages import read_all
from tests.drawn import draw_page, write_page
from tests.pages.test_pdf import make_pdf


@dataclass
class Ear:
    """Remembers what it is told."""

    said: list[str] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    pages: int = 0

    def say(self, text: str) -> None:
        self.said.append(text)

    def expect(self, inputs: int) -> None:
        pass

    def finish(self, record: Record, trace: str) -> None:
        self.finished.append(record.input)

    def turn_page(self) -> None:
        self.pages += 1


@pytest.fixture
def options(tmp_path: Path) -> BatchOptions:
    (tmp_path / "scans").mkdir()
    read = TranscribeOptions(model=str(tiny.PATH))
    orders = Orders(read, Piece(()), ExportOptions(), ("semantic",), tmp_path / "out")
    return BatchOptions((tmp_path / "scans",), orders, jobs=1)


# --- workers that do nothing, or die --------------------------------------------------------------


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"page")


def test_a_worker_that_dies_or_hangs_fails_its_input_alone(options: BatchOptions) -> None:
    put(options.roots[0], "a.png", "dies.png", "hangs.png", "z.png")
    ear = Ear()
    summary = run_batch(replace(options, patience=3.0), ear, serve=serve)
    records = read_manifest(options.orders.folder)
    assert {key: record.status for key, record in records.items()} == {
        "a.png": "done",
        "dies.png": "failed",
        "hangs.png": "failed",
        "z.png": "done",
    }
    died, hung = records["dies.png"].error, records["hangs.png"].error
    assert died is not None
    assert died.kind == "crash"
    assert "The process that read it died (SIGKILL)" in died.message
    assert hung is not None
    assert hung.kind == "timeout"
    assert (summary.done, len(summary.failed), ear.pages) == (2, 2, 2)
    assert ear.said == ["There is no GPU."]
    assert not summary.is_complete


def test_what_no_worker_can_do_ends_the_run(options: BatchOptions) -> None:
    put(options.roots[0], "a.png")
    with pytest.raises(ModelError, match="The model is too new; update omr"):
        run_batch(options, Ear(), serve=refuse)
    with pytest.raises(OmrError, match=r"Workers end before they begin \(status 7\)"):
        run_batch(options, Ear(), serve=die)
    assert read_manifest(options.orders.folder) == {}


def test_a_stop_leaves_the_rest_for_the_next_run(options: BatchOptions) -> None:
    put(options.roots[0], "a.png", "hangs.png", "z.png")
    ear = Ear()
    summary = run_batch(options, ear, lambda: bool(ear.finished), serve)
    assert summary.interrupted
    assert summary.done == 1
    assert set(summary.unread) <= {"hangs.png", "z.png"}
    assert list(read_manifest(options.orders.folder)) == ["a.png"]


def test_a_watched_folder_is_read_on(options: BatchOptions) -> None:
    folder = options.roots[0]
    put(folder, "a.png")
    ear, steps = Ear(), iter(["b.png", "sub", "c.png"])

    def stopped() -> bool:
        if len(ear.finished) == 3:
            return True
        if len(ear.finished) > len(list(folder.glob("*.png"))) - 1:
            name = next(steps)
            if name == "sub":  # not read without -r
                (folder / "sub").mkdir()
                put(folder / "sub", "x.png")
                name = next(steps)
            put(folder, name)
        return False

    summary = run_batch(replace(options, watch=True, quiet=0.1), ear, stopped, serve)
    assert ear.finished == ["a.png", "b.png", "c.png"]
    assert (summary.done, summary.is_complete) == (3, True)


def test_an_empty_folder_is_said(options: BatchOptions) -> None:
    with pytest.raises(InputError) as caught:
        run_batch(options, Ear(), serve=serve)
    assert str(caught.value) == (
        f"There are no images or PDF files in {options.roots[0]}; "
        "with -r the folders in it are read too."
    )
    assert not options.orders.folder.exists()


def test_jobs_and_cores(options: BatchOptions) -> None:
    assert count_jobs() >= 1
    assert share_cores(options.orders, 1000).transcribe.threads == 1
    asked = replace(options.orders, transcribe=TranscribeOptions(threads=3))
    assert share_cores(asked, 1000).transcribe.threads == 3


def test_the_summary_says_what_is_left_to_do() -> None:
    summary = Summary(1, 2, (), (), (), ("a.png",), True, 3, 4, 0, 0, 0, 0, 60.0)
    (table,) = summary_tables(summary)
    assert ("not read", "1") in table.rows
    assert ("pages a minute", "3.0") in table.rows
    assert table.note == "Interrupted; the same command goes on from here."


# --- the command ----------------------------------------------------------------------------------


def files_in(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_a_folder_day_after_day(tmp_path: Path) -> None:
    scans, out = tmp_path / "scans", tmp_path / "out"
    (scans / "sub").mkdir(parents=True)
    write_page(scans / "a.png")
    (scans / "a.pdf").write_bytes(make_pdf(draw_page(), draw_page()))
    write_page(scans / "sub" / "b.tif")
    (scans / "sub" / "bad.png").write_text("no image")
    command = ("transcribe", scans, "-o", f"{out}/", "-f", "musicxml", "-f", "mid", "-r", "-m")
    command = (*command, MODEL, "--jobs", "2", "--debug", tmp_path / "seen")

    first = run(*command)
    assert first.exit_code == ExitCode.PARTIAL_BATCH
    assert first.stderr.count("\n") == 1
    assert "bad.png is no image that can be read" in first.stderr
    names = [f"{name}.{kind}" for name in ("a", "a.png", "sub/b") for kind in ("mid", "musicxml")]
    assert files_in(out) == sorted([*names, MANIFEST_NAME])
    drawn = ["a-001.jpg", "a-002.jpg", "a.png-001.jpg", "sub/b-001.jpg"]
    assert files_in(tmp_path / "seen") == drawn
    assert "Failures" in first.stdout

    lines = [json.loads(line) for line in (out / MANIFEST_NAME).read_text().splitlines()]
    (record,) = [line for line in lines if line["input"] == "a.pdf"]
    assert record["reading"]["pages"] == 2
    assert record["reading"]["mean_confidence"] == tiny.CONFIDENCE
    assert record["model"]["name"] == "tiny"
    assert [output["path"] for output in record["outputs"]] == ["a.musicxml", "a.mid"]

    again = run(*command)
    assert again.exit_code == ExitCode.PARTIAL_BATCH
    assert again.stderr == ""
    assert soak.count_lines(out) == 4  # nothing was read

    write_page(scans / "sub" / "bad.png")
    (out / "sub" / "b.mid").unlink()
    mended = run(*command)
    assert (mended.exit_code, mended.stderr) == (0, "")
    assert soak.count_lines(out) == 6
    assert (out / "sub" / "b.mid").exists()
    assert (out / "sub" / "bad.musicxml").exists()


def test_a_folder_of_reports(tmp_path: Path) -> None:
    pytest.importorskip("jinja2")
    pytest.importorskip("verovio")
    scans, out, proofs = (tmp_path / name for name in ("scans", "out", "proofs"))
    (scans / "sub").mkdir(parents=True)
    (scans / "a.pdf").write_bytes(make_pdf(draw_page(), draw_page()))
    write_page(scans / "sub" / "b.tif")
    (scans / "sub" / "bad.png").write_text("no image")
    plain = ("transcribe", scans, "-r", "-o", f"{out}/", "-m", MODEL, "-j", "1")
    command = (*plain, "--report", proofs)
    assert run(*plain).exit_code == ExitCode.PARTIAL_BATCH
    assert soak.count_lines(out) == 3

    result = run(*command)  # what was read without reports is read again for them
    assert result.exit_code == ExitCode.PARTIAL_BATCH, result.output
    assert soak.count_lines(out) == 5
    assert files_in(proofs) == ["a.html", "sub/b.html"]
    assert "data:image/" in (proofs / "sub" / "b.html").read_text()
    assert files_in(out) == ["a.musicxml", MANIFEST_NAME, "sub/b.musicxml"]
    listed = {key: record.outputs for key, record in read_manifest(out).items()}
    assert [item.path for item in listed["a.pdf"]] == ["a.musicxml", "../proofs/a.html"]
    assert listed["sub/bad.png"] == ()
    assert listed["a.pdf"][1].bytes == (proofs / "a.html").stat().st_size

    run(*command)
    assert soak.count_lines(out) == 5  # nothing was read
    (proofs / "sub" / "b.html").unlink()
    run(*command)
    assert soak.count_lines(out) == 6  # the lost one was made again, and no other
    assert files_in(proofs) == ["a.html", "sub/b.html"]


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
def test_killed_again_and_again_nothing_is_lost(tmp_path: Path) -> None:
    plan = soak.Plan(12, kills=3, jobs=2, longest=0.5, engraved=False, model=MODEL)
    result = soak.soak(tmp_path, plan)
    assert result.problems == []
    assert len(result.runs) == 3


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs signals as POSIX has them")
def test_an_interrupt_ends_soon_and_sums_up(tmp_path: Path) -> None:
    scans, out = tmp_path / "scans", tmp_path / "out"
    scans.mkdir()
    write_page(scans / "a.png")
    (scans / "long.pdf").write_bytes(make_pdf(*[draw_page(3)] * 300))
    command = [sys.executable, "-m", "omrcli", "transcribe", scans, "-m", MODEL, "-o", f"{out}/"]
    process = subprocess.Popen(
        [*map(str, command), "--jobs", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        while process.poll() is None and not soak.count_lines(out):
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        started = time.monotonic()
        shown, said = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == ExitCode.INTERRUPT, said
    assert said == b"omr: Interrupted.\n"
    assert re.search(rb"done +1 .*not read +1 ", shown, re.DOTALL)
    assert files_in(out) == ["a.musicxml", MANIFEST_NAME]
    assert time.monotonic() - started < 60


def test_a_bar_shows_rate_and_failures_on_a_terminal(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    (tmp_path / "scans").mkdir()
    write_page(tmp_path / "scans" / "a.png")
    (tmp_path / "scans" / "b.png").write_text("no image")
    command = [sys.executable, "-m", "omrcli", "transcribe", tmp_path / "scans", "-m", MODEL]
    command += ["-o", f"{tmp_path}/out/", "-q"]
    quiet = subprocess.run(
        list(map(str, command)), cwd=ROOT, capture_output=True, timeout=300, check=False
    )
    assert (quiet.returncode, quiet.stdout) == (ExitCode.PARTIAL_BATCH, b"")
    assert quiet.stderr.count(b"\n") == 1
    upper, lower = pty.openpty()
    wide = {**os.environ, "COLUMNS": "120", "TERM": "xterm"}
    process = subprocess.Popen(
        [*map(str, command[:-1]), "--retry", "--beam", "1"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=lower,
        env=wide,
    )
    os.close(lower)
    shown = read_all(upper)
    assert b"done" in process.communicate(timeout=300)[0]
    for word in (b"pages/min", b"1 failed", b"2/2"):
        assert word in shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "Give one folder for all that is read from {scans}: -o DIR/."),
        (("-o", "a/", "-o", "b/"), "Give one folder for all that is read from"),
        (("-o", "all.mid"), "What is read from {scans} cannot all be written to all.mid; give a"),
        (("-o", "out/", "-f", "gif"), "Format 'gif' is unknown; choose from musicxml"),
        (("-", "-o", "out/"), "Standard input (-) cannot be read together with folders"),
        (("-o", "out/", "--report", "all.html"), "A report shows one piece; give a folder for one"),
        (("-o", "out/", "--report", "all.pdf"), "The report 'all.pdf' is HTML; give a name that"),
        (("--join", "--watch"), "--join makes one piece of all; leave out --retry and --watch."),
    ],
)
def test_what_a_batch_cannot_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scans").mkdir()
    result = run("transcribe", tmp_path / "scans", "-m", MODEL, *options)
    check_error(result, ExitCode.USAGE, message.format(scans=tmp_path / "scans"))
    assert files_in(tmp_path) == []


def test_batch_options_are_for_folders(tmp_path: Path) -> None:
    page = write_page(tmp_path / "a.png")
    result = run("transcribe", page, "-m", MODEL, "--watch")
    check_error(result, ExitCode.USAGE, f"--watch is for folders, and {page} is none; leave it out")


def test_a_joined_folder_is_one_piece(tmp_path: Path) -> None:
    for name in ("p10.png", "p9.png", "sub/p1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_page(tmp_path / name)
    result = run("transcribe", tmp_path, "--join", "-m", MODEL, "-f", "json")
    record = json.loads(result.stdout)
    assert [Path(name).name for name in record["sources"]] == ["p9.png", "p10.png"]


def test_drawings_of_inputs_with_one_stem_are_kept_apart(tmp_path: Path) -> None:
    pages = [write_page(tmp_path / name) for name in ("a.png", "a.bmp")]
    assert run("transcribe", *pages, "-m", MODEL, "--debug", tmp_path / "seen").exit_code == 0
    assert files_in(tmp_path / "seen") == ["a-001.jpg", "a.bmp-001.jpg"]
