"""What stands around the notes but is not in the encoding: slurs, articulation, dynamics, words.

A reader must learn to pass over it. It is never drawn so that it could be taken for something in
the encoding: no slur joins two neighbouring notes of one pitch, which would look like a tie.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_ARTICULATIONS = ("stacc", "stacc", "stacc", "acc", "ten", "marc", "stacciss", "acc stacc")
_DYNAMICS = ("pp", "p", "p", "mp", "mf", "f", "f", "ff", "sf", "sfz", "fp", "cresc.", "dim.")
_WORDS = ("dolce", "rit.", "a tempo", "Solo", "Tutti", "pizz.", "arco", "espr.", "legato", "Fine",
          "D.C.", "poco a poco", "cantabile", "tr", "div.", "con sord.")  # fmt: skip
_TEMPI = ("Allegro", "Adagio", "Andante", "Presto", "Allegretto", "Largo", "Moderato", "Vivace",
          "Tempo di Menuetto", "Andante con moto", "Allegro non troppo")  # fmt: skip
_ORNAMENTS = ("trill", "turn", "mordent")
_CHORDS = ("C", "Dm", "Em7", "F", "G7", "Am", "Bb", "Eb", "F#m", "D7", "A", "E", "Gm", "Cmaj7")
_SYLLABLES = ("la", "ky", "ri", "e", "lei", "son", "glo", "ria", "in", "ex", "cel", "sis", "lie",
              "be", "herz", "und", "the", "sweet", "love", "a", "men", "san", "ctus")  # fmt: skip


@dataclass(frozen=True)
class Clutter:
    """How much of each kind there is: rates (0..1) a note, but `tempo` and `measure_numbers` for
    the staff. Equal seeds give equal clutter."""

    slurs: float = 0.0
    articulations: float = 0.0
    dynamics: float = 0.0
    hairpins: float = 0.0
    ornaments: float = 0.0
    words: float = 0.0
    lyrics: float = 0.0
    chords: float = 0.0
    fingerings: float = 0.0
    breaths: float = 0.0
    tempo: bool = False
    measure_numbers: bool = False
    seed: int = 0


def draw_clutter(rng: np.random.Generator) -> Clutter:
    """Random clutter: none for half of the staves, and of the kinds that go together else."""
    if rng.random() < 0.5:
        return Clutter()
    most = {
        "slurs": (0.5, 0.3), "articulations": (0.4, 0.4), "dynamics": (0.4, 0.12),
        "hairpins": (0.2, 0.08), "ornaments": (0.2, 0.1), "words": (0.2, 0.05),
        "lyrics": (0.12, 1.0), "chords": (0.1, 0.4), "fingerings": (0.1, 0.4),
        "breaths": (0.1, 0.05),
    }  # fmt: skip
    rates = {
        kind: round(float(rng.random()) * rate, 3)
        for kind, (share, rate) in most.items()
        if rng.random() < share
    }
    if "lyrics" in rates:
        rates["lyrics"] = 0.9  # sung throughout
    return Clutter(
        **rates,
        tempo=bool(rng.random() < 0.25),
        measure_numbers=bool(rng.random() < 0.2),
        seed=int(rng.integers(2**31)),
    )


@dataclass
class _Span:
    """A slur or hairpin that is open: what it starts from, and how many notes it still takes."""

    start: str
    pitches: Sequence[int]
    notes: int
    length: int = 0


class Scribe:
    """Adds clutter to the notes of a staff, in their order."""

    def __init__(self, clutter: Clutter) -> None:
        self._clutter = clutter
        self._rng = random.Random(clutter.seed)
        self._open: dict[str, _Span] = {}
        self._first = True

    def _draws(self, rate: float) -> bool:
        return rate > 0 and self._rng.random() < rate

    def mark(self) -> str:
        """Attributes of the next note."""
        if self._draws(self._clutter.articulations):
            return f' artic="{self._rng.choice(_ARTICULATIONS)}"'
        return ""

    def sing(self) -> str:
        """Children of the next note: its syllable."""
        if not self._draws(self._clutter.lyrics):
            return ""
        place = ' wordpos="i" con="d"' if self._rng.random() < 0.4 else ""
        return f'<verse n="1"><syl{place}>{self._rng.choice(_SYLLABLES)}</syl></verse>'

    def surround(self, name: str, pitches: Sequence[int]) -> list[str]:
        """Events at the note with this id and these diatonic pitches."""
        clutter, choose = self._clutter, self._rng.choice
        events = self._span("slur", clutter.slurs, name, pitches)
        events += self._span("hairpin", clutter.hairpins, name, pitches)
        at = f'startid="#{name}"'
        if self._first and clutter.tempo:
            events.append(f"<tempo {at}>{choose(_TEMPI)}</tempo>")
        if self._draws(clutter.dynamics):
            events.append(f"<dynam {at}>{choose(_DYNAMICS)}</dynam>")
        if self._draws(clutter.ornaments):
            events.append(f"<{choose(_ORNAMENTS)} {at}/>")
        if self._draws(clutter.words):
            place = choose(("above", "below"))
            events.append(f'<dir {at} place="{place}">{choose(_WORDS)}</dir>')
        if self._draws(clutter.chords):
            events.append(f'<harm {at} place="above">{choose(_CHORDS)}</harm>')
        if self._draws(clutter.fingerings):
            events.append(f"<fing {at}>{self._rng.randint(1, 5)}</fing>")
        if self._draws(clutter.breaths):
            events.append(f"<breath {at}/>")
        self._first = False
        return events

    def pause(self) -> None:
        """A rest: slurs do not go over it."""
        self._open.clear()

    def _span(self, kind: str, rate: float, name: str, pitches: Sequence[int]) -> list[str]:
        """Slurs or hairpins that end at a note; perhaps another begins there."""
        span, done = self._open.get(kind), []
        if span is not None:
            span.length += 1
            looks_tied = span.length == 1 and bool(set(span.pitches) & set(pitches))
            if span.length >= span.notes and not looks_tied:
                form = f' form="{self._rng.choice(("cres", "dim"))}"' if kind == "hairpin" else ""
                done.append(f'<{kind}{form} startid="#{span.start}" endid="#{name}"/>')
                del self._open[kind]
        if kind not in self._open and self._draws(rate):
            self._open[kind] = _Span(name, pitches, self._rng.choice((1, 1, 2, 2, 3, 4, 6)))
        return done
