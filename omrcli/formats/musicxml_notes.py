"""Notes and rests as MusicXML elements, spelled by music21, which is imported on first use."""

from __future__ import annotations

import contextlib
import gc
import io
from collections.abc import Iterator
from fractions import Fraction
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from omrcli.score.notation import NotedEvent
from omrcli.tokens import DURATIONS, Duration, Note, Pitch

_TYPES = {
    "quadruple_whole": "longa",
    "double_whole": "breve",
    "sixteenth": "16th",
    "thirty_second": "32nd",
    "sixty_fourth": "64th",
    "hundred_twenty_eighth": "128th",
}
_TIES = {(True, False): "start", (False, True): "stop", (True, True): "continue"}
#: What the schema has before the ratio of a tuplet, and every note has some of.
_BEFORE_RATIO = ("type", "dot", "accidental")
_BEAMS = {
    "begin": ("start",),
    "continue": ("continue",),
    "end": ("stop",),
    "forward hook": ("partial", "right"),
    "backward hook": ("partial", "left"),
}


def _music21() -> Any:
    """music21, whose import takes most of the time that writing a score takes."""
    # On its first import it advises on stderr to install matplotlib, which nothing here needs.
    with contextlib.redirect_stderr(io.StringIO()), _without_collector():
        import music21
        import music21.musicxml.m21ToXml

    return music21


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """No garbage is collected inside: an import makes little, and spends a fifth of its time so."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class Speller:
    """Spells notes and rests with music21, in `divisions` of a quarter note."""

    def __init__(self, divisions: int) -> None:
        self.divisions = divisions
        self._exporter = _music21().musicxml.m21ToXml.MeasureExporter()
        self._exporter.currentDivisions = divisions
        self._exporter.currentVoiceId = 1

    def _make(self, noted: NotedEvent) -> Any:
        """The music21 object of an event: Note, Chord or Rest."""
        music21 = _music21()
        symbol = noted.event.symbol
        made: Any
        if not isinstance(symbol, Note):
            made = music21.note.Rest()
        elif len(symbol.pitches) == 1:
            made = _note(symbol.pitches[0], noted, 0)
        else:
            members = [_note(pitch, noted, place) for place, pitch in enumerate(symbol.pitches)]
            made = music21.chord.Chord(members)
        made.duration = _duration(noted)
        if isinstance(symbol, Note) and symbol.grace:
            made = made.getGrace()
            # A slash is for the short grace note; a group is held together by its beam.
            made.duration.slash = DURATIONS[symbol.duration.base] < 1 and not noted.beams
        for beam in noted.beams:
            made.beams.append(*_BEAMS[beam])
        if noted.event.fermata:
            fermata = music21.expressions.Fermata()
            fermata.type = "upright"
            made.expressions.append(fermata)
        return made

    def elements(self, noted: NotedEvent) -> list[Element]:
        """The `note` elements of an event: one, or one for each member of a chord."""
        made = self._make(noted)
        self._exporter.xmlRoot = Element("measure")
        members = list(made) if made.isChord else [made]
        for place, member in enumerate(members):
            self._exporter.noteToXml(member, place, made if made.isChord else None)
        elements = list(self._exporter.xmlRoot)
        spelling = noted.event.spelling
        if noted.event.kind == "grace" and spelling and spelling.tuplet:
            for element in elements:  # music21 leaves it out, as grace notes take no time
                _add_ratio(element, spelling.tuplet)
        return elements

    def measure_rest(self, length: Fraction, fermata: bool = False) -> Element:
        """A rest that lasts its measure, `length` in quarter notes."""
        element = Element("note")
        SubElement(element, "rest", measure="yes")
        SubElement(element, "duration").text = str(round(length * self.divisions))
        SubElement(element, "voice").text = "1"
        if fermata:
            SubElement(SubElement(element, "notations"), "fermata", type="upright")
        return element

    def padding(self, length: Fraction) -> Element:
        """A rest of any length that is not printed: a gap for a reader to look at."""
        element = Element("note", {"print-object": "no"})
        SubElement(element, "rest")
        SubElement(element, "duration").text = str(round(length * self.divisions))
        SubElement(element, "voice").text = "1"
        return element


def _add_ratio(note: Element, ratio: tuple[int, int]) -> None:
    element = Element("time-modification")
    SubElement(element, "actual-notes").text = str(ratio[0])
    SubElement(element, "normal-notes").text = str(ratio[1])
    place = max(i for i, child in enumerate(note) if child.tag in _BEFORE_RATIO)
    note.insert(place + 1, element)


def _note(pitch: Pitch, noted: NotedEvent, place: int) -> Any:
    music21 = _music21()
    made = music21.note.Note(f"{pitch.step}{pitch.octave}")
    shown = noted.accidentals[place] is not None
    if pitch.alter or shown:
        made.pitch.accidental = music21.pitch.Accidental(pitch.alter)
        made.pitch.accidental.displayStatus = shown
    starts, stops = pitch in noted.tie_starts, pitch in noted.tie_stops
    if starts or stops:
        made.tie = music21.tie.Tie(_TIES[starts, stops])
    return made


def _duration(noted: NotedEvent) -> Any:
    duration = _music21().duration
    spelling = noted.event.spelling or Duration("whole")
    made = duration.Duration(_TYPES.get(spelling.base, spelling.base), dots=spelling.dots)
    if spelling.tuplet:
        tuplet = duration.Tuplet(*spelling.tuplet)
        if noted.tuplet and (noted.tuplet.starts or noted.tuplet.stops):
            tuplet.type = "start" if noted.tuplet.starts else "stop"
            tuplet.bracket = noted.tuplet.bracket
        made.appendTuplet(tuplet)
    return made
