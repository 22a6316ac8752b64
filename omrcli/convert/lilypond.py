"""MusicXML -> LilyPond, by the program musicxml2ly, which is installed with LilyPond."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from omrcli.errors import InputError, MissingDependencyError
from omrcli.scratch import scratch_folder

#: Environment variable that names the program lilypond, beside which musicxml2ly lies.
PROGRAM = "OMR_LILYPOND"
PATIENCE = 300  # seconds


def lilypond_text(musicxml: str, name: str) -> str:
    """A MusicXML document in LilyPond's language; `name` is of the score, for messages.

    Raises:
        InputError: musicxml2ly cannot read the document.
        MissingDependencyError: it is not installed.
    """
    program = find_musicxml2ly()
    with scratch_folder("lilypond") as folder:
        source, target = folder / "score.musicxml", folder / "score.ly"
        source.write_text(musicxml, encoding="utf-8")
        try:
            run = subprocess.run(
                [program, "-o", str(target), str(source)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=PATIENCE,
                check=False,
            )
        except (subprocess.TimeoutExpired, OSError) as error:
            raise InputError(f"musicxml2ly came to no end over {name}; cut it up.") from error
        if run.returncode or not target.is_file() or not target.stat().st_size:
            raise InputError(f"musicxml2ly cannot read {name}; open it in a notation program.")
        return target.read_text(encoding="utf-8").replace(str(source), "MusicXML")


def find_musicxml2ly() -> str:
    """The path of the program: beside what OMR_LILYPOND names, on the PATH, or that of the
    package `lilypond`.

    Raises:
        MissingDependencyError: there is none.
    """
    named = shutil.which(os.environ.get(PROGRAM, "")) if os.environ.get(PROGRAM) else None
    folders = [Path(named).parent] if named else []
    if find_spec("lilypond") is not None:
        folders.append(Path(import_module("lilypond").executable()).parent)
    beside = [found for folder in folders if (found := shutil.which("musicxml2ly", path=folder))]
    program = (
        beside[0] if named and beside else shutil.which("musicxml2ly") or next(iter(beside), None)
    )
    if program is None:
        raise MissingDependencyError(
            "Writing .ly needs musicxml2ly of LilyPond: run pip install lilypond, put it on the "
            f"PATH, or let {PROGRAM} name lilypond."
        )
    return program
