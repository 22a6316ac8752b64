"""Draw a set like that of the focal-CTC study: 1,250 staves of 60 different tokens, clean.

`python docs/make_study.py OUT CORPUS...` needs the extra `synth`. It does what `omr synth` without
clutter and `omr data sample -n 1250 --max-vocabulary 60` would, but engraves only what is chosen.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from omrcli.datasets.splits import draw_sample_ids
from omrcli.errors import InputError
from omrcli.output import make_folder, write_file
from omrcli.synth.clutter import ClutterRates
from omrcli.synth.dataset import SynthOptions, load_music
from omrcli.synth.render import draw_style, render_staff
from omrcli.tokens import format_semantic

STAVES, SPARE, VOCABULARY = 1250, 150, 60


def main(out: Path, corpora: list[Path]) -> None:
    """Choose the staves, engrave each in a style of its own, write image and truth."""
    music = load_music(SynthOptions(corpora=tuple(corpora), max_files=1000))
    samples = {f"study-{number:06d}": set(texts) for number, texts in enumerate(music)}
    chosen = draw_sample_ids(samples, STAVES + SPARE, VOCABULARY)
    drawn = 0
    for name in chosen:
        texts = music[int(name.removeprefix("study-"))]
        rng = np.random.default_rng(int(name.removeprefix("study-")))
        try:
            staff = render_staff(texts, draw_style(rng, ClutterRates(share=0)))
        except InputError:  # such as a tie that leads to a rest
            continue
        make_folder(out / name)
        write_file(out / name / f"{name}.png", cv2.imencode(".png", staff.pixels)[1].tobytes())
        write_file(out / name / f"{name}.semantic", format_semantic(texts).encode())
        drawn += 1
        if drawn == STAVES:
            return
    raise SystemExit(f"Only {drawn} staves could be engraved.")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
