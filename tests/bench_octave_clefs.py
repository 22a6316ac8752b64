"""How many octave clefs are read right: `python -m tests.bench_octave_clefs [--count N]`.

Staves of random music and of tunes with an octave clef at their start, a third by each engraver
that is installed, with distractors around the notes, of seeds that no training used.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path

import cv2

from omrcli.errors import MissingDependencyError, NothingRecognisedError
from omrcli.pipeline import TranscribeOptions, Transcriber
from omrcli.scratch import scratch_folder
from omrcli.synth.dataset import DrawnSample, SynthOptions, draw_sample, load_music
from omrcli.synth.engravers import ENGRAVERS

SEED = 990_117
_SUFFIXES = ("_8va", "_8vb", "_15ma", "_15mb")


def draw_staves(engraver: str, corpora: tuple[Path, ...]) -> Iterator[DrawnSample]:
    """Staves that begin with an octave clef, without end."""
    options = SynthOptions(
        seed=SEED, engraver=engraver, corpora=corpora, uncommon_share=1.0, changed_share=0.0
    )
    music = load_music(options)
    for index in itertools.count():
        sample = draw_sample(options, index, music)
        if sample.tokens[0].endswith(_SUFFIXES):
            yield sample


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--model")
    parser.add_argument("--corpus", type=Path, action="append", default=[])
    arguments = parser.parse_args()
    transcriber = Transcriber(TranscribeOptions(model=arguments.model))
    each = -(-arguments.count // len(ENGRAVERS))
    right = total = 0
    for engraver in ENGRAVERS:
        try:
            staves = list(itertools.islice(draw_staves(engraver, tuple(arguments.corpus)), each))
        except MissingDependencyError as error:
            print(f"{engraver}: {error}")
            continue
        good = sum(read_clef(transcriber, staff) == staff.tokens[0] for staff in staves)
        print(f"{engraver}: {good} of {len(staves)} octave clefs right")
        right, total = right + good, total + len(staves)
    print(f"all: {right} of {total} = {100 * right / max(1, total):.1f} %")


def read_clef(transcriber: Transcriber, staff: DrawnSample) -> str:
    """The first token that is read."""
    with scratch_folder("clefs") as folder:
        path = folder / "staff.png"
        cv2.imwrite(str(path), staff.pixels)
        try:
            return transcriber.transcribe(path).tokens[0].text
        except NothingRecognisedError:
            return ""


if __name__ == "__main__":
    main()
