"""Tokens -> staves engraved by LilyPond, an optional program; only what provably shows its tokens
is kept (see `proof`)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from omrcli.errors import InputError, MissingDependencyError
from omrcli.scratch import scratch_folder
from omrcli.tokens import Symbol, parse_symbol

from .clutter import ClutterRates
from .lettering import FACES
from .lilypond_svg import DEFINITIONS, MARKS, read_engraving
from .lilypond_writer import LilypondOptions, write_lilypond
from .markup import draw_markup, draw_rates
from .measures import BARLINE_FIRST, CLEF_FIRST, sort_signs
from .programs import draw_all, run_program
from .proof import check_engraving, drawing_of
from .raster import Drawing

#: Environment variable that names the program.
PROGRAM = "OMR_LILYPOND"
INSTALL = (
    "Engraving with LilyPond needs the program lilypond: run pip install lilypond, put it on the "
    f"PATH, or let {PROGRAM} name it"
)
#: Seconds that a run may take, and more for each score.
_PATIENCE, _PATIENCE_EACH = 60, 3


@lru_cache(maxsize=1)
def find_lilypond() -> str:
    """The path of the program: what OMR_LILYPOND names, the one on the PATH, or that of the
    package `lilypond`.

    Raises:
        MissingDependencyError: there is none.
    """
    found = shutil.which(os.environ.get(PROGRAM) or "lilypond") or _packaged()
    if found is None:
        raise MissingDependencyError(INSTALL)
    return found


def _packaged() -> str | None:
    if find_spec("lilypond") is None:
        return None
    program = Path(import_module("lilypond").executable())
    return str(program) if program.is_file() else None


def run_lilypond(scores: Sequence[str]) -> list[str | None]:
    """The SVG of each score; None where LilyPond fails.

    All are drawn by one process. One that a score brings down is started again behind it.

    Raises:
        MissingDependencyError: LilyPond is not installed.
    """
    program = find_lilypond()
    with scratch_folder("lilypond") as folder:
        pages = [folder / f"{i}.svg" for i in range(len(scores))]
        draw_all(
            len(scores),
            lambda indices: _convert(program, folder, indices[0], scores[indices[0] :]),
            lambda index: pages[index].exists(),
        )
        return [p.read_text(encoding="utf-8") if p.exists() else None for p in pages]


def write_document(scores: Sequence[str], start: int = 0) -> str:
    """A LilyPond file that draws each score on a page as long as it needs; the pages' names are
    numbers from `start` on."""
    books = (
        f'\\book {{ \\bookOutputName "{number}"\n{score}}}\n'
        for number, score in enumerate(scores, start)
    )
    return _HEAD + "".join(books)


_HEAD = (
    '\\version "2.24.0"\n'
    + DEFINITIONS
    + "\\paper { indent = 0 tagline = ##f page-breaking = #ly:one-line-breaking }\n"
    + "\\layout { \\context { \\Score autoAccidentals = #'() autoCautionaries = #'()"
    + " extraNatural = ##f skipBars = ##t\n"
    + "\n".join(MARKS)
    + "\n} }\n"
)


def _convert(program: str, folder: Path, start: int, scores: Sequence[str]) -> bool:
    """Draw scores into a folder; whether the program came to its end."""
    (folder / "scores.ly").write_text(write_document(scores, start), encoding="utf-8")
    command = [program, "-s", "-dbackend=svg", "-dno-point-and-click", "scores.ly"]
    status = run_program(command, folder, _PATIENCE + _PATIENCE_EACH * len(scores))
    return status in (0, 1)  # 1: some score was wrong, the others are drawn


def engrave_lilypond(
    pieces: Sequence[Sequence[str]], clutter: ClutterRates, rng: np.random.Generator
) -> list[tuple[tuple[str, ...], Drawing] | None]:
    """Engrave token sequences, each in a style and with the marks of `clutter`, drawn from `rng`.

    Returns:
        For each piece its tokens in the order in which LilyPond draws them, and the drawing; None
        where LilyPond cannot show the tokens exactly. Equal arguments give equal drawings.

    Raises:
        MissingDependencyError: LilyPond is not installed.
    """
    children = rng.spawn(len(pieces))
    written: list[tuple[list[Symbol], str] | None] = []
    for child, texts in zip(children, pieces, strict=True):
        try:
            written.append(_write(texts, clutter, child))
        except InputError:
            written.append(None)
    svgs = iter(run_lilypond([piece[1] for piece in written if piece]))
    return [
        piece and _read(piece[0], next(svgs), str(child.choice(FACES, p=_FACE_SHARES)))
        for piece, child in zip(written, children, strict=True)
    ]


_FACE_SHARES = (0.75, 0.1, 0.15)


def _write(
    texts: Sequence[str], clutter: ClutterRates, rng: np.random.Generator
) -> tuple[list[Symbol], str]:
    clef_first = bool(rng.random() < 0.8)
    options = draw_options(rng, clutter, clef_first)
    order = CLEF_FIRST if clef_first else BARLINE_FIRST
    symbols = sort_signs([parse_symbol(text) for text in texts], lambda _: order)
    markup = draw_markup(symbols, draw_rates(rng, clutter), rng)
    return symbols, write_lilypond(symbols, replace(options, markup=markup))


def _read(
    symbols: Sequence[Symbol], svg: str | None, face: str
) -> tuple[tuple[str, ...], Drawing] | None:
    if svg is None:
        return None
    try:
        engraving = read_engraving(svg, face)
        check_engraving(engraving, symbols)
    except InputError:
        return None
    return tuple(map(str, symbols)), drawing_of(engraving)


#: Sizes in points, each of which has a weight of the font of its own.
_STAFF_SIZES = (11.22, 12.6, 14.14, 15.87, 17.82, 20.0, 22.45, 25.2)
# LilyPond's own value of each property, and how far it is varied either way.
_VARIED = {
    "StaffSymbol.thickness": (1.0, 0.5), "Stem.thickness": (1.3, 0.4),
    "BarLine.hair-thickness": (1.9, 0.4), "BarLine.thick-thickness": (6.0, 0.35),
    "BarLine.kern": (3.0, 0.35), "Beam.beam-thickness": (0.48, 0.2),
    "Slur.thickness": (1.2, 0.5), "Tie.thickness": (1.2, 0.5),
    "SpacingSpanner.spacing-increment": (1.2, 0.4),
    "SpacingSpanner.shortest-duration-space": (2.0, 0.4),
    "AccidentalPlacement.right-padding": (0.15, 0.7),
    "MultiMeasureRest.thick-thickness": (6.6, 0.35), "Hairpin.thickness": (1.0, 0.4),
    "TupletBracket.thickness": (1.6, 0.4), "Stem.length-fraction": (1.0, 0.1),
}  # fmt: skip
_SHAPES = ("aikenHeads", "sacredHarpHeads", "southernHarmonyHeads", "walkerHeads")
_INSTRUMENTS = ("Violino I", "Viola", "Vc.", "Fl.", "Clarinet in B", "Oboe", "Tenor", "Soprano")


def draw_options(
    rng: np.random.Generator, clutter: ClutterRates, clef_first: bool = True
) -> LilypondOptions:
    """A random style without marks; equal states of `rng` give equal styles. `clef_first` sets a
    new clef before the barline."""
    spread = 0.3 if rng.random() < 0.4 else 1.0  # four in ten near LilyPond's own choices
    lines = []
    for name, (middle, share) in _VARIED.items():
        factor = 1 + float(rng.uniform(-share, share)) * spread
        if share:
            lines.append(f"\\override {name} = #{middle * factor:.3f}")
    lines += _draw_choices(rng)
    if rng.random() < clutter.share * clutter.old_rests:
        lines.append("\\override Rest.style = #'classical")
    shaped = rng.random() < clutter.share * clutter.shape_notes
    if not clef_first:
        lines.append(_CLEF_LAST)
    named = rng.random() < clutter.share * clutter.instrument
    return LilypondOptions(
        overrides=tuple(lines),
        staff_size=float(rng.choice(_STAFF_SIZES)),
        beams=bool(rng.random() < 0.9),
        stems=str(rng.choice(("", "up", "down"), p=(0.94, 0.03, 0.03))),
        slash_graces=bool(rng.random() < 0.6),
        centre_rests=bool(rng.random() < 0.85),
        cancel_keys=bool(rng.random() < 0.6),
        fermata_below=bool(rng.random() < 0.05),
        first_measure=int(rng.integers(1, 200)),
        instrument=str(rng.choice(_INSTRUMENTS)) if named else "",
        metronome=bool(rng.random() < 0.3),
        slash_stems=bool(rng.random() < 0.4),
        heads=str(rng.choice(_SHAPES)) if shaped else "",
    )


_CLEF_LAST = (
    "\\override BreakAlignment.break-align-orders = #(make-vector 3 '(left-edge ambitus "
    "breathing-sign staff-bar clef key-cancellation key-signature time-signature))"
)


def _draw_choices(rng: np.random.Generator) -> list[str]:
    """Choices between LilyPond's styles of single signs."""
    lines = []
    if rng.random() < 0.3:
        lines.append("\\override TupletBracket.bracket-visibility = ##t")
    if rng.random() < 0.15:
        lines.append("\\override Clef.full-size-change = ##t")
    if rng.random() < 0.6:
        lines.append(f"\\override MultiMeasureRest.expand-limit = #{int(rng.integers(0, 10))}")
    if rng.random() < 0.1:
        lines.append("\\override Flag.stencil = #modern-straight-flag")
    if rng.random() < 0.2:
        lines.append("\\override NoteHead.style = #'altdefault")  # another breve
    if rng.random() < 0.25:
        lines.append("\\override Beam.damping = #+inf.0")  # level beams
    if rng.random() < 0.3:
        lines.append("subdivideBeams = ##t")
    if rng.random() < 0.3:
        lines.append("beamExceptions = #'()")  # one beam a beat
    return lines
