"""A score as MusicXML, plain or compressed.

The frame around the notes (parts, measures, signs, multirests, header) is built here, and
`musicxml_notes.py` spells the notes. music21 has no part in it: it writes dates and random ids,
meters such as 2/48 and measures that do not fill their meter are outside its model, and its import
takes longer than to read a staff. Two runs write the same bytes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import groupby
from math import lcm
from typing import Any
from unicodedata import category
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element, SubElement

from omrcli import __version__
from omrcli.score.checks import measure_warnings
from omrcli.score.measures import Change, Measure, Part
from omrcli.score.notation import NotedEvent, left_repeats, note_events, right_barlines
from omrcli.score.score import ExportOptions, Score
from omrcli.tokens import (
    Clef,
    KeySignature,
    Multirest,
    TimeSignature,
)

from .musicxml_notes import Speller

DOCTYPE = (
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
    '"http://www.musicxml.org/dtds/partwise.dtd">'
)
#: What a document says of who wrote it.
SOFTWARE = f"omr {__version__}"
#: What is doubtful stands out in this colour: a dark orange-red that prints dark too.
DOUBT_COLOUR = "#D02000"
MXL_TYPE = "application/vnd.recordare.musicxml"
#: Divisions of a quarter note beyond which a duration is rounded: readers count in 32 bits.
MAX_DIVISIONS = 1_000_000
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip file can tell

_BAR_STYLES = {
    None: "none",
    "double": "light-light",
    "final": "light-heavy",
    "repeat-end": "light-heavy",
    "repeat-both": "light-heavy",
}


def musicxml_bytes(score: Score, options: ExportOptions | None = None) -> bytes:
    """The score as a MusicXML 4.0 document, UTF-8.

    What the format cannot say is left out: signs that follow the last barline, and the
    difference between a multirest of one measure and a whole rest that lasts its measure.
    """
    root = _document(score, options or ExportOptions())
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{DOCTYPE}\n{text}\n'.encode()


def mxl_bytes(score: Score, options: ExportOptions | None = None) -> bytes:
    """The score as compressed MusicXML (.mxl)."""
    return pack_mxl(musicxml_bytes(score, options))


def pack_mxl(document: bytes) -> bytes:
    """A MusicXML document as an .mxl archive; equal documents give equal archives."""
    container = Element("container")
    files = SubElement(container, "rootfiles")
    SubElement(files, "rootfile", {"full-path": "score.musicxml", "media-type": f"{MXL_TYPE}+xml"})
    members = {
        "mimetype": MXL_TYPE.encode(),
        "META-INF/container.xml": ET.tostring(container, "UTF-8", xml_declaration=True),
        "score.musicxml": document,
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in members.items():
            entry = zipfile.ZipInfo(name, ZIP_EPOCH)
            entry.create_system = 3  # the default tells which system wrote the file
            entry.external_attr = 0o644 << 16
            if name != "mimetype":  # the first member is stored, so that its bytes tell the type
                entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return packed.getvalue()


def _document(score: Score, options: ExportOptions) -> Element:
    root = Element("score-partwise", version="4.0")
    if title := options.title or score.title:
        SubElement(SubElement(root, "work"), "work-title").text = printable(title)
    identification = SubElement(root, "identification")
    if composer := options.composer or score.composer:
        SubElement(identification, "creator", type="composer").text = printable(composer)
    encoding = SubElement(identification, "encoding")
    SubElement(encoding, "software").text = SOFTWARE
    for element in ("accidental", "beam"):
        SubElement(encoding, "supports", {"element": element, "type": "yes"})
    if options.layout:  # else programs lay the score out anew, whatever breaks it has
        for name in ("new-page", "new-system"):
            value = {"element": "print", "attribute": name, "type": "yes", "value": "yes"}
            SubElement(encoding, "supports", value)
    marks = _doubts(score) if options.doubtful is not None else [{} for _ in score.parts]
    part_list = SubElement(root, "part-list")
    for number, part in enumerate(score.parts, 1):
        name = f"P{number}"
        entry = SubElement(part_list, "score-part", id=name)
        SubElement(entry, "part-name").text = f"Part {number}" if len(score.parts) > 1 else None
        # MuseScore warns of a part without an instrument; one without a name is as neutral.
        SubElement(SubElement(entry, "score-instrument", id=f"{name}-I1"), "instrument-name")
        SubElement(root, "part", id=name).extend(
            _PartWriter(part, options, number == 1, marks[number - 1]).measures()
        )
    return root


def printable(text: str) -> str:
    """The text without control signs, which XML cannot hold; spaces of any width are kept."""
    return "".join(sign for sign in text if sign.isprintable() or category(sign) == "Zs")


class _PartWriter:
    """Writes the measures of one part; the tempo stands over the first part only.

    `marks` are words over measures, by their index.
    """

    def __init__(
        self, part: Part, options: ExportOptions, is_first: bool, marks: Mapping[int, str]
    ) -> None:
        self.part = part
        self.tempo = options.tempo if is_first else None
        self.layout = options.layout
        self.doubtful = options.doubtful
        self.marks = marks
        self.noted = note_events(part)
        self.barlines = right_barlines(part)
        self.repeats = left_repeats(part)
        self.spell = Speller(_divisions(part))
        self.fifths = 0
        self.started = False

    def measures(self) -> Iterator[Element]:
        """The measure elements. A part without any gets an empty one that shows its signs."""
        if not self.part.measures:
            yield self._open(1, self.part.trailing)
        for index, measure in enumerate(self.part.measures):
            elements = list(self._write(measure, self.noted[index]))
            if styles := self._styles(index):
                _add_styles(elements[0], styles)
            if self.repeats[index]:
                elements[0].insert(0, _barline("left", "repeat-start"))
            if mark := self.marks.get(index):
                elements[0].insert(_place_of_words(elements[0]), _words(mark))
            if measure.break_before and self.layout:
                elements[0].insert(0, Element("print", {f"new-{measure.break_before}": "yes"}))
            self._close(elements[-1], index)
            yield from elements

    def _styles(self, index: int) -> list[Element]:
        """Where signs that stand for measures end and begin."""
        here = self.part.measures[index].shorthand
        before = self.part.measures[index - 1].shorthand if index else None
        if here == before:
            return []
        stop = [_shorthand(before, "stop")] if before else []
        return [*stop, _shorthand(here, "start")] if here else stop

    def _write(self, measure: Measure, noted: Sequence[NotedEvent]) -> Iterator[Element]:
        """A measure, or several where it holds a multirest."""
        number = measure.number
        for is_rest, group in groupby(
            enumerate(noted), lambda pair: pair[1].event.kind == "multirest"
        ):
            if is_rest:
                for place, multirest in group:
                    elements = self._write_multirest(number, measure, multirest, place)
                    number += len(elements)
                    yield from elements
            else:
                yield self._write_notes(number, measure, list(group))
                number += 1

    def _write_multirest(
        self, number: int, measure: Measure, noted: NotedEvent, place: int
    ) -> list[Element]:
        symbol = noted.event.symbol
        count = symbol.count if isinstance(symbol, Multirest) else 1
        first = self._open(number, _changes_at(measure, place))
        if count > 1:  # MuseScore warns of a multiple rest of one measure
            attributes = first.find("attributes")
            if attributes is None:
                attributes = Element("attributes")
                first.insert(0, attributes)
            style = SubElement(attributes, "measure-style")
            SubElement(style, "multiple-rest").text = str(count)
        others = [Element("measure", number=str(number + i)) for i in range(1, count)]
        rest = self.spell.measure_rest(measure.expected or Fraction(4))
        self._mark_doubt([rest], noted)
        for element in [first, *others]:
            element.append(rest)  # one element under many parents: a count may have five digits
        return [first, *others]

    def _write_notes(
        self, number: int, measure: Measure, group: Sequence[tuple[int, NotedEvent]]
    ) -> Element:
        root = self._open(number, _changes_at(measure, group[0][0]))
        if measure.status == "pickup":
            root.set("implicit", "yes")
        for place, noted in group:
            if place != group[0][0]:
                self._write_changes(root, _changes_at(measure, place))
            elements = self._write_event(measure, noted)
            self._mark_doubt(elements, noted)
            root.extend(elements)
        self._write_changes(root, _changes_at(measure, len(measure.events)))
        return root

    def _mark_doubt(self, elements: Sequence[Element], noted: NotedEvent) -> None:
        if self.doubtful is not None and noted.event.confidence < self.doubtful:
            for element in elements:
                element.set("color", DOUBT_COLOUR)

    def _write_event(self, measure: Measure, noted: NotedEvent) -> list[Element]:
        event = noted.event
        if event.filler == "padding":
            return [self.spell.padding(event.duration)]
        if measure.is_measure_rest and (measure.expected is not None or event.filler):
            return [self.spell.measure_rest(event.duration, event.fermata)]
        return self.spell.elements(noted)

    def _open(self, number: int, changes: Sequence[Change]) -> Element:
        """A measure element with the signs at its start; the first one states them all."""
        root = Element("measure", number=str(number))
        first, self.started = not self.started, True
        attributes = self._write_changes(root, changes, first)
        if first and attributes is not None:
            divisions = Element("divisions")
            divisions.text = str(self.spell.divisions)
            attributes.insert(0, divisions)
            if self.tempo:
                root.append(metronome(self.tempo))
        return root

    def _write_changes(
        self, root: Element, changes: Sequence[Change], first: bool = False
    ) -> Element | None:
        """Append an `attributes` element if there are signs; of two of a kind the later holds."""
        signs: dict[type, Any] = (
            {KeySignature: KeySignature(0), Clef: Clef("G", 2)} if first else {}
        )
        signs |= {type(change.symbol): change.symbol for change in changes}
        elements: list[Element] = []
        if key := signs.get(KeySignature):
            elements.append(_key(key, self.fifths))
            self.fifths = key.fifths
        if time := signs.get(TimeSignature):
            elements.append(_time(time))
        if clef := signs.get(Clef):
            elements.append(_clef(clef))
        if not elements:
            return None
        attributes = SubElement(root, "attributes")
        attributes.extend(elements)
        return attributes

    def _close(self, root: Element, index: int) -> None:
        kind = self.barlines[index]
        is_last = index == len(self.barlines) - 1
        if kind in _BAR_STYLES and (kind is not None or is_last):
            root.append(_barline("right", kind))


def _doubts(score: Score) -> list[dict[int, str]]:
    """The words over flagged measures of each part, by the index of the measure."""
    marks: list[dict[int, str]] = [{} for _ in score.parts]
    for warning in measure_warnings(score):
        number = warning.part or 0
        for index, measure in enumerate(score.parts[number].measures):
            if (measure.number, measure.staff) == (warning.number, warning.staff):
                relation = "long" if warning.actual > warning.expected else "short"
                words = f"? too {relation}: {warning.lengths}"
                marks[number].setdefault(index, words)
                break
    return marks


def _shorthand(kind: str, way: str) -> Element:
    """A measure-style element: measure repeats or slashes that start or stop."""
    style = Element("measure-style")
    if kind == "repeat":
        SubElement(style, "measure-repeat", type=way).text = "1" if way == "start" else None
    else:
        SubElement(style, "slash", {"type": way, "use-stems": "no"})
    return style


def _add_styles(measure: Element, styles: Sequence[Element]) -> None:
    attributes = measure.find("attributes")
    if attributes is None:
        attributes = Element("attributes")
        measure.insert(0, attributes)
    attributes.extend(styles)


def _place_of_words(measure: Element) -> int:
    """Where words over a measure go: behind its first signs."""
    return int(measure.find("attributes") is not None)


def _words(text: str) -> Element:
    direction = Element("direction", placement="above")
    words = SubElement(SubElement(direction, "direction-type"), "words", color=DOUBT_COLOUR)
    words.text = text
    return direction


def _changes_at(measure: Measure, place: int) -> list[Change]:
    return [change for change in measure.changes if change.before == place]


def _divisions(part: Part) -> int:
    """The fewest divisions of a quarter note in which every duration is a whole number."""
    lengths = [event.duration for measure in part.measures for event in measure.events]
    lengths += [measure.expected for measure in part.measures if measure.expected]
    return min(lcm(*(length.denominator for length in lengths)), MAX_DIVISIONS)


def _key(key: KeySignature, before: int) -> Element:
    element = Element("key")
    if before and not key.fifths:  # naturals are drawn only where the score says so
        SubElement(element, "cancel").text = str(before)
    SubElement(element, "fifths").text = str(key.fifths)
    return element


def _time(time: TimeSignature) -> Element:
    symbol = {"C": {"symbol": "common"}, "C/": {"symbol": "cut"}}.get(time.text, {})
    element = Element("time", symbol)
    SubElement(element, "beats").text = str(time.beats)
    SubElement(element, "beat-type").text = str(time.unit)
    return element


def _clef(clef: Clef) -> Element:
    element = Element("clef")
    SubElement(element, "sign").text = clef.sign
    SubElement(element, "line").text = str(clef.line)
    if clef.octave_shift:
        SubElement(element, "clef-octave-change").text = str(clef.octave_shift)
    return element


def _barline(location: str, kind: str | None) -> Element:
    element = Element("barline", location=location)
    style = "heavy-light" if location == "left" else _BAR_STYLES[kind]
    SubElement(element, "bar-style").text = style
    if kind in ("repeat-start", "repeat-end", "repeat-both"):
        direction = "forward" if location == "left" else "backward"
        SubElement(element, "repeat", direction=direction)
    return element


def metronome(tempo: float) -> Element:
    """The tempo, in quarter notes a minute, as a metronome mark that also sounds."""
    direction = Element("direction", placement="above")
    mark = SubElement(SubElement(direction, "direction-type"), "metronome")
    SubElement(mark, "beat-unit").text = "quarter"
    SubElement(mark, "per-minute").text = f"{tempo:g}"
    SubElement(direction, "sound", tempo=f"{tempo:g}")
    return direction
