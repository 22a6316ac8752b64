"""The command line three ways: as a library call, in this process, and as a real process."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pytest
from typer.testing import CliRunner

import omrcli
from omrcli import pipeline
from omrcli.cli import failures as cli_errors
from omrcli.cli.app import app
from omrcli.errors import ExitCode, InputError, MissingDependencyError, OutputError
from tests import tiny
from tests.drawn import write_blank, write_page

ROOT = Path(__file__).parent.parent.parent
MODEL = str(tiny.PATH)
TUNE = "\t".join(tiny.TUNE) + "\n"


@pytest.fixture
def staff(tmp_path: Path) -> Path:
    return write_page(tmp_path / "staff.png")


def run(*arguments: str | Path) -> Any:
    """Run the command in this process; the result has exit_code, stdout and stderr."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def run_process(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "omrcli", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=300, **options)


# --- library --------------------------------------------------------------------------------------


def test_library_call(staff: Path) -> None:
    result = omrcli.transcribe(staff, omrcli.TranscribeOptions(model=MODEL))
    assert [token.text for token in result.tokens] == list(tiny.TUNE)
    assert result.model.name == "tiny"
    assert result.score is not None
    assert len(result.score.parts[0].measures) == 2
    assert all(token.confidence == pytest.approx(tiny.CONFIDENCE) for token in result.tokens)


def test_tokens_know_their_place_on_the_page(staff: Path) -> None:
    (reading,) = omrcli.transcribe(staff, omrcli.TranscribeOptions(model=MODEL)).staves
    left = [span[0] for span in reading.spans]
    assert left == sorted(left)
    assert all(start < end for start, end in reading.spans)
    step = 3 * tiny.SPEC.width_reduction * reading.staff.interline / tiny.SPEC.interline
    assert left[1] - left[0] == pytest.approx(step, rel=0.02)


def test_public_names_are_all_there() -> None:
    for name in omrcli.__all__:
        assert getattr(omrcli, name) is not None
    with pytest.raises(AttributeError):
        omrcli.no_such_name  # noqa: B018 - the access is the test


def test_bad_beam_is_refused_at_construction() -> None:
    with pytest.raises(omrcli.OmrError, match="The beam must be at least 1, not 0"):
        omrcli.TranscribeOptions(beam=0)


# --- outputs --------------------------------------------------------------------------------------


def test_semantic_goes_to_stdout(staff: Path) -> None:
    result = run("transcribe", staff, "--model", MODEL)
    assert (result.exit_code, result.stdout) == (0, TUNE)
    assert result.stderr == f"omr: {staff}: 2 measures, all add up.\n"


def test_beam_reads_the_same_tune(staff: Path) -> None:
    assert run("transcribe", staff, "-m", MODEL, "--beam", "4").stdout == TUNE


def test_every_suffix(staff: Path, tmp_path: Path) -> None:
    names = ["a.musicxml", "a.xml", "a.mxl", "a.mid", "a.midi", "a.semantic", "a.json"]
    outputs = [item for name in names for item in ("-o", tmp_path / "out" / name)]
    (tmp_path / "out").mkdir()
    result = run("transcribe", staff, "-m", MODEL, *outputs)
    assert (result.exit_code, result.stdout) == (0, "")
    content = {name: (tmp_path / "out" / name).read_bytes() for name in names}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(names)
    assert content["a.musicxml"].startswith(b"<?xml")
    assert content["a.xml"] == content["a.musicxml"]
    assert content["a.mxl"].startswith(b"PK")
    assert content["a.mid"].startswith(b"MThd")
    assert content["a.midi"] == content["a.mid"]
    assert content["a.semantic"].decode() == TUNE


def test_engraved_formats_are_written_as_by_convert(staff: Path, tmp_path: Path) -> None:
    pytest.importorskip("verovio")
    pytest.importorskip("typst")
    kinds = ("musicxml", "pdf", "mei", "krn", "svg", "png")
    outputs = [item for kind in kinds for item in ("-o", tmp_path / f"a.{kind}")]
    result = run("transcribe", staff, "-m", MODEL, "--title", "A tune", *outputs)
    assert (result.exit_code, result.stdout) == (0, "")
    others = [item for kind in kinds[1:] for item in ("-o", tmp_path / f"b.{kind}")]
    assert run("convert", tmp_path / "a.musicxml", *others).exit_code == 0
    for kind in kinds[1:]:
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    with pdfium.PdfDocument(tmp_path / "a.pdf") as document:
        assert document.get_metadata_value("Title") == "A tune"
        assert "A tune" in document[0].get_textpage().get_text_range()
    folder = run(
        "transcribe", staff, "-m", MODEL, "-o", f"{tmp_path}/out/", "-f", "mei", "-f", "pdf"
    )
    assert folder.exit_code == 0
    names = sorted(path.suffix for path in (tmp_path / "out").iterdir())
    assert names == [".mei", ".pdf"]


def test_a_converted_format_without_its_extra_says_so(
    staff: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omrcli.convert.verovio_process.find_spec", lambda name: None)
    result = run("transcribe", staff, "-m", MODEL, "-o", tmp_path / "a.mei")
    assert result.exit_code == ExitCode.DEPENDENCY
    assert "pip install 'omrcli[convert]'" in result.stderr
    assert not (tmp_path / "a.mei").exists()


def test_two_runs_are_byte_identical(staff: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        outputs = [f"-o{tmp_path / name}{suffix}" for suffix in (".musicxml", ".mxl", ".mid")]
        assert run("transcribe", staff, "-m", MODEL, *outputs).exit_code == 0
    for suffix in (".musicxml", ".mxl", ".mid"):
        one, two = (tmp_path / f"{name}{suffix}" for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


def test_json_tells_everything(staff: Path) -> None:
    record = json.loads(run("transcribe", staff, "-m", MODEL, "-f", "json").stdout)
    assert record["model"]["name"] == "tiny"
    assert len(record["model"]["sha256"]) == 64
    assert record["version"] == omrcli.__version__
    assert record["seconds"]["total"] > 0
    (page,) = record["pages"]
    assert (page["width"], page["height"]) == (900, 168)
    (found,) = page["staves"]
    assert [token["text"] for token in found["tokens"]] == list(tiny.TUNE)
    assert found["tokens"][0]["confidence"] == tiny.CONFIDENCE
    left, top, right, bottom = found["box"]
    assert 0 <= left < right <= 900
    assert 0 <= top < bottom <= 168
    assert [measure["status"] for measure in record["measures"]] == ["full", "full"]


def test_title_and_tempo_reach_the_score(staff: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.musicxml"
    run("transcribe", staff, "-m", MODEL, "-o", out, "--title", "Rondo & Trio", "--tempo", "96")
    text = out.read_text()
    assert "Rondo &amp; Trio" in text
    assert 'tempo="96"' in text


def test_staves_of_a_page_are_joined(tmp_path: Path) -> None:
    page = write_page(tmp_path / "page.png", staves=3)
    tokens = run("transcribe", page, "-m", MODEL).stdout.split()
    assert tokens.count("clef-G2") == 1
    assert tokens.count("barline") == 6


def test_folder_of_many(tmp_path: Path) -> None:
    pages = [write_page(tmp_path / f"{name}.png") for name in "ab"]
    result = run("transcribe", *pages, "-m", MODEL, "-o", f"{tmp_path}/out/", "-f", "mid", "-fjson")
    assert result.exit_code == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["a.json", "a.mid", "b.json", "b.mid"]


def test_several_inputs_share_stdout_a_line_each(tmp_path: Path) -> None:
    pages = [write_page(tmp_path / f"{name}.png") for name in "ab"]
    assert run("transcribe", *pages, "-m", MODEL).stdout == TUNE * 2
    lines = run("transcribe", *pages, "-m", MODEL, "-f", "json").stdout.splitlines()
    assert [json.loads(line)["source"] for line in lines] == [str(page) for page in pages]


# --- errors ---------------------------------------------------------------------------------------


def check_error(result: Any, code: ExitCode, message: str) -> None:
    """One sentence on stderr, nothing on stdout, the status of the error."""
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith("omr: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr


def test_missing_file(tmp_path: Path) -> None:
    result = run("transcribe", tmp_path / "no.png", "-m", MODEL)
    check_error(result, ExitCode.INPUT, "no.png")


@pytest.mark.parametrize(
    "content", [b"", b"this is a letter, not an image", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"]
)
def test_no_image_and_no_output(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "fake.png").write_bytes(content)
    result = run("transcribe", tmp_path / "fake.png", "-m", MODEL, "-o", tmp_path / "out.mid")
    check_error(result, ExitCode.INPUT, "fake.png")
    assert [path.name for path in tmp_path.iterdir()] == ["fake.png"]


def test_blank_page(tmp_path: Path) -> None:
    page = write_blank(tmp_path / "blank.png")
    result = run("transcribe", page, "-m", MODEL)
    check_error(result, ExitCode.NOTHING_RECOGNISED, f"In {page} no staff was found; give a")


def test_one_pixel(tmp_path: Path) -> None:
    page = write_blank(tmp_path / "dot.png", (1, 1))
    result = run("transcribe", page, "-m", MODEL)
    assert result.exit_code in (ExitCode.INPUT, ExitCode.NOTHING_RECOGNISED)
    assert "dot.png" in result.stderr


def test_missing_model(staff: Path) -> None:
    result = run("transcribe", staff, "-m", "no/such.onnx")
    check_error(result, ExitCode.MODEL, "There is no model file no/such.onnx; `omr models list`")


def test_unknown_device(staff: Path) -> None:
    result = run("transcribe", staff, "-m", MODEL, "--device", "tpu")
    check_error(result, ExitCode.USAGE, "Device 'tpu' is unknown; choose from auto, cpu, cuda.")


def test_cuda_that_is_not_there(staff: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from omrcli.reading import logits

    monkeypatch.setattr(logits.ort, "get_available_providers", lambda: ["CPUExecutionProvider"])
    result = run("transcribe", staff, "-m", MODEL, "--device", "cuda")
    check_error(result, ExitCode.DEPENDENCY, "pip install 'onnxruntime-gpu[cuda,cudnn]'.")


def test_input_is_not_overwritten(staff: Path, tmp_path: Path) -> None:
    target = tmp_path / "staff.json"
    target.symlink_to(staff)
    before = staff.read_bytes()
    result = run("transcribe", staff, "-m", MODEL, "-o", target)
    check_error(result, ExitCode.USAGE, "staff.json is an input; choose another output.")
    assert staff.read_bytes() == before


def test_missing_output_folder(staff: Path, tmp_path: Path) -> None:
    result = run("transcribe", staff, "-m", MODEL, "-o", tmp_path / "no" / "a.mid")
    check_error(result, ExitCode.OUTPUT, "its folder does not exist; make it first.")


def test_failed_run_keeps_the_old_result(staff: Path, tmp_path: Path) -> None:
    old = tmp_path / "a.mid"
    old.write_bytes(b"old")
    write_blank(staff)
    assert run("transcribe", staff, "-m", MODEL, "-o", old).exit_code == 4
    assert old.read_bytes() == b"old"


def test_batch_goes_on_after_a_failure(tmp_path: Path) -> None:
    pages = [write_page(tmp_path / "a.png"), write_blank(tmp_path / "b.png")]
    pages += [tmp_path / "missing.png", write_page(tmp_path / "c.png")]
    result = run("transcribe", *pages, "-m", MODEL, "-o", f"{tmp_path}/out/", "-f", "mid")
    assert result.exit_code == ExitCode.PARTIAL_BATCH
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.mid", "c.mid"]
    lines = [line for line in result.stderr.splitlines() if "add up" not in line]
    assert len(lines) == 3
    assert "b.png" in lines[0]
    assert "missing.png" in lines[1]
    assert lines[2] == "omr: 2 of 4 inputs failed."


def test_a_bug_is_an_internal_error(staff: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(pipeline, "straighten", fail)
    result = run("transcribe", staff, "-m", MODEL)
    check_error(result, ExitCode.INTERNAL, "Internal error (ZeroDivisionError: division by zero)")
    assert "Traceback" in run("transcribe", staff, "-m", MODEL, "--verbose").stderr


def test_a_bug_in_a_batch_is_one_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise ZeroDivisionError

    pages = [write_page(tmp_path / f"{name}.png") for name in "ab"]
    monkeypatch.setattr(pipeline, "straighten", fail)
    assert run("transcribe", *pages, "-m", MODEL).exit_code == ExitCode.PARTIAL_BATCH


def test_interrupt(staff: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "straighten", interrupt)
    result = run("transcribe", staff, staff, "-m", MODEL)
    check_error(result, ExitCode.INTERRUPT, "Interrupted.")


def test_measures_that_do_not_add_up_are_said_and_kept(
    staff: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = pipeline.Transcriber._decode

    def drop_a_note(self: Any, logits: Any) -> Any:
        tokens = real(self, logits)
        return tokens[:4] + tokens[5:]

    monkeypatch.setattr(pipeline.Transcriber, "_decode", drop_a_note)
    result = run("transcribe", staff, "-m", MODEL, "-f", "json")
    assert result.exit_code == 0
    record = json.loads(result.stdout)
    assert record["measures"][0]["status"] in ("short", "pickup")
    assert len(record["pages"][0]["staves"][0]["tokens"]) == len(tiny.TUNE) - 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("x"), 3),
        (OutputError("x"), 7),
        (KeyboardInterrupt(), 130),
        (ValueError("x"), 1),
    ],
)
def test_exit_codes(error: BaseException, code: int) -> None:
    assert cli_errors.exit_code_of(error) == code


def test_missing_extra_names_its_install_line() -> None:
    found = cli_errors.name_extra(ModuleNotFoundError("No module", name="torch.nn"))
    assert isinstance(found, MissingDependencyError)
    assert str(found) == "This needs torch; run pip install 'omrcli[train]'."
    other = ModuleNotFoundError("No module", name="os.pith")
    assert cli_errors.name_extra(other) is other


@pytest.mark.parametrize(
    "command",
    [
        "transcribe",
        "synth",
        "train",
        "export",
        "eval",
        "models list",
        "models show",
        "models verify",
    ],
)
def test_every_command_has_help(command: str) -> None:
    result = run(*command.split(), "--help")
    assert result.exit_code == 0
    assert command.split()[-1] in result.stdout
    undocumented = [
        line
        for line in result.stdout.splitlines()
        if line.strip().startswith("--") and len(line.split("  ", 2)) < 2
    ]
    assert not undocumented


def test_unknown_option_is_a_usage_error() -> None:
    assert run("transcribe", "--colour").exit_code == ExitCode.USAGE


# --- models ---------------------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from omrcli import registry

    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "tiny.onnx").write_bytes(tiny.PATH.read_bytes())
    registry.register_model(folder / "tiny.onnx")
    monkeypatch.setattr(registry, "model_folders", lambda: [folder])
    return folder


@pytest.mark.usefixtures("installed")
def test_models_list_show_verify() -> None:
    assert run("models", "list").stdout.startswith("* tiny")
    (row,) = json.loads(run("models", "list", "--json").stdout)
    assert (row["name"], row["default"]) == ("tiny", True)
    assert "semantic, 11 units" in run("models", "show").stdout
    assert json.loads(run("models", "show", "tiny", "--json").stdout)["interline"] == 8
    assert run("models", "verify").stdout == f"tiny: ok, SHA-256 {row['sha256']}\n"


def test_verify_finds_a_changed_file(installed: Path) -> None:
    (installed / "tiny.onnx").write_bytes(b"other")
    check_error(run("models", "verify"), ExitCode.MODEL, "reinstall it.")


# --- a real process -------------------------------------------------------------------------------


def test_version() -> None:
    result = run_process("--version")
    assert (result.returncode, result.stdout.decode()) == (0, f"omr {omrcli.__version__}\n")


def test_stdin_to_file(staff: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.musicxml"
    result = run_process("transcribe", "-", "-m", MODEL, "-o", out, input=staff.read_bytes())
    assert (result.returncode, result.stdout) == (0, b"")
    assert result.stderr == b"omr: -: 2 measures, all add up.\n"
    assert out.read_bytes().startswith(b"<?xml")


def test_binary_to_a_pipe(staff: Path) -> None:
    result = run_process("transcribe", staff, "-m", MODEL, "-f", "mid")
    assert result.returncode == 0
    assert result.stdout.startswith(b"MThd")


def test_error_of_a_process(tmp_path: Path) -> None:
    result = run_process("transcribe", tmp_path / "no.png", "-m", MODEL)
    assert result.returncode == ExitCode.INPUT
    assert result.stdout == b""
    assert b"Traceback" not in result.stderr


def test_full_disk_behind_stdout(staff: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    command = [sys.executable, "-m", "omrcli", "transcribe", str(staff), "-m", MODEL]
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, cwd=ROOT, check=False, timeout=300
        )
    assert result.returncode == ExitCode.OUTPUT
    assert result.stderr.decode() == (
        "omr: Cannot write to standard output: no space left on device; check its disk.\n"
    )


def test_closed_pipe_is_quiet(staff: Path) -> None:
    command = [sys.executable, "-m", "omrcli", "transcribe", str(staff), "-m", MODEL]
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(
        command, stdout=writing, stderr=subprocess.PIPE, cwd=ROOT, check=False, timeout=300
    )
    os.close(writing)
    assert result.stderr == b""
    assert result.returncode == ExitCode.OUTPUT


def open_when_read(pipe: Path, process: subprocess.Popen[bytes]) -> int:
    """The writing end of a named pipe, once the process has opened it to read."""
    while process.poll() is None:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:  # that nobody reads yet
                raise
            time.sleep(0.05)
    raise AssertionError(f"The process ended before it read: {process.communicate()}")


def interrupt(process: subprocess.Popen[bytes]) -> bytes:
    """End a process as Ctrl-C does, and return its stderr.

    An interrupt that falls into a moment in which Python cannot raise, such as a destructor, is
    lost; who sits before it presses again.
    """
    for _ in range(5):
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=20)[1]
    raise AssertionError("it does not end")


def test_interrupted_process_leaves_nothing(staff: Path, tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("needs named pipes")
    out, pipe = tmp_path / "out", tmp_path / "pipe.png"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "omrcli", "transcribe", pipe, "-m", MODEL, "-o", f"{out}/"]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        start_new_session=True,
        # What runs in the background of a shell has interrupts ignored, and hands that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        writing = open_when_read(pipe, process)  # the image never comes
        said = interrupt(process)
        os.close(writing)
    finally:
        process.kill()
    assert process.returncode == ExitCode.INTERRUPT
    assert said == b"omr: Interrupted.\n"
    assert not out.exists() or not list(out.iterdir())


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import runpy, sys; sys.argv = ['omr', '--help']\n"
        "try: runpy.run_module('omrcli', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'cv2', 'PIL', 'music21', 'onnxruntime', 'torch', 'verovio'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=True)
    assert result.stdout.decode().splitlines()[-1] == "[]"
