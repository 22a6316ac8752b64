"""Write docs/errors.md: what can go wrong, what is then said, and what to do.

`python -m docs.make_errors`: the cases are those that tests/test_errors.py brings about, the rest
is read from the code.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from omrcli import errors
from tests.error_cases import CASES, Case

TARGET = Path(__file__).parent / "errors.md"
COMMAND = "python -m docs.make_errors"
PACKAGE = Path(errors.__file__).parent

INTRODUCTION = f"""\
# Errors

This page is made by `{COMMAND}` from the cases that `tests/test_errors.py` brings about, and from
the code. An ellipsis stands for what varies.

An expected failure is one sentence on standard error that begins with `omr: `, says what was wrong
and what to do, and is told by the exit status. Nothing is then left half written, and a result of
before stays. `--verbose` adds where in the code it happened. In Python it is an exception, a kind
of `omrcli.OmrError`, whose `exit_code` is the status: [api.md](api.md).

`omr doctor` looks for what is missing or wrong before it fails.

| status | what it means |
| --- | --- |
| 0 | done |
| 1 | an error of the program itself, or too little memory |
| 2 | the command line or the settings are not as they must be |
| 3 | an input is missing, unreadable, damaged or too large |
| 4 | no staff was found, or nothing was read |
| 5 | a model is missing, damaged or of another version |
| 6 | an optional package, a driver or a library is missing |
| 7 | an output cannot be written; without a sentence where a pipe was closed by its reader |
| 8 | of several inputs some failed; the others were read |
| 9 | read and written, but badly (only with `--strict`) |
| 130 | interrupted |
"""
OTHERS = """\
## All other sentences

What else the code can say, by kind: rarer, of the commands for data and training, or of files that
only this program writes.
"""


@dataclass(frozen=True)
class Sentence:
    """What the code can say: the kind of error, and its text with ellipses."""

    kind: str
    text: str


def main() -> None:
    """Write the page."""
    TARGET.write_text(make_page(), encoding="utf-8")


def make_page() -> str:
    """The whole page as Markdown."""
    return "\n".join([INTRODUCTION, *_draw_cases(), OTHERS, *_draw_others(), ""])


def list_sentences() -> list[Sentence]:
    """Every sentence that is given to an error where it is raised, once, sorted."""
    found = {
        Sentence(call.func.id, text)
        for path in sorted(PACKAGE.rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        if call.func.id in vars(errors) and call.args
        if (text := _text_of(call.args[0])).strip("…")
    }
    return sorted(found, key=lambda one: (_code(one.kind), one.kind, one.text))


def _draw_cases() -> Iterator[str]:
    yield "## Cases\n"
    yield "| status | kind | what is said | what to do |"
    yield "| --- | --- | --- | --- |"
    for case in CASES:
        kind = f"`{case.kind.__name__}`" if case.kind else ""
        yield f"| {case.code} | {kind} | {_cell(case.said)} | {_cell(case.advice)} |"
    yield ""


def _draw_others() -> Iterator[str]:
    yield "| status | kind | what is said |"
    yield "| --- | --- | --- |"
    for one in list_sentences():
        if not any(_covers(case, one) for case in CASES):
            yield f"| {_code(one.kind)} | `{one.kind}` | {_cell(one.text)} |"


def _covers(case: Case, sentence: Sentence) -> bool:
    """Whether a case shows a sentence: their words agree where neither has an ellipsis."""
    if case.kind is None or case.kind.__name__ != sentence.kind:
        return False
    return case.said == sentence.text or bool(
        re.fullmatch(".*".join(map(re.escape, case.said.split("…"))), sentence.text)
        or re.fullmatch(".*".join(map(re.escape, sentence.text.split("…"))), case.said)
    )


def _code(kind: str) -> int:
    return int(vars(errors)[kind].exit_code)


def _text_of(node: ast.expr) -> str:
    """A text as it stands in the code, an ellipsis for each value put into it."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if not isinstance(node, ast.JoinedStr):
        return "…"
    parts = (part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
    return re.sub("(?:…'?)*…", "…", "".join(map(str, parts)))


def _cell(text: str) -> str:
    """Text that can stand in a cell of a table, without meaning as Markdown."""
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")


if __name__ == "__main__":
    main()
