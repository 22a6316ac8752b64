"""Token sequences -> a document of MuseScore 3 (.mscx) with one staff that shows these tokens.

Facts about the format are from files that MuseScore 3.2 writes (its version 3.01).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from xml.sax.saxutils import escape

from omrcli.errors import InputError
from omrcli.reading.alphabet import shown_accidentals
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

from .beams import LayerItem, split_tuplets
from .markup import Marks, Markup
from .measures import (
    BARLINE_FIRST,
    CLEF_FIRST,
    MeasureSymbols,
    SignOrder,
    find_ties,
    length_of,
    sort_signs,
    split_measures,
)

#: Measures of the longest multirest that is drawn: each of them is written out.
MAX_MULTIREST = 400
# fmt: off
_TYPES = {
    "quadruple_whole": "long", "double_whole": "breve", "sixteenth": "16th",
    "thirty_second": "32nd", "sixty_fourth": "64th", "hundred_twenty_eighth": "128th",
}
_CLEFS = {
    "G2": "G", "G1": "G1", "F4": "F", "F3": "F3", "F5": "F5",
    "C1": "C1", "C2": "C2", "C3": "C3", "C4": "C4", "C5": "C5",
}
_SHIFTS = {0: "", 1: "8va", -1: "8vb", 2: "15ma", -2: "15mb"}
_ACCIDENTALS = {
    "s": "accidentalSharp", "f": "accidentalFlat", "n": "accidentalNatural",
    "x": "accidentalDoubleSharp", "ff": "accidentalDoubleFlat",
}
_TPC = {"F": 13, "C": 14, "G": 15, "D": 16, "A": 17, "E": 18, "B": 19}
_BARLINES = {
    "single": "normal", "double": "double", "final": "end", "repeat-end": "end-repeat",
    "repeat-start": "start-repeat", "repeat-both": "end-start-repeat",
}
_GRACES = {"quarter": "grace4", "eighth": "appoggiatura", "sixteenth": "grace16",
           "thirty_second": "grace32"}
_ARTICULATIONS = {
    "staccato": "articStaccatoAbove", "accent": "articAccentAbove", "tenuto": "articTenutoAbove",
    "marcato": "articMarcatoAbove", "staccatissimo": "articStaccatissimoAbove",
    "up-bow": "stringsUpBow", "down-bow": "stringsDownBow",
    "trill": "ornamentTrill", "turn": "ornamentTurn", "mordent": "ornamentMordent",
}
# fmt: on


@dataclass(frozen=True)
class MscxOptions:
    """What notation leaves to the engraver.

    `style` holds entries of MuseScore's style file, `beams` False draws flags only, and
    `clef_before_barline` sets a new clef before the barline, as MuseScore's users do.
    """

    style: tuple[tuple[str, str], ...] = ()
    beams: bool = True
    slash_graces: bool = True
    centre_rests: bool = True
    tuplet_brackets: bool = False
    fermata_below: bool = False
    clef_before_barline: bool = True
    markup: Markup = field(default_factory=Markup)


def arrange_signs(symbols: Sequence[Symbol], clef_before_barline: bool = True) -> list[Symbol]:
    """Put neighbouring signs into the order in which MuseScore draws them: a new clef before (or
    after) the barline, then key, then meter. The music stays the same.

    Raises:
        InputError: two barlines, or two signs of a kind, stand side by side.
    """

    def order(run: Sequence[Symbol]) -> SignOrder:
        # Behind a repeat that ends MuseScore draws the clef after the barline in any case.
        ends = any(isinstance(s, Barline) and s.kind in ("repeat-end", "repeat-both") for s in run)
        return CLEF_FIRST if clef_before_barline and not ends else BARLINE_FIRST

    return sort_signs(symbols, order)


def write_mscx(symbols: Sequence[Symbol], options: MscxOptions | None = None) -> str:
    """A MuseScore document with one staff of one voice on one page; `symbols` are in the order of
    `arrange_signs`.

    Raises:
        InputError: MuseScore cannot show the music so.
    """
    options = options or MscxOptions()
    measures = split_measures(symbols)
    writer = _Writer(symbols, measures, options)
    body = "".join(writer.write())
    style = dict(options.style)
    counts = [s.count for s in symbols if isinstance(s, Multirest)]
    if counts:
        style |= {"createMultiMeasureRests": "1", "minEmptyMeasures": str(min(2, *counts))}
    style["showMeasureNumber"] = str(int(options.markup.measure_numbers))
    entries = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in style.items())
    return _DOCUMENT.format(style=entries, body=body)


_DOCUMENT = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<museScore version="3.01"><Score>'
    "<Division>480</Division><Style>{style}</Style><showInvisible>0</showInvisible>"
    "<showUnprintable>0</showUnprintable><showFrames>0</showFrames><showMargins>0</showMargins>"
    '<Part><Staff id="1"><StaffType group="pitched"><name>stdNormal</name></StaffType></Staff>'
    "<trackName></trackName><Instrument><longName></longName><trackName></trackName><Channel/>"
    '</Instrument></Part><Staff id="1">{body}</Staff></Score></museScore>\n'
)


@dataclass(frozen=True)
class _Place:
    """Where a note begins: measure number, and quarter notes into it."""

    measure: int
    onset: Fraction


class _Writer:
    """Writes measures; spanners need to know where both of their ends lie."""

    def __init__(
        self, symbols: Sequence[Symbol], measures: list[MeasureSymbols], options: MscxOptions
    ) -> None:
        self.symbols, self.measures, self.options = symbols, measures, options
        self.shown = shown_accidentals(symbols)
        self.places = dict(self._places())
        self.in_chord: dict[int, list[str]] = {}
        self.in_voice: dict[int, list[str]] = {}
        self.in_note: dict[tuple[int, int], list[str]] = {}
        self._place_spans()
        self._place_ties()

    def _places(self) -> Iterator[tuple[int, _Place]]:
        for measure in self.measures:
            onset = Fraction(0)
            for index in measure.indices:
                yield index, _Place(measure.number, onset)
                onset += length_of(self.symbols[index], measure.meter)

    def _between(self, start: int, end: int, notes: int = 0) -> tuple[str, str]:
        """The two halves of a spanner from one symbol to another."""
        a, b = self.places[start], self.places[end]
        forth = _location(b.measure - a.measure, (b.onset - a.onset) / 4, notes)
        back = _location(a.measure - b.measure, (a.onset - b.onset) / 4, -notes)
        return f"<next>{forth}</next>", f"<prev>{back}</prev>"

    def _place_spans(self) -> None:
        for span in self.options.markup.spans:
            to, fro = self._between(span.start, span.end)
            if span.kind == "slur":
                target, kind, inside = self.in_chord, "Slur", "<Slur/>"
            else:
                subtype = int(span.kind == "diminuendo")
                inside = f"<HairPin><subtype>{subtype}</subtype></HairPin>"
                target, kind = self.in_voice, "HairPin"
            opening = f'<Spanner type="{kind}">{inside}{to}</Spanner>'
            closing = f'<Spanner type="{kind}">{fro}</Spanner>'
            target.setdefault(span.start, []).append(opening)
            target.setdefault(span.end, []).insert(0, closing)

    def _place_ties(self) -> None:
        for start, end in find_ties(self.symbols):
            first, second = self.symbols[start], self.symbols[end]
            assert isinstance(first, Note)
            assert isinstance(second, Note)
            members = {pitch: i for i, pitch in enumerate(second.pitches)}
            shared = [(i, members[p]) for i, p in enumerate(first.pitches) if p in members]
            if not shared:
                raise InputError("A tie leads to a note of another pitch.")
            for i, j in shared:
                to, fro = self._between(start, end, j - i)
                self.in_note.setdefault((start, i), []).append(
                    f'<Spanner type="Tie"><Tie/>{to}</Spanner>'
                )
                self.in_note.setdefault((end, j), []).append(f'<Spanner type="Tie">{fro}</Spanner>')

    def write(self) -> Iterator[str]:
        """The measure elements."""
        for place, measure in enumerate(self.measures):
            following = self.measures[place + 1] if place + 1 < len(self.measures) else None
            yield from self._write_measure(measure, following)

    def _write_measure(
        self, measure: MeasureSymbols, following: MeasureSymbols | None
    ) -> Iterator[str]:
        symbols = [self.symbols[i] for i in measure.indices]
        timed = [s for s in symbols if isinstance(s, (Note, Rest, Multirest))]
        repeats = _repeats(measure, following)
        nominal = measure.meter.quarters if measure.meter else Fraction(4)
        attribute = "" if measure.length == nominal else f' len="{_fraction(measure.length / 4)}"'
        right = _barline(measure.right)
        if any(isinstance(symbol, Multirest) for symbol in timed):
            yield from self._write_multirest(measure, repeats, right)
        elif self.options.centre_rests and _is_measure_rest(timed, nominal):
            length = nominal if measure.meter else Fraction(4)
            voice = "".join(self._items(measure, _measure_rest(length, timed[0])))
            yield f"<Measure>{repeats}{_BREAK}<voice>{voice}{right}</voice></Measure>"
        else:
            voice = "".join(self._items(measure, None))
            yield f"<Measure{attribute}>{repeats}<voice>{voice}{right}</voice></Measure>"

    def _write_multirest(self, measure: MeasureSymbols, repeats: str, right: str) -> Iterator[str]:
        count = next(
            s.count for i in measure.indices if isinstance(s := self.symbols[i], Multirest)
        )
        timed = [i for i in measure.indices if isinstance(self.symbols[i], (Note, Rest, Multirest))]
        if len(timed) > 1:
            raise InputError("A multirest cannot share its measure.")
        if count > MAX_MULTIREST:
            raise InputError(f"Multirests of more than {MAX_MULTIREST} measures are not drawn.")
        rest = _measure_rest(measure.length)
        end = repeats.removeprefix("<startRepeat/>")
        start = repeats.removesuffix(end) if end else repeats
        voices = [rest] * count
        voices[0] = "".join(self._items(measure, rest))
        voices[-1] += right
        for place, voice in enumerate(voices):
            head = (start + _BREAK) * (place == 0) + end * (place == count - 1)
            yield f"<Measure>{head}<voice>{voice}</voice></Measure>"

    def _items(self, measure: MeasureSymbols, rest: str | None) -> Iterator[str]:
        """What the voice of a measure holds; `rest` stands for its only rest."""
        items = []
        for index in measure.indices:
            symbol = self.symbols[index]
            if isinstance(symbol, Tie):
                continue
            if isinstance(symbol, (Note, Rest, Multirest)):
                xml = rest if rest is not None else self._event(index, symbol)
                duration = None if isinstance(symbol, Multirest) else symbol.duration
                grace = isinstance(symbol, Note) and symbol.grace
                items.append(LayerItem(xml, duration, grace=grace))
            else:
                items.append(LayerItem(_sign(symbol, index == 0 or not self._has_notes(index))))
        if items and items[-1].grace:
            raise InputError("A grace note stands before a barline; leave this music out.")
        for run in split_tuplets(items):
            yield _tuplet(run, self.options.tuplet_brackets)

    def _has_notes(self, index: int) -> bool:
        return any(isinstance(symbol, (Note, Rest, Multirest)) for symbol in self.symbols[:index])

    def _event(self, index: int, symbol: Note | Rest | Multirest) -> str:
        assert not isinstance(symbol, Multirest)
        marks = self.options.markup.marks.get(index, Marks())
        before = "".join(self.in_voice.get(index, ())) + "".join(_voice_marks(marks))
        if symbol.fermata:
            place = "Below" if self.options.fermata_below else "Above"
            before += f"<Fermata><subtype>fermata{place}</subtype></Fermata>"
        timing = _timing(symbol.duration)
        if isinstance(symbol, Rest):
            return f"{before}<Rest>{timing}</Rest>"
        beam = "" if self.options.beams or symbol.grace else "<BeamMode>no</BeamMode>"
        grace = self._grace(index, symbol) if symbol.grace else ""
        chord = "<small>1</small>" * marks.cue + "".join(_chord_marks(marks))
        chord += "".join(self.in_chord.get(index, ()))
        notes = "".join(self._notes(index, symbol, marks))
        after = "<Breath><symbol>breathMarkComma</symbol></Breath>" if marks.breath else ""
        strokes = _strokes(marks)
        return f"{before}<Chord>{beam}{timing}{grace}{chord}{notes}{strokes}</Chord>{after}"

    def _grace(self, index: int, note: Note) -> str:
        following = next(
            (s for s in self.symbols[index + 1 :] if isinstance(s, (Note, Rest, Multirest))), None
        )
        kind = _GRACES.get(note.duration.base)
        if kind is None or note.duration.dots or note.duration.tuplet or note.fermata:
            raise InputError("MuseScore has no such grace note; leave this music out.")
        if not isinstance(following, Note):
            raise InputError("A grace note leads to no note; leave this music out.")
        slashed = self.options.slash_graces and kind == "appoggiatura"
        return "<acciaccatura/>" if slashed else f"<{kind}/>"

    def _notes(self, index: int, note: Note, marks: Marks) -> Iterator[str]:
        for place, (pitch, shown) in enumerate(zip(note.pitches, self.shown[index], strict=True)):
            inside = "".join(self.in_note.get((index, place), ()))
            if shown:  # of role 1: set by hand, so that it is never left out
                inside += (
                    f"<Accidental><role>1</role><subtype>{_ACCIDENTALS[shown]}</subtype>"
                    "</Accidental>"
                )
            if marks.fingering and place == len(note.pitches) - 1:
                inside += f"<Fingering><text>{marks.fingering}</text></Fingering>"
            yield f"<Note>{inside}{_pitch(pitch)}</Note>"


_BREAK = "<breakMultiMeasureRest>1</breakMultiMeasureRest>"


def _location(measures: int, fractions: Fraction, notes: int) -> str:
    parts = f"<measures>{measures}</measures>" if measures else ""
    parts += f"<fractions>{_fraction(fractions)}</fractions>" if fractions else ""
    parts += f"<notes>{notes}</notes>" if notes else ""
    return f"<location>{parts}</location>"


def _fraction(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"


def _repeats(measure: MeasureSymbols, following: MeasureSymbols | None) -> str:
    ends = measure.right is not None and measure.right.kind in ("repeat-end", "repeat-both")
    if measure.right and measure.right.kind in ("repeat-start", "repeat-both") and not following:
        raise InputError("Nothing follows a repeat that begins; leave this music out.")
    return "<startRepeat/>" * measure.starts_repeat + "<endRepeat>2</endRepeat>" * ends


def _barline(barline: Barline | None) -> str:
    if barline is None:
        return "<BarLine><subtype>normal</subtype><visible>0</visible></BarLine>"
    if barline.kind.startswith("repeat"):  # drawn from the measures' own entries
        return ""
    return f"<BarLine><subtype>{_BARLINES[barline.kind]}</subtype></BarLine>"


def _is_measure_rest(timed: Sequence[Symbol], nominal: Fraction) -> bool:
    # From eight quarters on MuseScore draws a rest for the measure as a breve.
    return len(timed) == 1 and timed[0] in (_WHOLE, _HELD) and nominal < 8


_WHOLE, _HELD = Rest(Duration("whole")), Rest(Duration("whole"), fermata=True)


def _measure_rest(quarters: Fraction, rest: Symbol | None = None) -> str:
    held = isinstance(rest, Rest) and rest.fermata
    fermata = "<Fermata><subtype>fermataAbove</subtype></Fermata>" if held else ""
    length = _fraction(quarters / 4)
    return (
        f"{fermata}<Rest><durationType>measure</durationType><duration>{length}</duration></Rest>"
    )


def _timing(duration: Duration) -> str:
    dots = f"<dots>{duration.dots}</dots>" if duration.dots else ""
    return f"{dots}<durationType>{_TYPES.get(duration.base, duration.base)}</durationType>"


def _sign(symbol: Symbol, opening: bool) -> str:
    if isinstance(symbol, Clef):
        return _clef(symbol)
    if isinstance(symbol, KeySignature):
        if opening and not symbol.fifths:
            raise InputError("A staff cannot begin with a cancelled key signature.")
        return f"<KeySig><accidental>{symbol.fifths}</accidental></KeySig>"
    if not isinstance(symbol, TimeSignature):
        raise InputError(f"MuseScore documents here have no {symbol}; leave this music out.")
    if symbol.unit not in (1, 2, 4, 8, 16, 32, 64):
        raise InputError(f"MuseScore has no meter {symbol.text}; leave this music out.")
    subtype = {"C": "<subtype>1</subtype>", "C/": "<subtype>2</subtype>"}.get(symbol.text, "")
    return (
        f"<TimeSig>{subtype}<sigN>{symbol.beats}</sigN><sigD>{symbol.unit}</sigD>"
        "<showCourtesySig>0</showCourtesySig></TimeSig>"
    )


def _clef(clef: Clef) -> str:
    plain = _CLEFS.get(f"{clef.sign}{clef.line}")
    if plain is None or (clef.octave_shift and plain not in "GF"):
        raise InputError(f"MuseScore has no {clef}; leave this music out.")
    name = plain + _SHIFTS[clef.octave_shift]
    return (
        f"<Clef><concertClefType>{name}</concertClefType>"
        f"<transposingClefType>{name}</transposingClefType></Clef>"
    )


def _pitch(pitch: Pitch) -> str:
    tpc = _TPC[pitch.step] + 7 * pitch.alter
    return f"<pitch>{pitch.midi}</pitch><tpc>{tpc}</tpc>"


def _tuplet(run: Sequence[LayerItem], brackets: bool) -> str:
    """A run of `split_tuplets` with its tuplet around it, if it is one."""
    inner = "".join(item.xml for item in run)
    members = [item.duration for item in run if item.duration and not item.grace]
    ratio = next((duration.tuplet for duration in members if duration.tuplet), None)
    if ratio is None:
        return inner
    actual, normal = ratio
    base = sum((d.quarters for d in members), Fraction(0)) / normal
    names = [name for name, length in DURATIONS.items() if length == base]
    if not names:
        raise InputError("A tuplet is not full; leave this music out.")
    name = _TYPES.get(names[0], names[0])
    bracket = "<bracketType>1</bracketType>" if brackets else ""
    return (
        f"<Tuplet><normalNotes>{normal}</normalNotes><actualNotes>{actual}</actualNotes>"
        f"<baseNote>{name}</baseNote><Number><style>Tuplet</style><text>{actual}</text></Number>"
        f"{bracket}</Tuplet>{inner}<endTuplet/>"
    )


def _voice_marks(marks: Marks) -> Iterator[str]:
    """Marks that stand before a chord in its voice."""
    if marks.tempo:
        yield f"<Tempo><tempo>2</tempo><text>{escape(marks.tempo)}</text></Tempo>"
    if marks.rehearsal:
        yield f"<RehearsalMark><text>{marks.rehearsal}</text></RehearsalMark>"
    if marks.dynamic:
        yield f"<Dynamic><subtype>{marks.dynamic}</subtype></Dynamic>"
    if marks.words:
        below = "<placement>below</placement>" if marks.words_below else ""
        yield f"<StaffText>{below}<text><i>{escape(marks.words)}</i></text></StaffText>"
    if marks.chord:
        yield f"<StaffText><text>{escape(marks.chord)}</text></StaffText>"


def _strokes(marks: Marks) -> str:
    """What a chord has behind its notes."""
    wave = "<Arpeggio><subtype>0</subtype></Arpeggio>" * marks.arpeggio
    if not marks.tremolo:
        return wave
    return f"{wave}<Tremolo><subtype>r{4 * 2**marks.tremolo}</subtype></Tremolo>"


def _chord_marks(marks: Marks) -> Iterator[str]:
    """Marks that a chord owns."""
    if marks.syllable:
        syllabic = "<syllabic>begin</syllabic>" if marks.syllable.endswith("-") else ""
        yield f"<Lyrics>{syllabic}<text>{escape(marks.syllable.rstrip('-'))}</text></Lyrics>"
    names: Iterable[str] = (*marks.articulations, *filter(None, (marks.ornament,)))
    for name in names:
        yield f"<Articulation><subtype>{_ARTICULATIONS[name]}</subtype></Articulation>"
