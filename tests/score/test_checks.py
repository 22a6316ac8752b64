"""Which measures do not add up, whose fault it is, and how well a score was read."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omrcli.score.checks import (
    MeasureWarning,
    Quality,
    measure_quality,
    measure_warnings,
    score_warnings,
    show_number,
)
from omrcli.score.score import Score, build_score
from omrcli.tokens import TimeSignature, Token
from tests.layouts import Place, lay_out, scores, system
from tests.scores import score

FULL, SHORT, LONG = "C5_whole barline", "C5_half. C5_eighth barline", "C5_whole C5_eighth barline"
IN_4 = "clef-G2 timeSignature-4/4"


def flagged(made: Score) -> list[tuple[int, int, Fraction]]:
    return [(item.part or 0, item.number, item.actual) for item in measure_warnings(made)]


# --- without a meter ------------------------------------------------------------------------------


def test_without_a_meter_measures_are_judged_by_most_of_them() -> None:
    made = score(f"clef-G2 {FULL} {FULL} {SHORT} {FULL} {FULL}")
    assert score_warnings(made) == [
        "Measure 3 (staff 1) is short of the length that most measures have: 3½ of 4 quarter notes."
    ]
    assert flagged(score(f"clef-G2 {FULL} {LONG} {FULL} {FULL}")) == [(0, 2, Fraction(9, 2))]


def test_without_a_clear_majority_nothing_is_flagged() -> None:
    made = score(f"clef-G2 {FULL} {SHORT} {FULL} {SHORT} {FULL}")
    assert measure_warnings(made) == []
    assert measure_quality(made).unchecked == 5
    assert measure_warnings(score(f"clef-G2 {FULL} {FULL} {SHORT}")) == []  # too few


def test_an_upbeat_and_the_end_that_completes_it_are_right_without_a_meter_too() -> None:
    end = "C5_half. barline-final"
    assert (
        measure_warnings(score(f"clef-G2 C5_quarter barline {FULL * 1} {FULL} {FULL} {end}")) == []
    )


# --- pickups --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "pickup"),
    [
        ("C5_quarter", "C5_half. barline-final", True),
        ("C5_half. C5_eighth", "C5_eighth barline-final", True),  # the end completes it
        ("C5_half. C5_eighth", "C5_whole barline-final", False),
        ("C5_half.", "C5_whole barline-final", False),
        ("C5_half", "C5_whole barline-final", True),  # at most half of a measure
        ("C5_half.", "C5_whole barline", True),  # an excerpt: its end tells nothing
        ("C5_half. C5_eighth", "C5_whole barline", False),
        ("C5_half. C5_eighth", "C5_eighth repeat-end C5_whole barline-final", True),
    ],
)
def test_a_short_first_measure_is_a_pickup_if_something_tells(
    first: str, last: str, pickup: bool
) -> None:
    made = score(f"{IN_4} {first} barline {FULL} {last}")
    measure = made.parts[0].measures[0]
    assert (measure.status == "pickup", measure.number) == (pickup, 0 if pickup else 1)
    assert [item.number for item in measure_warnings(made)] == ([] if pickup else [1])


def test_a_first_measure_that_is_short_in_one_part_is_flagged() -> None:
    made = build_score(system(0, f"{IN_4} {FULL} {FULL}", f"{IN_4} C5_quarter barline {FULL}"))
    assert flagged(made) == [(1, 1, Fraction(1))]


# --- whose fault it is ----------------------------------------------------------------------------


def test_of_parts_that_differ_the_one_that_does_not_fill_the_meter_is_flagged() -> None:
    for odd in (SHORT, LONG):
        made = build_score(
            system(0, f"{IN_4} {FULL} {FULL}", f"{IN_4} {FULL} {odd}", f"{IN_4} {FULL} {FULL}")
        )
        assert [item[:2] for item in flagged(made)] == [(1, 2)]


def test_of_pickups_that_differ_the_one_that_stands_alone_is_flagged() -> None:
    upbeat = f"{IN_4} C5_quarter barline {FULL}"
    made = build_score(system(0, upbeat, f"{IN_4} C5_half barline {FULL}", upbeat))
    assert flagged(made) == [(1, 0, Fraction(2))]
    assert score_warnings(made) == [
        "Measure 0 (part 2, staff 2) is over its length in other parts: 2 of 1 beats."
    ]


def test_without_a_meter_the_part_is_flagged_that_differs_from_most_measures() -> None:
    rest = f"{FULL} {FULL} {FULL}"
    made = build_score(system(0, f"clef-G2 {rest} {FULL}", f"clef-G2 {rest} {LONG}"))
    assert flagged(made) == [(1, 4, Fraction(9, 2))]


@settings(max_examples=40, deadline=None)
@given(scores(), st.data())
def test_what_adds_up_is_never_flagged_and_one_bad_note_is(bars, data) -> None:  # type: ignore[no-untyped-def]
    lines = lay_out(bars, Place(frozenset(), frozenset()))
    made = build_score(lines)
    assert measure_warnings(made) == []
    quality = measure_quality(made)
    assert (quality.measures, quality.off, quality.unchecked) == (len(bars), 0, 0)
    part = data.draw(st.integers(0, len(lines) - 1))
    tokens = list(lines[part].tokens)
    places = [n for n, token in enumerate(tokens) if token.text.startswith("barline")]
    place = data.draw(st.sampled_from(places))
    tokens.insert(place, Token("note-C4_double_whole"))
    lines[part] = type(lines[part])(tokens, position=part)
    assert part in {item.part or 0 for item in measure_warnings(build_score(lines))}


# --- numbers and quality --------------------------------------------------------------------------


def test_numbers_are_written_as_in_a_text() -> None:
    shown = ["0", "5", "2½", "⅓", "1⅞", "2 5/12", "1/16"]
    values = ["0", "5", "5/2", "1/3", "15/8", "29/12", "1/16"]
    assert [show_number(Fraction(value)) for value in values] == shown


@pytest.mark.parametrize(
    ("meter", "lengths", "text"),
    [
        ("4/4", ("5/2", "4"), "2½ of 4 beats"),
        ("6/8", ("5/2", "3"), "5 of 6 eighths"),
        ("3/2", ("5", "6"), "2½ of 3 half notes"),
        ("C/", ("3", "4"), "1½ of 2 half notes"),
        ("2/48", ("1/12", "1/6"), "1/12 of ⅙ beats"),
        (None, ("7/2", "4"), "3½ of 4 quarter notes"),
    ],
)
def test_lengths_are_told_in_units_of_the_meter(
    meter: str | None, lengths: tuple[str, str], text: str
) -> None:
    actual, expected = map(Fraction, lengths)
    time = TimeSignature(meter) if meter else None
    assert MeasureWarning(None, 1, 0, expected, actual, time=time).lengths == text


def with_confidence(text: str, *values: float) -> Score:
    """A score of a staff whose notes have the confidences in order."""
    remaining = list(values)
    staff = []
    for word in text.split():
        confidence = remaining.pop(0) if "C5" in word and remaining else 1.0
        staff.append(Token(word.replace("C5", "note-C5"), confidence))
    return build_score([staff])


def test_the_closing_line_counts_measures_and_doubtful_notes() -> None:
    right = f"{IN_4} {FULL} {FULL} {FULL}"
    assert str(measure_quality(with_confidence(right))) == "3 measures, all add up."
    assert str(measure_quality(with_confidence(right, 0.4))) == (
        "3 measures, all add up, 1 doubtful note."
    )
    assert str(measure_quality(with_confidence(f"{IN_4} {FULL} {LONG} {FULL}", 0.4, 0.49))) == (
        "2 of 3 measures add up, 2 doubtful notes."
    )
    assert str(measure_quality(score(f"clef-G2 {FULL} {FULL}"))) == (
        "2 measures, with no meter to check by."
    )


def test_a_multirest_counts_as_its_measures() -> None:
    assert measure_quality(score(f"{IN_4} multirest-7 barline {FULL}")).measures == 8


def test_a_measure_in_which_nothing_was_read_is_told_and_does_not_add_up() -> None:
    texts = f"{IN_4} note-C5_whole barline rest-whole barline rest-whole barline".split()
    read = [Token(text, 1.0) for text in texts]
    read[4] = read[6] = Token("rest-whole", 0.0)
    made = build_score([read])
    assert score_warnings(made) == [
        "Nothing was read in measures 2 and 3: a rest stands there instead."
    ]
    quality = measure_quality(made)
    assert (quality.off, quality.unread, quality.is_bad) == (2, 2, True)
    assert str(quality) == "1 of 3 measures add up."


def test_a_score_is_bad_with_a_measure_off_or_many_doubtful_notes() -> None:
    assert not Quality(10, 0, 0, 0, 100, 2).is_bad
    assert Quality(10, 0, 0, 0, 100, 3).is_bad
    assert Quality(10, 1, 0, 0, 100, 0).is_bad
