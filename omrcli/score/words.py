"""The units of a staff in words: one for each token, with its symbol and its place on the page.

What the staves of a system put right in each other is done to words, so that no note is torn apart;
the units of the words make the tokens anew, whose accidentals then end at the right barlines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from omrcli.reading.decoding import Unit
from omrcli.tokens import (
    MeasureRepeat,
    Multirest,
    Note,
    Rest,
    Slash,
    Symbol,
    Token,
    parse_symbol,
)

#: Makes tokens of units; clef and key in force do not matter here.
Decode = Callable[[Sequence[Unit]], Sequence[Token]]
#: Left and right on the page, in px.
Span = tuple[float, float]


@dataclass(frozen=True)
class ReadStaff:
    """The units read on a staff, their places (page px), and the interline in px."""

    units: tuple[Unit, ...]
    spans: tuple[Span, ...]
    interline: float


@dataclass(frozen=True)
class Word:
    """The units of one token with its symbol; None of units that mean nothing where they stand."""

    symbol: Symbol | None
    units: tuple[Unit, ...]
    spans: tuple[Span, ...]

    @property
    def x(self) -> float:
        """The middle, in px of the page."""
        return (self.spans[0][0] + self.spans[-1][1]) / 2

    @property
    def confidence(self) -> float:
        """That of the least sure unit."""
        return min(unit.confidence for unit in self.units)

    @property
    def is_event(self) -> bool:
        """Whether it is a note, a rest, or a sign that stands for either."""
        return isinstance(self.symbol, (Note, Rest, Multirest, MeasureRepeat, Slash))

    @property
    def quarters(self) -> Fraction:
        """Length in quarter notes; 0 of what has none of its own."""
        symbol = self.symbol
        if isinstance(symbol, Rest) or (isinstance(symbol, Note) and not symbol.grace):
            return symbol.duration.quarters
        return Fraction(0)


def make_words(staff: ReadStaff, decode: Decode) -> list[Word]:
    """The words of a staff, from left to right."""
    counted = [
        Unit(unit.index, unit.confidence, place, place + 1)
        for place, unit in enumerate(staff.units)
    ]
    words: list[Word] = []

    def add(symbol: Symbol | None, first: int, end: int) -> None:
        if first < end:
            words.append(Word(symbol, staff.units[first:end], staff.spans[first:end]))

    reached = 0
    for token in decode(counted):
        add(None, reached, token.start)
        add(parse_symbol(token.text), token.start, token.end)
        reached = token.end
    add(None, reached, len(counted))
    return words


def join_words(words: Sequence[Word], staff: ReadStaff) -> ReadStaff:
    """The staff with the units of other words."""
    units = tuple(unit for word in words for unit in word.units)
    spans = tuple(span for word in words for span in word.spans)
    return ReadStaff(units, spans, staff.interline)


def put_between(
    words: Sequence[Word], place: int, symbol: Symbol, units: Sequence[Unit], span: Span
) -> list[Word]:
    """The words with one more before the word at `place`; its frames are those between the two."""
    before = words[place - 1].units[-1].end if place else 0
    after = words[place].units[0].start if place < len(words) else before
    start, end = min(before, after), max(before, after)
    put = tuple(Unit(unit.index, unit.confidence, start, end) for unit in units)
    return [*words[:place], Word(symbol, put, (span,) * len(put)), *words[place:]]
