"""What stands around the notes but is not in the encoding: slurs, articulation, dynamics, words.

A reader must learn to pass over it. It is never drawn so that it could be taken for something in
the encoding: no slur joins two neighbouring notes of one pitch, which would look like a tie. Nor is
anything drawn that changes what the notes say and that no token tells of: an 8va would move
pitches, so it is not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches

import numpy as np

from omrcli.errors import UsageError


@dataclass(frozen=True)
class ClutterRates:
    """How often there is clutter, and of what kinds.

    `share` (0..1) is the share of staves that have any; every other field is the share (0..1) of
    those staves that show its kind. Those up to `instrument` are engraved with the notes, those
    from `brackets` on are drawn onto the picture.

    Raises:
        UsageError: a value outside 0..1.
    """

    share: float = 0.75
    slurs: float = 0.5
    articulations: float = 0.45  # staccato dots, accents, tenuto ... more on dots and fermatas
    bowings: float = 0.12
    dynamics: float = 0.5
    hairpins: float = 0.25
    ornaments: float = 0.2  # trills with and without lines, turns, mordents, their accidentals
    words: float = 0.25  # "dolce", "pizz.", "rit."
    tempo: float = 0.2  # "Allegro", also with the metronome's note
    lyrics: float = 0.12  # one to three verses with hyphens and extenders
    chords: float = 0.1  # chord symbols above
    figured_bass: float = 0.06
    fingerings: float = 0.15
    breaths: float = 0.1
    tremolos: float = 0.08  # strokes through stems
    arpeggios: float = 0.08  # wavy lines before chords
    cues: float = 0.06  # runs of small notes
    shape_notes: float = 0.03  # heads of their own for each step of the key
    old_rests: float = 0.08  # the quarter rest of older prints
    rehearsal: float = 0.12  # letters and numbers, boxed or circled
    voltas: float = 0.12  # brackets with "1." and "2."
    jumps: float = 0.08  # segno, coda, "D.C.", "Fine"
    pedals: float = 0.05
    measure_numbers: float = 0.35
    instrument: float = 0.15  # its name before the staff
    brackets: float = 0.25  # braces, brackets and the line of the system at the left edge
    titles: float = 0.12  # titles, composers, plate and page numbers
    page_edges: float = 0.05
    stains: float = 0.06
    stamps: float = 0.04
    pencil: float = 0.12  # circles, glasses, strokes, digits, letters
    neighbours: float = 0.18  # staves above and below

    def __post_init__(self) -> None:
        for item in fields(self):
            if not 0 <= getattr(self, item.name) <= 1:
                raise UsageError(f"The clutter rate '{item.name}' must lie between 0 and 1.")


#: What `read_rates` takes.
KINDS = tuple(item.name for item in fields(ClutterRates)[1:])


def read_rates(share: float, rates: Sequence[str]) -> ClutterRates:
    """The rates that a command line asks for: a share, and texts KIND=RATE for single kinds.

    Raises:
        UsageError: an unknown kind, or a rate that is no number of 0 to 1.
    """
    found: dict[str, float] = {}
    for text in rates:
        name, _, value = text.partition("=")
        kind = name.strip().replace("-", "_")
        if kind not in KINDS:
            near = get_close_matches(kind, KINDS, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise UsageError(
                f"The clutter '{name}' is unknown.{hint} Known kinds are {', '.join(KINDS)}."
            )
        try:
            found[kind] = float(value)
        except ValueError:
            raise UsageError(
                f"'{text}' is no rate of clutter; write KIND=RATE, such as lyrics=0.3."
            ) from None
    return replace(ClutterRates(share=share), **found)


@dataclass(frozen=True)
class Clutter:
    """How much there is on one staff: rates (0..1) a note, and of `rehearsal`, `voltas` and `jumps`
    a measure (`cues` too).

    `verses` is the number of lines of lyrics, `measure_numbers` says at which measures numbers
    stand (5: at every fifth), and `first_measure` what the first is called; other than 1 it is told
    before the staff. Equal seeds give equal clutter.
    """

    slurs: float = 0.0
    articulations: float = 0.0
    bowings: float = 0.0
    dynamics: float = 0.0
    hairpins: float = 0.0
    ornaments: float = 0.0
    words: float = 0.0
    lyrics: float = 0.0
    chords: float = 0.0
    figured_bass: float = 0.0
    fingerings: float = 0.0
    breaths: float = 0.0
    tremolos: float = 0.0
    arpeggios: float = 0.0
    cues: float = 0.0
    rehearsal: float = 0.0
    voltas: float = 0.0
    jumps: float = 0.0
    pedals: float = 0.0
    verses: int = 1
    tempo: bool = False
    instrument: bool = False
    measure_numbers: int = 0
    first_measure: int = 1
    seed: int = 0


#: The most there is of each kind, a note or a measure.
_MOST = {
    "slurs": 0.3, "articulations": 0.4, "bowings": 0.25, "dynamics": 0.12, "hairpins": 0.08,
    "ornaments": 0.1, "words": 0.05, "chords": 0.4, "figured_bass": 0.5, "fingerings": 0.4,
    "breaths": 0.05, "tremolos": 0.5, "arpeggios": 1.0, "cues": 0.4,
    "rehearsal": 0.3, "voltas": 0.3, "jumps": 0.15, "pedals": 0.15,
}  # fmt: skip


def draw_clutter(rng: np.random.Generator, rates: ClutterRates | None = None) -> Clutter:
    """Random clutter; equal states of `rng` give equal clutter."""
    rates = rates or ClutterRates()
    if rng.random() >= rates.share:
        return Clutter()
    amounts = {
        kind: round(most * float(rng.uniform(0.1, 1)), 3)
        for kind, most in _MOST.items()
        if rng.random() < getattr(rates, kind)
    }
    if rng.random() < rates.lyrics:
        amounts["lyrics"] = 0.9  # sung throughout
    interval, first = 0, 1
    if rng.random() < rates.measure_numbers:
        interval = int(rng.choice((0, 0, 1, 2, 5)))
        if not interval or rng.random() < 0.5:
            first = int(rng.integers(2, 400))
    return Clutter(
        **amounts,
        verses=int(rng.choice((1, 1, 2, 3))),
        tempo=bool(rng.random() < rates.tempo),
        instrument=bool(rng.random() < rates.instrument),
        measure_numbers=interval,
        first_measure=first,
        seed=int(rng.integers(2**31)),
    )
