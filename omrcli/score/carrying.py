"""What is in force where a staff begins: clef, key and accidentals carried over the line break.

Many prints give the clef and the key once and then leave them out, a tie or a measure may cross the
break, and the pitch of notes rests on all of them. So staves are read on, one after the other
within their part.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from omrcli.reading.alphabet import AccidentalState
from omrcli.tokens import (
    Barline,
    Clef,
    KeySignature,
    Note,
    Symbol,
    TimeSignature,
    Token,
    parse_symbol,
)

from .assembly import Segment, StaffLine, continues, cut_staff, drops_key, opening_signs
from .parts import Arrangement, arrange_parts


@dataclass
class InForce:
    """What is in force in a part; `clef_confidence` and `key_confidence` are of their signs."""

    clef: Clef | None = None
    accidentals: AccidentalState = field(default_factory=AccidentalState)
    time: TimeSignature | None = None
    clef_confidence: float = 1.0
    key_confidence: float = 1.0

    def take(self, symbol: Symbol, confidence: float = 1.0) -> None:
        """Go past a symbol."""
        if isinstance(symbol, Note):
            self.accidentals.pass_written(symbol)
            return
        self.accidentals.pass_other(symbol)
        if isinstance(symbol, Clef):
            self.clef, self.clef_confidence = symbol, confidence
        elif isinstance(symbol, KeySignature):
            self.key_confidence = confidence
        elif isinstance(symbol, TimeSignature):
            self.time = symbol


def copy_signs(state: InForce) -> InForce:
    """What is in force now, whatever is passed later."""
    signs = state.accidentals
    copied = AccidentalState(signs.key, dict(signs.measure), dict(signs.tied), dict(signs.last))
    return replace(state, accidentals=copied)


#: Decodes the staff at an index again, with what is in force before it.
Decode = Callable[[int, InForce], Sequence[Token]]


def carry_signs(
    lines: Sequence[StaffLine],
    decode: Decode,
    arrangement: Arrangement | None = None,
    in_c: Collection[int] = (),
) -> list[StaffLine]:
    """Read each staff again that follows another of its part, with what is in force before it.

    `lines` are as read without knowing of each other; those whose indices are in `in_c` begin in C,
    whatever the key was. No note becomes surer than the carried clef and key that its pitch rests
    on.

    Raises:
        TokenError: a token is none of the semantic encoding.
    """
    arrangement = arrangement or arrange_parts(lines)
    read = list(lines)
    for part in range(arrangement.parts):
        places = [system.staves[part] for system in arrangement.systems]
        staves = [place for place in places if place is not None]
        state, last = InForce(), Segment(())
        for number, place in enumerate(staves):
            if number:
                _break_line(state, last, read[place].tokens)
                if place in in_c:
                    state.accidentals.pass_other(KeySignature(0))
                tokens = _no_surer(decode(place, state), state)
                read[place] = replace(read[place], tokens=tokens)
            for token in read[place].tokens:
                state.take(parse_symbol(token.text), token.confidence)
            last = (cut_staff(read[place].tokens) or [last])[-1]
    return read


def _break_line(state: InForce, last: Segment, tokens: Sequence[Token]) -> None:
    """Prepare what is in force for the next staff, read as `tokens`."""
    segments = cut_staff(tokens)
    goes_on = last.barline is None and bool(segments) and continues(last, segments[0], state.time)
    if not goes_on:
        state.accidentals.pass_other(Barline())
    if drops_key(opening_signs(tokens)):
        state.accidentals.pass_other(KeySignature(0))


def _no_surer(tokens: Sequence[Token], state: InForce) -> tuple[Token, ...]:
    """Tokens whose notes are no surer than the clef and key that were carried to them."""
    clef, key = state.clef_confidence, state.key_confidence
    result = []
    for token in tokens:
        symbol = parse_symbol(token.text)
        if isinstance(symbol, Clef):
            clef = token.confidence
        elif isinstance(symbol, KeySignature):
            key = token.confidence
        elif isinstance(symbol, Note):
            token = replace(token, confidence=min(token.confidence, clef, key))
        result.append(token)
    return tuple(result)
