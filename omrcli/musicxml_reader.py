"""MusicXML to the semantic encoding: the truth that `omr eval` compares with.

What an engraver would draw of the first voice of each part becomes tokens; repeats are not
unrolled. Signs that only restate what is in force, and whatever is not printed, are left out.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from omrcli.errors import InputError
from omrcli.tokens import (
    KEY_NAMES,
    Barline,
    Clef,
    Duration,
    KeySignature,
    Multirest,
    Note,
    Pitch,
    Rest,
    Symbol,
    Tie,
    TimeSignature,
    parse_symbol,
)

#: A packed score is text; one that unpacks to more than this is a mistake or an attack.
MAX_BYTES = 256 * 2**20

_BASES = {
    "long": "quadruple_whole",
    "breve": "double_whole",
    "whole": "whole",
    "half": "half",
    "quarter": "quarter",
    "eighth": "eighth",
    "16th": "sixteenth",
    "32nd": "thirty_second",
    "64th": "sixty_fourth",
    "128th": "hundred_twenty_eighth",
}
_STYLES = {"light-light": "double", "light-heavy": "final"}


def read_tokens(path: Path) -> list[str]:
    """Read the first voice of each part of a MusicXML file (.musicxml, .xml, .mxl), one part after
    the other.

    Raises:
        InputError: the file cannot be read, is no partwise MusicXML, or holds what the encoding
            cannot say, such as unpitched notes.
    """
    root = _parse(path)
    parts = root.findall("part")
    if root.tag != "score-partwise" or not parts:
        raise InputError(f"{path} is no partwise MusicXML; export it again as MusicXML.")
    try:
        symbols = [symbol for part in parts for symbol in _PartReader(part).symbols()]
        return [str(parse_symbol(str(symbol))) for symbol in symbols]
    except (InputError, KeyError, ValueError) as error:
        raise InputError(
            f"{path} holds what the encoding cannot say ({error}); leave it out of the set."
        ) from error


def _parse(path: Path) -> Element:
    try:
        data = path.read_bytes()
        if zipfile.is_zipfile(io.BytesIO(data)):
            data = _unpack(data)
        # Entities are never needed, and could be made to expand without end.
        if b"<!ENTITY" in data.replace(b"\0", b""):
            raise InputError(f"{path} declares XML entities; remove its document type.")
        return ET.fromstring(data)
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, ET.ParseError) as error:
        raise InputError(f"Cannot read {path} as MusicXML: {error}.") from error


def _unpack(data: bytes) -> bytes:
    """The score inside an .mxl file. Raises ValueError where there is none, or no telling which."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        scores = [name for name in archive.namelist() if name.endswith((".xml", ".musicxml"))]
        scores = [name for name in scores if not name.startswith("META-INF/")]
        if len(scores) > 1:
            container = ET.fromstring(_member(archive, "META-INF/container.xml"))
            paths = [
                element.get("full-path", "") for element in container.findall(".//{*}rootfile")
            ]
            scores = [path for path in paths if path in scores]
        if not scores:
            raise ValueError("the archive holds no score")
        # A lone score needs no container: some programs write a container that is no valid XML.
        return _member(archive, scores[0])


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"{name} unpacks to more than {MAX_BYTES >> 20} MiB")
    return data


@dataclass
class _PartReader:
    """Reads a part in order; keeps the signs in force and the state of repeats and multirests."""

    part: Element
    clef: Clef | None = None
    key: KeySignature = field(default_factory=lambda: KeySignature(0))
    time: TimeSignature | None = None
    resting: int = 0
    voice: str | None = field(init=False)

    def __post_init__(self) -> None:
        first = next((n for n in self.part.iter("note") if _staff(n) == "1"), None)
        self.voice = None if first is None else first.findtext("voice", "1")

    def symbols(self) -> Iterator[Symbol]:
        """The symbols of all measures; a barline and the repeat sign after it are one."""
        held: Barline | None = None
        if self.part.find("measure/attributes/clef") is None:
            self.clef = Clef("G", 2)  # what every program draws in that case
            yield self.clef
        for measure in self.part.findall("measure"):
            symbols = list(self._measure(measure))
            opens = _opens_repeat(measure)
            if held is not None:
                yield _joined(held) if opens else held
            elif opens:
                symbols = _with_opening(symbols)
            yield from symbols
            held = self._end(measure)
        if held is not None:
            yield held

    def _measure(self, measure: Element) -> Iterator[Symbol]:
        if self.resting:  # a measure inside a multirest
            self.resting -= 1
            return
        for element in measure:
            if element.tag == "attributes":
                yield from self._signs(element)
                count = int(element.findtext("measure-style/multiple-rest") or 0)
                if count:
                    yield Multirest(count)
                    self.resting = count
            elif element.tag == "note" and not self.resting and self._is_drawn(element):
                yield from self._note(element, measure)
        self.resting = max(0, self.resting - 1)

    def _is_drawn(self, note: Element) -> bool:
        return (
            note.get("print-object") != "no"
            and note.find("cue") is None
            and note.find("chord") is None  # read with the first member
            and _staff(note) == "1"
            and note.findtext("voice", "1") == self.voice
        )

    def _signs(self, attributes: Element) -> Iterator[Symbol]:
        """The signs that change something, in the order in which they are drawn."""
        for clef in attributes.findall("clef"):
            if clef.get("number", "1") == "1" and clef.get("print-object") != "no":
                before, self.clef = self.clef, _clef(clef)
                if self.clef != before:
                    yield self.clef
        key = attributes.find("key")
        if key is not None and key.get("number", "1") == "1":
            fifths = int(key.findtext("fifths") or 0)
            before_key, self.key = self.key, KeySignature(fifths)
            if self.key != before_key and fifths in KEY_NAMES:
                yield self.key
        time = attributes.find("time")
        if time is not None and time.get("print-object") != "no" and time.find("beats") is not None:
            before_time, self.time = self.time, _time(time)
            if self.time != before_time:
                yield self.time

    def _note(self, note: Element, measure: Element) -> Iterator[Symbol]:
        fermata = note.find("notations/fermata") is not None
        rest = note.find("rest")
        if rest is not None:
            if rest.get("measure") == "yes" or note.find("type") is None:
                # A whole rest is drawn in an empty measure, whatever the meter.
                yield Rest(Duration("whole"), fermata)
            else:
                yield Rest(_duration(note), fermata)
            return
        members = _chord(note, measure)
        pitches = sorted((_pitch(member) for member in members), key=lambda pitch: pitch.diatonic)
        grace = note.find("grace") is not None
        yield Note(tuple(pitches), _duration(note), grace, fermata)
        if any(tie.get("type") == "start" for member in members for tie in member.findall("tie")):
            yield Tie()

    def _end(self, measure: Element) -> Barline | None:
        """The barline that ends a measure; none inside a multirest, or where it is not drawn."""
        if self.resting:
            return None
        for barline in measure.findall("barline"):
            if barline.get("location", "right") == "right":
                style = barline.findtext("bar-style")
                if barline.find("repeat[@direction='backward']") is not None:
                    return Barline("repeat-end")
                return None if style == "none" else Barline(_STYLES.get(style or "", "single"))
        return Barline()


def _staff(note: Element) -> str:
    return note.findtext("staff", "1")


def _opens_repeat(measure: Element) -> bool:
    return measure.find("barline[@location='left']/repeat[@direction='forward']") is not None


def _joined(barline: Barline) -> Barline:
    return Barline("repeat-both" if barline.kind == "repeat-end" else "repeat-start")


def _with_opening(symbols: list[Symbol]) -> list[Symbol]:
    """Put the sign that opens a repeat after the signs at the start of the staff."""
    place = 0
    while place < len(symbols) and isinstance(symbols[place], (Clef, KeySignature, TimeSignature)):
        place += 1
    return [*symbols[:place], Barline("repeat-start"), *symbols[place:]]


def _clef(element: Element) -> Clef:
    sign = element.findtext("sign", "")
    line = element.findtext("line") or {"G": "2", "F": "4", "C": "3"}.get(sign, "")
    shift = int(element.findtext("clef-octave-change") or 0)
    if sign not in ("G", "F", "C"):
        raise ValueError(f"a clef of sign {sign}")
    return Clef(sign, int(line), shift)


def _time(element: Element) -> TimeSignature:
    symbol = {"common": "C", "cut": "C/"}.get(element.get("symbol", ""))
    beats, unit = element.findtext("beats", ""), element.findtext("beat-type", "")
    return TimeSignature(symbol or f"{beats}/{unit}")


def _duration(note: Element) -> Duration:
    kind = note.findtext("type", "")
    if kind not in _BASES:
        raise ValueError(f"a note of type '{kind}'")
    duration = Duration(_BASES[kind], len(note.findall("dot")))
    ratio = note.find("time-modification")
    if ratio is None:
        return duration
    actual, normal = ratio.findtext("actual-notes", ""), ratio.findtext("normal-notes", "")
    return replace(duration, tuplet=(int(actual), int(normal)))


def _pitch(note: Element) -> Pitch:
    pitch = note.find("pitch")
    if pitch is None:
        raise ValueError("an unpitched note")
    alter = float(pitch.findtext("alter") or 0)
    if alter != int(alter):
        raise ValueError("a microtone")
    return Pitch(pitch.findtext("step", ""), int(alter), int(pitch.findtext("octave", "")))


def _chord(note: Element, measure: Element) -> list[Element]:
    """The note and the members of its chord, which follow it in the measure."""
    elements = list(measure)
    members = [note]
    for element in elements[elements.index(note) + 1 :]:
        if element.tag != "note" or element.find("chord") is None:
            break
        members.append(element)
    return members
