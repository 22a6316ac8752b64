"""ABC tunes -> token sequences. Covers one-voice tunes, which is what tune books hold.

ABC is read here and not by Verovio, whose importer (6.4) crashes on some tunes and forgets
accidentals within the measure. As in `synth.mei`, a measure with a chord or an overlay is a cut.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from omrcli.tokens import (
    DURATIONS,
    Barline,
    Clef,
    Duration,
    KeySignature,
    Multirest,
    Note,
    Pitch,
    Rest,
    TimeSignature,
)

_MODES = {"": 0, "maj": 0, "ion": 0, "m": -3, "min": -3, "aeo": -3, "mix": -1, "dor": -2,
          "phr": -4, "lyd": 1, "loc": -5}  # fmt: skip
_TONICS = {name: fifths for fifths, name in enumerate("FCGDAEB", start=-1)}
_CLEFS = {"treble": ("G", 2), "bass": ("F", 4), "alto": ("C", 3), "tenor": ("C", 4)}
_ALTERS = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}
_BARLINES = {"|": "single", "||": "double", "|]": "final", "[|": "double", "|:": "repeat-start",
             "[|:": "repeat-start", ":|": "repeat-end", ":||": "repeat-end", ":|]": "repeat-end",
             "::": "repeat-both", ":|:": "repeat-both", ":||:": "repeat-both",
             "||:": "repeat-start"}  # fmt: skip
_TUPLET_TIMES = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}

_LENGTH = r"(?P<times>\d*)(?P<slashes>/*)(?P<by>\d*)"
_NOTE = rf"(?P<accidental>\^\^|\^|__|_|=)?(?P<step>[A-Ga-g])(?P<octave>[,']*){_LENGTH}"
_GRACE_NOTE = re.compile(_NOTE)
_LEXER = re.compile(
    rf"""(?P<comment>%.*)
    |\[(?P<head>[KMLV]):(?P<value>[^\]]*)\]
    |(?P<text>"[^"]*"|\[[A-Za-z]:[^\]]*\])
    |!(?P<mark>[^!\s]*)!
    |\{{/?(?P<graces>[^}}]*)\}}
    |(?P<bar>:*\[?\|+[\]:]*|::+)(?P<volta>\s*\[?\d[\d,.-]*)?
    |(?P<ending>\[\d[\d,.-]*)
    |\((?P<tuplet>\d)(?::(?P<within>\d?))?(?::(?P<count>\d?))?
    |(?P<broken>>+|<+)
    |(?P<tie>-)
    |(?P<measures>Z)(?P<number>\d*)
    |(?P<rest>z)(?P<rest_length>\d*/*\d*)
    |(?P<note>{_NOTE})
    |(?P<outside>[\[&x])
    |(?P<fermata>H)
    |(?P<other>.)""",
    re.VERBOSE,
)


class _OutsideError(Exception):
    """Something that the encoding or this reader cannot say."""


def split_tunes(text: str) -> list[str]:
    """The tunes of an ABC tune book; each begins with its `X:` line."""
    tunes: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("X:"):
            tunes.append([])
        if tunes:
            tunes[-1].append(line.rstrip())
    return ["\n".join(tune) + "\n" for tune in tunes]


def read_tune(text: str) -> list[list[str]]:
    """Token sequences of one tune; none for a tune in several voices or an unknown key or clef."""
    reader = _TuneReader()
    try:
        for line in text.splitlines():
            if re.match(r"[A-Za-z]:", line):
                reader.take_field(line[0], line[2:])
            elif reader.in_body and not line.startswith("%"):
                reader.take_music(line)
    except _OutsideError:
        return []
    reader.close()
    return reader.sequences


@dataclass
class _Pending:
    """A note or rest whose length the next sign may still change."""

    length: Fraction
    tuplet: tuple[int, int] | None
    pitch: Pitch | None
    fermata: bool
    tied: bool = False

    def tokens(self) -> list[str]:
        duration = spell_length(self.length, self.tuplet)
        if duration is None:
            raise _OutsideError
        if self.pitch is None:
            return [str(Rest(duration, self.fermata))]
        note = str(Note((self.pitch,), duration, fermata=self.fermata))
        return [note, "tie"] if self.tied else [note]


@lru_cache(maxsize=4096)
def spell_length(quarters: Fraction, tuplet: tuple[int, int] | None = None) -> Duration | None:
    """The plain or dotted duration of that many quarters (before the tuplet), if there is one."""
    for base, length in DURATIONS.items():
        for dots in range(3):
            if length * (2 - Fraction(1, 2**dots)) == quarters:
                return Duration(base, dots, tuplet)
    return None


@dataclass
class _TuneReader:
    """Signs in force, the measure being read and the sequences read so far."""

    sequences: list[list[str]] = field(default_factory=list)
    in_body: bool = False
    clef: Clef = field(default_factory=lambda: Clef("G", 2))
    key: KeySignature = field(default_factory=lambda: KeySignature(0))
    meter: TimeSignature | None = None
    unit: Fraction | None = None  # L: in quarters
    current: list[str] = field(default_factory=list)
    measure: list[str] = field(default_factory=list)
    opening: list[str] = field(default_factory=list)
    pending: list[_Pending] = field(default_factory=list)
    alters: dict[tuple[str, int], int] = field(default_factory=dict)
    tied: dict[tuple[str, int], int] = field(default_factory=dict)
    tuplet: tuple[int, int] | None = None
    tuplet_left: int = 0
    broken: Fraction | None = None
    fermata: bool = False
    outside: bool = False

    # -- fields ---------------------------------------------------------------------------------

    def take_field(self, name: str, value: str) -> None:
        """Take a header or inline field."""
        value = value.partition("%")[0].strip()
        if name == "L" and (match := re.fullmatch(r"1/(\d+)", value)):
            self.unit = Fraction(4, int(match[1]))
        elif name == "M":
            self._change_meter(value)
        elif name == "K":
            self._change_key(value)
            self.in_body = True
        elif name == "V" and value.split()[:1] not in ([], ["1"]):
            raise _OutsideError

    def _change_meter(self, value: str) -> None:
        text = {"C|": "C/"}.get(value, value)
        known = re.fullmatch(r"C/?|[1-9]\d?/(1|2|4|8|16|32)", text)
        meter = TimeSignature(text) if known else None
        if meter != self.meter and meter is not None and self.in_body:
            self._print(str(meter))
        self.meter = meter

    def _change_key(self, value: str) -> None:
        clef, words = _clef_of(value)
        key = KeySignature(_fifths_of(words))
        if self.in_body and clef is not None and clef != self.clef:
            self._print(str(clef))
        if self.in_body and key != self.key:
            self._print(str(key))
        self.clef, self.key = clef or self.clef, key

    def _print(self, text: str) -> None:
        self._settle()
        self.measure.append(text)

    def _signs(self) -> list[str]:
        key = [str(self.key)] if self.key.fifths else []
        return [str(self.clef), *key, *([str(self.meter)] if self.meter else [])]

    # -- music ----------------------------------------------------------------------------------

    def take_music(self, line: str) -> None:
        """Read one line of the tune body."""
        for match in _LEXER.finditer(line):
            if not self.current and not self.measure and not self.pending:
                self.opening = self._signs()
            kind = match.lastgroup
            if match["head"]:
                self.take_field(match["head"], match["value"])
            elif match["bar"]:
                self._end_measure(match["bar"])
            elif match["note"]:
                self._take_note(match)
            elif match["rest"]:
                self._take_event(None, _length_of(match["rest_length"]))
            elif match["measures"]:
                self._print(str(Multirest(int(match["number"] or "1"))))
            elif match["tuplet"]:
                self._start_tuplet(match)
            elif match["graces"] is not None:
                self._take_graces(match["graces"])
            elif match["broken"]:
                self._break_rhythm(match["broken"])
            elif match["tie"]:
                self._tie()
            elif match["fermata"] or match["mark"] == "fermata":
                self.fermata = True
            elif kind == "outside":
                self.outside = True

    def _unit(self) -> Fraction:
        if self.unit is not None:
            return self.unit
        short = self.meter is not None and self.meter.quarters < 3
        return Fraction(1, 4) if short else Fraction(1, 2)

    def _take_note(self, match: re.Match[str]) -> None:
        length = _length_of(match["times"] + match["slashes"] + match["by"])
        self._take_event(self._pitch(match), length)

    def _take_event(self, pitch: Pitch | None, length: Fraction) -> None:
        tuplet = self.tuplet if self.tuplet_left else None
        self.tuplet_left = max(0, self.tuplet_left - 1)
        length *= self._unit()
        if self.broken is not None:
            length, self.broken = length * self.broken, None
        self._settle()
        self.pending.append(_Pending(length, tuplet, pitch, self.fermata))
        self.fermata = False

    def _pitch(self, match: re.Match[str]) -> Pitch:
        step = match["step"].upper()
        octave = 4 + match["step"].islower()
        octave += match["octave"].count("'") - match["octave"].count(",")
        place = (step, octave)
        if match["accidental"]:
            self.alters[place] = _ALTERS[match["accidental"]]
        from_tie = self.tied.pop(place, None)
        if from_tie is not None and not match["accidental"]:
            return Pitch(step, from_tie, octave)
        return Pitch(step, self.alters.get(place, self.key.alter_of(step)), octave)

    def _take_graces(self, text: str) -> None:
        self._settle()
        pitches = [self._pitch(match) for match in _GRACE_NOTE.finditer(text)]
        base = "eighth" if len(pitches) == 1 else "sixteenth"
        self.measure += [str(Note((pitch,), Duration(base), grace=True)) for pitch in pitches]

    def _start_tuplet(self, match: re.Match[str]) -> None:
        notes = int(match["tuplet"])
        compound = self.meter is not None and self.meter.beats % 3 == 0 and self.meter.beats > 3
        times = int(match["within"] or _TUPLET_TIMES.get(notes, 3 if compound else 2))
        self.tuplet, self.tuplet_left = (notes, times), int(match["count"] or notes)
        self.outside = self.outside or notes < 2 or times < 1

    def _break_rhythm(self, signs: str) -> None:
        short = Fraction(1, 2 ** len(signs))
        if self.pending:
            self.pending[-1].length *= (2 - short) if signs[0] == ">" else short
            self.broken = short if signs[0] == ">" else 2 - short

    def _tie(self) -> None:
        if self.pending and self.pending[-1].pitch is not None:
            self.pending[-1].tied = True
            pitch = self.pending[-1].pitch
            self.tied[pitch.step, pitch.octave] = pitch.alter

    def _settle(self) -> None:
        """Write the pending note, now that nothing can change it."""
        for event in self.pending:
            try:
                self.measure += event.tokens()
            except _OutsideError:
                self.outside = True
        self.pending = []

    # -- measures -------------------------------------------------------------------------------

    def _end_measure(self, bar: str) -> None:
        self._settle()
        kind = _BARLINES.get(bar, "single")
        if self.outside:
            self._cut()
        elif self.measure:
            self.current = self.current or list(self.opening)
            self.current += [*self.measure, str(Barline(kind))]
        elif self.current:
            self._merge_barline(kind)
        elif kind == "repeat-start":
            self.current = [*self._signs(), "repeat-start"]
        self.measure, self.alters, self.outside = [], {}, False

    def _merge_barline(self, kind: str) -> None:
        """Two barlines with nothing between them are drawn as one sign."""
        last = self.current[-1]
        if kind == "repeat-start" and last in ("repeat-end", "repeat-both"):
            self.current[-1] = "repeat-both"
        elif kind != "single" and last.startswith("barline"):
            self.current[-1] = str(Barline(kind))

    def _cut(self) -> None:
        sequence, self.current = self.current, []
        if any(text.startswith(("note", "rest")) for text in sequence):
            self.sequences.append(sequence)

    def close(self) -> None:
        """End the tune; a last measure without a barline is kept as it is."""
        self._settle()
        if self.measure and not self.outside:
            self.current = (self.current or list(self.opening)) + self.measure
        self._cut()


@lru_cache(maxsize=4096)
def _length_of(text: str) -> Fraction:
    """A length such as `3`, `/2`, `3/2`, `/` or `//`, in units."""
    times, _, by = text.partition("/")
    slashes = text.count("/")
    below = int(by.strip("/")) if by.strip("/") else 2**slashes
    if below == 0:
        raise _OutsideError
    return Fraction(int(times or "1"), below)


def _clef_of(value: str) -> tuple[Clef | None, list[str]]:
    """The clef that a K: field names, and its other words."""
    words, clef = [], None
    for word in value.split():
        name, shift = word.removeprefix("clef="), 0
        if name.endswith(("-8", "+8")):
            shift, name = (-1 if name.endswith("-8") else 1), name[:-2]
        if name in _CLEFS:
            clef = Clef(*_CLEFS[name], shift)
        else:
            words.append(word)
    return clef, words


def _fifths_of(words: list[str]) -> int:
    """Fifths of a K: field such as `F#m`, `D dor` or `HP`."""
    text = "".join(words[:2])
    if text in ("none", ""):
        return 0
    if text.lower() == "hp":
        return 0 if text == "HP" else 2
    match = re.fullmatch(r"([A-G])([#b]?)([A-Za-z]*)", text)
    mode = match[3].lower() if match and match[3] != "M" else ""
    offset = _MODES.get(mode if mode == "m" else mode[:3])
    if match is None or offset is None:
        raise _OutsideError
    fifths = _TONICS[match[1]] + 7 * ((match[2] == "#") - (match[2] == "b")) + offset
    if not -7 <= fifths <= 7:
        raise _OutsideError
    return fifths
