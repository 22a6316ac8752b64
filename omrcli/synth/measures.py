"""Symbols -> measures, for engravers whose documents need them.

Signs in the order in which they are drawn, what stands between two barlines, and the notes that
ties join.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby

from omrcli.errors import InputError
from omrcli.tokens import (
    Barline,
    Clef,
    KeySignature,
    MeasureRepeat,
    Multirest,
    Note,
    Rest,
    Slash,
    Symbol,
    Tie,
    TimeSignature,
)

from .rhythm import beat_of

_SIGNS = (Clef, KeySignature, TimeSignature)
SignOrder = tuple[type, ...]
#: A new clef before the barline or after it.
CLEF_FIRST: SignOrder = (Clef, Barline, KeySignature, TimeSignature)
BARLINE_FIRST: SignOrder = (Barline, Clef, KeySignature, TimeSignature)


def sort_signs(
    symbols: Sequence[Symbol], order: Callable[[Sequence[Symbol]], SignOrder]
) -> list[Symbol]:
    """Sort neighbouring signs among the notes; `order` tells the order of such a run. What opens
    the staff and what the music says stay the same.

    Raises:
        InputError: two barlines, or two signs of a kind, stand side by side.
    """
    opening = next((i for i, s in enumerate(symbols) if not isinstance(s, _SIGNS)), len(symbols))
    arranged = list(symbols[:opening])
    for is_sign, group in groupby(symbols[opening:], lambda s: isinstance(s, (Barline, *_SIGNS))):
        run = list(group)
        if is_sign:
            if len({type(symbol) for symbol in run}) < len(run):
                raise InputError("Two signs of a kind stand side by side; leave this music out.")
            places = order(run)
            run.sort(key=lambda symbol: places.index(type(symbol)))
        arranged += run
    return arranged


@dataclass
class MeasureSymbols:
    """A measure to write: indices of its symbols; `right` is None where no barline ends it."""

    indices: list[int] = field(default_factory=list)
    right: Barline | None = None
    starts_repeat: bool = False
    length: Fraction = Fraction(0)  # quarter notes
    number: int = 0  # of measures before it
    meter: TimeSignature | None = None


def split_measures(symbols: Sequence[Symbol]) -> list[MeasureSymbols]:
    """Cut a sequence at its barlines, and before a key or meter that changes among notes.

    Raises:
        InputError: there is a measure without notes and rests.
    """
    measures = [MeasureSymbols()]
    meter: TimeSignature | None = None
    for index, symbol in enumerate(symbols):
        measure = measures[-1]
        if isinstance(symbol, (KeySignature, TimeSignature)):
            if measure.length:  # no barline is drawn there
                measures.append(measure := MeasureSymbols())
            meter = symbol if isinstance(symbol, TimeSignature) else meter
        if isinstance(symbol, Barline):
            _end_measure(measures, symbol)
        else:
            measure.indices.append(index)
            measure.length += length_of(symbol, meter)
        measures[-1].meter = meter
    if not measures[-1].indices and len(measures) > 1:
        measures.pop()
    number = 0
    for measure in measures:
        if not measure.length:
            raise InputError("There is a measure without notes; leave this music out.")
        measure.number = number
        first = [symbols[i] for i in measure.indices if isinstance(symbols[i], Multirest)]
        number += first[0].count if first and isinstance(first[0], Multirest) else 1
    return measures


def _end_measure(measures: list[MeasureSymbols], barline: Barline) -> None:
    measure = measures[-1]
    if barline.kind == "repeat-start" and len(measures) == 1 and not measure.length:
        measure.starts_repeat = True
        return
    measure.right = barline
    measures.append(MeasureSymbols(starts_repeat=barline.kind in ("repeat-start", "repeat-both")))


def length_of(symbol: Symbol, meter: TimeSignature | None) -> Fraction:
    """Quarter notes that a symbol takes; a multirest and a repeat those of one measure."""
    if isinstance(symbol, (Multirest, MeasureRepeat)):
        return meter.quarters if meter else Fraction(4)
    if isinstance(symbol, Slash):
        return beat_of(meter)
    if isinstance(symbol, Rest) or (isinstance(symbol, Note) and not symbol.grace):
        return symbol.duration.quarters
    return Fraction(0)


def find_ties(symbols: Sequence[Symbol]) -> Iterator[tuple[int, int]]:
    """Indices of the two notes of each tie.

    Raises:
        InputError: a tie does not join two notes.
    """
    last: int | None = None
    open_tie: int | None = None
    for index, symbol in enumerate(symbols):
        if isinstance(symbol, Tie):
            if last is None or open_tie is not None:
                raise InputError("A tie must follow a note.")
            open_tie = last
        elif isinstance(symbol, (Rest, Multirest, MeasureRepeat, Slash)):
            last = None
            if open_tie is not None:
                raise InputError("A tie leads to a rest.")
        elif isinstance(symbol, Note) and not symbol.grace:
            if open_tie is not None:
                yield open_tie, index
            last, open_tie = index, None
    if open_tie is not None:
        raise InputError("The last tie leads out of the staff.")
