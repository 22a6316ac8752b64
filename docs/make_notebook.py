"""Write examples/read_a_score.ipynb: the cells below, run, with what they print.

`python -m docs.make_notebook` needs no Jupyter.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent.parent / "examples" / "read_a_score.ipynb"

#: Text that begins with "#" and a space is Markdown, all else is code.
CELLS = (
    """\
# Read a score with omrcli

The notebook runs in the folder `examples/`; it needs `pip install omrcli` and nothing else.

![A staff of Greensleeves](greensleeves.png)""",
    """\
import omrcli

reading = omrcli.transcribe("greensleeves.png")
print(len(reading.pages), "page,", len(reading.staves), "staff,", len(reading.tokens), "tokens")""",
    """\
# ## Tokens

Each token has a text, in the PrIMuS semantic encoding, and a confidence from 0 to 1.""",
    """\
for token in reading.tokens[:6]:
    print(f"{token.text:24} {token.confidence:.2f}")""",
    """\
# Each staff knows where it is on the page, in px, and where each of its tokens is.""",
    """\
staff = reading.staves[0]
print("interline", round(staff.staff.interline), "px")
for token, (left, right) in zip(staff.tokens[:3], staff.spans[:3], strict=True):
    print(f"{token.text:24} x from {left:.0f} to {right:.0f}")""",
    """\
# ## Measures

The score is made of parts, and those of measures. One that does not fill its meter is kept as it
was read, and says so.""",
    """\
for measure in reading.score.parts[0].measures:
    print(measure.number, measure.status, "of", measure.expected, "quarter notes:", measure.actual)
print(reading.warnings)""",
    """\
# ## Files

The suffix tells the format. A file is whole or not there.""",
    """\
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    for name in ("tune.musicxml", "tune.mid", "tune.semantic", "tune.json"):
        path = reading.save(Path(folder) / name, omrcli.ExportOptions(title="Greensleeves"))
        print(path.name, path.stat().st_size > 100)""",
    """\
# ## Many files

A `Transcriber` loads its model once. Every expected failure is an `OmrError`, whose text says what
was wrong and what to do.""",
    """\
transcriber = omrcli.Transcriber(omrcli.TranscribeOptions(beam=1))
for name in ("ode-to-joy.png", "symphony-5.png", "no-such-file.png"):
    try:
        print(name, len(transcriber.transcribe(name).tokens), "tokens")
    except omrcli.OmrError as error:
        print(f"{type(error).__name__}, exit code {error.exit_code}: {error}")""",
)


def main() -> None:
    """Run the cells and write the notebook."""
    TARGET.write_text(json.dumps(make_notebook(), indent=1) + "\n", encoding="utf-8")


def make_notebook() -> dict[str, Any]:
    """The notebook as its JSON; the code runs in the folder of the notebook."""
    names: dict[str, Any] = {}
    with _in_folder(TARGET.parent):
        cells = [_make_cell(number, text, names) for number, text in enumerate(CELLS)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


@contextlib.contextmanager
def _in_folder(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _make_cell(number: int, text: str, names: dict[str, Any]) -> dict[str, Any]:
    cell: dict[str, Any] = {"id": f"cell-{number}", "metadata": {}}
    if text.startswith("# "):
        shown = text if number == 0 else text.removeprefix("# ")
        return {**cell, "cell_type": "markdown", "source": shown.splitlines(keepends=True)}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text, f"cell {number}", "exec"), names)
    lines = printed.getvalue().splitlines(keepends=True)
    output = {"name": "stdout", "output_type": "stream", "text": lines}
    return {
        **cell,
        "cell_type": "code",
        "execution_count": sum(not each.startswith("# ") for each in CELLS[: number + 1]),
        "outputs": [output] if lines else [],
        "source": text.splitlines(keepends=True),
    }


if __name__ == "__main__":
    main()
