"""Codecs between the semantic encoding and the units that a network emits.

*Semantic*: one unit per token, as in the papers. *Positional*: staff position and duration of a
note in one unit; accidentals, dots, fermatas and digits as units of their own. The positional
codec resolves clef, key signature and the accidentals of the measure into pitch, so that all a
network must see is local. Both are exact both ways; what leaves `decode` is the semantic encoding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from omrcli.errors import ModelError, TokenError
from omrcli.tokens import (
    BARLINE_KINDS,
    DURATIONS,
    STEPS,
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
    Token,
    parse_symbol,
)

from .decoding import Unit

#: Accidental names by alteration; the values are those of MEI's `accid` attribute.
ACCIDENTALS: dict[int, str] = {-2: "ff", -1: "f", 0: "n", 1: "s", 2: "x"}
_ALTERATION = {name: alter for alter, name in ACCIDENTALS.items()}

#: What ends a tie without sounding.
_SILENT = (Rest, Multirest, MeasureRepeat, Slash)
#: Staff positions with units of their own, in steps above the lowest line; others are shifted by
#: octaves.
LOWEST, HIGHEST = -12, 20
#: Confidence of notes on a staff on which no clef was read: G2 is taken for granted.
_NO_CLEF = 0.5
_GRACE_BASES = ("half", "quarter", "eighth", "sixteenth", "thirty_second")
_CLEFS = ("G1", "G2", "F3", "F4", "F5", "C1", "C2", "C3", "C4", "C5")
_OTHER_CLEFS = ("G3", "G4", "G5", "F1", "F2")
_SHIFTS = {1: "8va", -1: "8vb", 2: "15ma", -2: "15mb"}
# fmt: off
_TUPLETS = ("3:2", "5:4", "6:4", "7:4", "2:3", "4:3", "9:8", "10:8", "7:8", "5:3", "7:6",
            "11:8", "12:8", "13:8", "5:6", "8:6", "3:4", "4:6", "5:2", "7:2", "6:5")
# fmt: on


class Codec(Protocol):
    """Token texts to unit indices and decoded units back to tokens."""

    units: tuple[str, ...]

    def encode(self, texts: Sequence[str]) -> list[int]:
        """Indices into `units`. Raises TokenError for a text that the alphabet cannot say."""

    def decode(
        self,
        units: Sequence[Unit],
        clef: Clef | None = None,
        accidentals: AccidentalState | None = None,
    ) -> list[Token]:
        """Tokens with the confidence of their weakest unit and the frames of all.

        `clef` and `accidentals` are in force before the staff begins; without them it is read
        as treble clef in C. They are not changed.
        """


def make_codec(alphabet: str, units: Sequence[str]) -> Codec:
    """The codec of a model: `alphabet` is semantic, positional or agnostic; `units` are the
    model's own.

    Raises:
        ModelError: the alphabet is unknown, or its units are not those of this version.
    """
    if alphabet in ("semantic", "agnostic"):
        return PlainCodec(tuple(units))
    if alphabet == "positional":
        return PositionalCodec(tuple(units))
    raise ModelError(f"The model's alphabet '{alphabet}' is unknown; update omrcli.")


class PlainCodec:
    """One unit per token text: the semantic alphabet of the papers, and the agnostic encoding."""

    def __init__(self, units: tuple[str, ...]) -> None:
        self.units = units
        self._index = {unit: index for index, unit in enumerate(units)}

    def encode(self, texts: Sequence[str]) -> list[int]:
        """One index a token. Raises TokenError for a text outside the vocabulary."""
        try:
            return [self._index[text] for text in texts]
        except KeyError as error:
            raise TokenError(
                f"{error} is not in the vocabulary of {len(self.units)} tokens; train with it."
            ) from None

    def decode(
        self,
        units: Sequence[Unit],
        clef: Clef | None = None,
        accidentals: AccidentalState | None = None,
    ) -> list[Token]:
        """One token a unit; the units name pitches themselves, whatever signs are in force."""
        return [Token(self.units[u.index], u.confidence, u.start, u.end) for u in units]


@dataclass
class AccidentalState:
    """Which alteration a staff position has, by key signature, measure and tie.

    An accidental holds for its own octave until the next barline. The note at the end of a tie has
    the alteration of the note at its start, also in the next measure. An engraver draws an
    accidental exactly where the pitch differs from this state.
    """

    key: KeySignature = field(default_factory=lambda: KeySignature(0))
    measure: dict[int, int] = field(default_factory=dict)
    tied: dict[int, int] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)

    def expect(self, diatonic: int) -> int:
        """The alteration of a note at this position that bears no accidental."""
        if diatonic in self.tied:
            return self.tied[diatonic]
        return self.measure.get(diatonic, self.key.alter_of(STEPS[diatonic % 7]))

    def pass_note(self, alters: dict[int, int], shown: set[int], grace: bool) -> None:
        """Go past a note: diatonic positions with their alterations, and those that bore an
        accidental."""
        self.measure.update((d, alters[d]) for d in shown)
        self.last = alters
        if not grace:  # a grace note may stand between the two notes of a tie
            self.tied = {}

    def pass_written(self, note: Note) -> set[int]:
        """Go past a note as it is written; returns the diatonic positions that bear an
        accidental."""
        alters = {pitch.diatonic: pitch.alter for pitch in note.pitches}
        shown = {place for place, alter in alters.items() if self.expect(place) != alter}
        self.pass_note(alters, shown, note.grace)
        return shown

    def pass_other(self, symbol: Symbol) -> None:
        """Go past any symbol but a note."""
        if isinstance(symbol, Tie):
            self.tied = self.last
        elif isinstance(symbol, Barline):
            self.measure = {}
        elif isinstance(symbol, KeySignature):
            self.key = symbol
            self.measure = {}
        elif isinstance(symbol, _SILENT):
            self.tied = {}


def shown_accidentals(symbols: Sequence[Symbol]) -> list[tuple[str | None, ...]]:
    """For each symbol, the accidental that must be drawn before each of its pitches (MEI name or
    None).

    Symbols that are not notes give an empty tuple. This is the rule by which the positional codec
    reads.
    """
    state = AccidentalState()
    result: list[tuple[str | None, ...]] = []
    for symbol in symbols:
        if isinstance(symbol, Note):
            shown = state.pass_written(symbol)
            result.append(
                tuple(ACCIDENTALS[p.alter] if p.diatonic in shown else None for p in symbol.pitches)
            )
        else:
            state.pass_other(symbol)
            result.append(())
    return result


def _positional_units() -> tuple[str, ...]:
    positions = range(LOWEST, HIGHEST + 1)
    barlines = [str(Barline(kind)) for kind in BARLINE_KINDS]
    clefs = [f"clef-{name}" for name in _CLEFS + _OTHER_CLEFS] + list(_SHIFTS.values())
    keys = [str(KeySignature(fifths)) for fifths in range(-7, 8)]
    meters = ["time-C", "time-C/"] + [
        f"{part}-{d}" for part in ("over", "under") for d in range(10)
    ]
    rests = [
        "multirest",
        *(f"digit-{d}" for d in range(10)),
        *(f"rest.{base}" for base in DURATIONS),
    ]
    marks = [*ACCIDENTALS.values(), "dot", "dot2", "dot3", "fermata", "tie", "chord", "grace"]
    marks += ["octave-up", "octave-down", *(f"tuplet-{ratio}" for ratio in _TUPLETS)]
    notes = [f"note.{base}@{p}" for base in DURATIONS for p in positions]
    graces = [f"grace.{base}@{p}" for base in _GRACE_BASES for p in positions]
    # New units come last: a model of an earlier version knows those before them.
    unpitched = [str(PercussionClef()), str(MeasureRepeat()), str(Slash())]
    return tuple(barlines + clefs + keys + meters + rests + marks + notes + graces + unpitched)


POSITIONAL_UNITS = _positional_units()


class PositionalCodec:
    """Staff positions and glyphs; see the module's text.

    A note is spelled: accidental, octave shifts, `note.BASE@POSITION`; further members of a chord
    after `chord`; then dots, tuplet, fermata. Positions count steps above the lowest staff line.
    """

    def __init__(self, units: tuple[str, ...] = POSITIONAL_UNITS) -> None:
        if not units or units != POSITIONAL_UNITS[: len(units)]:
            raise ModelError(
                "The model's positional units are not those of this version; "
                "install the omrcli version that its card names."
            )
        self.units = units
        self._index = {unit: index for index, unit in enumerate(units)}

    def encode(self, texts: Sequence[str]) -> list[int]:
        """Indices of the units that spell the texts.

        Raises:
            TokenError: a text is no token, or a tuplet ratio has no unit.
        """
        symbols = [parse_symbol(text) for text in texts]
        bottom = Clef("G", 2).bottom_line
        names: list[str] = []
        for symbol, shown in zip(symbols, shown_accidentals(symbols), strict=True):
            if isinstance(symbol, Clef):
                bottom = symbol.bottom_line
            if isinstance(symbol, Note):
                names += _spell_note(symbol, shown, bottom)
            else:
                names += _spell_other(symbol)
        try:
            return [self._index[name] for name in names]
        except KeyError as error:
            raise TokenError(f"The positional alphabet has no unit {error}.") from None

    def decode(
        self,
        units: Sequence[Unit],
        clef: Clef | None = None,
        accidentals: AccidentalState | None = None,
    ) -> list[Token]:
        """Tokens of the units. Units that mean nothing where they stand (a dot after a barline)
        are dropped. A note is no surer than the clef, key and accidentals that its pitch rests on;
        those in force before the staff count as sure.
        """
        speller = _Reader(clef, accidentals)
        for unit in units:
            speller.take(self.units[unit.index], unit)
        speller.finish()
        return speller.tokens


def _spell_note(note: Note, shown: tuple[str | None, ...], bottom: int) -> list[str]:
    names: list[str] = []
    for number, (pitch, accidental) in enumerate(zip(note.pitches, shown, strict=True)):
        names += ["chord"] if number else []
        names += [accidental] if accidental else []
        position = pitch.diatonic - bottom
        while position > HIGHEST:
            names.append("octave-up")
            position -= 7
        while position < LOWEST:
            names.append("octave-down")
            position += 7
        base = note.duration.base
        if note.grace and base not in _GRACE_BASES:
            names += ["grace", f"note.{base}@{position}"]
        else:
            names.append(f"{'grace' if note.grace else 'note'}.{base}@{position}")
    return names + _spell_marks(note.duration, note.fermata)


def _spell_marks(duration: Duration, fermata: bool) -> list[str]:
    names = [("", "dot", "dot2", "dot3")[duration.dots]] if duration.dots else []
    if duration.tuplet:
        names.append(f"tuplet-{duration.tuplet[0]}:{duration.tuplet[1]}")
    return [*names, "fermata"] if fermata else names


def _spell_other(symbol: Symbol) -> list[str]:
    if isinstance(symbol, Rest):
        return [f"rest.{symbol.duration.base}", *_spell_marks(symbol.duration, symbol.fermata)]
    if isinstance(symbol, Clef):
        shift = [_SHIFTS[symbol.octave_shift]] if symbol.octave_shift else []
        return [str(Clef(symbol.sign, symbol.line)), *shift]
    if isinstance(symbol, Multirest):
        return ["multirest", *(f"digit-{digit}" for digit in str(symbol.count))]
    if isinstance(symbol, TimeSignature):
        if symbol.text.startswith("C"):
            return [f"time-{symbol.text}"]
        over, under = symbol.text.split("/")
        return [f"over-{digit}" for digit in over] + [f"under-{digit}" for digit in under]
    return [str(symbol)]


@dataclass
class _Trust:
    """How sure the signs are that pitches rest on; goes along with AccidentalState.

    Most tokens that a network misreads with high confidence are notes under a misread clef or
    key signature: each unit of theirs is right.
    """

    clef: float = _NO_CLEF
    key: float = 1.0
    measure: dict[int, float] = field(default_factory=dict)
    tied: dict[int, float] = field(default_factory=dict)
    last: dict[int, float] = field(default_factory=dict)

    def pass_note(self, own: float, alters: Iterable[int], shown: set[int], grace: bool) -> float:
        """Go past a note of confidence `own`; returns its confidence on these signs."""
        supports = {
            d: own if d in shown else self.tied.get(d, self.measure.get(d, self.key))
            for d in alters
        }
        confidence = min(own, self.clef, *supports.values())
        self.measure.update(dict.fromkeys(shown, own))
        self.last = dict.fromkeys(supports, confidence)
        if not grace:
            self.tied = {}
        return confidence

    def pass_other(self, symbol: Symbol, own: float) -> None:
        """Go past any symbol but a note."""
        if isinstance(symbol, Clef):
            self.clef = own
        elif isinstance(symbol, KeySignature):
            self.key, self.measure = own, {}
        elif isinstance(symbol, Tie):
            self.tied = {d: min(own, confidence) for d, confidence in self.last.items()}
        elif isinstance(symbol, Barline):
            self.measure = {}
        elif isinstance(symbol, _SILENT):
            self.tied = {}


class _Reader:
    """Reads unit names in order and resolves them into tokens.

    A token is built up in `parts` (its units so far) and given out when a unit comes that cannot
    belong to it.
    """

    def __init__(self, clef: Clef | None, accidentals: AccidentalState | None) -> None:
        self.tokens: list[Token] = []
        self.state = replace(accidentals or AccidentalState())
        self.state.measure = dict(self.state.measure)
        self.trust = _Trust(1.0 if clef else _NO_CLEF)
        self.confidence = 1.0  # of the token in hand
        self.bottom = (clef or Clef("G", 2)).bottom_line
        self.names: list[str] = []
        self.units: list[Unit] = []

    def take(self, name: str, unit: Unit) -> None:
        """Add a unit to the token in hand, or finish that and begin another."""
        if self.names and not _continues(self.names, name):
            self.finish()
        self.names.append(name)
        self.units.append(unit)

    def finish(self) -> None:
        """Give out the token in hand, if its units make one."""
        self.confidence = min((unit.confidence for unit in self.units), default=1.0)
        symbol = self._resolve() if self.names else None
        if symbol is not None:
            if not isinstance(symbol, Note):
                self.state.pass_other(symbol)
                self.trust.pass_other(symbol, self.confidence)
            if isinstance(symbol, Clef):
                self.bottom = symbol.bottom_line
            span = (self.units[0].start, self.units[-1].end)
            self.tokens.append(Token(str(symbol), self.confidence, *span))
        self.names, self.units = [], []

    def _resolve(self) -> Symbol | None:
        if any(name.startswith(("note.", "grace.")) for name in self.names):
            return self._resolve_note()
        try:
            return _resolve_other(self.names)
        except TokenError:
            return None

    def _resolve_note(self) -> Note | None:
        alters: dict[int, int] = {}
        shown: set[int] = set()
        base, grace, octaves, accidental = "", False, 0, None
        for name in self.names:
            kind, _, rest = name.partition(".")
            if name in _ALTERATION:
                accidental = _ALTERATION[name]
            elif name in ("octave-up", "octave-down"):
                octaves += 1 if name == "octave-up" else -1
            elif name == "grace":
                grace = True
            elif kind in ("note", "grace") and rest:
                base, _, position = rest.partition("@")
                grace = grace or kind == "grace"
                diatonic = self.bottom + int(position) + 7 * octaves
                if accidental is not None:
                    shown.add(diatonic)
                alters[diatonic] = self.state.expect(diatonic) if accidental is None else accidental
                octaves, accidental = 0, None
        duration, fermata = _resolve_marks(base, self.names)
        if not all(0 <= d < 70 for d in alters):
            return None
        self.state.pass_note(alters, shown, grace)
        self.confidence = self.trust.pass_note(self.confidence, alters, shown, grace)
        pitches = tuple(Pitch(STEPS[d % 7], alters[d], d // 7) for d in alters)
        return Note(pitches, duration, grace, fermata)


_BEFORE_NOTE = frozenset({*ACCIDENTALS.values(), "octave-up", "octave-down", "grace"})
_AFTER_NOTE = ("dot", "tuplet-", "fermata", "chord")


def _continues(names: list[str], name: str) -> bool:
    """Whether unit `name` belongs to the token that `names` have begun."""
    last = names[-1]
    if last in _BEFORE_NOTE or last == "chord":
        return name.startswith(("note.", "grace.")) or name in _BEFORE_NOTE
    if name.startswith(_AFTER_NOTE):
        return last.startswith(("note.", "grace.", "rest.", "dot", "tuplet-"))
    if name.startswith("digit-"):
        return last == "multirest" or last.startswith("digit-")
    if name.startswith(("over-", "under-")):
        return last.startswith("over-") or (last.startswith("under-") and name.startswith("under-"))
    return name in _SHIFTS.values() and last.startswith("clef-")


def _resolve_marks(base: str, names: list[str]) -> tuple[Duration, bool]:
    dots, tuplet = 0, None
    for name in names:
        if name.startswith("dot"):
            dots = int(name[3:] or 1)
        elif name.startswith("tuplet-"):
            n, _, m = name[7:].partition(":")
            tuplet = (int(n), int(m))
    return Duration(base, dots, tuplet), "fermata" in names


def _resolve_other(names: list[str]) -> Symbol | None:
    first = names[0]
    if first.startswith("rest."):
        duration, fermata = _resolve_marks(first[5:], names)
        return Rest(duration, fermata)
    if first == "multirest":
        return parse_symbol("multirest-" + "".join(name[6:] for name in names[1:]))
    if first.startswith(("over-", "under-")):
        over = "".join(name[5:] for name in names if name.startswith("over-"))
        under = "".join(name[6:] for name in names if name.startswith("under-"))
        return parse_symbol(f"timeSignature-{over}/{under}")
    if first.startswith("time-"):
        return TimeSignature(first[5:])
    if first == str(PercussionClef()):
        return PercussionClef()
    if first.startswith("clef-"):
        return parse_symbol("_".join(names))
    if first in (*_BEFORE_NOTE, *_AFTER_NOTE, *_SHIFTS.values()):
        return None
    return parse_symbol(first)
