"""MEI text -> token sequences, staff by staff. The only reader of MEI in the package.

Every corpus comes here through Verovio's importers, so one reader serves Plaine and Easie,
MusicXML and Humdrum. A measure that holds something outside the encoding (a chord, two voices, a
hidden note) is a cut: the sequence ends before it, and a new one begins after it.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from omrcli.errors import InputError
from omrcli.tokens import (
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

DURATION_NAMES = {
    "long": "quadruple_whole", "breve": "double_whole", "1": "whole", "2": "half", "4": "quarter",
    "8": "eighth", "16": "sixteenth", "32": "thirty_second", "64": "sixty_fourth",
    "128": "hundred_twenty_eighth",
}  # fmt: skip
ALTERS = {"n": 0, "s": 1, "f": -1, "ss": 2, "x": 2, "ff": -2}
OCTAVE_SHIFTS = {("8", "above"): 1, ("8", "below"): -1, ("15", "above"): 2, ("15", "below"): -2}
BARLINES = {
    "single": "single", "dbl": "double", "end": "final",
    "rptstart": "repeat-start", "rptend": "repeat-end", "rptboth": "repeat-both",
}  # fmt: skip
SECTIONS = frozenset({"section", "ending", "part", "parts", "mdiv", "app", "lem", "rdg"})
CONTAINERS = frozenset({"beam", "graceGrp", "ligature"})
EVENTS = frozenset({"note", "rest", "mRest", "multiRest"})
SIGNS = frozenset({"clef", "keySig", "meterSig"})
SIGN_PREFIXES = ("clef-", "keySignature-", "timeSignature-")
# Elements of a layer that neither sound nor change the tokens.
SILENT = frozenset({"annot", "dir", "dot", "pb", "sb", "custos", "label", "accid"})
_TWICE = re.compile(r"""\s([\w.:]+)="[^"<>]*"(?=[^<>]*\s\1=")""")
XML_ID = "{http://www.w3.org/XML/1998/namespace}id"


class _OutsideError(Exception):
    """The measure holds something that the encoding cannot say."""


@dataclass
class MeiPart:
    """The readable stretches of one staff, and how many of its measures were read."""

    number: str
    sequences: list[list[str]] = field(default_factory=list)
    measures: int = 0
    measures_read: int = 0

    @property
    def share_read(self) -> float:
        """Share of measures inside the encoding, 0..1."""
        return self.measures_read / self.measures if self.measures else 0.0


def read_mei(text: str) -> list[MeiPart]:
    """Parts of an MEI document, in the order of their staff definitions.

    Alterations come from `accid.ges` where the document gives any; else from printed accidentals,
    which last for the measure, from ties and the key signature.

    Raises:
        InputError: the text is not XML, or holds no score.
    """
    root = _parse(text)
    score = root.find(".//score")
    if score is None:
        raise InputError("The MEI text has no <score>; only scores can be read.")
    readers = _Readers(_collect_links(root, "accid.ges" in text))
    readers.walk(score)
    return readers.close()


def _parse(text: str) -> ET.Element:
    """The document with bare tag names."""
    try:
        if "<!ENTITY" in text:
            raise InputError("This MEI declares XML entities; remove its document type.")
        root = ET.fromstring(text)
    except ET.ParseError:
        # Verovio 6.4 writes some attributes twice, such as two symbols of one staffGrp.
        try:
            root = ET.fromstring(_TWICE.sub("", text))
        except ET.ParseError as error:
            message = f"The MEI text cannot be parsed ({error}); convert the file again."
            raise InputError(message) from error
    for element in root.iter():
        if isinstance(element.tag, str) and element.tag.startswith("{"):
            element.tag = element.tag.rpartition("}")[2]
    return root


@dataclass(frozen=True)
class _Links:
    """Ids of the notes that start a tie, end one, or carry a fermata, from the control events."""

    tie_starts: frozenset[str]
    tie_ends: frozenset[str]
    fermatas: frozenset[str]
    sounding: bool  # the document gives sounding alterations, so silence means natural


def _collect_links(root: ET.Element, sounding: bool) -> _Links:
    ties = list(root.iter("tie"))
    return _Links(
        frozenset(tie.get("startid", "")[1:] for tie in ties),
        frozenset(tie.get("endid", "")[1:] for tie in ties),
        frozenset(item.get("startid", "")[1:] for item in root.iter("fermata")),
        sounding,
    )


class _Readers:
    """One reader per staff; walks the score and hands each what concerns it."""

    def __init__(self, links: _Links) -> None:
        self._links = links
        self._staves: dict[str, _StaffReader] = {}

    def walk(self, parent: ET.Element) -> None:
        for element in parent:
            if element.tag == "scoreDef":
                self._score_def(element)
            elif element.tag == "staffDef":
                self._staff_def(element)
            elif element.tag == "measure":
                self._measure(element)
            elif element.tag in SECTIONS:
                self.walk(element)

    def close(self) -> list[MeiPart]:
        for reader in self._staves.values():
            reader.close()
        return [reader.part for reader in self._staves.values()]

    def _staff(self, element: ET.Element) -> _StaffReader:
        number = element.get("n", "1")
        if number not in self._staves:
            self._staves[number] = _StaffReader(number, self._links)
        return self._staves[number]

    def _score_def(self, element: ET.Element) -> None:
        staff_defs = list(element.iter("staffDef"))
        for staff_def in staff_defs:
            self._staff(staff_def)
        for reader in self._staves.values():
            reader.define(element)
        for staff_def in staff_defs:
            self._staff_def(staff_def)

    def _staff_def(self, element: ET.Element) -> None:
        reader = self._staff(element)
        reader.five_lines = element.get("lines", "5") == "5"
        reader.define(element)

    def _measure(self, measure: ET.Element) -> None:
        staves = {staff.get("n", "1"): staff for staff in measure.findall("staff")}
        left, right = measure.get("left", ""), measure.get("right", "single")
        for number, reader in self._staves.items():
            reader.read_measure(staves.get(number), left, right)


class _StaffReader:
    """Follows one staff through the score: the signs in force, and the sequence being built."""

    def __init__(self, number: str, links: _Links) -> None:
        self.part = MeiPart(number)
        self.five_lines = True
        self._signs = _Signs()
        self._alterations = _Alterations(links, self._signs)
        self._links = links
        self._pending: list[str] = []  # changes of sign since the last measure
        self._opening: list[str] = []  # the signs in force when the measure began
        self._current: list[str] = []

    def define(self, element: ET.Element) -> None:
        """Take clef, key and meter from a scoreDef or staffDef; they print before the next note."""
        for tag, attributes in _defined_signs(element):
            self._pending += self._signs.change(tag, attributes)
        self._pending.sort(key=_sign_order)

    def read_measure(self, staff: ET.Element | None, left: str, right: str) -> None:
        """Append the measure to the sequence, or cut the sequence there."""
        if staff is None:
            self.close()
            return
        self.part.measures += 1
        self._alterations.start_measure()
        self._opening = self._signs.in_force()
        try:
            tokens = self._measure_tokens(staff)
        except _OutsideError:
            self._follow_signs(staff)
            self.close()
        else:
            self.part.measures_read += 1
            self._append(tokens, left, right)
        self._pending = []

    def _append(self, tokens: list[str], left: str, right: str) -> None:
        if not self._current:
            self._current = self._opening + (["repeat-start"] if left == "rptstart" else [])
        else:
            if left in ("rptstart", "rptboth"):
                self._open_repeat()
            self._current += self._pending
        self._current += tokens
        kind = BARLINES.get(right)
        if kind is not None and tokens[-1:] != [str(Barline(kind))]:
            self._current.append(str(Barline(kind)))

    def _open_repeat(self) -> None:
        """Turn the barline before the measure into the repeat that is drawn in its place."""
        last = self._current[-1]
        if last.startswith(("barline", "repeat")):
            both = last in ("repeat-end", "repeat-both")
            self._current[-1] = "repeat-both" if both else "repeat-start"
        else:
            self._current.append("repeat-start")

    def close(self) -> None:
        """End the current sequence and keep it if it holds any note or rest."""
        tokens, self._current = self._current, []
        while tokens and tokens[-1].startswith(SIGN_PREFIXES):
            tokens.pop()
        if any(token.startswith(("note", "rest", "multirest")) for token in tokens):
            self.part.sequences.append(tokens)

    def _measure_tokens(self, staff: ET.Element) -> list[str]:
        layers = [layer for layer in staff.findall("layer") if _has_content(layer)]
        if self._signs.clef is None or not self.five_lines or len(layers) != 1:
            raise _OutsideError
        if _rests_beside_others(layers[0]):
            raise _OutsideError
        return list(self._layer_tokens(layers[0], None))

    def _follow_signs(self, staff: ET.Element) -> None:
        layer = staff.find("layer")
        for element in layer.iter() if layer is not None else ():
            if element.tag in SIGNS:
                self._signs.change(element.tag, element.attrib)

    def _layer_tokens(self, parent: ET.Element, tuplet: tuple[int, int] | None) -> Iterator[str]:
        for element in parent:
            if element.tag in CONTAINERS:
                yield from self._layer_tokens(element, tuplet)
            elif element.tag == "tuplet":
                if tuplet is not None:
                    raise _OutsideError
                yield from self._layer_tokens(element, _ratio(element))
            elif element.tag in SIGNS:
                yield from self._signs.change(element.tag, element.attrib)
                if self._signs.clef is None:
                    raise _OutsideError
            elif element.tag not in SILENT:
                yield from self._event(element, tuplet)

    def _event(self, element: ET.Element, tuplet: tuple[int, int] | None) -> Iterator[str]:
        if _is_hidden_or_foreign(element):
            raise _OutsideError
        if element.tag == "note":
            yield str(self._note(element, tuplet))
            if _starts_tie(element, self._links):
                yield "tie"
        elif element.tag == "rest":
            yield str(Rest(_duration(element, tuplet), self._fermata(element)))
        elif element.tag == "mRest":
            # Engravers centre a whole rest in an empty measure, whatever the meter.
            yield str(Rest(Duration("whole"), self._fermata(element)))
        elif element.tag == "multiRest" and element.get("num", "0") != "0":
            yield str(Multirest(int(element.get("num", "1"))))
        elif element.tag == "barLine":
            yield str(Barline(BARLINES.get(element.get("form", "single"), "single")))
        else:
            raise _OutsideError

    def _note(self, element: ET.Element, tuplet: tuple[int, int] | None) -> Note:
        pitch = self._alterations.pitch(element)
        if element.get("grace"):
            return Note((pitch,), _duration(element, None), grace=True)
        return Note((pitch,), _duration(element, tuplet), fermata=self._fermata(element))

    def _fermata(self, element: ET.Element) -> bool:
        return bool(element.get("fermata")) or element.get(XML_ID, "") in self._links.fermatas


class _Signs:
    """Clef, key signature and meter in force on a staff."""

    def __init__(self) -> None:
        self.clef: Clef | None = None
        self.key = KeySignature(0)
        self.meter: TimeSignature | None = None

    def change(self, tag: str, attributes: Mapping[str, str]) -> list[str]:
        """Take a sign; returns its token if it is a change that prints."""
        before = {"clef": self.clef, "keySig": self.key, "meterSig": self.meter}[tag]
        after: Clef | KeySignature | TimeSignature | None
        if tag == "clef":
            after = self.clef = _clef(attributes)
        elif tag == "keySig":
            after = self.key = _key(attributes.get("sig"))
        else:
            after = self.meter = _meter(attributes)
        return [] if after is None or after == before else [str(after)]

    def in_force(self) -> list[str]:
        """The tokens that open a staff here; C major has no key token."""
        shown = [self.clef, self.key if self.key.fifths else None, self.meter]
        return [str(sign) for sign in shown if sign is not None]


class _Alterations:
    """Resolves the alteration of each note of a staff."""

    def __init__(self, links: _Links, signs: _Signs) -> None:
        self._links = links
        self._signs = signs
        self._measure: dict[tuple[str, int], int] = {}
        self._tied: dict[tuple[str, int], int] = {}

    def start_measure(self) -> None:
        self._measure = {}

    def pitch(self, element: ET.Element) -> Pitch:
        step, octave = element.get("pname", "").upper(), element.get("oct", "")
        if not step or not octave.isdigit():
            raise _OutsideError
        place = (step, int(octave))
        alter = self._alter(element, place)
        if _starts_tie(element, self._links):
            self._tied[place] = alter
        return Pitch(step, alter, place[1])

    def _alter(self, element: ET.Element, place: tuple[str, int]) -> int:
        """What is printed, else what sounds, else tie, measure and key."""
        written, sounding = _accidentals(element)
        if written is not None:
            self._measure[place] = _alter_of(written)
            return self._measure[place]
        if self._links.sounding:
            return _alter_of(sounding or "n")
        if _ends_tie(element, self._links) and place in self._tied:
            return self._tied[place]
        return self._measure.get(place, self._signs.key.alter_of(place[0]))


def _has_content(layer: ET.Element) -> bool:
    empty = {"space", "mSpace", "beam", "tuplet", "layer", "graceGrp"}
    return any(element.tag not in empty for element in layer.iter())


def _rests_beside_others(layer: ET.Element) -> bool:
    """Whether a rest for a whole measure shares it with something else that sounds."""
    tags = [element.tag for element in layer.iter() if element.tag in EVENTS]
    return len(tags) > 1 and ("mRest" in tags or "multiRest" in tags)


def _is_hidden_or_foreign(element: ET.Element) -> bool:
    """Whether an event is hidden, a cue, on another staff, or has an unusual notehead."""
    marks = (element.get("staff"), element.get("head.shape"))
    return any(marks) or element.get("visible") == "false" or element.get("cue") == "true"


def _starts_tie(element: ET.Element, links: _Links) -> bool:
    return element.get("tie", "")[:1] in ("i", "m") or element.get(XML_ID) in links.tie_starts


def _ends_tie(element: ET.Element, links: _Links) -> bool:
    return element.get("tie", "")[:1] in ("t", "m") or element.get(XML_ID) in links.tie_ends


def _sign_order(text: str) -> int:
    return next(i for i, prefix in enumerate(SIGN_PREFIXES) if text.startswith(prefix))


def _defined_signs(element: ET.Element) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Signs of a scoreDef or staffDef, whether written as attributes or as children."""
    for child in element:
        if child.tag in SIGNS:
            yield child.tag, child.attrib
        elif child.tag == "meterSigGrp":
            yield "meterSig", {}
    if element.get("clef.shape"):
        yield "clef", _prefixed(element, "clef.")
    key = element.get("key.sig") or element.get("keysig")
    if key:
        yield "keySig", {"sig": key}
    if element.get("meter.count") or element.get("meter.sym"):
        yield "meterSig", _prefixed(element, "meter.")


def _prefixed(element: ET.Element, prefix: str) -> dict[str, str]:
    cut = len(prefix)
    return {name[cut:]: value for name, value in element.items() if name.startswith(prefix)}


def _clef(attributes: Mapping[str, str]) -> Clef | None:
    shape, line = attributes.get("shape", ""), attributes.get("line", "")
    if shape not in ("G", "F", "C") or line not in ("1", "2", "3", "4", "5"):
        return None
    if attributes.get("visible") == "false":
        return None
    displacement = (attributes.get("dis", ""), attributes.get("dis.place", ""))
    return Clef(shape, int(line), OCTAVE_SHIFTS.get(displacement, 0))


def _key(signature: str | None) -> KeySignature:
    count, sign = (signature or "0")[:1], (signature or "0")[1:]
    if count not in "01234567" or sign not in ("s", "f"):
        return KeySignature(0)
    return KeySignature(int(count) if sign == "s" else -int(count))


def _meter(attributes: Mapping[str, str]) -> TimeSignature | None:
    if attributes.get("form") in ("num", "invis") or attributes.get("visible") == "false":
        return None
    symbol = {"common": "C", "cut": "C/"}.get(attributes.get("sym", ""))
    if symbol:
        return TimeSignature(symbol)
    count, unit = attributes.get("count", ""), attributes.get("unit", "")
    return TimeSignature(f"{count}/{unit}") if count.isdigit() and unit.isdigit() else None


def _ratio(element: ET.Element) -> tuple[int, int]:
    number, base = element.get("num", ""), element.get("numbase", "")
    if not number.isdigit() or not base.isdigit() or not 0 < int(number) < 100 > int(base) > 0:
        raise _OutsideError
    return int(number), int(base)


def _duration(element: ET.Element, tuplet: tuple[int, int] | None) -> Duration:
    name = DURATION_NAMES.get(element.get("dur", ""))
    dots = int(element.get("dots", "0")) or len(element.findall("dot"))
    if name is None or dots > 3:
        raise _OutsideError
    return Duration(name, dots, tuplet)


def _accidentals(element: ET.Element) -> tuple[str | None, str | None]:
    sources = [element, *element.findall("accid")]
    written = next((item.get("accid") for item in sources if item.get("accid")), None)
    sounding = next((item.get("accid.ges") for item in sources if item.get("accid.ges")), None)
    return written, sounding


def _alter_of(accidental: str) -> int:
    if accidental not in ALTERS:
        raise _OutsideError
    return ALTERS[accidental]
