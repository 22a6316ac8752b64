"""What stands around the notes, in no engraver's language: slurs, articulation, dynamics, words.

Engravers other than Verovio write these marks in their own ways. As with `clutter`, none is in the
encoding, and none is set where it could be taken for something that is: no slur joins two
neighbouring notes of one pitch, which would look like a tie.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from omrcli.tokens import Barline, Multirest, Note, Rest, Symbol

from .clutter import ClutterRates
from .rhythm import Dice

# fmt: off
_ARTICULATIONS = {
    "staccato": 6, "accent": 3, "tenuto": 2, "marcato": 1, "staccatissimo": 1,
}
_DYNAMICS = {
    "pp": 2, "p": 5, "mp": 2, "mf": 3, "f": 5, "ff": 2, "sf": 1, "sfz": 1, "fp": 1, "ppp": 0.5,
}
_WORDS = (
    "dolce", "rit.", "a tempo", "Solo", "Tutti", "pizz.", "arco", "espr.", "legato", "Fine",
    "D.C. al Fine", "poco a poco", "cantabile", "cresc.", "dim.", "div.", "con sord.",
    "sempre staccato", "molto rall.", "simile", "unis.", "Vl. I", "accel.", "ten.", "in 2",
)
_TEMPI = (
    "Allegro", "Adagio", "Andante", "Presto", "Allegretto", "Largo", "Moderato", "Vivace",
    "Tempo di Menuetto", "Andante con moto", "Allegro non troppo", "Trio", "Coda", "Tempo I",
)
_ORNAMENTS = ("trill", "turn", "mordent")
_HARMONIES = ("C", "Dm", "Em7", "F", "G7", "Am", "Bb", "Eb", "F#m", "D7", "A", "E", "Gm", "Cmaj7")
_SYLLABLES = (
    "la", "ky", "ri", "e", "lei", "son", "glo", "ria", "in", "ex", "cel", "sis", "lie", "be",
    "herz", "und", "the", "sweet", "love", "a", "men", "san", "ctus", "through", "night", "O",
)
# The largest rate a note of each kind, where a staff has it.
_MOST = {
    "slurs": 0.4, "articulations": 0.5, "bowings": 0.3, "dynamics": 0.15, "hairpins": 0.1,
    "ornaments": 0.1, "words": 0.06, "chords": 0.4, "fingerings": 0.4, "breaths": 0.05,
    "tremolos": 0.5, "arpeggios": 1.0,
}
# fmt: on


@dataclass(frozen=True)
class MarkRates:
    """How much of each kind there is: rates (0..1) a note; the last four hold for the staff."""

    slurs: float = 0.0
    articulations: float = 0.0
    bowings: float = 0.0
    dynamics: float = 0.0
    hairpins: float = 0.0
    ornaments: float = 0.0
    words: float = 0.0
    lyrics: float = 0.0
    chords: float = 0.0
    fingerings: float = 0.0
    breaths: float = 0.0
    tremolos: float = 0.0
    arpeggios: float = 0.0
    cues: bool = False
    tempo: bool = False
    rehearsal: bool = False
    measure_numbers: bool = False


@dataclass(frozen=True)
class Marks:
    """The marks at one note; "" and 0 mean none. `syllable` ends with "-" inside a word."""

    articulations: tuple[str, ...] = ()
    ornament: str = ""
    dynamic: str = ""
    words: str = ""
    words_below: bool = False
    tempo: str = ""
    rehearsal: str = ""
    syllable: str = ""
    chord: str = ""
    fingering: int = 0
    breath: bool = False
    tremolo: int = 0  # strokes through the stem
    arpeggio: bool = False
    cue: bool = False  # a small note


@dataclass(frozen=True)
class Span:
    """A "slur", "crescendo" or "diminuendo" from one note to another, by indices of symbols."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class Markup:
    """The marks of a staff, by index of the symbol that they stand at."""

    marks: dict[int, Marks] = field(default_factory=dict)
    spans: tuple[Span, ...] = ()
    measure_numbers: bool = False


def draw_rates(rng: np.random.Generator, clutter: ClutterRates) -> MarkRates:
    """Random rates of one staff; `clutter` says how often each kind is there at all."""
    if rng.random() >= clutter.share:
        return MarkRates()
    rates = {
        kind: round(float(rng.random()) * most, 3)
        for kind, most in _MOST.items()
        if rng.random() < getattr(clutter, kind)
    }
    return MarkRates(
        **rates,
        lyrics=0.9 * bool(rng.random() < clutter.lyrics),  # sung throughout
        cues=bool(rng.random() < clutter.cues),
        tempo=bool(rng.random() < clutter.tempo),
        rehearsal=bool(rng.random() < clutter.rehearsal),
        measure_numbers=bool(rng.random() < clutter.measure_numbers),
    )


def draw_markup(symbols: Sequence[Symbol], rates: MarkRates, rng: np.random.Generator) -> Markup:
    """Draw the marks of a staff; equal states of `rng` give equal marks."""
    dice = Dice(rng)
    timed = {i: s for i, s in enumerate(symbols) if isinstance(s, Note) and not s.grace}
    notes = list(timed)
    marks = {index: _draw_marks(note, rates, dice) for index, note in timed.items()}
    if rates.cues:
        for index in _draw_run(notes, dice):
            marks[index] = replace(marks[index], cue=True)
    if notes and rates.tempo:
        marks[notes[0]] = replace(marks[notes[0]], tempo=dice.pick(_TEMPI))
    if rates.rehearsal and (starts := list(_measure_starts(symbols))):
        place = dice.pick(starts)
        marks[place] = replace(marks[place], rehearsal=dice.pick("ABCDEFGHK"))
    kept = {index: mark for index, mark in marks.items() if replace(mark, words_below=False) != _NO}
    spans = (*_draw_slurs(symbols, rates.slurs, dice), *_draw_hairpins(symbols, rates, dice))
    return Markup(kept, spans, rates.measure_numbers)


_NO = Marks()
_BARE = ("whole", "half", "quarter")


def _draw_run(notes: Sequence[int], dice: Dice) -> Sequence[int]:
    """Some notes in a row."""
    first = dice.below(len(notes) + 1)
    return notes[first : first + 2 + dice.below(12)]


def _draw_marks(note: Note, rates: MarkRates, dice: Dice) -> Marks:
    def drawn(rate: float) -> bool:
        return rate > 0 and dice.chance(rate)

    # Strokes beside flags, beams and dots would be hard to tell from them.
    bare = note.duration.base in _BARE and not note.duration.dots
    articulations: tuple[str, ...] = ()
    if drawn(rates.articulations):
        articulations = (dice.pick(list(_ARTICULATIONS), list(_ARTICULATIONS.values())),)
        if articulations == ("accent",) and dice.chance(0.2):
            articulations = ("staccato", "accent")
    if drawn(rates.bowings):
        articulations += (dice.pick(("up-bow", "down-bow")),)
    return Marks(
        articulations=articulations,
        ornament=dice.pick(_ORNAMENTS) if drawn(rates.ornaments) else "",
        dynamic=_draw_dynamic(dice) if drawn(rates.dynamics) else "",
        words=dice.pick(_WORDS) if drawn(rates.words) else "",
        words_below=dice.chance(0.5),
        syllable=_draw_syllable(dice) if drawn(rates.lyrics) else "",
        chord=dice.pick(_HARMONIES) if drawn(rates.chords) else "",
        fingering=1 + dice.below(5) if drawn(rates.fingerings) else 0,
        breath=drawn(rates.breaths),
        tremolo=dice.pick((1, 2, 3, 3)) if bare and drawn(rates.tremolos) else 0,
        arpeggio=len(note.pitches) > 1 and drawn(rates.arpeggios),
    )


def _draw_dynamic(dice: Dice) -> str:
    return dice.pick(list(_DYNAMICS), list(_DYNAMICS.values()))


def _draw_syllable(dice: Dice) -> str:
    return dice.pick(_SYLLABLES) + ("-" if dice.chance(0.4) else "")


def _measure_starts(symbols: Sequence[Symbol]) -> Iterator[int]:
    """Notes right after a barline."""
    for index, (before, symbol) in enumerate(pairwise(symbols), 1):
        if isinstance(before, Barline) and isinstance(symbol, Note) and not symbol.grace:
            yield index


def _runs(symbols: Sequence[Symbol]) -> Iterator[list[int]]:
    """Indices of timed notes that no rest separates."""
    run: list[int] = []
    for index, symbol in enumerate(symbols):
        if isinstance(symbol, (Rest, Multirest)):
            yield run
            run = []
        elif isinstance(symbol, Note) and not symbol.grace:
            run.append(index)
    yield run


def _draw_slurs(symbols: Sequence[Symbol], rate: float, dice: Dice) -> Iterator[Span]:
    for run in _runs(symbols) if rate else ():
        place = 0
        while place < len(run) - 1:
            if not dice.chance(rate):
                place += 1
                continue
            length = dice.pick((1, 2, 3, 4, 5, 7, 11), (6, 4, 4, 2, 1, 1, 0.5))
            end = min(place + length, len(run) - 1)
            if end > place + 1 or not _share_pitch(symbols[run[place]], symbols[run[end]]):
                yield Span("slur", run[place], run[end])
            place = end if dice.chance(0.2) else end + 1


def _share_pitch(first: Symbol, second: Symbol) -> bool:
    positions = [
        {pitch.diatonic for pitch in note.pitches}
        for note in (first, second)
        if isinstance(note, Note)
    ]
    return bool(set.intersection(*positions))


def _draw_hairpins(symbols: Sequence[Symbol], rates: MarkRates, dice: Dice) -> Iterator[Span]:
    for run in _runs(symbols) if rates.hairpins else ():
        place = 0
        while place < len(run) - 1:
            if dice.chance(rates.hairpins):
                end = min(place + dice.pick((2, 3, 4, 6)), len(run) - 1)
                yield Span(dice.pick(("crescendo", "diminuendo")), run[place], run[end])
                place = end
            place += 1
