"""Random scores laid out into systems and pages, and read without a fault, come back."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from omrcli.score.checks import score_warnings
from omrcli.score.score import build_score, score_tokens
from tests.layouts import lay_out, layouts, part_texts, scores


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_layout_reads_back_as_its_score(data):
    bars = data.draw(scores())
    place = data.draw(layouts(bars))
    made = build_score(lay_out(bars, place))
    assert len(made.parts) == len(bars[0].clefs)
    for number, part in enumerate(made.parts):
        assert score_tokens(made, number) == part_texts(bars, number)
        assert [measure.number for measure in part.measures] == list(range(1, len(bars) + 1))
        assert all(measure.status == "full" for measure in part.measures)
    assert score_warnings(made) == []


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_signs_need_not_be_restated_or_announced(data):
    bars = data.draw(scores())
    place = data.draw(layouts(bars))
    place = replace(place, restate=data.draw(st.booleans()), courtesy=data.draw(st.booleans()))
    made = build_score(lay_out(bars, place))
    for number in range(len(made.parts)):
        assert score_tokens(made, number) == part_texts(bars, number)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_breaks_are_kept_where_systems_and_pages_begin(data):
    bars = data.draw(scores())
    place = replace(data.draw(layouts(bars)), splits=frozenset())
    expected = [
        "page" if number in place.pages else "system" if number in place.systems else None
        for number in range(len(bars))
    ]
    for part in build_score(lay_out(bars, place)).parts:
        assert [measure.break_before for measure in part.measures] == expected
