"""Tokens -> staves engraved by MuseScore 3, an optional program; only what provably shows its
tokens is kept (see `proof`).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from omrcli.errors import InputError, MissingDependencyError
from omrcli.scratch import scratch_folder
from omrcli.tokens import Symbol, parse_symbol

from .clutter import ClutterRates
from .markup import draw_markup, draw_rates
from .mscx_writer import MscxOptions, arrange_signs, write_mscx
from .musescore_svg import read_engraving
from .programs import draw_all, run_program
from .proof import check_engraving, drawing_of
from .raster import Drawing

PROGRAMS = ("mscore3", "musescore3", "mscore", "musescore")
INSTALL = (
    "Engraving with MuseScore needs MuseScore 3 on the PATH; install it, on Debian and Ubuntu by: "
    "apt install musescore3"
)
#: Seconds that a run may take, and more for each document.
_PATIENCE, _PATIENCE_EACH = 60, 5


@lru_cache(maxsize=1)
def find_musescore() -> str:
    """The path of the program.

    Raises:
        MissingDependencyError: there is none on the PATH.
    """
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        raise MissingDependencyError(INSTALL)
    return found


def run_musescore(documents: Sequence[str]) -> list[str | None]:
    """The SVG of each document (.mscx); None where MuseScore fails or needs more than a page.

    All are drawn by one process. One that a document brings down is started again behind it.

    Raises:
        MissingDependencyError: MuseScore is not installed.
    """
    program = find_musescore()
    with scratch_folder("musescore") as folder:
        for index, text in enumerate(documents):
            (folder / f"{index}.mscx").write_text(text, encoding="utf-8")
        draw_all(
            len(documents),
            lambda indices: _convert(program, folder, indices),
            lambda index: bool(_pages(folder, index)),
        )
        pages = [_pages(folder, i) for i in range(len(documents))]
        return [p[0].read_text(encoding="utf-8") if len(p) == 1 else None for p in pages]


def _pages(folder: Path, index: int) -> list[Path]:
    return sorted(folder.glob(f"{index}-*.svg")) or sorted(folder.glob(f"{index}.svg"))


def _convert(program: str, folder: Path, indices: Sequence[int]) -> bool:
    """Draw documents of a folder; whether the program came to its end."""
    jobs = [{"in": f"{folder}/{i}.mscx", "out": f"{folder}/{i}.svg"} for i in indices]
    (folder / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "XDG_RUNTIME_DIR": str(folder),
        "HOME": str(folder),  # settings and caches of the user are neither read nor written
    }
    command = [program, "-f", "-c", str(folder / "settings"), "-j", str(folder / "jobs.json")]
    patience = _PATIENCE + _PATIENCE_EACH * len(indices)
    return run_program(command, folder, patience, environment) == 0


def engrave_musescore(
    pieces: Sequence[Sequence[str]], clutter: ClutterRates, rng: np.random.Generator
) -> list[tuple[tuple[str, ...], Drawing] | None]:
    """Engrave token sequences, each in a style and with the marks of `clutter`, drawn from `rng`.

    Returns:
        For each piece its tokens in the order in which MuseScore draws them, and the drawing; None
        where MuseScore cannot show the tokens exactly. Equal arguments give equal drawings.

    Raises:
        MissingDependencyError: MuseScore is not installed.
    """
    written: list[tuple[list[Symbol], str] | None] = []
    for child, texts in zip(rng.spawn(len(pieces)), pieces, strict=True):
        try:
            written.append(_write(texts, clutter, child))
        except InputError:
            written.append(None)
    svgs = iter(run_musescore([piece[1] for piece in written if piece]))
    return [piece and _read(piece[0], next(svgs)) for piece in written]


def _write(
    texts: Sequence[str], clutter: ClutterRates, rng: np.random.Generator
) -> tuple[list[Symbol], str]:
    options = draw_options(rng)
    symbols = arrange_signs([parse_symbol(text) for text in texts], options.clef_before_barline)
    markup = draw_markup(symbols, draw_rates(rng, clutter), rng)
    return symbols, write_mscx(symbols, replace(options, markup=markup))


def _read(symbols: Sequence[Symbol], svg: str | None) -> tuple[tuple[str, ...], Drawing] | None:
    if svg is None:
        return None
    try:
        engraving = read_engraving(svg)
        check_engraving(engraving, symbols)
    except InputError:
        return None
    return tuple(map(str, symbols)), drawing_of(engraving)


# One endless line on one page; lengths in inches.
_PAGE = (
    ("pageWidth", "150"), ("pagePrintableWidth", "149"), ("pageHeight", "14"),
    ("pageOddLeftMargin", "0.5"), ("pageOddTopMargin", "4"), ("pageOddBottomMargin", "0.5"),
    ("lastSystemFillLimit", "1"), ("genCourtesyTimesig", "0"), ("genCourtesyKeysig", "0"),
    ("measureNumberInterval", "1"), ("measureNumberSystem", "0"),
)  # fmt: skip
_FONTS = {"Emmentaler": 0.42, "Bravura": 0.3, "Gonville": 0.22, "MuseJazz": 0.06}
_TEXT_FONTS = {"FreeSerif": 0.6, "FreeSans": 0.25, "MScore Text": 0.0, "MuseJazz Text": 0.15}
_TEXTS = ("staffText", "tempo", "lyricsOdd", "lyricsEven", "measureNumber", "rehearsalMark",
          "fingering", "tuplet", "defaultText")  # fmt: skip
# MuseScore's own value of each entry in interlines, and how far it is varied either way.
_VARIED = {
    "staffLineWidth": (0.08, 0.4), "stemWidth": (0.13, 0.35), "barWidth": (0.16, 0.4),
    "doubleBarWidth": (0.16, 0.4), "endBarWidth": (0.5, 0.3), "ledgerLineWidth": (0.16, 0.35),
    "ledgerLineLength": (0.35, 0.4), "beamWidth": (0.5, 0.2), "minNoteDistance": (0.25, 0.9),
    "measureSpacing": (1.3, 0.2), "barNoteDistance": (1.2, 0.35), "clefLeftMargin": (0.64, 0.5),
    "clefKeyRightMargin": (0.8, 0.5), "graceNoteMag": (0.7, 0.12), "smallClefMag": (0.8, 0.1),
    "SlurMidWidth": (0.15, 0.5), "SlurEndWidth": (0.07, 0.4), "dotNoteDistance": (0.35, 0.35),
    "accidentalNoteDistance": (0.22, 0.4), "accidentalDistance": (0.22, 0.4),
    "keysigAccidentalDistance": (0.3, 0.15), "timesigLeftMargin": (0.5, 0.4),
    "minMMRestWidth": (4.0, 0.5), "multiMeasureRestMargin": (1.2, 0.5),
    "multiRestHBarThick": (0.7, 0.4), "lyricsDashMaxLength": (0.6, 0.3),
}  # fmt: skip


def draw_options(rng: np.random.Generator) -> MscxOptions:
    """A random style without marks; equal states of `rng` give equal styles."""
    spread = 0.3 if rng.random() < 0.4 else 1.0  # four in ten near MuseScore's own choices
    font = str(rng.choice(list(_FONTS), p=list(_FONTS.values())))
    text = str(rng.choice(list(_TEXT_FONTS), p=list(_TEXT_FONTS.values())))
    style = [*_PAGE, ("musicalSymbolFont", font)]
    for name, (middle, share) in _VARIED.items():
        factor = 1 + float(rng.uniform(-share, share)) * spread
        style.append((name, f"{middle * factor:.3f}"))
    style += [(f"{kind}FontFace", text) for kind in _TEXTS]
    style.append(("keySigNaturals", str(int(rng.integers(0, 3)))))
    return MscxOptions(
        style=tuple(style),
        beams=bool(rng.random() < 0.92),
        slash_graces=bool(rng.random() < 0.6),
        centre_rests=bool(rng.random() < 0.85),
        tuplet_brackets=bool(rng.random() < 0.3),
        fermata_below=bool(rng.random() < 0.05),
        clef_before_barline=bool(rng.random() < 0.8),
    )
