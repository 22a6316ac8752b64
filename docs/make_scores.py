"""Engrave chamber scores of music21's corpus as PDF, with their MusicXML beside them as truth.

`python docs/make_scores.py OUT` needs music21 and MuseScore; `omr eval OUT` then measures how well
whole scores are read.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from music21 import corpus

from omrcli.cli.failures import report_error
from omrcli.errors import OmrError
from omrcli.output import make_folder
from omrcli.synth.musescore import find_musescore
from omrcli.synth.programs import run_program

#: Scores of one voice a staff, by their names in the corpus.
SCORES = (
    "bach/bwv66.6",
    "beethoven/opus18no1/movement3",
    "corelli/opus3no1/1grave",
    "haydn/opus74no1/movement3",
    "mozart/k155/movement2",
)
_PATIENCE = 300.0  # seconds for one score


def main(out: Path) -> None:
    """Write each score and engrave it."""
    program = find_musescore()
    make_folder(out)
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    for score in SCORES:
        name = score.replace("/", "-").replace(".", "-")
        truth = (out / f"{name}.musicxml").resolve()
        corpus.parse(score).write("musicxml", truth)
        run_program(
            [program, "-o", str(truth.with_suffix(".pdf")), str(truth)],
            *(out, _PATIENCE, environment),
        )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python docs/make_scores.py OUT")
    try:
        main(Path(sys.argv[1]))
    except OmrError as error:
        report_error(error)
        sys.exit(error.exit_code)
