"""The tokens of a staff, cut at its barlines into segments, and what its first signs say.

`joining.py` joins the segments of several staves into lines of measures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from omrcli.tokens import (
    Barline,
    Clef,
    Duration,
    KeySignature,
    MeasureRepeat,
    Multirest,
    Note,
    Rest,
    Slash,
    Symbol,
    Tie,
    TimeSignature,
    Token,
    parse_symbol,
)

#: Symbols that say how what follows is to be read.
Sign = Clef | KeySignature | TimeSignature
#: Why there is a rest that nobody read: to fill a measure up to the length that it has in other
#: parts, or because a part has no staff in a system.
Filler = Literal["padding", "absent"]
#: What an event was read from if not from notes: a measure repeat or a rhythm slash.
Shorthand = Literal["repeat", "slash"]
_SHORTHAND: dict[type, tuple[Shorthand, Rest]] = {
    MeasureRepeat: ("repeat", Rest(Duration("whole"))),
    Slash: ("slash", Rest(Duration("quarter"))),
}


@dataclass(frozen=True)
class Item:
    """A symbol with where it was read: `staff` and `token` are 0-based indices.

    A tie is no item but a mark of its note. `filler` tells that the symbol was not read, and why.
    With `shorthand` the symbol stands for a sign; see `shorthand.py`.
    """

    symbol: Symbol
    staff: int
    token: int
    confidence: float = 1.0
    tied: bool = False
    filler: Filler | None = None
    shorthand: Shorthand | None = None

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

    Barlines before the first event are items: they open the measure and close nothing. `system` is
    the one in which the segment begins, counted from 0 through all pages, and `end` the staff and
    the token of the barline.
    """

    items: tuple[Item, ...]
    barline: Barline | None = None
    system: int = 0
    end: tuple[int, int] | None = None

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


def cut_staff(tokens: Sequence[Token], staff: int = 0, system: int = 0) -> list[Segment]:
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
        shorthand, shown = _SHORTHAND.get(type(symbol), (None, symbol))
        item = Item(shown, staff, index, token.confidence, shorthand=shorthand)
        if isinstance(symbol, Tie):
            _mark_tie(items, segments)
        elif isinstance(symbol, Barline) and any(other.is_event for other in items):
            segments.append(Segment(tuple(items), symbol, system, (staff, index)))
            items = []
        else:
            items.append(item)
    return [*segments, Segment(tuple(items), system=system)] if items else segments


def _mark_tie(items: list[Item], segments: list[Segment]) -> None:
    """Mark the last event as tied, looking back past signs and at most one barline."""
    for place in reversed(range(len(items))):
        if items[place].is_event:
            if isinstance(items[place].symbol, Note):
                items[place] = replace(items[place], tied=True)
            return
    if segments and isinstance(segments[-1].items[-1].symbol, Note):
        segments[-1] = tie_last(segments[-1])


def tie_last(segment: Segment) -> Segment:
    """The segment with its last item tied to what follows."""
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


def opening_signs(tokens: Sequence[Token]) -> Signs:
    """The signs that a staff shows before its first event."""
    signs = Signs()
    for token in tokens:
        symbol = parse_symbol(token.text)
        if isinstance(symbol, (Note, Rest, Multirest)):
            break
        signs.take(symbol)
    return signs


def drops_key(opening: Signs) -> bool:
    """Whether a staff that begins so is in C, whatever the key was before.

    A clef and a time signature with nothing between begin a movement in C or A minor, which has no
    signature. A clef alone is no proof: where it is restated a key is too, so that a signature was
    overlooked or, as in some song books, is given on the first staff only.
    """
    return opening.clef is not None and opening.time is not None and opening.key is None


def continues(last: Segment, first: Segment, time: TimeSignature | None) -> bool:
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


def make_lines(staves: Sequence[StaffLine | Sequence[Token]]) -> list[StaffLine]:
    """Staves as StaffLines; a plain sequence of tokens is a system of its own, all on one page."""
    return [
        staff if isinstance(staff, StaffLine) else StaffLine(staff, system=number)
        for number, staff in enumerate(staves)
    ]
