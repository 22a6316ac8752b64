"""Verovio in a process of its own, with a time limit: it is fast, but can crash or hang on files
that are damaged, and must not take its caller along."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from importlib.util import find_spec
from typing import Any, BinaryIO

from omrcli.errors import InputError, MissingDependencyError
from omrcli.second_process import EndedError, SecondProcess, read_line

#: Seconds that a score may take; an orchestral movement of 100 pages takes a tenth of that.
PATIENCE = 600
INSTALL = "run: pip install 'omrcli[convert]'"


def engrave_apart(musicxml: str, options: dict[str, object], name: str) -> list[str]:
    """`engrave.engrave_pages` in another process; `name` is for messages.

    Raises:
        InputError: Verovio cannot engrave the document, crashes, or takes too long.
        MissingDependencyError: Verovio is not installed.
    """
    pages = _ask({"task": "engrave", "musicxml": musicxml, "options": options}, name)
    return [str(page) for page in pages]


def translate_apart(musicxml: str, to: str, name: str) -> str:
    """`engrave.translate` in another process; raises as `engrave_apart`."""
    return str(_ask({"task": "translate", "musicxml": musicxml, "to": to}, name))


def import_apart(text: str, input_from: str, name: str) -> str:
    """`engrave.load_as_mei` in another process; raises as `engrave_apart`."""
    return str(_ask({"task": "import", "text": text, "from": input_from}, name))


def _ask(request: dict[str, object], name: str) -> Any:
    if find_spec("verovio") is None:
        raise MissingDependencyError(f"Engraving needs Verovio; {INSTALL}")
    try:
        with closing(SecondProcess("omrcli.convert.verovio_process")) as process:
            answer = process.ask(json.dumps(request).encode() + b"\n", _read, PATIENCE)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise InputError(
            f"Verovio cannot read {name}, for no process can be started ({reason}); free memory."
        ) from error
    except EndedError as error:
        if error.late:
            raise InputError(
                f"Verovio took longer than {PATIENCE} s over {name} and was ended; cut the score "
                "up."
            ) from None
        raise InputError(
            f"Verovio crashed over {name} (status {error.status}); open it in a notation "
            "program and export it again."
        ) from None
    if "error" in answer:
        raise InputError(f"{name}: {answer['error']}")
    return answer["result"]


def _read(answers: BinaryIO) -> Any:
    try:
        return json.loads(read_line(answers))
    except ValueError:
        raise EOFError from None


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    from omrcli.engrave import engrave_pages, load_as_mei, translate

    try:
        if request["task"] == "engrave":
            return {"result": engrave_pages(request["musicxml"], request["options"])}
        if request["task"] == "import":
            return {"result": load_as_mei(request["text"], request["from"])}
        return {"result": translate(request["musicxml"], request["to"])}
    except InputError as error:
        return {"error": str(error)}


def main() -> None:
    """Answer one request."""
    answers, sys.stdout = sys.stdout, sys.stderr  # for answers alone
    answer = _answer(json.loads(sys.stdin.buffer.readline()))
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
