"""A second process: what it answers, and what becomes of it when it does not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from omrcli import second_process
from omrcli.second_process import EndedError, SecondProcess, read_line

ECHO = "import sys; [print(line.strip() * 2, flush=True) for line in sys.stdin]"


def start(code: str, patch: pytest.MonkeyPatch) -> SecondProcess:
    """A process that runs some code in place of a module."""
    patch.setattr(second_process, "_START", code)
    return SecondProcess("none")


def test_it_answers_until_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    process = start(ECHO, monkeypatch)
    assert process.ask(b"ab\n", read_line, 60) == b"abab\n"
    assert process.ask(b"c\n", read_line, 60) == b"cc\n"
    process.close()
    process.close()
    with pytest.raises((EndedError, ValueError)):
        process.ask(b"d\n", read_line, 60)


@pytest.mark.parametrize(
    ("code", "status"),
    [("raise SystemExit(7)", 7), ("import sys; sys.stdin.readline(); print(1, end='')", 0)],
)
def test_one_that_ends_tells_its_status(
    code: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EndedError) as caught:
        start(code, monkeypatch).ask(b"a\n", read_line, 60)
    assert (caught.value.late, caught.value.status) == (False, status)


def test_one_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    process = start("import time; time.sleep(600)", monkeypatch)
    began = time.monotonic()
    with pytest.raises(EndedError) as caught:
        process.ask(b"a\n", read_line, 0.3)
    assert caught.value.late
    assert time.monotonic() - began < 60


def test_it_imports_nothing_from_where_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    code = "import sys; sys.path[:] = filter(None, sys.path); import json; print(json.dumps(1))"
    assert start(code, monkeypatch).ask(b"", read_line, 60) == b"1\n"
