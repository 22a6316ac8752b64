"""Writes clutter into MEI: what of it stands at which note and measure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from omrcli.tokens import Note

from .clutter import Clutter

_ARTICULATIONS = ("stacc", "stacc", "stacc", "acc", "ten", "marc", "stacciss", "acc stacc",
                  "ten stacc")  # fmt: skip
_DYNAMICS = ("ppp", "pp", "p", "p", "mp", "mf", "f", "f", "ff", "fff", "sf", "sfz", "fp", "rf",
             "cresc.", "dim.", "decresc.", "più", "sempre", "poco")  # fmt: skip
_WORDS = ("dolce", "rit.", "a tempo", "Solo", "Tutti", "pizz.", "arco", "espr.", "legato", "Fine",
          "poco a poco", "cantabile", "div.", "con sord.", "unis.", "sul G", "V.S.", "stacc.",
          "rall.", "cresc. molto", "leggiero", "simile", "a2", "1.", "ten.", "marcato",
          "sotto voce", "(2nd time only)", "Vl. II", "col legno", "spiccato", "meno",
          "accel.")  # fmt: skip
_TEMPI = ("Allegro", "Adagio", "Andante", "Presto", "Allegretto", "Largo", "Moderato", "Vivace",
          "Tempo di Menuetto", "Andante con moto", "Allegro non troppo", "Rondo", "Trio",
          "Langsam", "Lebhaft", "Tempo I", "Grave", "Swing", "Menuetto da capo")  # fmt: skip
_ROOTS = ("C", "D", "E", "F", "G", "A", "B", "Bb", "Eb", "Ab", "F#", "C#", "B♭", "E♭", "F♯")
_CHORDS = ("", "", "m", "7", "m7", "maj7", "dim", "sus4", "6", "9", "7b9", "/G", "m7b5", "+")
_FIGURES = (("6",), ("6",), ("7",), ("5", "3"), ("6", "4"), ("6", "5"), ("4", "2"), ("4", "3"),
            ("♯",), ("♭",), ("♮",), ("6", "♯"), ("9", "7"), ("5",), ("7", "5", "3"))  # fmt: skip
_WORDS_SUNG = ("Ky ri e", "e lei son", "Glo ri a", "in", "ex cel sis", "De o", "et", "pax",
               "San ctus", "A men", "al le lu ia", "mein", "Herz", "und", "See le", "lie be",
               "the", "sweet", "mer ry", "hea ven", "o", "dol ce", "a mor", "ah", "que", "belle",
               "nacht", "Him mel", "shall", "ne ver", "jour", "star", "my", "love", "Ma ri a",
               "God", "un ser", "Wind", "gren zen los", "I", "fol low", "ring,",
               "home.")  # fmt: skip
_INSTRUMENTS = ("Violino I", "Violino II", "Viola", "Violoncello", "Flauto", "Oboe", "Fagotto",
                "Clarinet in B♭", "Corni in F", "Tromba I", "Soprano", "Alto", "Tenore", "Basso",
                "Basso continuo", "Violin", "Cello", "Voice", "Flute 1", "Tenor Sax",
                "Contrabass")  # fmt: skip
_SHORT = ("Vl.", "Vln. I", "Vl. II", "Vla.", "Vc.", "Cb.", "Fl.", "Ob.", "Cl.", "Fg.", "Cor.", "S",
          "A.", "T", "B.", "Trp. 1", "Hn.", "V1", "I", "II", "1.", "2")  # fmt: skip
_VOLTAS = (("1.", "2."), ("1.", "2."), ("1", "2"), ("1.2.", "3."), ("1-3", "4"), ("I.", "II."))
_JUMPS = ("segno", "coda", "daCapo", "dalSegno", "fine")
#: Metronome signs of music fonts: half, quarter, eighth, and the dot.
_NOTES, _NOTE_DOT = ("\ueca3", "\ueca5", "\ueca5", "\ueca7"), "\uecb7"


@dataclass
class _Span:
    """A slur or hairpin that is open: what it starts from, and how many notes it still takes."""

    start: str
    pitches: Sequence[int]
    notes: int
    length: int = 0


class Scribe:
    """Adds clutter to the notes and measures of a staff, in their order."""

    def __init__(self, clutter: Clutter) -> None:
        self._clutter = clutter
        self._rng = random.Random(clutter.seed)
        self._open: dict[str, _Span] = {}
        self._first = True
        self._new_measure = True
        self._sung: list[list[str]] = [[] for _ in range(clutter.verses)]
        self._cue = self._draws(clutter.cues)
        self._mark = self._rng.randrange(30)  # the last rehearsal mark

    def _draws(self, rate: float) -> bool:
        return rate > 0 and self._rng.random() < rate

    def start_measure(self) -> None:
        """A barline: what stands at the start of a measure may come."""
        self._new_measure = True
        self._cue = self._draws(self._clutter.cues)

    def has_cue_rest(self) -> bool:
        """Whether the rest of the player stands below the cue in the measure that ends."""
        return self._cue and self._rng.random() < 0.5

    def size(self) -> dict[str, str]:
        """Attributes of a note's size: measures of small notes are cues for a player."""
        return {"cue": "true"} if self._cue else {}

    def stroke(self, note: Note) -> dict[str, str]:
        """Attributes of the strokes through a note's stem; none through flags, beams and dots."""
        bare = note.duration.base in ("half", "quarter", "whole") and not note.duration.dots
        if not bare or not self._draws(self._clutter.tremolos):
            return {}
        return {"stem.mod": f"{self._rng.choice((1, 2, 3, 3))}slash"}

    def name(self) -> str:
        """The instrument before the staff, in full or short."""
        if not self._clutter.instrument:
            return ""
        text = self._rng.choice(_INSTRUMENTS if self._rng.random() < 0.4 else _SHORT)
        return f"<label>{text}</label>"

    def bracket(self, measures: Sequence[str]) -> str:
        """All measures, some of them under the brackets of first and second endings."""
        rate, left = self._clutter.voltas, list(measures)
        if not rate:
            return "".join(left)
        done, labels = [], list[str]()
        while left:
            if not labels and self._draws(rate):
                labels = list(self._rng.choice(_VOLTAS)[: self._rng.choice((1, 2, 2))])
            if not labels:
                done.append(left.pop(0))
                continue
            size = self._rng.choice((1, 1, 1, 2, 3))
            closed = self._rng.choice((' lendsym="angledown"', ""))
            inside = "".join(left[:size])
            done.append(f'<ending n="{labels.pop(0)}"{closed}>{inside}</ending>')
            del left[:size]
        return "".join(done)

    def adorn(self, note: Note) -> str:
        """Children of the next note: articulation, bowing, syllables."""
        return self._articulate(note) + self._bow() + self._sing()

    def _articulate(self, note: Note) -> str:
        rate = self._clutter.articulations
        kinds: Sequence[str] = _ARTICULATIONS
        if rate and (note.fermata or note.duration.dots):
            # Where a reader is most easily misled: a dot above a dotted note is no second dot.
            rate = min(1.0, 0.1 + 2 * rate)
            kinds = ("stacc", "ten", "acc") if note.duration.dots else ("acc", "marc", "stacc")
        if not self._draws(rate):
            return ""
        place = self._rng.choice(("", "", "", ' place="above"', ' place="below"'))
        return f'<artic artic="{self._rng.choice(kinds)}"{place}/>'

    def _bow(self) -> str:
        if not self._draws(self._clutter.bowings):
            return ""
        return f'<artic artic="{self._rng.choice(("upbow", "dnbow"))}" place="above"/>'

    def _sing(self) -> str:
        if not self._draws(self._clutter.lyrics):
            return ""  # the last syllable goes on
        return "".join(self._syllable(number) for number in range(self._clutter.verses))

    def _syllable(self, number: int) -> str:
        waiting = self._sung[number]
        first = f"{number + 1}. " if self._first and self._clutter.verses > 1 else ""
        place = "m"
        if not waiting:
            waiting += self._rng.choice(_WORDS_SUNG).split()
            place = "i"
        text = waiting.pop(0)
        if waiting:
            line = f' wordpos="{place}" con="d"'
        else:
            line = ' con="u"' if self._rng.random() < 0.2 else ""
        return f'<verse n="{number + 1}"><syl{line}>{first}{text}</syl></verse>'

    def surround(self, name: str, pitches: Sequence[int]) -> list[str]:
        """Events at the note with this id and these diatonic pitches."""
        clutter, at = self._clutter, f'startid="#{name}"'
        events = self._span("slur", clutter.slurs, name, pitches)
        events += self._span("hairpin", clutter.hairpins, name, pitches)
        events += self._span("pedal", clutter.pedals, name, pitches)
        events += self._span("trill", clutter.ornaments / 4, name, pitches)
        if self._new_measure:
            events += self._head(at)
        if self._draws(clutter.dynamics):
            events.append(f"<dynam {at}{self._place(0.1)}>{self._rng.choice(_DYNAMICS)}</dynam>")
        if self._draws(clutter.ornaments):
            events.append(self._ornament(at))
        if self._draws(clutter.words):
            events.append(f"<dir {at}{self._place(0.5)}>{self._word()}</dir>")
        if self._draws(clutter.chords):
            chord = self._rng.choice(_ROOTS) + self._rng.choice(_CHORDS)
            events.append(f'<harm {at} place="above">{chord}</harm>')
        if self._draws(clutter.figured_bass):
            figures = "".join(f"<f>{text}</f>" for text in self._rng.choice(_FIGURES))
            events.append(f'<harm {at} place="below"><fb>{figures}</fb></harm>')
        if self._draws(clutter.fingerings):
            events.append(f"<fing {at}{self._place(0.7)}>{self._finger()}</fing>")
        if len(pitches) > 1 and self._draws(clutter.arpeggios):
            events.append(f"<arpeg {at}/>")
        if self._draws(clutter.breaths):
            events.append(f"<{self._rng.choice(('breath', 'breath', 'caesura'))} {at}/>")
        self._first = self._new_measure = False
        return events

    def pause(self) -> None:
        """A rest: slurs do not go over it."""
        self._open.clear()

    def _head(self, at: str) -> list[str]:
        """What stands over the first note of a measure."""
        events = []
        if self._first and self._clutter.tempo:
            events.append(f"<tempo {at}>{self._tempo()}</tempo>")
        if self._draws(self._clutter.rehearsal):
            self._mark += 1
            letter = chr(ord("A") + self._mark % 26)
            text = self._rng.choice((letter, letter, str(self._mark), str(self._mark * 7)))
            frame = self._rng.choice((' rend="box"', ' rend="box"', ' rend="circle"', ""))
            events.append(f"<reh {at}><rend{frame}>{text}</rend></reh>")
        if self._draws(self._clutter.jumps):
            events.append(f'<repeatMark {at} func="{self._rng.choice(_JUMPS)}"/>')
        return events

    def _place(self, above: float) -> str:
        return f' place="{"above" if self._rng.random() < above else "below"}"'

    def _tempo(self) -> str:
        text = self._rng.choice(_TEMPI)
        if self._rng.random() < 0.4:
            dot = _NOTE_DOT if self._rng.random() < 0.3 else ""
            sign = f'<rend fontfam="smufl">{self._rng.choice(_NOTES)}{dot}</rend>'
            speed = f"{sign} = {self._rng.choice(('', 'c. '))}{self._rng.randrange(40, 200, 4)}"
            text = self._rng.choice((f"{text} {speed}", f"{text} ({speed})", speed))
        return text

    def _ornament(self, at: str) -> str:
        kind = self._rng.choice(("trill", "trill", "turn", "mordent"))
        sign = self._rng.choice(("", "", "", ' accidupper="s"', ' accidupper="f"'))
        forms = {"trill": ("",), "turn": ("", ' form="lower"'), "mordent": ("", ' form="upper"')}
        return f"<{kind} {at}{self._rng.choice(forms[kind])}{sign}/>"

    def _word(self) -> str:
        text = self._rng.choice(_WORDS)
        style = self._rng.choice(("", "", 'fontstyle="normal"', 'fontweight="bold"'))
        return f"<rend {style}>{text}</rend>" if style else text

    def _finger(self) -> str:
        return self._rng.choice(("0", "1", "2", "3", "4", "1", "2", "3", "4", "5", "1-3", "III"))

    def _span(self, kind: str, rate: float, name: str, pitches: Sequence[int]) -> list[str]:
        """Slurs or hairpins that end at a note; perhaps another begins there."""
        span, done = self._open.get(kind), []
        if span is not None:
            span.length += 1
            looks_tied = span.length == 1 and bool(set(span.pitches) & set(pitches))
            if span.length >= span.notes and not looks_tied:
                done = self._end_span(kind, span.start, name)
                del self._open[kind]
        if kind not in self._open and self._draws(rate):
            self._open[kind] = _Span(name, pitches, self._rng.choice((1, 1, 2, 2, 3, 4, 6)))
        return done

    def _end_span(self, kind: str, start: str, end: str) -> list[str]:
        ends = f'startid="#{start}" endid="#{end}"'
        if kind == "slur":
            form = self._rng.choice(("",) * 8 + (' curvedir="above"', ' curvedir="below"'))
            return [f"<slur{form} {ends}/>"]
        if kind == "hairpin":
            form = self._rng.choice(("cres", "dim"))
            return [f'<hairpin form="{form}" {ends}{self._place(0.1)}/>']
        if kind == "trill":
            return [f'<trill {ends} extender="true"/>']
        return [
            f'<pedal dir="{way}" startid="#{at}"/>' for way, at in (("down", start), ("up", end))
        ]
