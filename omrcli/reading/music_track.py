"""Music as it is read, unit by unit: where in the measure one is, in which key, and what does not
add up.

A track follows the positional units of one reading and notes *features*: counts of what is unlikely
in music, and log-probabilities of how music goes on. What they weigh is said in rescoring.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import attrgetter

from omrcli.tokens import DURATIONS, STEPS, Clef, KeySignature, Pitch, parse_symbol

from .language import ORDER, START, Context, Language, clip_move, place_in_key, unit_class

#: What a track counts, in this order.
FEATURES = (
    "classes",  # log-probability of the units as such
    "moves",  # log-probability of the steps from note to note
    "keys",  # log-probability of pitches and accidentals in the key
    "units",  # number of units: what a longer reading loses in the three above
    "misfits",  # measures that do not fill the meter
    "uneven",  # measures unlike the one before, where there is no meter
    "fractions",  # tuplets that do not add up to plain note values
    "ties",  # ties between notes of different pitch
)
_CLASSES, _MOVES, _KEYS, _UNITS, _MISFITS, _UNEVEN, _FRACTIONS, _TIES = range(len(FEATURES))

# Time is counted in whole ticks; all durations and tuplets of the alphabet are multiples of one.
_ODD = 9 * 5 * 7 * 11 * 13
QUARTER = 2048 * _ODD
_TICKS = {base: int(length * QUARTER) for base, length in DURATIONS.items()}
_ALTERS = {"ff": -2, "f": -1, "n": 0, "s": 1, "x": 2}
_SHIFTS = {"8va": 7, "8vb": -7, "15ma": 14, "15mb": -14}
_KEY_ALTERS = {f: [KeySignature(f).alter_of(step) for step in STEPS] for f in range(-7, 8)}
_STEP_PLACES = [place_in_key(Pitch(step, 0, 4), 0) for step in STEPS]
_OPEN_ENDED = ("barline-double", "barline-final", "repeat-start", "repeat-end", "repeat-both")


class Track:
    """The state after some units, and the features so far."""

    def __init__(self) -> None:
        self.features = [0.0] * len(FEATURES)
        self.history: Context = (START,) * (ORDER - 1)
        self.bottom = Clef("G", 2).bottom_line
        self.fifths = 0
        self.meter = 0  # ticks, 0 without a time signature
        self.over, self.under = "", ""  # digits of a time signature
        self.elapsed = 0  # ticks since the barline
        self.base, self.length = 0, 0  # of the event in hand, which dots and tuplets change
        self.fraction = 0  # what tuplets lack to plain note values
        self.events = 0  # since the barline
        self.multirest = self.whole_rest = False
        self.first = True  # no barline yet
        self.any_repeat = False  # the barline before may fall inside a measure
        self.last_length = 0  # of the measure before
        self.place: int | None = None  # staff position of the last note
        self.places: tuple[int, ...] = ()  # of the last chord
        self.move = 0
        self.tied: tuple[int, ...] = ()  # positions one of which must come next
        self.octaves, self.accidental = 0, ""
        self.altered: tuple[tuple[int, int], ...] = ()  # diatonic, alter: since the barline
        self.chord = self.is_grace = False

    def copy(self) -> Track:
        """A track that goes its own way."""
        other = Track.__new__(Track)
        other.__dict__.update(self.__dict__)
        other.features = self.features.copy()
        return other

    @property
    def state(self) -> tuple[object, ...]:
        """All that what comes next can depend on: equal states have equal futures."""
        return _state_of(self)

    def take(self, unit: CompiledUnit, language: Language) -> None:
        """Go past one unit."""
        features = self.features
        features[_CLASSES] += language.of_class(self.history, unit.kind)
        features[_UNITS] += 1
        self.history = (*self.history[1:], unit.kind)
        if self.over and unit.act is not _take_digit:
            self._set_meter()
        unit.act(self, unit, language)

    def finish(self) -> None:
        """The end of the staff: an incipit may stop anywhere, but not after too much."""
        if self.meter and self.elapsed > self.meter and not self._is_measure_rest():
            self.features[_MISFITS] += 1

    def end_measure(self, may_be_short: bool) -> None:
        """A barline."""
        self._close_event()
        self._end_fraction()
        if self.events and not self.multirest and not self._is_measure_rest():
            self._judge_measure(may_be_short)
        if self.events:
            self.first = False
            self.last_length = 0 if self.multirest else self.elapsed
        self.elapsed = self.events = 0
        self.multirest = self.whole_rest = False
        self.any_repeat = may_be_short
        self.altered = ()

    def add_event(self, ticks: int) -> None:
        """A note or rest of this length, before its dots and its tuplet."""
        self._close_event()
        self.base = self.length = ticks
        self.elapsed += ticks
        self.events += 1

    def change_length(self, ticks: int) -> None:
        """The event in hand lasts this long instead."""
        self.elapsed += ticks - self.length
        self.length = ticks

    def sound(self, place: int, language: Language) -> None:
        """A note head at a staff position: its tie, its step from the last, its accidental."""
        if self.tied and not self.is_grace:
            self.features[_TIES] += place not in self.tied and not self.chord
        if self.place is not None:
            move = clip_move(place - self.place)
            self.features[_MOVES] += language.of_move(self.move, move)
            self.move = move
        self.place = place
        self.places = (*self.places, place) if self.chord else (place,)
        self._judge_accidental(self.bottom + place, language)
        if not self.is_grace:
            self.tied = ()
        self.octaves, self.accidental, self.chord, self.is_grace = 0, "", False, False

    def _judge_accidental(self, diatonic: int, language: Language) -> None:
        step = diatonic % 7
        expected = _KEY_ALTERS[self.fifths][step]
        for place, alter in self.altered:
            if place == diatonic:
                expected = alter
        alter = _ALTERS[self.accidental] if self.accidental else expected
        # An accidental that changes nothing is one in the wrong key, or none at all.
        drawn = bool(self.accidental) and alter != expected
        place = _STEP_PLACES[step] + 7 * alter - self.fifths
        score = language.of_accidental(drawn, place)
        self.features[_KEYS] += score if drawn == bool(self.accidental) else 2 * score
        if drawn:
            others = [pair for pair in self.altered if pair[0] != diatonic]
            self.altered = tuple(sorted([*others, (diatonic, alter)]))

    def _is_measure_rest(self) -> bool:
        return self.whole_rest and self.events == 1

    def _judge_measure(self, may_be_short: bool) -> None:
        wanted = self.meter or self.last_length
        if not wanted or self.elapsed in (self.meter, self.last_length):
            return
        excused = self.first or may_be_short or self.any_repeat
        if excused and self.elapsed < wanted:
            return
        self.features[_MISFITS if self.meter else _UNEVEN] += 1

    def _close_event(self) -> None:
        """The event in hand is complete: tuplets add up before a plain note value comes."""
        if self.length % _ODD:
            self.fraction = (self.fraction + self.length) % _ODD
        elif self.length:
            self._end_fraction()
        self.length = 0

    def _end_fraction(self) -> None:
        self.features[_FRACTIONS] += self.fraction != 0
        self.fraction = 0

    def _set_meter(self) -> None:
        """Put the digits read in force as a time signature."""
        if self.over and self.under and int(self.under):
            self.meter = 4 * QUARTER * int(self.over) // int(self.under)
        self.over = self.under = ""


_state_of: Callable[[Track], tuple[object, ...]] = attrgetter(
    *(name for name in vars(Track()) if name != "features")
)


class CompiledUnit:
    """A unit with what it does to a track. `kind` is its class in the n-gram."""

    __slots__ = ("act", "kind", "number", "other", "text")

    def __init__(
        self,
        name: str,
        act: Callable[[Track, CompiledUnit, Language], None],
        number: int = 0,
        other: int = 0,
    ) -> None:
        self.kind = unit_class(name)
        self.text = name
        self.act = act
        self.number = number
        self.other = other


def _take_note(track: Track, unit: CompiledUnit, language: Language) -> None:
    if track.is_grace:
        track.base = 0
    elif not track.chord:
        track.add_event(unit.number)
    track.sound(unit.other + track.octaves, language)


def _take_grace(track: Track, unit: CompiledUnit, language: Language) -> None:
    track.base = 0
    track.is_grace = True
    track.sound(unit.other + track.octaves, language)


def _take_rest(track: Track, unit: CompiledUnit, language: Language) -> None:
    _break_tie(track)
    track.whole_rest = unit.text == "rest.whole"
    track.add_event(unit.number)


def _take_multirest(track: Track, unit: CompiledUnit, language: Language) -> None:
    """A sign that fills measures however long they are."""
    _break_tie(track)
    track.multirest = True
    track.base = 0
    track.events += 1


def _take_barline(track: Track, unit: CompiledUnit, language: Language) -> None:
    track.base = 0
    track.end_measure(unit.text in _OPEN_ENDED)


def _take_clef(track: Track, unit: CompiledUnit, language: Language) -> None:
    track.base = 0
    track.bottom = unit.number


def _take_shift(track: Track, unit: CompiledUnit, language: Language) -> None:
    track.bottom += unit.number


def _take_key(track: Track, unit: CompiledUnit, language: Language) -> None:
    track.base = 0
    track.fifths = unit.number
    track.altered = ()


def _take_meter(track: Track, unit: CompiledUnit, language: Language) -> None:
    track.base = 0
    track.meter = unit.number


def _take_digit(track: Track, unit: CompiledUnit, language: Language) -> None:
    track.base = 0
    digit = unit.text[-1]
    if unit.text.startswith("over"):
        track.over += digit
    elif track.over:
        track.under += digit


def _take_dot(track: Track, unit: CompiledUnit, language: Language) -> None:
    if track.base:
        dots = unit.number
        track.change_length(track.base * 2 - track.base // 2**dots)


def _take_tuplet(track: Track, unit: CompiledUnit, language: Language) -> None:
    if track.base:
        track.change_length(track.length * unit.other // unit.number)
        track.base = 0


def _take_tie(track: Track, unit: CompiledUnit, language: Language) -> None:
    track.base = 0
    track.tied = track.places


def _take_chord(track: Track, unit: CompiledUnit, language: Language) -> None:
    track.chord = True


def _take_accidental(track: Track, unit: CompiledUnit, language: Language) -> None:
    track.accidental = unit.text
    if not track.chord:
        track.base = 0


def _take_octave(track: Track, unit: CompiledUnit, language: Language) -> None:
    track.octaves += unit.number


def _take_grace_mark(track: Track, unit: CompiledUnit, language: Language) -> None:
    track.is_grace = True


def _take_other(track: Track, unit: CompiledUnit, language: Language) -> None:
    """A fermata or a digit of a multirest."""


def _break_tie(track: Track) -> None:
    track.features[_TIES] += bool(track.tied)
    track.tied = ()
    track.chord = track.is_grace = False


@lru_cache(maxsize=2)
def compile_units(names: tuple[str, ...]) -> tuple[CompiledUnit, ...]:
    """Compile the positional units of a model."""
    return tuple(_compile(name) for name in names)


_ACTS: dict[str, tuple[Callable[[Track, CompiledUnit, Language], None], int]] = {
    **dict.fromkeys(("multirest", "measure-repeat", "slash"), (_take_multirest, 0)),
    "time-C": (_take_meter, 4 * QUARTER),
    "time-C/": (_take_meter, 4 * QUARTER),
    "dot": (_take_dot, 1),
    "dot2": (_take_dot, 2),
    "dot3": (_take_dot, 3),
    "tie": (_take_tie, 0),
    "chord": (_take_chord, 0),
    "grace": (_take_grace_mark, 0),
    "octave-up": (_take_octave, 7),
    "octave-down": (_take_octave, -7),
    **dict.fromkeys(_ALTERS, (_take_accidental, 0)),
    **{name: (_take_shift, steps) for name, steps in _SHIFTS.items()},
}


def _compile(name: str) -> CompiledUnit:
    if name in _ACTS:
        return CompiledUnit(name, *_ACTS[name])
    head, _, rest = name.partition(".")
    base, _, position = rest.partition("@")
    if head in ("note", "grace") and rest:
        act = _take_note if head == "note" else _take_grace
        return CompiledUnit(name, act, _TICKS[base], int(position))
    if head == "rest":
        return CompiledUnit(name, _take_rest, _TICKS[base])
    if name.startswith(("over-", "under-")):
        return CompiledUnit(name, _take_digit)
    if name.startswith("tuplet-"):
        several, _, normal = name[7:].partition(":")
        return CompiledUnit(name, _take_tuplet, int(several), int(normal))
    if name.startswith("clef-"):
        symbol = parse_symbol(name)
        if isinstance(symbol, Clef):
            return CompiledUnit(name, _take_clef, symbol.bottom_line)
    if name.startswith("keySignature-"):
        key = parse_symbol(name)
        return CompiledUnit(name, _take_key, key.fifths if isinstance(key, KeySignature) else 0)
    if name.startswith(("barline", "repeat")):
        return CompiledUnit(name, _take_barline)
    return CompiledUnit(name, _take_other)


def follow(names: Sequence[str], language: Language) -> Track:
    """The track of a whole staff, given as positional units."""
    units = {unit.text: unit for unit in compile_units(tuple(dict.fromkeys(names)))}
    track = Track()
    for name in names:
        track.take(units[name], language)
    track.finish()
    return track
