"""Music that corpora of single lines hold too rarely, put into their excerpts: double stops and
chords, triplets, ties, and groups of grace notes.

String parts are full of them, incipits and tunes hold next to none. Unlike in `synth.variation`,
the notes do change; the measures stay as long as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from omrcli.reading.alphabet import AccidentalState
from omrcli.tokens import STEPS, Barline, Clef, Duration, Note, Pitch, Symbol, Tie

from .rhythm import Dice
from .variation import Edit, edit_excerpt

#: Steps from a note to the next member of its chord, and how often: thirds and sixths first.
_INTERVALS = {2: 6, 5: 4, 3: 2, 4: 2, 7: 2, 1: 3, 6: 1}
_MORE_MEMBERS = {1: 8, 2: 2, 3: 1}
#: Staff positions (steps above the lowest line) that added notes keep to.
_ROOM = range(-7, 16)
#: What a note is split into: three of these in the time of two.
_TRIPLET_BASES = {"half": "quarter", "quarter": "eighth", "eighth": "sixteenth"}
_GRACES = {"sixteenth": 5, "eighth": 3, "thirty_second": 4}
_GRACE_STEPS = (-7, -5, -4, -3, -2, -1, 1, 2, 3, 4)


def enrich_excerpt(texts: Sequence[str], dice: Dice) -> list[str]:
    """The excerpt with chords, triplets, ties or grace notes put in, at times two of them.

    What an excerpt has no room for is left out, so it may come back as it was.

    Raises:
        TokenError: a text is none of the semantic encoding.
    """
    return edit_excerpt(texts, _ADDITIONS, dice)


@dataclass
class _Spot:
    """Where a note is to be written: the signs in force, and the staff's bottom line (steps above
    C0)."""

    state: AccidentalState
    bottom: int

    def pitch_at(self, diatonic: int) -> Pitch | None:
        """The pitch that needs no accidental there; None where it is too far from the staff."""
        if diatonic - self.bottom not in _ROOM:
            return None
        return Pitch(STEPS[diatonic % 7], self.state.expect(diatonic), diatonic // 7)


def _rewrite_notes(
    symbols: Sequence[Symbol], rewrite: Callable[[int, Note, _Spot], list[Note]]
) -> list[Symbol]:
    """The symbols with other notes in place of each note, as `rewrite` has it, given its index."""
    spot = _Spot(AccidentalState(), Clef("G", 2).bottom_line)
    result: list[Symbol] = []
    for place, symbol in enumerate(symbols):
        if isinstance(symbol, Clef):
            spot.bottom = symbol.bottom_line
        if isinstance(symbol, Note):
            written = rewrite(place, symbol, spot)
            for note in written:
                spot.state.pass_written(note)
            result += written
        else:
            spot.state.pass_other(symbol)
            result.append(symbol)
    return result


def _add_chords(symbols: list[Symbol], dice: Dice) -> list[Symbol]:
    """Members above or below some notes: here and there, or along a run of notes."""
    share, staying = dice.pick((0.1, 0.3, 0.6)), dice.pick((0.2, 0.9))
    thick = False

    def rewrite(place: int, note: Note, spot: _Spot) -> list[Note]:
        nonlocal thick
        thick = dice.chance(staying if thick else share)
        if thick and not _is_tied(symbols, place) and not note.grace and len(note.pitches) == 1:
            note = _thicken(note, spot, dice)
        return [note]

    return _rewrite_notes(symbols, rewrite)


def _is_tied(symbols: Sequence[Symbol], place: int) -> bool:
    """Whether a tie begins or ends at a note: both of its notes would need the same members."""
    start = place - 2 if place > 1 and isinstance(symbols[place - 1], Barline) else place - 1
    return Tie() in symbols[max(start, 0) : place + 2]


def _thicken(note: Note, spot: _Spot, dice: Dice) -> Note:
    """The note with further members as the key has them; as it is where the staff has no room."""
    pitches = list(note.pitches)
    down = dice.chance(0.6)
    close = dice.chance(0.25)  # heads on both sides of the stem
    for _ in range(dice.pick(list(_MORE_MEMBERS), list(_MORE_MEMBERS.values()))):
        step = dice.pick(list(_INTERVALS), list(_INTERVALS.values()))
        step = 1 if close and dice.chance(0.6) else step
        pitch = spot.pitch_at(pitches[-1].diatonic + (-step if down else step))
        if pitch is None:
            break
        pitches.append(pitch)
    return replace(note, pitches=tuple(sorted(pitches, key=lambda p: p.diatonic)))


def _add_ties(symbols: list[Symbol], dice: Dice) -> list[Symbol]:
    """Notes tied to the next: it takes their pitches, over a barline oftener than within."""
    result = list(symbols)
    ties: list[int] = []
    for place in range(len(symbols) - 1):
        after = place + 2 if isinstance(symbols[place + 1], Barline) else place + 1
        if after >= len(symbols):
            continue
        first, second = result[place], result[after]
        if not isinstance(first, Note) or not isinstance(second, Note):
            continue
        if first.grace or second.grace or isinstance(symbols[after - 1], Tie):
            continue
        over = after == place + 2
        if symbols[after + 1 : after + 2] == [Tie()] or not dice.chance(0.5 if over else 0.15):
            continue
        result[after] = replace(second, pitches=first.pitches)
        ties.append(place + 1)
    for place in reversed(ties):
        result.insert(place, Tie())
    return result


def _add_triplets(symbols: list[Symbol], dice: Dice) -> list[Symbol]:
    """Three notes in the time of some notes, often of chords."""
    share, thick = dice.pick((0.15, 0.4)), dice.chance(0.6)

    def rewrite(place: int, note: Note, spot: _Spot) -> list[Note]:
        base = _TRIPLET_BASES.get(note.duration.base)
        plain = not (note.duration.dots or note.duration.tuplet or note.fermata or note.grace)
        if base is None or not plain or _is_tied(symbols, place) or not dice.chance(share):
            return [note]
        first = _thicken(note, spot, dice) if thick and len(note.pitches) == 1 else note
        members = [first]
        for _ in range(2):
            step = dice.pick((-2, -1, 0, 1, 2))
            pitches = [spot.pitch_at(pitch.diatonic + step) for pitch in members[-1].pitches]
            known = tuple(pitch for pitch in pitches if pitch is not None)
            members.append(replace(first, pitches=known) if len(known) == len(pitches) else first)
        return [replace(each, duration=Duration(base, 0, (3, 2))) for each in members]

    return _rewrite_notes(symbols, rewrite)


def _add_graces(symbols: list[Symbol], dice: Dice) -> list[Symbol]:
    """Groups of one to four grace notes before some notes, all of one length."""

    def rewrite(place: int, note: Note, spot: _Spot) -> list[Note]:
        before = symbols[place - 1] if place else note
        free = not note.grace and not (isinstance(before, Note) and before.grace)
        if free and not isinstance(before, (Tie, Clef)) and dice.chance(0.15):
            return [*_draw_graces(note, spot, dice), note]
        return [note]

    return _rewrite_notes(symbols, rewrite)


def _draw_graces(note: Note, spot: _Spot, dice: Dice) -> list[Note]:
    """Grace notes that lead to a note."""
    base = dice.pick(list(_GRACES), list(_GRACES.values()))
    graces = []
    for _ in range(dice.pick((1, 2, 3, 4), (8, 5, 2, 1))):
        pitch = spot.pitch_at(note.pitches[-1].diatonic + dice.pick(_GRACE_STEPS))
        if pitch is not None:
            graces.append(Note((pitch,), Duration(base), grace=True))
    return graces


_ADDITIONS: dict[Edit, float] = {_add_chords: 5, _add_triplets: 2, _add_ties: 3, _add_graces: 2}
