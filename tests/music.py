"""Hypothesis strategies for symbols and sequences of the encoding."""

from __future__ import annotations

from hypothesis import strategies as st

from omrcli.tokens import (
    BARLINE_KINDS,
    DURATIONS,
    Barline,
    Clef,
    Duration,
    KeySignature,
    Multirest,
    Note,
    Pitch,
    Rest,
    Symbol,
    Tie,
    TimeSignature,
)

TUPLETS = [(3, 2), (5, 4), (6, 4), (7, 4), (2, 3)]


def durations() -> st.SearchStrategy[Duration]:
    """Durations, most of them without tuplet."""
    tuplets = st.one_of(st.none(), st.none(), st.sampled_from(TUPLETS))
    return st.builds(Duration, st.sampled_from(list(DURATIONS)), st.integers(0, 3), tuplets)


def pitches() -> st.SearchStrategy[Pitch]:
    """Any pitch that a token can name."""
    return st.builds(Pitch, st.sampled_from("CDEFGAB"), st.integers(-2, 2), st.integers(0, 9))


def notes() -> st.SearchStrategy[Note]:
    """Notes, grace notes and chords; members of a chord stand on different positions."""
    chords = st.lists(pitches(), min_size=1, max_size=3, unique_by=lambda pitch: pitch.diatonic)
    ordered = chords.map(lambda found: tuple(sorted(found, key=lambda pitch: pitch.diatonic)))
    return st.builds(Note, ordered, durations(), st.booleans(), st.booleans())


def symbols() -> st.SearchStrategy[Symbol]:
    """Any symbol."""
    clefs = st.builds(
        Clef, st.sampled_from("GFC"), st.integers(1, 5), st.sampled_from([0, 0, 0, -2, -1, 1, 2])
    )
    numbers = st.integers(1, 999)
    meters = st.one_of(
        st.sampled_from(["C", "C/"]), st.builds(lambda a, b: f"{a}/{b}", numbers, numbers)
    )
    return st.one_of(
        notes(),
        clefs,
        st.builds(KeySignature, st.integers(-7, 7)),
        meters.map(TimeSignature),
        st.builds(Rest, durations(), st.booleans()),
        st.builds(Multirest, st.integers(1, 9999)),
        st.builds(Barline, st.sampled_from(BARLINE_KINDS)),
        st.just(Tie()),
    )


def sequences() -> st.SearchStrategy[list[str]]:
    """Any sequence of symbols as texts; grammatical or not."""
    return st.lists(symbols().map(str), max_size=25)
