"""The tokens of one staff, as they were read -> MEI text whose elements say which token they are.

Readings are not always music: a staff may begin without a clef, a tie may lead nowhere, a measure
may be empty. Whatever was read is drawn, as far as it can be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from omrcli.reading.alphabet import ACCIDENTALS, AccidentalState
from omrcli.score.carrying import InForce, copy_signs
from omrcli.synth.beams import Grouping, LayerItem, beam_window, group_items
from omrcli.synth.mei import BARLINES, DURATION_NAMES, OCTAVE_SHIFTS
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
    Symbol,
    Tie,
    TimeSignature,
)

#: The ids of elements that belong to a token, by its index on the staff.
TOKEN_ID = "T_{}"
_DUR = {name: dur for dur, name in DURATION_NAMES.items()}
_RIGHT = {kind: right for right, kind in BARLINES.items()}
_SHIFTS = {shift: place for place, shift in OCTAVE_SHIFTS.items()}
_HEAD = (
    '<mei xmlns="http://www.music-encoding.org/ns/mei" meiversion="5.0"><music><body><mdiv>'
    '<score><scoreDef><staffGrp><staffDef n="1" lines="5">{signs}</staffDef></staffGrp></scoreDef>'
    "<section>{measures}</section></score></mdiv></body></music></mei>"
)


@dataclass(frozen=True)
class StaffMei:
    """An MEI document; `barlines` holds for each measure the index of the token at its end."""

    text: str
    barlines: tuple[int | None, ...]


def write_staff(symbols: Sequence[Symbol], before: InForce | None = None) -> StaffMei:
    """MEI of one staff; `before` is what is in force where it begins.

    A staff that begins without a clef gets an invisible one, and accidentals are drawn where the
    engraver of `alphabet.AccidentalState` draws them.
    """
    state = copy_signs(before) if before else InForce()
    opening = find_opening(symbols)
    writer = _Writer(state.accidentals, state.time)
    clef = "" if Clef in opening else _sign(state.clef or Clef("G", 2), None)
    signs = clef + "".join(_sign(symbols[place], place) for place in range(len(opening)))
    for place, symbol in enumerate(symbols):
        writer.add(place, symbol, symbols[place + 1 :], drawn=place < len(opening))
    measures = writer.close()
    return StaffMei(_HEAD.format(signs=signs, measures=measures), tuple(writer.barlines))


def find_opening(symbols: Sequence[Symbol]) -> list[type[Symbol]]:
    """The kinds of the signs that open a staff in the usual order, each once."""
    found: list[type[Symbol]] = []
    for kind in (Clef, KeySignature, TimeSignature):
        symbol = symbols[len(found)] if len(found) < len(symbols) else None
        if isinstance(symbol, kind) and symbol != KeySignature(0):
            found.append(kind)
    return found


def _sign(symbol: Symbol, place: int | None) -> str:
    """The element of a clef, key or time signature; one without a place is not shown."""
    who = {"visible": "false"} if place is None else {"xml:id": TOKEN_ID.format(place)}
    if isinstance(symbol, Clef):
        shift = dict(zip(("dis", "dis.place"), _SHIFTS.get(symbol.octave_shift, ()), strict=False))
        shape = {"shape": symbol.sign, "line": str(symbol.line)}
        return f"<clef{_attributes({**who, **shape, **shift})}/>"
    if isinstance(symbol, TimeSignature):
        common = {"C": {"sym": "common"}, "C/": {"sym": "cut"}}
        numbers = {"count": str(symbol.beats), "unit": str(symbol.unit)}
        return f"<meterSig{_attributes({**who, **common.get(symbol.text, numbers)})}/>"
    assert isinstance(symbol, KeySignature)
    fifths = symbol.fifths
    text = f"{abs(fifths)}{'s' if fifths > 0 else 'f'}" if fifths else "0"
    return f"<keySig{_attributes({**who, 'sig': text})}/>"


@dataclass
class _Measure:
    items: list[LayerItem] = field(default_factory=list)
    events: list[str] = field(default_factory=list)  # ties and fermatas
    left: str = ""


class _Writer:
    """Collects measures, and goes along with key, meter and accidentals."""

    def __init__(self, accidentals: AccidentalState, meter: TimeSignature | None) -> None:
        self.barlines: list[int | None] = []
        self._accidentals = accidentals
        self._meter = meter
        self._measures: list[str] = []
        self._measure = _Measure()
        self._last: int | None = None  # the note before, which a tie starts from

    def add(self, place: int, symbol: Symbol, after: Sequence[Symbol], drawn: bool) -> None:
        """Append the symbol of token `place`; `after` follow it, `drawn` ones open the staff."""
        if isinstance(symbol, Note):
            self._add_note(place, symbol)
        elif isinstance(symbol, (Rest, Multirest)):
            self._add_rest(place, symbol)
        elif isinstance(symbol, Barline):
            self._end_measure(place, symbol)
        elif isinstance(symbol, Tie):
            self._add_tie(place, after)
        else:
            if isinstance(symbol, TimeSignature):
                self._meter = symbol
            if not drawn:
                self._add_sign(place, symbol)
        if not isinstance(symbol, Note):
            self._accidentals.pass_other(symbol)

    def close(self) -> str:
        """End the last measure; returns all measures."""
        if self._measure.items or not self._measures:
            self._finish("invis", None)
        return "".join(self._measures)

    def _add_note(self, place: int, note: Note) -> None:
        shown = self._accidentals.pass_written(note)
        timed = {**_duration(note.duration), "xml:id": TOKEN_ID.format(place)}
        if note.grace:
            timed["grace"] = "unacc"
            if DURATIONS[note.duration.base] < 4:
                timed["stem.mod"] = "1slash"
        members = [_pitch(pitch, pitch.diatonic in shown) for pitch in note.pitches]
        if len(members) == 1:
            xml = f"<note{_attributes({**timed, **members[0]})}/>"
        else:
            ids = ({"xml:id": f"{TOKEN_ID.format(place)}_{nth}"} for nth in range(len(members)))
            pairs = zip(ids, members, strict=True)
            heads = "".join(f"<note{_attributes({**who, **member})}/>" for who, member in pairs)
            xml = f"<chord{_attributes(timed)}>{heads}</chord>"
        beamable = DURATIONS[note.duration.base] < 1
        self._measure.items.append(LayerItem(xml, note.duration, beamable, note.grace))
        self._last = place
        self._add_fermata(place, note)

    def _add_rest(self, place: int, rest: Rest | Multirest) -> None:
        self._last = None
        who = {"xml:id": TOKEN_ID.format(place)}
        if isinstance(rest, Multirest):
            if self._measure.items:  # Verovio would draw it over what stands before it
                self._finish("invis", None)
            xml = f"<multiRest{_attributes({**who, 'num': str(rest.count)})}/>"
            self._measure.items.append(LayerItem(xml))
            return
        xml = f"<rest{_attributes({**who, **_duration(rest.duration)})}/>"
        self._measure.items.append(LayerItem(xml, rest.duration))
        self._add_fermata(place, rest)

    def _add_fermata(self, place: int, symbol: Note | Rest) -> None:
        if symbol.fermata:
            name = TOKEN_ID.format(place)
            self._measure.events.append(
                f'<fermata xml:id="{name}_fermata" startid="#{name}" place="above"/>'
            )

    def _add_tie(self, place: int, after: Sequence[Symbol]) -> None:
        """A tie to the next note ; none where that leads out of the staff, or to a rest."""
        start, self._last = self._last, None
        if start is None:
            return
        steps = (n for n, symbol in enumerate(after) if isinstance(symbol, (Note, Rest, Multirest)))
        name = {"xml:id": TOKEN_ID.format(place), "startid": f"#{TOKEN_ID.format(start)}"}
        step = next((n for n in steps if not _is_grace(after[n])), None)
        if step is not None and isinstance(after[step], Note):
            end = {"endid": f"#{TOKEN_ID.format(place + 1 + step)}"}
            self._measure.events.append(f"<tie{_attributes({**name, **end})}/>")

    def _add_sign(self, place: int, symbol: Symbol) -> None:
        # Verovio would draw neighbouring signs in an order of its own.
        if self._measure.items and self._measure.items[-1].duration is None:
            self._finish("invis", None)
        self._measure.items.append(LayerItem(_sign(symbol, place)))

    def _end_measure(self, place: int, barline: Barline) -> None:
        if not self._measure.items and not self._measures and barline.kind == "repeat-start":
            self._measure.left = "rptstart"
            self.barlines.append(place)
            return
        self._finish(_RIGHT[barline.kind], place)

    def _finish(self, right: str, place: int | None) -> None:
        measure, self._measure = self._measure, _Measure()
        left = f' left="{measure.left}"' if measure.left else ""
        layer = group_items(measure.items, Grouping(beam_window(self._meter, 1)))
        self.barlines.append(place)
        self._measures.append(
            f'<measure{left} right="{right}"><staff n="1"><layer n="1">{layer}</layer></staff>'
            f"{''.join(measure.events)}</measure>"
        )


def _is_grace(symbol: Symbol) -> bool:
    return isinstance(symbol, Note) and symbol.grace


def _duration(duration: Duration) -> dict[str, str]:
    values = {"dur": _DUR[duration.base]}
    return {**values, "dots": str(duration.dots)} if duration.dots else values


def _pitch(pitch: Pitch, shown: bool) -> dict[str, str]:
    accidental = {"accid" if shown else "accid.ges": ACCIDENTALS[pitch.alter]}
    return {
        "pname": pitch.step.lower(),
        "oct": str(pitch.octave),
        **(accidental if shown or pitch.alter else {}),
    }


def _attributes(values: Mapping[str, str]) -> str:
    return "".join(f' {name}="{value}"' for name, value in values.items())
