"""Clutter: its rates, what is drawn at them, and that no note changes by it."""

from __future__ import annotations

import numpy as np
import pytest

from omrcli.errors import UsageError
from omrcli.synth.clutter import KINDS, Clutter, ClutterRates, draw_clutter, read_rates
from omrcli.synth.scribe import Scribe
from omrcli.tokens import Note, parse_symbol

#: Kinds that Verovio engraves; the last two are choices of LilyPond's.
ENGRAVED = [
    kind for kind in KINDS[: KINDS.index("brackets")] if kind not in ("shape_notes", "old_rests")
]


def note(text: str = "note-C5_quarter") -> Note:
    symbol = parse_symbol(text)
    assert isinstance(symbol, Note)
    return symbol


def test_rates_are_read() -> None:
    rates = read_rates(0.5, ["lyrics=0.3", "figured-bass=1"])
    assert rates == ClutterRates(share=0.5, lyrics=0.3, figured_bass=1.0)
    assert read_rates(0.75, ()) == ClutterRates()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lyrcs=0.3", "Did you mean lyrics.*Known kinds are slurs, articulations"),
        ("share=0.3", "unknown"),
        ("lyrics", "KIND=RATE"),
        ("lyrics=much", "KIND=RATE"),
        ("lyrics=1.5", "'lyrics' must lie between 0 and 1"),
    ],
)
def test_bad_rates_are_refused(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_rates(0.75, [text])


def test_equal_seeds_give_equal_clutter() -> None:
    first, same = (draw_clutter(np.random.default_rng(4)) for _ in range(2))
    assert first == same


def test_the_share_of_cluttered_staves_is_kept() -> None:
    drawn = [draw_clutter(np.random.default_rng(seed)) for seed in range(600)]
    assert 0.68 < sum(clutter != Clutter() for clutter in drawn) / 600 < 0.82
    assert draw_clutter(np.random.default_rng(0), ClutterRates(share=0.0)) == Clutter()


@pytest.mark.parametrize("kind", [kind for kind in ENGRAVED if kind != "measure_numbers"])
def test_every_kind_can_be_asked_for_alone(kind: str) -> None:
    none = dict.fromkeys(KINDS, 0.0)
    clutter = draw_clutter(np.random.default_rng(1), ClutterRates(share=1.0, **{**none, kind: 1.0}))
    blank = Clutter(seed=clutter.seed, verses=clutter.verses)
    shown = [name for name in ENGRAVED if getattr(clutter, name, 0) != getattr(blank, name, 0)]
    assert shown == [kind]


def test_articulation_is_dense_where_it_misleads() -> None:
    scribe = Scribe(Clutter(articulations=0.2, seed=1))
    plain = sum(bool(scribe.adorn(note())) for _ in range(400))
    dotted = sum(bool(scribe.adorn(note("note-C5_quarter."))) for _ in range(400))
    assert 40 < plain < 120 < 150 < dotted < 280


def test_nothing_that_changes_pitch_or_duration_is_written() -> None:
    rates = ClutterRates(share=1.0, **dict.fromkeys(KINDS, 1.0))
    scribe = Scribe(draw_clutter(np.random.default_rng(2), rates))
    written = ""
    for index in range(300):
        written += scribe.adorn(note()) + "".join(scribe.surround(f"n{index}", [35 + index % 3]))
        scribe.start_measure()
    assert "<octave" not in written
    assert "Trem" not in written
    for name in ("slur", "hairpin", "pedal", "trill", "reh", "repeatMark", "fb", "verse", "fing"):
        assert f"<{name}" in written, name


def test_syllables_of_a_word_are_joined() -> None:
    scribe = Scribe(Clutter(lyrics=1.0, verses=2, seed=3))
    sung = [scribe.adorn(note()) for _ in range(80)]
    assert all('<verse n="1">' in text and '<verse n="2">' in text for text in sung)
    joined = sum(text.count('con="d"') for text in sung)
    assert 30 < joined < 140


def test_all_measures_stay_under_brackets() -> None:
    measures = [f'<measure n="{number}"/>' for number in range(40)]
    marked = Scribe(Clutter(voltas=0.3, seed=1)).bracket(measures)
    assert marked.count("<ending") == marked.count("</ending>") > 3
    places = [marked.index(measure) for measure in measures]
    assert places == sorted(places)
