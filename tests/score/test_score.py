"""Tokens to score and back: exact, in time, and flagged where the meter is not filled."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings

from omrcli.score.checks import measure_warnings
from omrcli.score.score import build_score, score_tokens
from omrcli.tokens import Token
from tests.scores import score, sequences


@settings(max_examples=60, deadline=None)
@given(sequences())
def test_a_score_gives_its_tokens_back(texts):
    assert score_tokens(build_score([[Token(text) for text in texts]])) == texts


def test_signs_alone_make_a_score_without_measures():
    made = score("clef-G2 keySignature-DM")
    assert made.parts[0].measures == ()
    assert score_tokens(made) == ["clef-G2", "keySignature-DM"]
    assert score_tokens(build_score([])) == []


def test_events_know_their_time_and_their_token():
    events = score("clef-G2 timeSignature-2/4 C4_quarter. gracenote-D4_eighth D4_eighth barline")
    first, grace, second = events.parts[0].measures[0].events
    assert [first.onset, first.duration] == [0, Fraction(3, 2)]
    assert [grace.onset, grace.duration, grace.kind] == [Fraction(3, 2), 0, "grace"]
    assert [second.onset, second.duration, second.token] == [Fraction(3, 2), Fraction(1, 2), 4]


def test_a_short_first_measure_is_a_pickup_numbered_0():
    made = score(
        "clef-G2 timeSignature-3/4 C4_quarter barline C4_half. barline C4_half barline-final"
    )
    measures = made.parts[0].measures
    assert [m.number for m in measures] == [0, 1, 2]
    assert [m.status for m in measures] == ["pickup", "full", "short"]
    assert measure_warnings(made) == []


def test_short_and_over_measures_are_kept_and_flagged():
    start = "clef-G2 timeSignature-2/4 C4_half barline"
    made = score(f"{start} C4_half. barline C4_quarter barline C4_half barline")
    assert [m.actual for m in made.parts[0].measures] == [2, 3, 1, 2]
    assert [str(warning) for warning in measure_warnings(made)] == [
        "Measure 2 (staff 1) is over its meter: 3 of 2 beats.",
        "Measure 3 (staff 1) is short of its meter: 1 of 2 beats.",
    ]


def test_the_open_end_of_an_incipit_is_not_flagged_but_a_closed_one_is():
    start = "clef-G2 timeSignature-2/4 C4_half barline C4_quarter"
    assert measure_warnings(score(start)) == []
    assert [w.number for w in measure_warnings(score(start + " barline"))] == [2]


def test_the_halves_of_a_measure_around_a_repeat_complete_each_other():
    made = score(
        "clef-G2 timeSignature-3/4 C4_half. barline C4_half repeat-end C4_quarter barline C4_half."
    )
    assert measure_warnings(made) == []


def test_a_whole_rest_alone_lasts_its_measure():
    made = score("clef-G2 timeSignature-3/4 rest-whole barline C4_half. barline")
    assert made.parts[0].measures[0].events[0].duration == 3
    assert made.parts[0].measures[0].status == "full"


def test_a_multirest_spans_its_measures():
    made = score("clef-G2 timeSignature-3/8 multirest-7 barline C4_quarter. barline")
    rest, last = made.parts[0].measures
    assert (rest.status, rest.span, rest.actual) == ("multirest", 7, 7 * Fraction(3, 2))
    assert last.number == 8
    assert measure_warnings(made) == []


def test_signs_in_force_are_carried_and_changes_placed():
    made = score("clef-G2 timeSignature-2/4 C4_half barline clef-F4 C4_quarter clef-C1 C4_quarter")
    first, second = made.parts[0].measures
    assert [str(first.clef), str(second.clef)] == ["clef-G2", "clef-F4"]
    assert str(second.time) == "timeSignature-2/4"
    assert [(str(c.symbol), c.before, c.onset) for c in second.changes] == [
        ("clef-F4", 0, 0),
        ("clef-C1", 1, 1),
    ]


def test_a_tie_ends_on_the_next_note_of_its_pitch_past_grace_notes_and_barlines():
    made = score("clef-G2 C4_half tie barline gracenote-D4_eighth C4_half tie D4_half")
    events = [event for measure in made.parts[0].measures for event in measure.events]
    assert [e.tie_start for e in events] == [True, False, True, False]
    assert [e.tie_stop for e in events] == [False, False, True, False]


def test_a_tie_after_no_note_is_dropped():
    assert score_tokens(score("clef-G2 tie rest-half tie C4_half")) == [
        "clef-G2",
        "rest-half",
        "note-C4_half",
    ]
