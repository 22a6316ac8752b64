"""Which engraver draws a sample. Optional programs draw whole blocks, so that starting them, which
takes longer than a staff, is paid once a block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from omrcli.errors import InputError, MissingDependencyError, UsageError

from .clutter import ClutterRates
from .raster import Drawing, paint
from .render import Margins, RenderedStaff, frame_drawing, lighten_ink
from .surroundings import add_neighbours

#: Samples that one run of an optional program draws; sample k belongs to block k // BLOCK.
BLOCK = 32
ENGRAVERS = ("verovio", "musescore", "lilypond")
#: Music drawn beyond what a block needs, as some of it is refused, and runs until all is refused.
_SPARE, _MOST_RUNS = 1.15, 10

#: Draws pieces, in random styles, as drawings; None where one cannot be shown exactly.
DrawPieces = Callable[
    [Sequence[Sequence[str]], ClutterRates, np.random.Generator],
    "list[tuple[tuple[str, ...], Drawing] | None]",
]


@dataclass(frozen=True)
class Look:
    """How a drawing becomes pixels: interline in px, gray level of the ink, paper around it."""

    interline: float = 12.0
    ink: int = 0
    margins: Margins = field(default_factory=Margins)


def draw_look(rng: np.random.Generator) -> Look:
    """A random look; a third are tight crops, a third have generous margins."""
    largest = float(rng.choice((0.15, 1.5, 5.0)))
    return Look(
        interline=round(float(np.exp(rng.uniform(np.log(8), np.log(24)))), 2),
        ink=int(rng.integers(0, 90)) if rng.random() < 0.4 else 0,
        margins=Margins(*(round(float(side), 2) for side in rng.uniform(0, largest, 4))),
    )


def paint_staff(drawing: Drawing, look: Look) -> RenderedStaff:
    """The pixels of a drawing of one staff."""
    box = frame_drawing(drawing, look.margins)
    scale = look.interline / drawing.interline
    pixels = lighten_ink(paint(drawing, scale, box), look.ink)
    return RenderedStaff(pixels, look.interline, (drawing.staff_top - box.y0) * scale)


def read_shares(text: str) -> dict[str, float]:
    """Shares of engravers, which sum to 1: a name, such as "verovio:3,musescore:1", or "mixed",
    which is all that are installed alike.

    Raises:
        UsageError: a name is unknown or a share is no positive number.
    """
    if text == "mixed":
        installed = list(filter(_is_installed, ENGRAVERS))
        return dict.fromkeys(installed, 1 / len(installed))
    shares: dict[str, float] = {}
    for entry in text.split(","):
        name, _, share = entry.strip().partition(":")
        if name not in ENGRAVERS:
            known = ", ".join((*ENGRAVERS, "mixed"))
            raise UsageError(f"The engraver '{name}' is unknown; choose {known}.")
        try:
            shares[name] = float(share or 1)
        except ValueError:
            shares[name] = 0
        if not 0 < shares[name] < float("inf"):
            raise UsageError(f"The share '{share}' of {name} must be a positive number.")
    whole = sum(shares.values())
    return {name: share / whole for name, share in shares.items()}


def choose_engraver(text: str, seed: int, block: int) -> str:
    """The engraver of a block of samples; `text` as in `read_shares`."""
    shares = read_shares(text)
    if len(shares) == 1:
        return next(iter(shares))
    rng = np.random.default_rng((seed, block, 1))
    return str(rng.choice(list(shares), p=list(shares.values())))


def find_engraver(name: str) -> DrawPieces:
    """The function that draws pieces with an optional program."""
    from .lilypond import engrave_lilypond
    from .musescore import engrave_musescore

    return {"musescore": engrave_musescore, "lilypond": engrave_lilypond}[name]


def _is_installed(name: str) -> bool:
    from .lilypond import find_lilypond
    from .musescore import find_musescore

    try:
        {"musescore": find_musescore, "lilypond": find_lilypond}.get(name, str)()
    except MissingDependencyError:
        return False
    return True


@dataclass(frozen=True)
class Commission:
    """A block to draw: `draw_tokens` gives the next music, all else as in SynthOptions."""

    engraver: str
    clutter: ClutterRates
    seed: int
    block: int
    draw_tokens: Callable[[np.random.Generator], Sequence[str]]


Piece = tuple[tuple[str, ...], Drawing]


def draw_block(commission: Commission) -> list[Piece]:
    """BLOCK pieces as tokens and drawings; equal commissions give equal blocks.

    Raises:
        InputError: nothing of the music can be engraved.
        MissingDependencyError: the engraver is not installed.
    """
    engrave = find_engraver(commission.engraver)
    rng = np.random.default_rng((commission.seed, commission.block, 2))
    pieces: list[Piece] = []
    for _ in range(_MOST_RUNS):
        number = round((BLOCK - len(pieces)) * _SPARE) + 2
        texts = [commission.draw_tokens(rng) for _ in range(number)]
        pieces += filter(None, engrave(texts, commission.clutter, rng))
        if len(pieces) >= BLOCK:
            return pieces[:BLOCK]
    raise InputError("Too little of this music can be engraved; choose another corpus.")


def paint_piece(
    pieces: Sequence[Piece], index: int, neighbours: float, rng: np.random.Generator
) -> tuple[tuple[str, ...], RenderedStaff]:
    """Tokens and pixels of a piece of a block in a random look; with a probability of
    `neighbours` (0..1) other pieces show at its upper and lower edge."""
    look = draw_look(rng)
    tokens, drawing = pieces[index]
    staff = paint_staff(drawing, look)
    if rng.random() < neighbours:
        others = [pieces[int(rng.integers(len(pieces)))] if rng.random() < 0.7 else None
                  for _ in range(2)]  # fmt: skip
        above, below = (other and paint_staff(other[1], look) for other in others)
        staff = add_neighbours(staff, above, below, rng)
    return tokens, staff
