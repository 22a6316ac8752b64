"""How every command behaves: quiet and verbose, colours and pipes, completion, settings."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from omrcli.cli.app import app
from omrcli.cli.commands import list_commands
from omrcli.cli.failures import show_text
from tests import tiny
from tests.drawn import write_blank, write_page

ROOT = Path(__file__).parent.parent
MODEL = str(tiny.PATH)
COMMANDS = list_commands(app)
ESCAPE = b"\x1b"
COLOUR = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9\d|10\d)")


@pytest.fixture
def staff(tmp_path: Path) -> Path:
    return write_page(tmp_path / "staff.png")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_samples(tmp_path_factory.mktemp("samples"))


def run(*arguments: str | Path, **environment: str) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env=environment)


def environment_of(**changes: str) -> dict[str, str]:
    """That of a colourful terminal, with changes."""
    plain = ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS")
    kept = {name: value for name, value in os.environ.items() if name not in plain}
    return {**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", **changes}


def run_piped(*arguments: str | Path, **changes: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "omrcli", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env=environment_of(**changes), capture_output=True, timeout=300
    )


def run_in_terminal(*arguments: str | Path, **changes: str) -> bytes:
    """All that a terminal is sent when stdout and stderr are one."""
    pty = pytest.importorskip("pty", reason="needs pseudo-terminals")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "omrcli", *map(str, arguments)],
        cwd=ROOT,
        env=environment_of(**changes),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    sent = b""
    try:
        while part := os.read(ours, 1 << 16):
            sent += part
    except OSError:  # on Linux the end of a pseudo-terminal is an error
        pass
    os.close(ours)
    assert process.wait(timeout=300) == 0, sent
    return sent


# --- quiet and verbose ----------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.title)
def test_every_command_can_be_quiet_and_verbose(command: Any) -> None:
    spellings = {text for option in command.options for text in option.spellings}
    assert {"--quiet", "-q", "--verbose", "-v"} <= spellings


def test_quiet_says_errors_only(tmp_path: Path, staff: Path) -> None:
    blank = write_blank(tmp_path / "blank.png")
    arguments = ("transcribe", staff, blank, "-m", MODEL)
    loud, quiet = run(*arguments, "--verbose").stderr, run(*arguments, "--quiet").stderr
    assert "1 staves" in loud
    assert "1 staves" not in quiet
    assert "In " in quiet
    assert "no staff was found" in quiet


def test_notes_are_said_unless_quiet(samples: Path, tmp_path: Path) -> None:
    arguments = ("eval", samples, "-m", MODEL, "--sheet", tmp_path / "errors.html")
    arguments = (*arguments, "--resamples", "10", "--limit", "1")
    assert run(*arguments).stderr == f"omr: wrote {tmp_path / 'errors.html'}\n"
    assert run(*arguments, "-q").stderr == ""
    assert "wrote" in run(*arguments, "-q", "-v").stderr, "verbose is the stronger"


def test_quiet_holds_for_one_command_only(staff: Path) -> None:
    run("transcribe", staff, "-m", MODEL, "--quiet")
    assert "1 staves" in run("transcribe", staff, "-m", MODEL, "-v").stderr


# --- colours and pipes ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("transcribe", "--help"),
        ("settings", "transcribe"),
        ("models", "list"),
        ("transcribe", "--no-such-option"),
        ("no-such-command",),
    ],
    ids=" ".join,
)
def test_pipes_get_plain_text(arguments: tuple[str, ...]) -> None:
    result = run_piped(*arguments)
    assert result.stdout + result.stderr
    assert ESCAPE not in result.stdout + result.stderr


def test_pipes_get_plain_tables(samples: Path) -> None:
    result = run_piped("eval", samples, "-m", MODEL, "--resamples", "10")
    assert result.returncode == 0
    assert b"symbol" in result.stdout
    assert ESCAPE not in result.stdout + result.stderr


def test_a_terminal_may_get_more_and_obeys_no_color_and_dumb(samples: Path) -> None:
    arguments = ("eval", samples, "-m", MODEL, "--resamples", "10")
    assert ESCAPE in run_in_terminal(*arguments)
    assert not COLOUR.search(run_in_terminal(*arguments, NO_COLOR="1"))
    assert ESCAPE not in run_in_terminal(*arguments, TERM="dumb")


def test_force_color_reaches_a_pipe() -> None:
    assert ESCAPE in run_piped("settings", "transcribe", FORCE_COLOR="1").stdout


def test_quiet_shows_no_bar_in_a_terminal(samples: Path) -> None:
    arguments = ("eval", samples, "-m", MODEL, "--resamples", "10")
    assert b"reading" in run_in_terminal(*arguments)
    assert not re.search(rb"reading \S*\xe2\x94\x81", run_in_terminal(*arguments, "--quiet"))


# --- names that a terminal would obey, or that are no text ---------------------------------------

ODD = "a\nb\x1b[31mc\r\u202e"
SPELLED = r"a\nb\x1b[31mc\r\u202e"


def test_signs_that_a_terminal_obeys_are_spelled() -> None:
    assert show_text(ODD) == SPELLED
    assert (
        show_text("  été\u202fn\xba 5\xa0\udcff\t\x85") == "  été\u202fn\xba 5\xa0\\udcff\\t\\x85"
    )


def test_messages_spell_file_names(tmp_path: Path) -> None:
    bad = tmp_path / f"{ODD}.png"
    bad.write_bytes(b"no image")
    result = run("transcribe", bad, "-m", MODEL, "--verbose")
    assert "Traceback" in result.stderr
    *_, last = result.stderr.splitlines()
    assert last.startswith(f"omr: {tmp_path / SPELLED}.png is no image that can be read")
    assert ESCAPE.decode() not in result.stderr
    both = run("transcribe", bad, bad, "-m", MODEL)
    assert both.stderr.splitlines()[1] == last
    result = run("convert", tmp_path / f"{ODD}.mid", "-t", "xml")
    assert f"{SPELLED}.mid: no such file" in result.stderr
    assert result.stderr.count("\n") == 1


def test_tables_and_progress_spell_file_names(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    from PIL import Image

    folder = tmp_path / "in"
    folder.mkdir()
    page = write_page(tmp_path / "staff.png")
    with Image.open(page) as image:
        image.save(folder / f"[red]{ODD}.tif", save_all=True, append_images=[image])
    shown = run_in_terminal("transcribe", folder / f"[red]{ODD}.tif", "-m", MODEL)
    assert f"[red]{SPELLED}.tif".encode() in shown
    assert ODD.encode() not in shown
    (folder / f"{ODD}.png").write_bytes(b"no image")
    done = run("transcribe", folder, "-m", MODEL, "-o", tmp_path / "out", "-j", "1")
    assert done.exit_code == 8
    assert f"{SPELLED}.png" in done.stdout
    assert ESCAPE.decode() not in done.stdout + done.stderr


def test_a_library_s_many_lines_are_one_sentence(
    staff: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise ValueError("one\n\n  two")

    monkeypatch.setattr("omrcli.pipeline.straighten", fail)
    assert "(ValueError: one two)" in run("transcribe", staff, "-m", MODEL).stderr


def test_a_name_that_is_no_text_can_be_told_in_json(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.png")
    try:
        write_page(tmp_path / "staff.png").rename(tmp_path / name)
    except OSError:
        pytest.skip("this file system takes text only")
    command = [sys.executable, "-m", "omrcli", "transcribe", tmp_path / name, "-m", MODEL]
    done = subprocess.run([*command, "-f", "json"], cwd=ROOT, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode())["source"] == str(tmp_path / name)


# --- completion -----------------------------------------------------------------------------------


def complete(words: str) -> list[str]:
    """What bash is offered for the last word."""
    count = str(len(words.split(" ")) - 1)
    result = run_piped(COMP_WORDS=words, COMP_CWORD=count, _OMR_COMPLETE="complete_bash")
    return result.stdout.decode().split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("omr tr", {"transcribe", "train"}),
        ("omr transcribe --dev", {"--device"}),
        ("omr transcribe --device ", {"auto", "cpu", "cuda"}),
        ("omr transcribe -f mu", {"musicxml"}),
        ("omr synth --engraver m", {"musescore", "mixed"}),
        ("omr train --loss ", {"ctc", "focal"}),
        ("omr settings tran", {"transcribe"}),
    ],
)
def test_completion(words: str, offered: set[str]) -> None:
    found = set(complete(words))
    assert offered <= found
    assert all(text.startswith(words.split(" ")[-1]) for text in found)


def test_models_and_model_files_are_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from omrcli.cli import completion as cli_completion

    (tmp_path / "mine.onnx").write_bytes(b"")
    (tmp_path / "mine.txt").write_bytes(b"")
    (tmp_path / "minor").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli_completion, "list_models", lambda: ["minuet", "other"])
    offer = cli_completion._find_offer(("transcribe",), "model", "PATH|NAME")
    assert offer is not None
    completer = cli_completion._make_completer(offer)
    assert sorted(completer("min")) == ["mine.onnx", "minor/", "minuet"]
    assert sorted(completer(f"{tmp_path}/min")) == [f"{tmp_path}/mine.onnx", f"{tmp_path}/minor/"]


def test_a_failure_offers_nothing() -> None:
    from omrcli.cli import completion as cli_completion

    def fail(incomplete: str) -> list[str]:
        raise ZeroDivisionError

    assert cli_completion._make_completer(fail)("x") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_for_shells(shell: str) -> None:
    script = run_piped(_OMR_COMPLETE=f"source_{shell}").stdout.decode()
    assert "_OMR_COMPLETE=complete_" in script
    assert "omr" in script


# --- settings -------------------------------------------------------------------------------------


def beam_of(staff: Path, *options: str, **environment: str) -> int:
    result = run("transcribe", staff, "-m", MODEL, "-f", "json", *options, **environment)
    assert result.exit_code == 0, result.stderr
    beam = json.loads(result.stdout)["options"]["beam"]
    assert isinstance(beam, int)
    return beam


def test_the_stronger_counts(staff: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text("[transcribe]\nbeam = 2\n")
    named = {"OMR_SETTINGS": str(file)}
    assert beam_of(staff) == 8
    assert beam_of(staff, **named) == 2
    assert beam_of(staff, **named, OMR_BEAM="3") == 3
    assert beam_of(staff, "--beam", "4", **named, OMR_BEAM="3") == 4


def test_lists_flags_and_groups_can_be_set(staff: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    text = f"model = '{MODEL}'\n[transcribe]\nformat = ['json']\nverbose = true\n"
    file.write_text(text + "[models.list]\njson = true\n")
    result = run("transcribe", staff, OMR_SETTINGS=str(file))
    assert json.loads(result.stdout)["model"]["name"] == "tiny"
    assert "1 staves" in result.stderr
    assert json.loads(run("models", "list", OMR_SETTINGS=str(file)).stdout) is not None


def test_a_project_s_file_is_found_by_a_process(staff: Path, tmp_path: Path) -> None:
    (tmp_path / "omr.toml").write_text(f"model = '{MODEL}'\nquiet = true\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    del environment["OMR_SETTINGS"]
    command = [sys.executable, "-m", "omrcli", "transcribe", "staff.png"]
    result = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, timeout=300
    )
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.decode().split() == list(tiny.TUNE)


def test_an_unknown_key_ends_a_command(staff: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text("[transcribe]\nbeem = 2\n")
    result = run("transcribe", staff, OMR_SETTINGS=str(file))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"omr: {file}: 'beem' is unknown in [transcribe]; did you mean 'beam'?\n"
    )


def test_settings_shows_values_and_sources(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text("[transcribe]\nbeam = 2\n")
    result = run("settings", "--json", OMR_SETTINGS=str(file), OMR_DEVICE="cpu")
    record = json.loads(result.stdout)
    assert record["files"] == [{"path": str(file), "role": "named"}]
    rows = {(row["command"], row["option"]): row for row in record["values"]}
    assert rows["transcribe", "beam"]["source"] == str(file)
    assert rows["eval", "device"] == {
        "command": "eval",
        "option": "device",
        "value": "cpu",
        "source": "OMR_DEVICE",
    }
    shown = run("settings", "transcribe", OMR_SETTINGS=str(file)).stdout
    assert f"named file: {file}" in shown
    assert re.search(r"transcribe +batch-size +8 +default", shown)
    assert "nothing is set" in run("settings").stdout


def test_settings_of_an_unknown_command() -> None:
    result = run("settings", "sing")
    assert result.exit_code == 2
    assert "There is no command 'sing'" in result.stderr


def test_settings_shows_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text("beem = 2\n")
    result = run("settings", OMR_SETTINGS=str(file))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "did you mean 'beam'?" in result.stderr


def test_every_option_can_be_set() -> None:
    """No two options have one variable, and every key can be written in TOML."""
    keys = [(*command.path, option.key) for command in COMMANDS for option in command.options]
    assert len(set(keys)) == len(keys)
    names = ["_".join(key).upper().replace("-", "_") for key in keys]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9-]+", word) for key in keys for word in key)


def test_without_settings_none_are_paid_for() -> None:
    """The best of several new processes, in time of the processor, as the machine may be busy."""
    code = (
        "import time, pathlib, omrcli.cli.app; started = time.process_time()\n"
        "from omrcli.settings.files import is_anything_set\n"
        "assert not is_anything_set({'XDG_CONFIG_HOME': '/nowhere'}, pathlib.Path('/'))\n"
        "print(time.process_time() - started)"
    )

    def measure() -> float:
        command = [sys.executable, "-c", code]
        return float(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)

    assert min(measure() for _ in range(3)) < 0.01
