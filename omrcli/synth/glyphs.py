"""What an engraved staff shows, counted, against what its tokens say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from omrcli.errors import InputError
from omrcli.reading.alphabet import shown_accidentals
from omrcli.tokens import (
    Barline,
    Clef,
    KeySignature,
    MeasureRepeat,
    Multirest,
    Note,
    PercussionClef,
    Rest,
    Slash,
    Symbol,
    Tie,
    TimeSignature,
    parse_symbol,
)

from .mei_writer import CUE_REST

# Signs that Verovio writes as a group of this class; an empty group draws nothing.
_KINDS = "notehead|rest|mRest|multiRest|mRpt|beatRpt|accid|clef|keySig|meterSig|tie|fermata|barLine"
_GROUP = re.compile(
    rf'<g (?![^>]*id="{CUE_REST}")[^>]*?class="({_KINDS})"[^>]*(?<!/)>(?=\s*<(?!/))'
)
_DOT = re.compile(r'<g [^>]*?class="dots"[^>]*>(.*?)</g>', re.DOTALL)


_NAMES: dict[type, str] = {
    Clef: "clef", PercussionClef: "clef", KeySignature: "keySig", TimeSignature: "meterSig",
    Rest: "rest", Multirest: "multiRest", MeasureRepeat: "mRpt", Slash: "notehead",
    Barline: "barLine",
}  # fmt: skip


def check_engraving(svg: str, texts: Sequence[str]) -> None:
    """Compare an SVG by Verovio with the tokens it was made from, kind by kind.

    Raises:
        InputError: something is missing on the staff, or is drawn twice.
    """
    drawn, said = count_drawn(svg), count_said(texts)
    if drawn != said:
        kinds = sorted(kind for kind in drawn | said if drawn[kind] != said[kind])
        differences = ", ".join(f"{drawn[k]} instead of {said[k]} {k}" for k in kinds)
        raise InputError(f"The engraving shows {differences}; leave this music out.")


def count_drawn(svg: str) -> Counter[str]:
    """Number of signs of each kind in an SVG by Verovio."""
    counts = Counter(match[1] for match in _GROUP.finditer(svg))
    counts["rest"] += counts.pop("mRest", 0)
    counts["notehead"] += counts.pop("beatRpt", 0)  # a slash may be drawn as either
    counts["dot"] = sum(match[1].count("<ellipse") for match in _DOT.finditer(svg))
    return +counts


def count_said(texts: Sequence[str]) -> Counter[str]:
    """Number of signs of each kind that the tokens promise."""
    symbols = [parse_symbol(text) for text in texts]
    counts = Counter(_NAMES[type(symbol)] for symbol in symbols if type(symbol) in _NAMES)
    counts["tie"] = sum(_count_ties(symbols))
    for symbol, shown in zip(symbols, shown_accidentals(symbols), strict=True):
        counts["accid"] += sum(name is not None for name in shown)
        if isinstance(symbol, Note):
            counts["notehead"] += len(symbol.pitches)
        if isinstance(symbol, (Note, Rest)):
            members = len(symbol.pitches) if isinstance(symbol, Note) else 1
            counts["dot"] += symbol.duration.dots * members
            counts["fermata"] += symbol.fermata
    return +counts


def _count_ties(symbols: Sequence[Symbol]) -> Iterator[int]:
    """Number of curves for each tie: one for each pitch that two chords share."""
    last: set[int] = set()
    tied: set[int] | None = None
    for symbol in symbols:
        if isinstance(symbol, Tie):
            tied = last
        elif isinstance(symbol, Note):
            last = {pitch.diatonic for pitch in symbol.pitches}
            if tied is not None and not symbol.grace:
                yield len(tied & last)
                tied = None
