"""MusicXML documents as they are played: all voices, instruments, tempos, repeats and endings."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from xml.etree.ElementTree import Element

from omrcli.errors import InputError
from omrcli.score.play_order import Flow
from omrcli.tokens import KEY_NAMES, Pitch

from .musicxml_flow import read_flows
from .musicxml_instruments import Instrument, read_instruments
from .musicxml_reader import find_parts
from .performance import DEFAULT_TEMPO, VELOCITY, Bar, PartMusic, Piece, Stroke, Tone

#: Longest that a document may last as written, in quarter notes: far beyond any music.
MAX_QUARTERS = 100_000
#: Velocities of the marks of dynamics.
_VELOCITIES = {
    "pppp": 10, "ppp": 16, "pp": 33, "p": 49, "mp": 64, "mf": VELOCITY, "f": 96, "ff": 112,
    "fff": 120, "ffff": 127, "fp": 64, "sf": 112, "sfz": 112, "fz": 112, "rf": 96, "rfz": 96,
}  # fmt: skip
_UNITS = {
    "breve": Fraction(8), "whole": Fraction(4), "half": Fraction(2), "quarter": Fraction(1),
    "eighth": Fraction(1, 2), "16th": Fraction(1, 4), "32nd": Fraction(1, 8),
}  # fmt: skip
#: Plain numbers of a sane size: Fraction("1e999999999") would take all memory.
_NUMBER = re.compile(r"\s*(-?\d{1,9}(\.\d{1,6})?)\s*")


def document_piece(root: Element, name: str) -> Piece:
    """A partwise MusicXML document as it is played; `name` is for messages.

    Raises:
        InputError: the document is none of that kind, or holds what cannot be played.
    """
    parts = find_parts(root, name)
    entries = {entry.get("id"): entry for entry in root.iterfind("part-list/score-part")}
    try:
        read = [_Reader(read_instruments(entries.get(part.get("id")))) for part in parts]
        for reader, part in zip(read, parts, strict=True):
            reader.read(part)
    except ValueError as error:
        raise InputError(
            f"{name} holds what cannot be played ({error}); export it again as MusicXML."
        ) from error
    bars = list(_bars(read, read_flows(parts)))
    if sum(bar.length for bar in bars) > MAX_QUARTERS:
        raise InputError(f"{name} lasts longer than {MAX_QUARTERS} quarter notes; cut it up.")
    title = root.findtext("work/work-title") or root.findtext("movement-title")
    return Piece(bars, [_music(reader, len(bars)) for reader in read], title)


def _bars(read: Sequence[_Reader], flows: Sequence[Flow]) -> Iterator[Bar]:
    """The measures of all parts; keys and meters are those of the first part."""
    tempo = DEFAULT_TEMPO
    for at, flow in enumerate(flows):
        found = [reader.measures[at] for reader in read if at < len(reader.measures)]
        first = found[0]
        length = max(measure.length for measure in found)
        meter = first.meter
        if length == 0 and meter is not None:
            length = Fraction(4 * meter[0], meter[1])
        if first.is_pickup and meter and length < Fraction(4 * meter[0], meter[1]):
            unit = max(1, (length / 4).denominator)
            meter = (int(unit * length / 4), unit)
        if meter is not None and (meter[1] & (meter[1] - 1) or not 0 < meter[0] < 256):
            meter = None  # MIDI cannot say it
        tempos = {Fraction(0): tempo}
        for measure in found:
            tempos |= measure.tempos
        tempo = tempos[max(tempos)]
        yield Bar(length, meter, first.keys, tempos, flow)


def _music(reader: _Reader, count: int) -> PartMusic:
    instrument = reader.instrument
    measures = [measure.voices for measure in reader.measures]
    measures += [{} for _ in range(count - len(measures))]
    drums = instrument.is_drums or reader.is_unpitched
    return PartMusic(measures, instrument.name, instrument.program, drums)


@dataclass
class _Measure:
    """A measure of a part while it is read; times are in quarter notes."""

    meter: tuple[int, int] | None
    keys: dict[Fraction, int]
    is_pickup: bool
    length: Fraction = Fraction(0)
    tempos: dict[Fraction, float] = field(default_factory=dict)
    voices: dict[Hashable, list[Stroke]] = field(default_factory=dict)


class _Reader:
    """Reads the measures of a part; keeps what is in force."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.measures: list[_Measure] = []
        self.is_unpitched = False
        self._divisions = Fraction(1)
        self._key = 0
        self._meter: tuple[int, int] | None = None
        self._transposition: dict[str | None, int] = {}
        self._velocity = VELOCITY
        self._now = Fraction(0)

    def read(self, part: Element) -> None:
        """Read all measures.

        Raises:
            ValueError: a number is none, or a measure holds what cannot be played.
        """
        for element in part.findall("measure"):
            implicit = element.get("implicit") == "yes"
            measure = _Measure(self._meter, {Fraction(0): self._key}, implicit)
            self.measures.append(measure)
            self._now = Fraction(0)
            children = list(element)
            for place, child in enumerate(children):
                self._take(child, children[place + 1 :], measure)
                measure.length = max(measure.length, self._now)

    def _take(self, element: Element, following: Sequence[Element], measure: _Measure) -> None:
        if element.tag == "note":
            if element.find("chord") is None and element.find("cue") is None:
                self._note(element, list(_members(element, following)), measure)
        elif element.tag == "attributes":
            self._attributes(element, measure)
        elif element.tag == "backup":
            self._now = max(Fraction(0), self._now - self._duration(element))
        elif element.tag == "forward":
            self._now += self._duration(element)
        elif element.tag in ("direction", "sound"):
            self._direction(element, measure)

    def _attributes(self, element: Element, measure: _Measure) -> None:
        if (divisions := element.findtext("divisions")) is not None:
            self._divisions = _number(divisions)
            if self._divisions <= 0:
                raise ValueError("divisions that are none")
        if (fifths := element.findtext("key/fifths")) is not None:
            number = int(_number(fifths))
            self._key = number if number in KEY_NAMES else self._key
            measure.keys[self._now] = self._key
        time = element.find("time")
        if time is not None and time.find("beats") is not None:
            beats = sum(int(n) for n in re.findall(r"\d{1,4}", time.findtext("beats") or ""))
            unit = int(_number(time.findtext("beat-type") or "4"))
            self._meter = (beats, unit) if beats > 0 and unit > 0 else None
            measure.meter = measure.meter if self._now else self._meter
        for transpose in element.findall("transpose"):
            steps = int(_number(transpose.findtext("chromatic") or "0"))
            octaves = int(_number(transpose.findtext("octave-change") or "0"))
            self._transposition[transpose.get("number")] = steps + 12 * octaves

    def _direction(self, element: Element, measure: _Measure) -> None:
        for mark in element.iterfind("direction-type/dynamics/*"):
            self._velocity = _VELOCITIES.get(mark.tag, self._velocity)
        sound = element if element.tag == "sound" else element.find("sound")
        tempo = sound.get("tempo") if sound is not None else None
        if tempo is None:
            tempo = element.findtext("direction-type/metronome/per-minute")
            beat = _UNITS.get(element.findtext("direction-type/metronome/beat-unit") or "quarter")
            dots = len(element.findall("direction-type/metronome/beat-unit-dot"))
            if tempo is None or beat is None or not _NUMBER.fullmatch(tempo):
                return  # such as "c. 100"
            value = _number(tempo) * beat * (2 - Fraction(1, 2**dots))
        else:
            value = _number(tempo)
        if 4 <= value <= 1000:
            measure.tempos[self._now] = float(value)

    def _note(self, note: Element, members: Sequence[Element], measure: _Measure) -> None:
        grace = note.find("grace") is not None
        length = Fraction(0) if grace else self._duration(note)
        voice = (note.findtext("staff", "1"), note.findtext("voice", "1"))
        tones = [(member, tone) for member in members if (tone := self._tone(member))]
        if length or grace:
            stroke = Stroke(
                onset=self._now,
                length=length,
                tones=tuple(tone for _, tone in tones),
                tie_starts=frozenset(tone.name for m, tone in tones if _has_tie(m, "start")),
                tie_stops=frozenset(tone.name for m, tone in tones if _has_tie(m, "stop")),
                grace=grace,
                velocity=self._velocity,
            )
            measure.voices.setdefault(voice, []).append(stroke)
        self._now += length

    def _tone(self, note: Element) -> Tone | None:
        """The sounding tone; None for a rest."""
        pitch = note.find("pitch")
        if pitch is not None:
            alter = round(_number(pitch.findtext("alter") or "0"))
            octave = int(_number(pitch.findtext("octave") or ""))
            step = (pitch.findtext("step") or "").strip()
            if step not in ("A", "B", "C", "D", "E", "F", "G"):
                raise ValueError(f"a note of step '{step[:8]}'")
            written = Pitch(step, alter, octave)
            staff, moved = note.findtext("staff", "1"), self._transposition
            return Tone((step, alter, octave), written.midi + moved.get(staff, moved.get(None, 0)))
        if note.find("unpitched") is None:
            return None
        self.is_unpitched = True
        instrument = note.find("instrument")
        key = self.instrument.drum(instrument.get("id") if instrument is not None else None)
        return Tone(key, key)

    def _duration(self, element: Element) -> Fraction:
        return max(Fraction(0), _number(element.findtext("duration") or "0")) / self._divisions


def _members(note: Element, following: Sequence[Element]) -> Iterator[Element]:
    """The note and the members of its chord, which follow it."""
    yield note
    for element in following:
        if element.tag == "note" and element.find("chord") is not None:
            yield element
        elif element.tag == "note" or element.tag in ("backup", "forward"):
            return


def _has_tie(note: Element, kind: str) -> bool:
    return any(tie.get("type") == kind for tie in note.findall("tie"))


def _number(text: str) -> Fraction:
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ValueError(f"'{text.strip()[:12]}' in place of a number")
    return Fraction(found[1])
