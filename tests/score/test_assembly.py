"""Staves joined into one line: restated signs, open measures and ties over the line break."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from omrcli.score.assembly import cut_staff
from omrcli.score.joining import join_staves
from omrcli.score.score import build_score, score_tokens
from omrcli.tokens import Token, parse_symbol
from tests.scores import score, sequences

START = "clef-G2 keySignature-DM timeSignature-2/4"


def joined(*staves: str) -> str:
    return " ".join(score_tokens(score(*staves))).replace("note-", "")


def test_restated_signs_are_no_changes():
    assert joined(f"{START} D4_half barline", "clef-G2 keySignature-DM E4_half barline") == (
        f"{START} D4_half barline E4_half barline"
    )


def test_a_changed_sign_at_the_start_of_a_staff_is_kept():
    assert joined(f"{START} D4_half barline", "clef-F4 keySignature-DM E3_half barline") == (
        f"{START} D4_half barline clef-F4 E3_half barline"
    )


def test_a_warning_at_the_end_of_a_staff_and_its_change_are_one():
    assert joined(
        f"{START} D4_half barline timeSignature-3/4",
        "clef-G2 keySignature-DM timeSignature-3/4 E4_half.",
    ) == (f"{START} D4_half barline timeSignature-3/4 E4_half.")


def test_a_measure_goes_on_over_the_line_break():
    assert joined(f"{START} D4_quarter", "clef-G2 keySignature-DM E4_quarter barline") == (
        f"{START} D4_quarter E4_quarter barline"
    )


def test_a_full_measure_without_a_barline_ends_at_the_line_break():
    made = score(f"{START} C4_half barline D4_half", "clef-G2 keySignature-DM E4_half barline")
    assert [m.actual for m in made.parts[0].measures] == [2, 2, 2]
    assert [m.barline for m in made.parts[0].measures] == ["single", None, "single"]
    assert [m.staff for m in made.parts[0].measures] == [0, 0, 1]


def test_the_line_at_the_left_of_a_staff_is_no_second_barline():
    assert joined(f"{START} D4_half barline", "clef-G2 keySignature-DM barline E4_half") == (
        f"{START} D4_half barline E4_half"
    )
    assert joined(f"{START} D4_quarter", "clef-G2 keySignature-DM barline E4_half") == (
        f"{START} D4_quarter barline E4_half"
    )
    assert joined(f"{START} D4_half barline", "clef-G2 keySignature-DM repeat-start E4_half") == (
        f"{START} D4_half barline repeat-start E4_half"
    )


def test_a_tie_over_the_line_break_may_be_drawn_at_either_end_or_both():
    expected = f"{START} D4_half tie barline D4_half barline"
    again = "clef-G2 keySignature-DM"
    assert joined(f"{START} D4_half tie barline", f"{again} D4_half barline") == expected
    assert joined(f"{START} D4_half barline", f"{again} tie D4_half barline") == expected
    assert joined(f"{START} D4_half tie barline", f"{again} tie D4_half barline") == expected


@settings(max_examples=40, deadline=None)
@given(st.lists(sequences(), max_size=3))
def test_joining_keeps_every_event_in_order(staves):
    read = [[Token(text) for text in texts] for texts in staves]
    cut = [item for n, staff in enumerate(read) for s in cut_staff(staff, n) for item in s.items]
    line = [item for segment in join_staves(read) for item in segment.items]
    assert [i for i in line if i.is_event] == [i for i in cut if i.is_event]
    again = [parse_symbol(text) for text in score_tokens(build_score(read))]
    assert [s for s in again if hasattr(s, "duration")] == [
        i.symbol for i in line if hasattr(i.symbol, "duration")
    ]
