"""Random scores of several parts, laid out into systems and pages as an engraver would.

`lay_out` is the perfect oracle: the staves as a reader without any fault would read them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from hypothesis import strategies as st

from omrcli.score.assembly import StaffLine
from omrcli.tokens import (
    DURATIONS,
    Barline,
    Clef,
    Duration,
    KeySignature,
    Note,
    Pitch,
    Rest,
    Symbol,
    Tie,
    TimeSignature,
    Token,
)
from tests.scores import tokens

METERS = ("4/4", "3/4", "6/8", "C/", "5/4")
CLEFS = (Clef("G", 2), Clef("F", 4), Clef("C", 3), Clef("G", 2, -1))
KEYS = tuple(KeySignature(fifths) for fifths in (-3, -1, 0, 2, 4))
_BASES = ("half", "quarter", "eighth")


@dataclass(frozen=True)
class Bar:
    """A measure of all parts: signs that come into force with it, and its symbols part by part."""

    time: TimeSignature | None
    key: KeySignature | None
    clefs: tuple[Clef | None, ...]
    symbols: tuple[tuple[Symbol, ...], ...]
    barline: Barline = field(default_factory=Barline)


@dataclass(frozen=True)
class Place:
    """How bars are laid out: the first bars of systems and of pages, and measures split there."""

    systems: frozenset[int]
    pages: frozenset[int]
    splits: frozenset[int] = frozenset()
    hidden: frozenset[tuple[int, int]] = frozenset()
    restate: bool = True
    courtesy: bool = True


def _fill(draw: st.DrawFn, length: Fraction) -> list[Symbol]:
    """Notes and rests that last so many quarter notes."""
    symbols: list[Symbol] = []
    while length:
        fitting = [base for base in _BASES if DURATIONS[base] <= length]
        duration = Duration(draw(st.sampled_from(fitting)))
        length -= duration.quarters
        if draw(st.integers(0, 4)):
            steps = draw(st.sampled_from("CDEFGAB"))
            pitch = Pitch(steps, draw(st.sampled_from([0, 0, 1, -1])), draw(st.integers(3, 5)))
            symbols.append(Note((pitch,), duration))
        else:
            symbols.append(Rest(duration))
    return symbols


@st.composite
def scores(draw: st.DrawFn) -> list[Bar]:
    """Bars of one to four parts; every measure is full, a tie may lead into any note."""
    parts = draw(st.integers(1, 4))
    count = draw(st.integers(1, 7))
    time = TimeSignature(draw(st.sampled_from(METERS)))
    key: KeySignature = draw(st.sampled_from(KEYS))
    clefs = [draw(st.sampled_from(CLEFS)) for _ in range(parts)]
    bars = []
    for number in range(count):
        new_time, new_key = None, None
        new_clefs: list[Clef | None] = [None] * parts
        if number and not draw(st.integers(0, 3)):
            new_time = TimeSignature(draw(st.sampled_from([m for m in METERS if m != time.text])))
            time = new_time
        if number and not draw(st.integers(0, 3)):
            new_key = draw(st.sampled_from([other for other in KEYS if other != key]))
            key = new_key or key
        for part in range(parts):
            if number and not draw(st.integers(0, 5)):
                clef = draw(st.sampled_from([other for other in CLEFS if other != clefs[part]]))
                new_clefs[part] = clefs[part] = clef
        if not number:
            new_time, new_key, new_clefs = time, key if key.fifths else None, list(clefs)
        symbols = [tuple(_fill(draw, time.quarters)) for _ in range(parts)]
        last = number == count - 1
        kind = "final" if last else draw(st.sampled_from(["single"] * 4 + ["double", "repeat-end"]))
        bars.append(Bar(new_time, new_key, tuple(new_clefs), tuple(symbols), Barline(kind)))
    return [_with_ties(draw, bars, number) for number in range(count)]


def _with_ties(draw: st.DrawFn, bars: list[Bar], number: int) -> Bar:
    """The bar, with its last note tied over the barline where the next one begins alike."""
    bar = bars[number]
    symbols = []
    for part, own in enumerate(bar.symbols):
        following = bars[number + 1].symbols[part][0] if number + 1 < len(bars) else None
        if isinstance(own[-1], Note) and isinstance(following, Note) and draw(st.booleans()):
            own = (*own[:-1], Note(following.pitches, own[-1].duration), Tie())
        symbols.append(own)
    return Bar(bar.time, bar.key, bar.clefs, tuple(symbols), bar.barline)


@st.composite
def layouts(draw: st.DrawFn, bars: list[Bar]) -> Place:
    """A random layout; only plain measures of two or more events in all parts are split."""
    inner = list(range(1, len(bars)))
    systems = frozenset(number for number in inner if draw(st.booleans()))
    pages = frozenset(number for number in systems if not draw(st.integers(0, 2)))
    splits = frozenset(
        number
        for number in range(len(bars) - 1)
        if number + 1 in systems and draw(st.booleans()) and split_time(bars[number]) is not None
    )
    return Place(systems, pages, splits)


def split_time(bar: Bar) -> Fraction | None:
    """A time inside the bar at which a symbol ends in every part."""
    common: set[Fraction] | None = None
    for symbols in bar.symbols:
        ends, now = set(), Fraction(0)
        for symbol in symbols:
            if isinstance(symbol, (Note, Rest)):
                now += symbol.duration.quarters
                ends.add(now)
        ends.discard(now)
        common = ends if common is None else common & ends
    return min(common) if common else None


def part_texts(bars: list[Bar], part: int) -> list[str]:
    """The part as one endless staff."""
    texts = []
    for bar in bars:
        signs = (bar.clefs[part], bar.key, bar.time)
        texts += [str(sign) for sign in signs if sign is not None]
        texts += [str(symbol) for symbol in bar.symbols[part]]
        texts.append(str(bar.barline))
    return texts


def lay_out(bars: list[Bar], place: Place) -> list[StaffLine]:
    """The staves of a layout in reading order, as a faultless reader reads them."""
    parts = len(bars[0].clefs)
    columns = [_staff_texts(bars, place, part) for part in range(parts)]
    lines = []
    page = place_on_page = 0
    starts = [0, *sorted(place.systems)]
    for number, start in enumerate(starts):
        if number:
            new_page = start in place.pages
            page, place_on_page = page + new_page, 0 if new_page else place_on_page + 1
        shown = [part for part in range(parts) if (number, part) not in place.hidden]
        for position, part in enumerate(shown):
            read = [Token(text) for text in columns[part][number]]
            lines.append(StaffLine(read, page, place_on_page, position))
    return lines


def _staff_texts(bars: list[Bar], place: Place, part: int) -> list[list[str]]:
    """The texts of a part's staves, one for each system."""
    staves: list[list[str]] = [[]]
    clef, key, rest = None, None, []
    for number, bar in enumerate(bars):
        signs = [bar.clefs[part], bar.key, bar.time]
        new = [str(sign) for sign in signs if sign is not None]
        if number in place.systems:
            if place.courtesy and not rest:  # changes are announced at the end of the line
                staves[-1] += new
            staves.append([])
            restate = place.restate or (bar.clefs[part] and bar.time)
            restated = [bar.clefs[part] or clef, bar.key or key] if restate else signs[:2]
            shown = [sign for sign in restated if sign is not None]
            is_cancelled = place.courtesy and not (bar.key or key or KeySignature(0)).fifths
            shown = [s for s in shown if not (is_cancelled and isinstance(s, KeySignature))]
            staves[-1] += [str(sign) for sign in shown]
            if rest:  # the measure goes on before anything new
                again = [str(clef), *([str(key)] if key and key.fifths else [])]
                staves[-1] = [*(again if place.restate else []), *rest]
                staves[-1] += new
            elif bar.time:
                staves[-1].append(str(bar.time))
        else:
            staves[-1] += new
        clef, key = bar.clefs[part] or clef, bar.key or key
        first, rest = _split(bar, place, number, part)
        staves[-1] += first
    return staves


def _split(bar: Bar, place: Place, number: int, part: int) -> tuple[list[str], list[str]]:
    """The texts of a bar on its own system, and those on the next."""
    texts = [str(symbol) for symbol in bar.symbols[part]]
    cut = split_time(bar) if number in place.splits else None
    if cut is None:
        return [*texts, str(bar.barline)], []
    now = Fraction(0)
    for index, symbol in enumerate(bar.symbols[part]):
        if now == cut:
            return texts[:index], [*texts[index:], str(bar.barline)]
        now += symbol.duration.quarters if isinstance(symbol, (Note, Rest)) else 0
    raise AssertionError("a bar is cut where a symbol ends")


def system(number: int, *staves: str, page: int = 0) -> list[StaffLine]:
    """The staves of a system from top to bottom, each in the form that `tokens` takes."""
    return [
        StaffLine(tokens(staff), page, number, position) for position, staff in enumerate(staves)
    ]
