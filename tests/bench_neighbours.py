"""Staves that stand close, read with and without their neighbours' ink.

`python -m tests.bench_neighbours [PAGES]`: four staves of random music a page lie so that 3.5, 5,
6.5 or 8 interlines are between them, their notes on top of each other. Printed are the symbol
errors of the shipped model.
"""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from omrcli.metrics import EditCounts, count_edits
from omrcli.pages.image import PageImage
from omrcli.pipeline import Transcriber
from omrcli.staves.neighbours import cut_staves
from omrcli.staves.staff import StaffImage, find_staves, normalise_staff
from omrcli.synth.compose import ComposeOptions, compose_tokens
from omrcli.synth.render import EngravingStyle, Margins, render_staff
from omrcli.tokens import project_primus

GAPS = (3.5, 5.0, 6.5, 8.0)
_UNIT, _STAVES = 16, 4
_OPTIONS = ComposeOptions(24, 44, free=0, chords=0, tuplets=0.05, continued=0, changes=0)
_STYLE = EngravingStyle(interline=_UNIT, margins=Margins(0.5, 0.5, 0.5, 0.5))

Gray = NDArray[np.uint8]


def open_page(pixels: Gray) -> PageImage:
    """Pixels as a page."""
    return PageImage(pixels, "drawn", pixels.shape[1], pixels.shape[0])


def draw_staves(rng: np.random.Generator) -> list[tuple[list[str], Gray, float]]:
    """Tokens, picture and the row of the top line of each staff of a page."""
    drawn: list[tuple[list[str], Gray, float]] = []
    while len(drawn) < _STAVES:
        tokens = compose_tokens(rng, _OPTIONS)
        try:
            pixels = render_staff(tokens, _STYLE).pixels
        except Exception:
            continue
        staves = find_staves(open_page(pixels))
        if len(staves) == 1:
            drawn.append(([str(token) for token in tokens], pixels, staves[0].y0))
    return drawn


def lay_out(drawn: list[tuple[list[str], Gray, float]], gap: float) -> Gray:
    """The staves below each other on one page, `gap` interlines between them."""
    step = (4 + gap) * _UNIT
    width = max(pixels.shape[1] for _, pixels, _ in drawn) + 40
    page = np.full((round(_STAVES * step + 20 * _UNIT), width), 255, np.uint8)
    for place, (_, pixels, line) in enumerate(drawn):
        top = round(10 * _UNIT + place * step - line)
        first, last = max(0, -top), min(len(pixels), len(page) - top)
        part = page[top + first : top + last, 20 : 20 + pixels.shape[1]]
        np.minimum(part, pixels[first:last], out=part)
    return page


def measure(pages: int) -> dict[float, tuple[EditCounts, EditCounts]]:
    """Edits without and with the fading, by the gap between staves."""
    reader = Transcriber()
    found = {gap: (EditCounts(), EditCounts()) for gap in GAPS}
    for seed in range(pages):
        gap = GAPS[seed % len(GAPS)]
        drawn = draw_staves(np.random.default_rng((5, seed)))
        page = open_page(lay_out(drawn, gap))
        staves = find_staves(page)
        if len(staves) != _STAVES or any(a.y0 > b.y0 for a, b in pairwise(staves)):
            continue
        plain = [normalise_staff(page, staff, reader.geometry) for staff in staves]
        faded = cut_staves(page, staves, reader.geometry)
        truth = [project_primus(tokens) for tokens, _, _ in drawn]
        before, after = (_count(reader, truth, cuts) for cuts in (plain, faded))
        found[gap] = found[gap][0] + before, found[gap][1] + after
    return found


def _count(reader: Transcriber, truth: list[list[str]], cuts: list[StaffImage]) -> EditCounts:
    total = EditCounts()
    for true, read in zip(truth, reader.read_staves(cuts), strict=True):
        total += count_edits(true, project_primus([token.text for token in read]))
    return total


if __name__ == "__main__":
    print("interlines between  symbols  errors plain  errors faded")
    for gap, (plain, faded) in measure(int(sys.argv[1]) if len(sys.argv) > 1 else 20).items():
        print(f"{gap:18.1f} {plain.reference:8d} {plain.errors:13d} {faded.errors:13d}")
