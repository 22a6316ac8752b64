"""The tokens of all staves, in reading order, as one line of measures.

A staff is first cut at its barlines; then the staves are joined. Where a staff begins, its signs
mostly restate what is in force, and a measure may go on that the staff before left open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from omrcli.tokens import (
    Barline,
    Clef,
    KeySignature,
    Multirest,
    Note,
    Rest,
    Symbol,
    Tie,
    TimeSignature,
    Token,
    parse_symbol,
)

#: Symbols that say how what follows is to be read.
Sign = Clef | KeySignature | TimeSignature


@dataclass(frozen=True)
class Item:
    """A symbol with where it was read: `staff` and `token` are 0-based indices.

    A tie is no item but a mark of its note.
    """

    symbol: Symbol
    staff: int
    token: int
    confidence: float = 1.0
    tied: bool = False

    @property
    def is_event(self) -> bool:
        """Whether the symbol is a note, a rest or a multirest."""
        return isinstance(self.symbol, (Note, Rest, Multirest))

    @property
    def quarters(self) -> Fraction:
        """Length in quarter notes; 0 for a multirest, which has none without a meter."""
        if isinstance(self.symbol, Rest) or (
            isinstance(self.symbol, Note) and not self.symbol.grace
        ):
            return self.symbol.duration.quarters
        return Fraction(0)


@dataclass(frozen=True)
class StaffLine:
    """The tokens of one staff and its place; staves are listed in reading order.

    `page` and `system` are 0-based, `system` on its page; `position` is the staff's place in its
    system, from the top. `box` (left, top, right, bottom) and `spans` (left and right of each
    token, or empty where that is not known) are in page px.
    """

    tokens: Sequence[Token]
    page: int = 0
    system: int = 0
    position: int = 0
    box: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    spans: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True)
class Segment:
    """What stands between two barlines of a staff, and the one at its end, if one was read.

    Barlines before the first event are items: they open the measure and close nothing.
    """

    items: tuple[Item, ...]
    barline: Barline | None = None

    @property
    def has_events(self) -> bool:
        """Whether the segment is a measure, and not just signs after the last barline."""
        return any(item.is_event for item in self.items)

    @property
    def quarters(self) -> Fraction:
        """Sum of the lengths of all items."""
        return sum((item.quarters for item in self.items), Fraction(0))


@dataclass
class Signs:
    """The clef, key signature and time signature in force."""

    clef: Clef | None = None
    key: KeySignature | None = None
    time: TimeSignature | None = None

    def take(self, symbol: Symbol) -> None:
        """Put a sign in force; any other symbol changes nothing."""
        if isinstance(symbol, Clef):
            self.clef = symbol
        elif isinstance(symbol, KeySignature):
            self.key = symbol
        elif isinstance(symbol, TimeSignature):
            self.time = symbol

    def has(self, symbol: Symbol) -> bool:
        """Whether the symbol is a sign that is already in force."""
        return symbol in (self.clef, self.key, self.time)


def cut_staff(tokens: Sequence[Token], staff: int = 0) -> list[Segment]:
    """Cut the tokens of one staff at the barlines that end a measure.

    The last segment has no barline, and no events either if only signs follow the last barline.
    A tie marks the last note before it; where there is none it means nothing and is dropped
    (but see `leading_tie`).

    Raises:
        TokenError: a token is none of the semantic encoding.
    """
    segments: list[Segment] = []
    items: list[Item] = []
    for index, token in enumerate(tokens):
        symbol = parse_symbol(token.text)
        item = Item(symbol, staff, index, token.confidence)
        if isinstance(symbol, Tie):
            _mark_tie(items, segments)
        elif isinstance(symbol, Barline) and any(other.is_event for other in items):
            segments.append(Segment(tuple(items), symbol))
            items = []
        else:
            items.append(item)
    return [*segments, Segment(tuple(items))] if items else segments


def _mark_tie(items: list[Item], segments: list[Segment]) -> None:
    """Mark the last event as tied, looking back past signs and at most one barline."""
    for place in reversed(range(len(items))):
        if items[place].is_event:
            if isinstance(items[place].symbol, Note):
                items[place] = replace(items[place], tied=True)
            return
    if segments and isinstance(segments[-1].items[-1].symbol, Note):
        segments[-1] = _tie_last(segments[-1])


def _tie_last(segment: Segment) -> Segment:
    return replace(segment, items=(*segment.items[:-1], replace(segment.items[-1], tied=True)))


def leading_tie(tokens: Sequence[Token]) -> bool:
    """Whether a staff begins with a tie: the second half of one that crosses the line break."""
    for token in tokens:
        symbol = parse_symbol(token.text)
        if isinstance(symbol, (Note, Rest, Multirest)):
            return False
        if isinstance(symbol, Tie):
            return True
    return False


@dataclass
class _Line:
    """The measures joined so far, and the signs in force at their end."""

    segments: list[Segment] = field(default_factory=list)
    signs: Signs = field(default_factory=Signs)

    def add(self, segment: Segment) -> None:
        self.segments.append(segment)
        for item in segment.items:
            self.signs.take(item.symbol)

    def pop(self) -> Segment:
        return self.segments.pop()


def join_staves(staves: Iterable[Sequence[Token]]) -> list[Segment]:
    """Join staves, given in reading order, into one line of measures.

    Every segment but the last has events. For a single staff this is `cut_staff`.

    Raises:
        TokenError: a token is none of the semantic encoding.
    """
    line = _Line()
    for number, tokens in enumerate(staves):
        segments = cut_staff(tokens, number)
        if segments and line.segments:
            if leading_tie(tokens):
                _tie_over_break(line)
            segments[0] = _join_first(line, segments)
        for segment in segments:
            line.add(segment)
    return line.segments


def _tie_over_break(line: _Line) -> None:
    last = line.segments[-1]
    if last.items and isinstance(last.items[-1].symbol, Note):
        line.segments[-1] = _tie_last(last)


def _join_first(line: _Line, segments: list[Segment]) -> Segment:
    """The first segment of a new staff, with what it continues moved to it from the line."""
    first = _without_restatements(segments[0], line.signs)
    last = line.segments[-1]
    if not last.has_events:  # signs after the last barline warn of the change to come
        line.pop()
        first = replace(first, items=last.items + first.items)
        last = line.segments[-1] if line.segments else Segment(())
    opening = next((item for item in first.items if isinstance(item.symbol, Barline)), None)
    if opening and last.has_events:
        # The line at the left end of a staff closes the measure before, or is one with its barline.
        line.segments[-1] = last if last.barline else replace(last, barline=Barline())
        if opening.symbol == Barline():
            first = replace(first, items=tuple(item for item in first.items if item is not opening))
    elif last.has_events and last.barline is None and _continues(last, first, line.signs.time):
        line.pop()
        first = replace(first, items=last.items + first.items)
    return first


def _without_restatements(segment: Segment, signs: Signs) -> Segment:
    """Leave out the signs before the first event that are in force anyway."""
    kept: list[Item] = []
    for place, item in enumerate(segment.items):
        if item.is_event:
            return replace(segment, items=(*kept, *segment.items[place:]))
        if not signs.has(item.symbol):
            kept.append(item)
    return replace(segment, items=tuple(kept))


def _continues(last: Segment, first: Segment, time: TimeSignature | None) -> bool:
    """Whether a new staff goes on with the measure that the staff before left without a barline.

    It does not if the measure was full, or would be over: then the barline at the end of the staff
    was not drawn, or not read.
    """
    if any(isinstance(item.symbol, Multirest) for item in last.items + first.items):
        return False
    if time is None:
        return True
    if any(isinstance(item.symbol, TimeSignature) for item in first.items):
        return False
    return last.quarters < time.quarters and last.quarters + first.quarters <= time.quarters


def make_lines(staves: Sequence[StaffLine] | Sequence[Sequence[Token]]) -> list[StaffLine]:
    """Staves as StaffLines; a plain sequence of tokens is a system of its own, all on one page."""
    return [
        staff if isinstance(staff, StaffLine) else StaffLine(staff, system=number)
        for number, staff in enumerate(staves)
    ]
