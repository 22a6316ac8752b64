"""Verovio in a process of its own, with a time limit: it is fast, but can crash or hang on files
that are damaged, and must not take its caller along."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from omrcli.errors import InputError, MissingDependencyError

#: Seconds that a score may take; an orchestral movement of 100 pages takes a tenth of that.
PATIENCE = 600
#: Where this package lies: a process started elsewhere would import what lies there first.
_HOME = Path(__file__).parents[2]
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


def _ask(request: dict[str, object], name: str) -> Any:
    if find_spec("verovio") is None:
        raise MissingDependencyError(f"Engraving needs Verovio; {INSTALL}")
    try:
        run = subprocess.run(
            [sys.executable, "-m", "omrcli.convert.verovio_process"],
            input=json.dumps(request).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # Verovio says there what it makes of its input
            cwd=_HOME,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"Verovio took longer than {PATIENCE} s over {name} and was ended; cut the score up."
        ) from error
    try:
        answer = json.loads(run.stdout)
    except ValueError as error:
        raise InputError(
            f"Verovio crashed over {name} (status {run.returncode}); open it in a notation "
            "program and export it again."
        ) from error
    if "error" in answer:
        raise InputError(f"{name}: {answer['error']}")
    return answer["result"]


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    from omrcli.engrave import engrave_pages, translate

    try:
        if request["task"] == "engrave":
            return {"result": engrave_pages(request["musicxml"], request["options"])}
        return {"result": translate(request["musicxml"], request["to"])}
    except InputError as error:
        return {"error": str(error)}


if __name__ == "__main__":
    json.dump(_answer(json.load(sys.stdin.buffer)), sys.stdout)
