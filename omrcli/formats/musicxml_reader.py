"""MusicXML to the semantic encoding: the truth that `omr eval` compares with, and for `convert`.

What an engraver would draw of the first voice of a staff becomes tokens; repeats are not unrolled.
Signs that only restate what is in force, and whatever is not printed, are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from xml.etree.ElementTree import Element

from omrcli.errors import InputError
from omrcli.tokens import (
    DURATIONS,
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

from .xml_files import parse_score, read_bytes

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
_MAX_STAVES = 16  # of a part; an organ has three


@dataclass(frozen=True)
class ScoreReading:
    """The token texts of each staff of a score, from the top, and in words what was left out."""

    staves: tuple[tuple[str, ...], ...]
    left_out: tuple[str, ...]


def read_tokens(path: Path) -> list[str]:
    """Read the first voice of each part of a MusicXML file (.musicxml, .xml, .mxl), one part after
    the other; of a part with several staves only the first.

    Raises:
        InputError: the file cannot be read, is no partwise MusicXML, or holds what the encoding
            cannot say, such as unpitched notes.
    """
    root = parse_score(read_bytes(path), str(path))
    try:
        return [text for part in find_parts(root, str(path)) for text in _texts(_PartReader(part))]
    except (InputError, KeyError, ValueError) as error:
        if str(path) in str(error):
            raise
        raise InputError(
            f"{path} holds what the encoding cannot say ({error}); leave it out of the set."
        ) from error


def find_parts(root: Element, name: str) -> list[Element]:
    """The parts of a document; `name` is for messages.

    Raises:
        InputError: it is no partwise MusicXML, or has no parts.
    """
    parts = root.findall("part")
    if root.tag != "score-partwise" or not parts:
        raise InputError(f"{name} is no partwise MusicXML; export it again as MusicXML.")
    return parts


def read_staves(root: Element, name: str) -> ScoreReading:
    """Read the first voice of every staff of every part.

    All staves have as many measures: where a voice is silent and nothing is drawn, a measure rest
    is read, or another voice that stands there. A staff that the encoding cannot say is left out.

    Raises:
        InputError: the document is no partwise MusicXML, or no staff of it can be read.
    """
    staves: list[tuple[str, ...]] = []
    left_out: list[str] = []
    parts = find_parts(root, name)
    for number, part in enumerate(parts, 1):
        count = _count_staves(part)
        for staff in range(1, count + 1):
            place = f"part {number}" + (f", staff {staff}" if count > 1 else "")
            reader = _PartReader(part, str(staff), fill=True)
            try:
                staves.append(tuple(_texts(reader)))
            except (InputError, KeyError, ValueError) as error:
                left_out.append(f"{place} ({_reason(error)})")
            else:
                left_out += [
                    f"voice {voice} of {place} ({notes} notes)"
                    for voice, notes in sorted(reader.passed.items())
                ]
    if not staves:
        raise InputError(
            f"{name} holds what the encoding cannot say: {left_out[0]}; convert another score."
        )
    return ScoreReading(tuple(staves), tuple(left_out))


def _reason(error: Exception) -> str:
    return str(error).split(";")[0]


def _count_staves(part: Element) -> int:
    counts = [int(element.text or 1) for element in part.iterfind("measure/attributes/staves")]
    return min(max([1, *counts]), _MAX_STAVES)


def _texts(reader: _PartReader) -> list[str]:
    return [str(parse_symbol(str(symbol))) for symbol in reader.symbols()]


@dataclass
class _PartReader:
    """Reads a staff of a part in order; keeps the signs in force and the state of repeats and
    multirests. With `fill` a measure of which nothing is drawn is a measure rest. `passed` counts
    the notes of other voices."""

    part: Element
    staff: str = "1"
    fill: bool = False
    clef: Clef | None = None
    key: KeySignature = field(default_factory=lambda: KeySignature(0))
    time: TimeSignature | None = None
    resting: int = 0
    divisions: int = 1
    passed: Counter[str] = field(default_factory=Counter)
    voice: str | None = field(init=False)

    def __post_init__(self) -> None:
        first = next((n for n in self.part.iter("note") if _staff(n) == self.staff), None)
        self.voice = None if first is None else _voice(first)

    def symbols(self) -> Iterator[Symbol]:
        """The symbols of all measures; a barline and the repeat sign after it are one."""
        held: Barline | None = None
        clefs = self.part.iterfind("measure/attributes/clef")
        if not any(clef.get("number", "1") == self.staff for clef in clefs):
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
        notes = [note for note in measure.iterfind("note") if self._is_drawn(note)]
        voice = self._choose_voice(notes)
        silent = True
        for element in measure:
            if element.tag == "attributes":
                yield from self._signs(element)
                count = self._multirest(element)
                if count:
                    silent = False
                    yield Multirest(count)
                    self.resting = count
            elif element.tag == "note" and not self.resting and element in notes:
                if _voice(element) == voice:
                    silent = False
                    yield from self._note(element, measure)
                elif element.find("rest") is None:
                    self.passed[_voice(element)] += 1
        if self.fill and silent:
            yield Rest(Duration("whole"))
        self.resting = max(0, self.resting - 1)

    def _choose_voice(self, notes: Sequence[Element]) -> str | None:
        """The first voice of the staff, or where it is silent the first that is not."""
        voices = [_voice(note) for note in notes]
        return self.voice if self.voice in voices or not voices else voices[0]

    def _is_drawn(self, note: Element) -> bool:
        return (
            note.get("print-object") != "no"
            and note.find("cue") is None
            and note.find("chord") is None  # read with the first member
            and _staff(note) == self.staff
        )

    def _is_here(self, sign: Element | None) -> bool:
        """Whether a sign, for one staff or for all, is on this one."""
        return sign is not None and sign.get("number", self.staff) == self.staff

    def _multirest(self, attributes: Element) -> int:
        styles = filter(self._is_here, attributes.iterfind("measure-style"))
        return max((int(style.findtext("multiple-rest") or 0) for style in styles), default=0)

    def _signs(self, attributes: Element) -> Iterator[Symbol]:
        """The signs that change something, in the order in which they are drawn."""
        self.divisions = int(attributes.findtext("divisions") or self.divisions)
        for clef in attributes.findall("clef"):
            if clef.get("number", "1") == self.staff and clef.get("print-object") != "no":
                before, self.clef = self.clef, _clef(clef)
                if self.clef != before:
                    yield self.clef
        for key in filter(self._is_here, attributes.iterfind("key")):
            fifths = int(key.findtext("fifths") or 0)
            before_key, self.key = self.key, KeySignature(fifths)
            if self.key != before_key and fifths in KEY_NAMES:
                yield self.key
        for time in filter(self._is_here, attributes.iterfind("time")):
            if time.get("print-object") != "no" and time.find("beats") is not None:
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
                yield Rest(_duration(note, self.divisions), fermata)
            return
        members = _chord(note, measure)
        pitches = sorted((_pitch(member) for member in members), key=lambda pitch: pitch.diatonic)
        grace = note.find("grace") is not None
        yield Note(tuple(pitches), _duration(note, self.divisions), grace, fermata)
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


def _voice(note: Element) -> str:
    return note.findtext("voice", "1")


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
    units = {unit.text for unit in element.iterfind("beat-type")}
    if len(units) != 1:
        raise ValueError("a time signature of different units")
    groups = "+".join(beats.text or "" for beats in element.iterfind("beats"))  # such as 3+2
    beats = sum(map(int, groups.split("+")))
    return TimeSignature(symbol or f"{beats}/{units.pop()}")


def _duration(note: Element, divisions: int) -> Duration:
    kind = note.findtext("type", "")
    if not kind and note.find("grace") is None:
        return _spell(Fraction(int(note.findtext("duration", "0")), divisions))
    if kind not in _BASES:
        raise ValueError(f"a note of type '{kind}'")
    duration = Duration(_BASES[kind], len(note.findall("dot")))
    ratio = note.find("time-modification")
    if ratio is None:
        return duration
    actual, normal = ratio.findtext("actual-notes", ""), ratio.findtext("normal-notes", "")
    return replace(duration, tuplet=(int(actual), int(normal)))


def _spell(quarters: Fraction) -> Duration:
    """The plain or dotted value of a length that the file does not spell."""
    for base in DURATIONS:
        for dots in range(4):
            if (spelled := Duration(base, dots)).quarters == quarters:
                return spelled
    raise ValueError(f"a note of {quarters} quarter notes that has no type")


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
