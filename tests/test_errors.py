"""Every row of docs/errors.md is provoked: its exit status, its sentence, its kind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.make_errors import COMMAND, TARGET, list_sentences, make_page
from omrcli import errors
from omrcli.cli import failures as cli_errors
from tests.error_cases import CASES, Bench, Case


def pattern(said: str) -> re.Pattern[str]:
    """Matches a sentence whose ellipses stand for anything."""
    return re.compile(".+".join(map(re.escape, said.split("…"))))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{case.said[:40]}")
def test_case(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[BaseException] = []
    real = cli_errors.exit_code_of

    def note(error: BaseException) -> errors.ExitCode:
        raised.append(error)
        return real(error)

    monkeypatch.setattr(cli_errors, "exit_code_of", note)
    result = case.provoke(Bench(tmp_path, monkeypatch))
    said = " ".join(result.stderr.split())
    assert result.exit_code == case.code, said
    assert pattern(case.said).search(said), said
    assert "Traceback" not in result.stderr
    if case.kind is not None:
        assert type(raised[-1]) is case.kind
        assert result.stderr.startswith("omr: ")
        assert result.stderr.count("\n") == 1


def test_every_exit_code_and_every_kind_of_error_has_a_case() -> None:
    assert {case.code for case in CASES} == {*errors.ExitCode} - {errors.ExitCode.OK}
    kinds = {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.OmrError)
    }
    assert {case.kind for case in CASES if case.kind} == kinds - {errors.OmrError}


def test_cases_differ() -> None:
    assert len({case.said for case in CASES}) == len(CASES)


def test_the_page_is_up_to_date() -> None:
    assert TARGET.read_text(encoding="utf-8") == make_page(), (
        f"docs/errors.md is old; run {COMMAND}"
    )


def test_every_sentence_of_the_code_is_on_the_page() -> None:
    sentences = list_sentences()
    assert len(sentences) > 100
    page = TARGET.read_text(encoding="utf-8")
    assert all(sentence.kind in page for sentence in sentences)


def test_every_sentence_ends_as_one_or_with_what_to_run() -> None:
    for sentence in list_sentences():
        assert sentence.text[-1] in ".?…" or "pip install" in sentence.text, sentence
