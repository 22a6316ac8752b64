"""Hypothesis strategies for grammatical token sequences, and small makers of scores."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from omrcli.score.score import Score, build_score
from omrcli.tokens import DURATIONS, Duration, Multirest, Note, Pitch, Rest, Token
from tests.music import symbols

CLEFS = ["G1", "G2", "F3", "F4", "F5", "C1", "C2", "C3", "C4", "C5", "G2_8vb"]
KEYS = ["CbM", "EbM", "FM", "GM", "DM", "F#M", "C#M"]
TIMES = ["C", "C/", "2/4", "3/4", "6/8", "9/8", "5/4", "3/2", "12/16", "2/48", "8/12"]
INNER_BARLINES = ["barline", "barline", "barline-double", "repeat-start", "repeat-end"]
LAST_BARLINES = [[], ["barline"], ["barline-final"], ["repeat-end"]]

pitches = st.builds(
    Pitch, st.sampled_from("CDEFGAB"), st.sampled_from([-2, -1, 0, 0, 0, 1, 2]), st.integers(1, 7)
)
tuplets = st.sampled_from([None, None, None, None, (3, 2), (5, 4), (7, 8), (2, 3)])
durations = st.builds(Duration, st.sampled_from(list(DURATIONS)), st.integers(0, 3), tuplets)
short_bases = st.sampled_from(["quarter", "eighth", "sixteenth", "thirty_second"])


def _in_order(members: list[Pitch]) -> tuple[Pitch, ...]:
    return tuple(sorted(members, key=lambda pitch: pitch.diatonic))


chords = st.lists(pitches, min_size=1, max_size=3, unique_by=lambda p: p.diatonic).map(_in_order)
notes = st.builds(Note, chords, durations, st.just(False), st.sampled_from([False, False, True]))
graces = st.builds(Note, st.tuples(pitches), st.builds(Duration, short_bases), st.just(True))
rests = st.builds(Rest, durations, st.booleans())


@st.composite
def groups(draw: st.DrawFn) -> list[str]:
    """An event with what belongs to it: grace notes before it, a tie after it."""
    if draw(st.integers(0, 3)) == 0:
        return [str(draw(rests))]
    before = [str(grace) for grace in draw(st.lists(graces, max_size=2))]
    note = draw(notes)
    if draw(st.integers(0, 4)):
        return [*before, str(note)]
    return [*before, str(note), "tie", str(Note(note.pitches, draw(durations)))]


@st.composite
def signs(draw: st.DrawFn) -> list[str]:
    """The signs at the start of a staff."""
    found = [f"clef-{draw(st.sampled_from(CLEFS))}"]
    if draw(st.booleans()):
        found.append(f"keySignature-{draw(st.sampled_from(KEYS))}")
    if draw(st.integers(0, 5)):
        found.append(f"timeSignature-{draw(st.sampled_from(TIMES))}")
    return found


@st.composite
def changes(draw: st.DrawFn, now: dict[str, str]) -> list[str]:
    """Signs that change what is in force; `now` maps the kind of a sign to its text."""
    choices = {
        "clef": [f"clef-{name}" for name in CLEFS],
        "keySignature": [f"keySignature-{name}" for name in [*KEYS, "CM"]],
        "timeSignature": [f"timeSignature-{name}" for name in TIMES],
    }
    found = []
    for kind, texts in choices.items():
        if draw(st.integers(0, 7)) == 0:
            found.append(draw(st.sampled_from([text for text in texts if text != now.get(kind)])))
            now[kind] = found[-1]
    return found


@st.composite
def measures(draw: st.DrawFn, now: dict[str, str]) -> list[str]:
    """The events of a measure, with now and then a change of clef inside."""
    if draw(st.integers(0, 7)) == 0:
        return [f"multirest-{draw(st.integers(1, 20))}"]
    texts: list[str] = []
    for number, group in enumerate(draw(st.lists(groups(), min_size=1, max_size=6))):
        if number and draw(st.integers(0, 9)) == 0:
            clef = draw(st.sampled_from([c for c in CLEFS if f"clef-{c}" != now["clef"]]))
            now["clef"] = f"clef-{clef}"
            texts.append(now["clef"])
        texts += group
    return texts


@st.composite
def sequences(draw: st.DrawFn) -> list[str]:
    """A grammatical sequence, as on one staff; measures need not fill their meter."""
    texts = draw(signs())
    now = {text.split("-")[0]: text for text in texts}
    now.setdefault("keySignature", "keySignature-CM")
    if draw(st.integers(0, 5)) == 0:
        texts.append("repeat-start")
    count = draw(st.integers(1, 4))
    for number in range(count):
        texts += draw(measures(now))
        if number < count - 1:
            texts.append(draw(st.sampled_from(INNER_BARLINES)))
            texts += draw(changes(now))
    return texts + draw(st.sampled_from(LAST_BARLINES))


def anything() -> st.SearchStrategy[list[str]]:
    """Any sequence of symbols, grammatical or not, as a poor model may read it."""
    small = symbols().filter(lambda s: not isinstance(s, Multirest) or s.count < 100)
    return st.lists(small.map(str), max_size=15)


def tokens(text: str) -> list[Token]:
    """Tokens from texts with spaces between; `note-` may be left out before a pitch."""
    return [Token(re.sub(r"^(?=[A-G][#b]*\d)", "note-", word)) for word in text.split()]


def score(*staves: str) -> Score:
    """A score from staves, each in the form that `tokens` takes."""
    return build_score([tokens(staff) for staff in staves])
