"""`omr view`: in a terminal that draws, in a browser, or a sentence; it never waits for long."""

from __future__ import annotations

import base64
import os
import re
import stat
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from omrcli.cli.app import app
from omrcli.convert import browser, terminal
from omrcli.errors import ExitCode, OutputError

TUNE = "clef-G2 timeSignature-2/4 note-C4_quarter note-E4_quarter barline-final"


@pytest.fixture
def tune(tmp_path: Path) -> Path:
    path = tmp_path / "tune <b>.semantic"
    path.write_text(TUNE)
    return path


@pytest.fixture(autouse=True)
def _no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")


def view(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, ["view", *map(str, arguments)])


def png(height: int = 13, width: int = 40) -> tuple[bytes, np.ndarray]:
    pixels = np.full((height, width), 255, np.uint8)
    pixels[2:5, 4:30] = 0
    pixels[7, ::3] = 128
    return cv2.imencode(".png", pixels)[1].tobytes(), pixels


# --- terminal -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM_PROGRAM": "iTerm.app"}, "iterm"),
        ({"TERM_PROGRAM": "WezTerm"}, "iterm"),
        ({"LC_TERMINAL": "iTerm2", "TERM": "xterm-256color"}, "iterm"),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, None),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/x,1,0"}, None),
        ({"TERM": "xterm-256color"}, None),
        ({}, None),
    ],
)
def test_terminals_are_known_by_their_environment(environment, expected):
    assert terminal._named_protocol(environment) == expected


def test_nothing_is_asked_where_output_is_no_terminal(monkeypatch):
    monkeypatch.setattr(terminal, "_ask_attributes", lambda: pytest.fail("asked"))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert terminal.find_protocol({"TERM": "xterm-kitty"}) is None


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"\x1b[?62;4;22c", ["62", "4", "22"]),
        (b"x\x1b[?1;2c", ["1", "2"]),
        (b"", []),
        (b"\x1b[?62;4", []),
        (b"\xff\xfec", []),
    ],
)
def test_answers_of_terminals_are_read(answer, expected):
    assert terminal._parse_attributes(answer) == expected


def test_a_terminal_that_says_nothing_is_waited_for_half_a_second():
    silent, other = os.pipe()
    start = time.monotonic()
    assert terminal._read_answer(silent) == b""
    assert time.monotonic() - start < 5
    os.write(other, b"\x1b[?62;4cREST")
    assert terminal._read_answer(silent) == b"\x1b[?62;4c"
    os.close(other)
    assert terminal._read_answer(silent).startswith(b"REST")  # a terminal that hangs up
    os.close(silent)


def test_kitty_and_iterm_get_the_picture_whole():
    data, pixels = png()
    drawn = terminal.draw_picture(data, "kitty", 100)
    parts = re.findall(rb"\x1b_G[^;]*;([^\x1b]*)\x1b\\", drawn)
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(b"".join(parts)), np.uint8), 0)
    assert np.array_equal(decoded, pixels)
    drawn = terminal.draw_picture(data, "iterm", 100)
    packed = drawn.partition(b":")[2].partition(b"\x07")[0]
    assert np.array_equal(
        cv2.imdecode(np.frombuffer(base64.b64decode(packed), np.uint8), 0), pixels
    )


def test_large_pictures_go_to_kitty_in_pieces():
    noise = np.random.default_rng(1).integers(0, 256, (200, 200)).astype(np.uint8)
    drawn = terminal.draw_picture(cv2.imencode(".png", noise)[1].tobytes(), "kitty", 999)
    heads = re.findall(rb"\x1b_G([^;]*);", drawn)
    assert heads[0] == b"a=T,f=100,m=1"
    assert set(heads[1:-1]) == {b"m=1"}
    assert heads[-1] == b"m=0"


def read_sixel(drawn: bytes) -> np.ndarray:
    """The pixels of a sixel picture, as gray levels 0..15."""
    size = re.search(rb'"1;1;(\d+);(\d+)', drawn)
    width, height = int(size[1]), int(size[2])
    body = re.sub(rb"#\d+;2;\d+;\d+;\d+", b"", drawn[size.end() :]).partition(b"\x1b")[0]
    pixels = np.full((height + 6, width), -1)
    for number, band in enumerate(body.split(b"-")):
        for row in band.split(b"$"):
            if row:
                gray = int(re.match(rb"#(\d+)", row)[1])
                text = re.sub(
                    rb"!(\d+)(.)",
                    lambda m: m[2] * int(m[1]),
                    row.partition(b"#")[2].lstrip(b"0123456789"),
                )
                for x, sign in enumerate(text):
                    for bit in range(6):
                        if (sign - 63) >> bit & 1:
                            pixels[number * 6 + bit, x] = gray
    return pixels[:height]


def test_sixel_shows_every_pixel():
    data, pixels = png()
    assert np.array_equal(read_sixel(terminal.draw_picture(data, "sixel", 100)), pixels // 16)


def test_wide_pictures_are_made_as_wide_as_the_terminal():
    data, _ = png(100, 1000)
    assert read_sixel(terminal.draw_picture(data, "sixel", 250)).shape == (25, 250)


@pytest.mark.parametrize(("protocol", "start"), [("kitty", b"\x1b_G"), ("sixel", b"\x1bPq")])
def test_a_terminal_that_draws_gets_the_score(tune, monkeypatch, protocol, start):
    pytest.importorskip("verovio")
    pytest.importorskip("typst")
    monkeypatch.setattr(terminal, "find_protocol", lambda: protocol)
    result = view(tune)
    assert result.exit_code == 0, result.stderr
    assert result.stdout_bytes.startswith(start)


# --- browser --------------------------------------------------------------------------------------


def test_without_terminal_and_browser_it_is_a_sentence(tune):
    pytest.importorskip("verovio")
    result = view(tune)
    assert result.exit_code == ExitCode.DEPENDENCY
    assert result.stderr == (
        "omr: There is no terminal that draws pictures and no browser; write a file with -o.\n"
    )


def fake_browser(folder: Path, body: str) -> str:
    path = folder / "browser"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_browser_gets_a_page_of_its_own(tmp_path, monkeypatch):
    seen = tmp_path / "seen"
    monkeypatch.setenv("BROWSER", fake_browser(tmp_path, f'echo "$1" > {seen}'))
    path = browser.open_page(b"<!DOCTYPE html>")
    assert path is not None
    assert seen.read_text().strip() == path.as_uri()
    assert path.read_bytes() == b"<!DOCTYPE html>"
    path.unlink()


def test_a_browser_that_fails_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("BROWSER", fake_browser(tmp_path, "exit 1"))
    monkeypatch.setenv("PATH", str(tmp_path))  # no other browser either
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert browser.open_page(b"page") is None
    assert not list(tmp_path.glob("omr-view-*"))


def test_without_room_for_the_page_the_temporary_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("BROWSER", fake_browser(tmp_path, "exit 0"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(OutputError, match=r"cannot be written in .*none \(no such file"):
        browser.open_page(b"page")


def test_a_browser_in_the_foreground_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(browser, "PATIENCE", 0.2)
    monkeypatch.setenv("BROWSER", fake_browser(tmp_path, "sleep 20"))
    start = time.monotonic()
    path = browser.open_page(b"page")
    assert path is not None
    assert time.monotonic() - start < 10
    path.unlink()


# --- files ----------------------------------------------------------------------------------------


def test_a_page_loads_nothing_and_its_title_is_text(tune, tmp_path):
    pytest.importorskip("verovio")
    out = tmp_path / "out.html"
    assert view(tune, "-o", out).exit_code == 0
    text = out.read_text()
    assert "<title>tune &lt;b&gt;.semantic</title>" in text
    assert "<script" not in text
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text)
    assert "default-src 'none'" in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-o", "out.mid"], "omr convert writes .mid"),
        (["--page", "9", "-o", "out.svg"], "There is no page 9: the score has 1"),
        (["-o", "-"], "say its format with --to"),
    ],
)
def test_refusals(tune, tmp_path, monkeypatch, arguments, sentence):
    pytest.importorskip("verovio")
    monkeypatch.chdir(tmp_path)
    result = view(tune, *arguments)
    assert result.exit_code == ExitCode.USAGE
    assert sentence in result.stderr
    assert not list(tmp_path.glob("out*"))


def test_a_file_that_is_no_score_is_refused(tmp_path):
    (tmp_path / "in.musicxml").write_bytes(b"\x00nonsense")
    out = tmp_path / "out.html"
    assert view(tmp_path / "in.musicxml", "-o", out).exit_code == ExitCode.INPUT
