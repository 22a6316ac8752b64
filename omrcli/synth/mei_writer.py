"""Token sequences -> MEI text of one staff that, once engraved, says just these tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from omrcli.errors import InputError
from omrcli.reading.alphabet import ACCIDENTALS, shown_accidentals
from omrcli.tokens import (
    DURATIONS,
    Barline,
    Clef,
    Duration,
    KeySignature,
    MeasureRepeat,
    Multirest,
    Note,
    PercussionClef,
    Pitch,
    Rest,
    Slash,
    Symbol,
    Tie,
    TimeSignature,
    parse_symbol,
)

from .beams import Grouping, LayerItem, beam_window, group_items
from .clutter import Clutter
from .mei import BARLINES, DURATION_NAMES, OCTAVE_SHIFTS
from .scribe import Scribe

#: What the names of rests begin with that stand below a cue and are not in the music.
CUE_REST = "cue-rest-"
_DUR = {name: dur for dur, name in DURATION_NAMES.items()}
_RIGHT = {kind: right for right, kind in BARLINES.items()}
_SHIFTS = {shift: place for place, shift in OCTAVE_SHIFTS.items()}
_STEMMED_SLASH = '<note dur="4" loc="4" head.shape="slash"/>'
_WHOLE_REST = '<rest dur="1"'
# Staff positions of sharps and flats under a treble clef, in steps above the lowest line.
_SHARP_PLACES, _FLAT_PLACES = (8, 5, 9, 6, 3, 7, 4), (4, 7, 3, 6, 2, 5, 1)
_OPENING = ((Clef, PercussionClef), KeySignature, TimeSignature)
_TREBLE_BOTTOM = Clef("G", 2).bottom_line


@dataclass(frozen=True)
class MeiOptions:
    """What notation leaves to the engraver.

    `beam_beats` is the length of beams in beats (0: flags only), `stems` is "", "up" or "down",
    `centre_rests` sets a whole rest that is alone in its measure into the middle, `drum_heads` is
    the head shape of notes on percussion staves ("" is the usual one), and `cancel_keys` draws
    naturals before a change of key (a change to C major always has them).
    """

    beam_beats: int = 1
    slash_graces: bool = True
    beam_graces: bool = True
    stems: str = ""
    tuplet_brackets: bool = False
    centre_rests: bool = True
    cancel_keys: bool = False
    fermata_below: bool = False
    drum_heads: str = ""
    slash_stems: bool = False
    clutter: Clutter = field(default_factory=Clutter)


def write_mei(texts: Sequence[str], options: MeiOptions | None = None) -> str:
    """An MEI document with one staff of one layer that shows the tokens, in this order.

    An accidental is written exactly where `alphabet.shown_accidentals` says. A sequence that does
    not end with a barline gets an invisible one.

    Raises:
        TokenError: a text is no token.
        InputError: a tie does not lead to a note of its pitch, or a sign cannot be drawn where it
            stands (a cancellation at the start, a multirest among notes).
    """
    symbols = [parse_symbol(text) for text in texts]
    writer = _Writer(options or MeiOptions())
    opening = _take_opening(symbols)
    writer.open(opening)
    for symbol, shown in list(zip(symbols, shown_accidentals(symbols), strict=True))[
        len(opening) :
    ]:
        writer.add(symbol, shown)
    return _document(opening, writer.name(), writer.close())


def _take_opening(symbols: Sequence[Symbol]) -> list[Symbol]:
    """Clef, key and time signature at the start, each once and in this order."""
    opening: list[Symbol] = []
    for kind in _OPENING:
        if len(opening) < len(symbols) and isinstance(symbols[len(opening)], kind):
            opening.append(symbols[len(opening)])
    if not opening or not isinstance(opening[0], (Clef, PercussionClef)):
        raise InputError("A staff to engrave begins with a clef.")
    if KeySignature(0) in opening:
        raise InputError("A staff cannot begin with a cancelled key signature.")
    return opening


def _document(opening: Sequence[Symbol], name: str, measures: str) -> str:
    score, staff = "", ""
    for symbol in opening:
        if isinstance(symbol, (Clef, PercussionClef)):
            staff += _attributes(_clef(symbol), "clef.")
        elif isinstance(symbol, KeySignature):
            score += f' keysig="{_key(symbol)}"'
        elif isinstance(symbol, TimeSignature):
            score += _attributes(_meter(symbol), "meter.")
    return (
        '<mei xmlns="http://www.music-encoding.org/ns/mei" meiversion="5.0"><music><body><mdiv>'
        f'<score><scoreDef{score}><staffGrp><staffDef n="1" lines="5"{staff}>{name}</staffDef>'
        f"</staffGrp></scoreDef><section>{measures}</section></score></mdiv></body></music></mei>"
    )


def _attributes(values: dict[str, str], prefix: str = "") -> str:
    return "".join(f' {prefix}{name}="{value}"' for name, value in values.items())


def _clef(clef: Clef | PercussionClef) -> dict[str, str]:
    if isinstance(clef, PercussionClef):
        return {"shape": "perc", "line": "3"}
    values = {"shape": clef.sign, "line": str(clef.line)}
    if clef.octave_shift:
        values["dis"], values["dis.place"] = _SHIFTS[clef.octave_shift]
    return values


def _key(key: KeySignature) -> str:
    return f"{abs(key.fifths)}{'s' if key.fifths > 0 else 'f'}" if key.fifths else "0"


def _key_places(key: KeySignature, clef: Clef) -> list[int]:
    """Staff positions of the accidentals of a key signature, shifted from the treble clef's."""
    shift = (Clef("G", 2).bottom_line - clef.bottom_line + 3) % 7 - 3
    places = [place + shift for place in (_SHARP_PLACES if key.fifths > 0 else _FLAT_PLACES)]
    highest = 8 if key.fifths > 0 and shift > 0 else 9
    places = [
        place - 7 if place > highest else place + 7 if place < -1 else place for place in places
    ]
    return places[: abs(key.fifths)]


def _meter(meter: TimeSignature) -> dict[str, str]:
    if meter.text in ("C", "C/"):
        return {"sym": "common" if meter.text == "C" else "cut"}
    return {"count": str(meter.beats), "unit": str(meter.unit)}


@dataclass
class _Measure:
    """The measure in hand."""

    left: str = ""
    items: list[LayerItem] = field(default_factory=list)
    events: list[str] = field(default_factory=list)  # ties and fermatas
    length: int = 1  # in measures of the music


class _Writer:
    """Collects measures; knows clef, key and meter, and which notes wait for the end of a tie."""

    def __init__(self, options: MeiOptions) -> None:
        self._options = options
        self._scribe = Scribe(options.clutter)
        self._measures: list[str] = []
        self._number = options.clutter.first_measure
        self._measure = _Measure()
        self._meter: TimeSignature | None = None
        self._first_meter: TimeSignature | None = None
        self._key = KeySignature(0)
        self._clef = Clef("G", 2)
        self._drums = False
        self._ids = 0
        self._last: dict[int, str] = {}  # diatonic -> id of the members of the last note
        self._tied: dict[int, str] = {}

    def open(self, opening: Iterable[Symbol]) -> None:
        """Take the signs that open the staff."""
        for symbol in opening:
            if isinstance(symbol, TimeSignature):
                self._meter = self._first_meter = symbol
            elif isinstance(symbol, KeySignature):
                self._key = symbol
            elif isinstance(symbol, Clef):
                self._clef = symbol
            elif isinstance(symbol, PercussionClef):
                self._drums = True

    def add(self, symbol: Symbol, shown: tuple[str | None, ...]) -> None:
        """Append a symbol; `shown` are the accidentals to draw before its members."""
        if isinstance(symbol, Note):
            self._add_note(symbol, shown)
        elif isinstance(symbol, (Rest, Multirest)):
            self._add_rest(symbol)
        elif isinstance(symbol, (MeasureRepeat, Slash)):
            slash = _STEMMED_SLASH if self._options.slash_stems else "<beatRpt/>"
            self._add_shorthand("<mRpt/>" if isinstance(symbol, MeasureRepeat) else slash)
        elif isinstance(symbol, Barline):
            self._end_measure(symbol)
        elif isinstance(symbol, Tie):
            if not self._last or self._tied:
                raise InputError("A tie must follow a note.")
            self._tied = self._last
        else:
            self._add_sign(symbol)

    def name(self) -> str:
        """What stands before the staff."""
        return self._scribe.name()

    def close(self) -> str:
        """End the last measure; returns all measures."""
        if self._tied:
            raise InputError("The last tie leads out of the staff.")
        if self._measure.items or not self._measures:
            self._finish("invis")
        return self._scribe.bracket(self._measures)

    def _next_id(self) -> str:
        self._ids += 1
        return f"n{self._ids}"

    def _add_note(self, note: Note, shown: tuple[str | None, ...]) -> None:
        ids = {pitch.diatonic: self._next_id() for pitch in note.pitches}
        if self._tied and not note.grace:
            self._end_tie(ids)
        timed, inside = self._timed(note), ""
        name = next(iter(ids.values()))
        if not note.grace:
            inside = self._scribe.adorn(note)
            self._measure.events += self._scribe.surround(name, list(ids))
        members = [
            _attributes({"xml:id": ids[pitch.diatonic], **self._place(pitch, accidental)})
            for pitch, accidental in zip(note.pitches, shown, strict=True)
        ]
        if len(members) == 1:
            xml = f"<note{members[0]}{timed}>{inside}</note>"
        else:
            chord = "".join(f"<note{member}/>" for member in members)
            xml = f"<chord{timed}>{inside}{chord}</chord>"
        self._measure.items.append(
            LayerItem(xml, note.duration, DURATIONS[note.duration.base] < 1, note.grace)
        )
        self._last = ids
        self._add_fermata(note, name)

    def _place(self, pitch: Pitch, accidental: str | None) -> dict[str, str]:
        """What says where a head stands."""
        if not self._drums:
            return _pitch(pitch, accidental)
        shape = {"head.shape": self._options.drum_heads} if self._options.drum_heads else {}
        return {"loc": str(pitch.diatonic - _TREBLE_BOTTOM), **shape}

    def _timed(self, note: Note) -> str:
        values = _duration(note.duration)
        if note.grace:
            values["grace"] = "unacc"
            # A slash marks a stem, so a whole note has none.
            if self._options.slash_graces and DURATIONS[note.duration.base] < 4:
                values["stem.mod"] = "1slash"
        else:
            values |= self._scribe.stroke(note) | self._scribe.size()
            if self._options.stems:
                values["stem.dir"] = self._options.stems
        return _attributes(values)

    def _end_tie(self, ids: dict[int, str]) -> None:
        shared = [diatonic for diatonic in self._tied if diatonic in ids]
        if not shared:
            raise InputError("A tie leads to a note of another pitch.")
        self._measure.events += [
            f'<tie startid="#{self._tied[diatonic]}" endid="#{ids[diatonic]}"/>'
            for diatonic in shared
        ]
        self._tied = {}

    def _add_rest(self, rest: Rest | Multirest) -> None:
        if self._tied:
            raise InputError("A tie leads to a rest.")
        self._last = {}
        self._scribe.pause()
        if isinstance(rest, Multirest):
            # Verovio would draw it over the signs that stand before it.
            if self._measure.items and not any(i.duration for i in self._measure.items):
                self._finish("invis")
            self._measure.length = rest.count
            self._measure.items.append(LayerItem(f'<multiRest num="{rest.count}"/>'))
        else:
            name = self._next_id()
            values = {**_duration(rest.duration), "xml:id": name}
            self._measure.items.append(LayerItem(f"<rest{_attributes(values)}/>", rest.duration))
            self._add_fermata(rest, name)

    def _add_shorthand(self, xml: str) -> None:
        """A sign that stands for music without saying it."""
        if self._tied:
            raise InputError("A tie leads to a repeat sign.")
        self._last = {}
        self._scribe.pause()
        self._measure.items.append(LayerItem(xml))

    def _add_fermata(self, symbol: Note | Rest, name: str) -> None:
        if symbol.fermata:
            below = self._options.fermata_below
            place = 'place="below" form="inv"' if below else 'place="above"'
            self._measure.events.append(f'<fermata startid="#{name}" {place}/>')

    def _add_sign(self, symbol: Symbol) -> None:
        if isinstance(symbol, Clef):
            xml = f"<clef{_attributes(_clef(symbol))}/>"
            self._clef = symbol
        elif isinstance(symbol, TimeSignature):
            xml = f"<meterSig{_attributes(_meter(symbol))}/>"
            self._meter = symbol
        else:
            assert isinstance(symbol, KeySignature)
            xml = self._key_change(symbol)
            self._key = symbol
        # Verovio would draw neighbouring signs in an order of its own.
        if self._measure.items and self._measure.items[-1].duration is None:
            self._finish("invis")
        self._measure.items.append(LayerItem(xml))

    def _key_change(self, key: KeySignature) -> str:
        if key.fifths and not (self._options.cancel_keys and self._key.fifths):
            return f'<keySig sig="{_key(key)}"/>'
        if key == self._key == KeySignature(0):
            raise InputError("There is no key signature to cancel.")
        # Verovio draws no naturals for a change inside a measure, so they are spelled out.
        naturals = [("n", place) for place in _key_places(self._key, self._clef)]
        signs = [(_key(key)[1:], place) for place in _key_places(key, self._clef)]
        drawn = (f'<keyAccid accid="{sign}" loc="{place}"/>' for sign, place in naturals + signs)
        return f"<keySig>{''.join(drawn)}</keySig>"

    def _end_measure(self, barline: Barline) -> None:
        if barline.kind == "repeat-start" and not self._measure.items and not self._measures:
            self._measure.left = "rptstart"
        elif not self._measure.items:
            raise InputError("There is nothing between two barlines.")
        else:
            self._finish(_RIGHT[barline.kind])

    def _finish(self, right: str) -> None:
        measure, self._measure = self._measure, _Measure()
        left = f' left="{measure.left}"' if measure.left else ""
        number, self._number = self._number, self._number + measure.length
        timed = any(item.duration and not item.grace for item in measure.items)
        cue = f'<layer n="2"><mRest xml:id="{CUE_REST}{number}"/></layer>' if timed else ""
        cue *= self._scribe.has_cue_rest()
        self._scribe.start_measure()
        self._measures.append(
            f'<measure n="{number}"{left} right="{right}">'
            f'<staff n="1"><layer n="1">{self._layer(measure)}</layer>{cue}</staff>'
            f"{''.join(measure.events)}</measure>"
        )

    def _layer(self, measure: _Measure) -> str:
        items = measure.items
        if len(items) > 1 and any(item.xml.startswith("<multiRest") for item in items):
            raise InputError("A multirest cannot share its measure.")
        # From eight quarters on Verovio draws a rest for the measure as a breve; it keeps to the
        # meter that opens the staff.
        short = self._first_meter is None or self._first_meter.quarters < 8
        if self._options.centre_rests and short and len(items) == 1 and _is_whole_rest(items[0]):
            return items[0].xml.replace(_WHOLE_REST, "<mRest")
        return group_items(measure.items, self._grouping(measure))

    def _grouping(self, measure: _Measure) -> Grouping:
        start = Fraction(0)
        if self._meter and not self._measures:  # a pickup counts from its end
            length = sum((item.quarters for item in measure.items), Fraction(0))
            start = max(start, self._meter.quarters - length)
        options = self._options
        window = beam_window(self._meter, options.beam_beats)
        return Grouping(window, start, options.tuplet_brackets, options.beam_graces)


def _is_whole_rest(item: LayerItem) -> bool:
    return item.xml.startswith("<rest") and item.duration == Duration("whole")


def _duration(duration: Duration) -> dict[str, str]:
    values = {"dur": _DUR[duration.base]}
    return {**values, "dots": str(duration.dots)} if duration.dots else values


def _pitch(pitch: Pitch, accidental: str | None) -> dict[str, str]:
    values = {"pname": pitch.step.lower(), "oct": str(pitch.octave)}
    if accidental:
        return {**values, "accid": accidental}
    return {**values, "accid.ges": ACCIDENTALS[pitch.alter]} if pitch.alter else values
