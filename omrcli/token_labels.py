"""Tokens -> labels short enough to stand under their notes: `note-Bb4_quarter.` is `Bb4 4.`"""

from __future__ import annotations

from omrcli.errors import TokenError
from omrcli.tokens import (
    Barline,
    Clef,
    Duration,
    KeySignature,
    Multirest,
    Note,
    Rest,
    Tie,
    TimeSignature,
    parse_symbol,
)

LEGEND = (
    "4 a quarter, 8 an eighth, r a rest, R measures of rest, gr a grace note, ~ a tie, ^ fermata"
)

_LENGTHS = {
    "quadruple_whole": "4/1",
    "double_whole": "2/1",
    "whole": "1",
    "half": "2",
    "quarter": "4",
    "eighth": "8",
    "sixteenth": "16",
    "thirty_second": "32",
    "sixty_fourth": "64",
    "hundred_twenty_eighth": "128",
}
_BARLINES = {
    "single": "|",
    "double": "||",
    "final": "|]",
    "repeat-start": "|:",
    "repeat-end": ":|",
    "repeat-both": ":|:",
}


def label_token(text: str) -> str:
    """The label of a token; one of another encoding is its own."""
    try:
        symbol = parse_symbol(text)
    except TokenError:
        return text
    if isinstance(symbol, Note):
        pitches = "+".join(str(pitch) for pitch in symbol.pitches)
        said = f"{pitches} {_length(symbol.duration, symbol.fermata)}"
        return f"gr {said}" if symbol.grace else said
    if isinstance(symbol, Rest):
        return f"r{_length(symbol.duration, symbol.fermata)}"
    if isinstance(symbol, Multirest):
        return f"R x{symbol.count}"
    if isinstance(symbol, Barline):
        return _BARLINES[symbol.kind]
    if isinstance(symbol, Tie):
        return "~"
    if isinstance(symbol, (Clef, KeySignature, TimeSignature)):
        return str(symbol).split("-", 1)[1]
    return text


def _length(duration: Duration, fermata: bool) -> str:
    tuplet = f"({duration.tuplet[0]}:{duration.tuplet[1]})" if duration.tuplet else ""
    return _LENGTHS[duration.base] + "." * duration.dots + tuplet + "^" * fermata
