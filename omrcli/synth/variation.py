"""What corpora of single lines hold too rarely, put into their excerpts: changes within a staff.

Parts change clef in the middle of a measure, change key at a double barline, repeat sections, and
warn at the end of a line of what the next one brings; incipits and tunes do little of it. The notes
stay as they are: only how they are written changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from omrcli.tokens import (
    Barline,
    Clef,
    KeySignature,
    Note,
    Rest,
    Symbol,
    Tie,
    TimeSignature,
    parse_symbol,
)

from .rhythm import Dice

#: Clefs that an excerpt may change to, and how often: those of cello, bassoon, viola and trombone
#: parts, then the treble clef.
_CLEFS = {"F4": 5, "C4": 5, "C3": 3, "G2": 5}
#: Staff positions (steps above the lowest line) that notes should keep to in their new clef.
_ROOM = range(-6, 15)
_BARLINES = {"double": 4, "repeat-end": 3, "repeat-start": 2, "repeat-both": 2}
_ENDS = {"final": 4, "double": 2, "repeat-end": 3}
_KEYS = (-4, -3, -2, -1, 1, 2, 3, 4)
_METERS = ("2/4", "3/4", "4/4", "C", "C/", "6/8", "3/8", "2/2")


#: Puts something into the symbols of an excerpt; gives them back where there is no room for it.
Edit = Callable[[list[Symbol], Dice], list[Symbol]]


def vary_excerpt(texts: Sequence[str], dice: Dice) -> list[str]:
    """The excerpt with one or two changes put in: of clef, key, barlines, or a warning at its end.

    What an excerpt has no room for is left out, so it may come back as it was.

    Raises:
        TokenError: a text is none of the semantic encoding.
    """
    return edit_excerpt(texts, _CHANGES, dice)


def edit_excerpt(
    texts: Sequence[str], edits: Mapping[Edit, float], dice: Dice, most: int = 2
) -> list[str]:
    """The excerpt after one to `most` (1 or 2) edits, drawn by their weights.

    Raises:
        TokenError: a text is none of the semantic encoding.
    """
    symbols = [parse_symbol(text) for text in texts]
    for _ in range(dice.pick((1, most), (3, 1))):
        symbols = dice.pick(list(edits), list(edits.values()))(symbols, dice)
    return [str(symbol) for symbol in symbols]


def _change_clefs(symbols: list[Symbol], dice: Dice) -> list[Symbol]:
    """Another clef from some note on; often back to the first clef further on."""
    places = [place for place in range(2, len(symbols)) if _may_take_clef(symbols, place)]
    if not places or not isinstance(symbols[0], Clef):
        return symbols
    place = dice.pick(places)
    old = next(s for s in reversed(symbols[:place]) if isinstance(s, Clef))
    later = [p for p in places if p > place + 1 and not _has_clef(symbols[place:p])]
    back = dice.pick(later) if later and dice.chance(0.5) else None
    end = back or _next_clef(symbols, place)
    notes = [symbol for symbol in symbols[place:end] if isinstance(symbol, Note)]
    clefs = [Clef(name[0], int(name[1])) for name in _CLEFS]
    weights = [
        usual if clef != old and _fit(notes, clef) else 0
        for clef, usual in zip(clefs, _CLEFS.values(), strict=True)
    ]
    if not any(weights):
        return symbols
    new: Symbol = dice.pick(clefs, weights)
    middle = symbols[place:end]
    restored: list[Symbol] = [old] if back else []
    return [*symbols[:place], new, *middle, *restored, *symbols[end:]]


def _may_take_clef(symbols: Sequence[Symbol], place: int) -> bool:
    """Whether a clef may be put before a symbol: between events, and not within a tie or graces."""
    before, after = symbols[place - 1], symbols[place]
    if not isinstance(after, (Note, Rest)) or isinstance(before, (Tie, Clef)):
        return False
    return isinstance(before, (Rest, Barline)) or (isinstance(before, Note) and not before.grace)


def _has_clef(symbols: Sequence[Symbol]) -> bool:
    return any(isinstance(symbol, Clef) for symbol in symbols)


def _next_clef(symbols: Sequence[Symbol], place: int) -> int:
    """Index of the next clef, or the end."""
    clefs = (at for at in range(place, len(symbols)) if isinstance(symbols[at], Clef))
    return next(clefs, len(symbols))


def _fit(notes: Sequence[Note], clef: Clef) -> bool:
    return all(p.diatonic - clef.bottom_line in _ROOM for note in notes for p in note.pitches)


def _change_key(symbols: list[Symbol], dice: Dice) -> list[Symbol]:
    """Another key signature after a barline, often a double one; notes keep their pitches."""
    places = [
        at + 1
        for at in range(1, len(symbols) - 1)
        if isinstance(symbols[at], Barline) and isinstance(symbols[at + 1], (Note, Rest))
    ]
    if not places:
        return symbols
    place = dice.pick(places)
    keys = [symbol for symbol in symbols[:place] if isinstance(symbol, KeySignature)]
    old = keys[-1] if keys else KeySignature(0)
    new = KeySignature(max(-7, min(7, old.fifths + dice.pick(_KEYS))))
    if new == old:
        return symbols
    line = symbols[place - 1]
    if line == Barline() and dice.chance(0.5):
        line = Barline("double")
    return [*symbols[: place - 1], line, new, *symbols[place:]]


def _change_barlines(symbols: list[Symbol], dice: Dice) -> list[Symbol]:
    """Single barlines within the excerpt become double ones or repeats, the last one an end."""
    changed = list(symbols)
    for place, symbol in enumerate(symbols):
        if symbol != Barline():
            continue
        last = place == len(symbols) - 1
        kinds = _ENDS if last else _BARLINES
        if dice.chance(0.7 if last else 0.3):
            changed[place] = Barline(dice.pick(list(kinds), list(kinds.values())))
    return changed


def _warn(symbols: list[Symbol], dice: Dice) -> list[Symbol]:
    """After the last barline a clef, key or time signature that holds from the next line on."""
    if not isinstance(symbols[-1], Barline):
        return symbols
    state: dict[type, Symbol] = {type(symbol): symbol for symbol in symbols}
    key = state.get(KeySignature, KeySignature(0))
    assert isinstance(key, KeySignature)
    clef = dice.pick([Clef(name[0], int(name[1])) for name in _CLEFS], list(_CLEFS.values()))
    fifths = max(-7, min(7, key.fifths + dice.pick(_KEYS)))
    signs: list[Symbol] = [clef, KeySignature(fifths), TimeSignature(dice.pick(_METERS))]
    chosen = [sign for sign in signs if dice.chance(0.4) and sign != state.get(type(sign))]
    return [*symbols, *chosen]


_CHANGES: dict[Edit, float] = {_change_clefs: 6, _change_key: 2, _change_barlines: 2, _warn: 2}
