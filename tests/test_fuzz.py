"""Every target of the fuzz run takes a few examples."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from tests import fuzz


@pytest.mark.parametrize("name", list(fuzz.TARGETS))
def test_a_few_examples_do_no_harm(name: str) -> None:
    assert fuzz.fuzz(name, 3 if name == "PDF" else 8) > 0


def test_a_crash_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(number: int) -> None:
        raise KeyError(number)

    monkeypatch.setitem(fuzz.TARGETS, "crash", fuzz.Target(st.integers(), crash))
    examples, findings = fuzz.run(0.0001, ["crash"])
    assert not examples
    assert findings["crash"] >= 1


@pytest.mark.skipif(not hasattr(fuzz.signal, "setitimer"), reason="needs timers of POSIX")
def test_a_hang_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(number: int) -> None:
        while True:
            number += 1

    monkeypatch.setattr(fuzz, "MOST_SECONDS", 0.05)
    monkeypatch.setitem(fuzz.TARGETS, "hang", fuzz.Target(st.just(1), hang))
    with pytest.raises(fuzz.HangError):
        fuzz.fuzz("hang", 1)
