"""The marks around the notes: drawn from a seed, and never like a tie."""

from __future__ import annotations

import numpy as np
import pytest

from omrcli.synth.clutter import ClutterRates
from omrcli.synth.compose import compose_tokens
from omrcli.synth.markup import MarkRates, Markup, draw_markup, draw_rates
from omrcli.tokens import Note, parse_symbol

_FULL = MarkRates(
    slurs=0.8, articulations=0.5, bowings=0.5, dynamics=0.5, hairpins=0.5, ornaments=0.5,
    words=0.5, lyrics=0.9, chords=0.5, fingerings=0.5, breaths=0.5, tempo=True, rehearsal=True,
)  # fmt: skip


def _draw(seed: int) -> tuple[list[object], Markup]:
    rng = np.random.default_rng(seed)
    symbols = [parse_symbol(text) for text in compose_tokens(rng)]
    return list(symbols), draw_markup(symbols, _FULL, rng)


def test_equal_seeds_give_equal_marks() -> None:
    assert _draw(3) == _draw(3)


@pytest.mark.parametrize("seed", range(30))
def test_marks_stand_at_timed_notes(seed: int) -> None:
    symbols, markup = _draw(seed)
    places = [*markup.marks, *(end for span in markup.spans for end in (span.start, span.end))]
    for place in places:
        symbol = symbols[place]
        assert isinstance(symbol, Note)
        assert not symbol.grace


@pytest.mark.parametrize("seed", range(30))
def test_no_slur_looks_like_a_tie(seed: int) -> None:
    symbols, markup = _draw(seed)
    timed = [i for i, s in enumerate(symbols) if isinstance(s, Note) and not s.grace]
    for span in markup.spans:
        first, second = symbols[span.start], symbols[span.end]
        if span.kind != "slur" or timed.index(span.end) != timed.index(span.start) + 1:
            continue
        assert isinstance(first, Note)
        assert isinstance(second, Note)
        assert not {p.diatonic for p in first.pitches} & {p.diatonic for p in second.pitches}


def test_without_clutter_there_are_no_marks() -> None:
    rng = np.random.default_rng(0)
    rates = draw_rates(rng, ClutterRates(share=0))
    assert rates == MarkRates()
    symbols = [parse_symbol(text) for text in compose_tokens(rng)]
    assert draw_markup(symbols, rates, rng) == Markup()


def test_rates_follow_the_clutter_asked_for() -> None:
    only = dict.fromkeys(("slurs", "dynamics", "tempo", "lyrics"), 1.0)
    none = {name: 0.0 for name in ClutterRates.__dataclass_fields__ if name not in only}
    clutter = ClutterRates(**{**none, **only, "share": 1.0})
    rates = draw_rates(np.random.default_rng(1), clutter)
    assert rates.slurs > 0
    assert rates.lyrics > 0
    assert rates.tempo
    assert rates.words == rates.fingerings == 0
