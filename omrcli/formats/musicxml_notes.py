"""Notes and rests as MusicXML elements.

See `musicxml.py` for why music21 has no part in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from xml.etree.ElementTree import Element, SubElement

from omrcli.score.notation import NotedEvent
from omrcli.tokens import DURATIONS, Duration, Note, Pitch

_TYPES = {
    "quadruple_whole": "long",
    "double_whole": "breve",
    "sixteenth": "16th",
    "thirty_second": "32nd",
    "sixty_fourth": "64th",
    "hundred_twenty_eighth": "128th",
}
_ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}


class Speller:
    """Spells notes and rests in `divisions` of a quarter note."""

    def __init__(self, divisions: int) -> None:
        self.divisions = divisions

    def elements(self, noted: NotedEvent) -> list[Element]:
        """The `note` elements of an event: one, or one for each member of a chord."""
        symbol = noted.event.symbol
        if isinstance(symbol, Note):
            return [self._element(noted, place) for place in range(len(symbol.pitches))]
        return [self._element(noted)]

    def measure_rest(self, length: Fraction, fermata: bool = False) -> Element:
        """A rest that lasts its measure, `length` in quarter notes."""
        element = Element("note")
        SubElement(element, "rest", measure="yes")
        self._add_time(element, length)
        if fermata:
            SubElement(element, "notations").append(_fermata())
        return element

    def padding(self, length: Fraction) -> Element:
        """A rest of any length that is not printed: a gap for a reader to look at."""
        element = Element("note", {"print-object": "no"})
        SubElement(element, "rest")
        self._add_time(element, length)
        return element

    def _element(self, noted: NotedEvent, place: int = 0) -> Element:
        """A rest or a note, of a chord the one at a place; the schema orders what is in it."""
        symbol, spelling = noted.event.symbol, noted.event.spelling or Duration("whole")
        element = Element("note")
        grace = isinstance(symbol, Note) and symbol.grace
        if grace:
            # A slash is for the short grace note; a group is held together by its beam.
            slash = DURATIONS[spelling.base] < 1 and not noted.beams
            SubElement(element, "grace", slash="yes" if slash else "no")
        if place:
            SubElement(element, "chord")
        pitch = symbol.pitches[place] if isinstance(symbol, Note) else None
        shown = pitch is not None and noted.accidentals[place] is not None
        if pitch is None:
            SubElement(element, "rest")
        else:
            element.append(_pitch(pitch, shown))
        ties = _ties(noted, pitch)
        self._add_time(element, None if grace else spelling.quarters, ties)
        SubElement(element, "type").text = _type(spelling)
        for _ in range(spelling.dots):
            SubElement(element, "dot")
        if shown and pitch is not None:
            SubElement(element, "accidental").text = _ACCIDENTALS[pitch.alter]
        if spelling.tuplet:
            modification = SubElement(element, "time-modification")
            SubElement(modification, "actual-notes").text = str(spelling.tuplet[0])
            SubElement(modification, "normal-notes").text = str(spelling.tuplet[1])
        for number, beam in enumerate(() if place else noted.beams, 1):
            SubElement(element, "beam", number=str(number)).text = beam
        if notations := list(_notations(noted, ties, is_first=not place)):
            SubElement(element, "notations").extend(notations)
        return element

    def _add_time(
        self, element: Element, length: Fraction | None, ties: tuple[str, ...] = ()
    ) -> None:
        """Add how long it sounds, in quarter notes, which ties end and begin, and its voice."""
        if length is not None:
            SubElement(element, "duration").text = str(round(length * self.divisions))
        for tie in ties:
            SubElement(element, "tie", type=tie)
        SubElement(element, "voice").text = "1"


def _pitch(pitch: Pitch, shown: bool) -> Element:
    element = Element("pitch")
    SubElement(element, "step").text = pitch.step
    if pitch.alter or shown:
        SubElement(element, "alter").text = str(pitch.alter)
    SubElement(element, "octave").text = str(pitch.octave)
    return element


def _type(spelling: Duration) -> str:
    return _TYPES.get(spelling.base, spelling.base)


def _ties(noted: NotedEvent, pitch: Pitch | None) -> tuple[str, ...]:
    ends = (("stop", noted.tie_stops), ("start", noted.tie_starts))
    return tuple(name for name, pitches in ends if pitch in pitches)


def _notations(noted: NotedEvent, ties: tuple[str, ...], is_first: bool) -> Iterator[Element]:
    """What is drawn about a note; what is there once for a chord stands at its first one."""
    if noted.event.fermata and is_first:
        yield _fermata()
    for tie in ties:
        yield Element("tied", type=tie)
    mark, spelling = noted.tuplet, noted.event.spelling
    if is_first and mark and spelling and spelling.tuplet:
        if mark.starts:
            yield _tuplet_start(spelling.tuplet, mark.bracket)
        elif mark.stops:
            yield Element("tuplet", type="stop", number="1")


def _tuplet_start(ratio: tuple[int, int], bracket: bool) -> Element:
    signs = {"bracket": "yes" if bracket else "no", "placement": "above"}
    element = Element("tuplet", {"type": "start", "number": "1", **signs})
    for kind, number in zip(("actual", "normal"), ratio, strict=True):
        SubElement(SubElement(element, f"tuplet-{kind}"), "tuplet-number").text = str(number)
    return element


def _fermata() -> Element:
    return Element("fermata", type="upright")
