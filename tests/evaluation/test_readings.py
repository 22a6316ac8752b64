"""Marks stay with their tokens when a sequence is projected, thinned or joined."""

from __future__ import annotations

import pytest

from omrcli.evaluation.readings import Mark, Reading, carry_marks, mark_confidences

TEXTS = ("clef-G2", "note-C4_half", "tie", "note-C4_half", "barline-final")
MARKS = tuple(Mark(0.1 * k, 0, 10.0 * k, 10.0 * k + 5) for k in range(1, 6))


def test_marks_follow_removed_and_rewritten_tokens() -> None:
    kept = carry_marks(TEXTS, MARKS, ("clef-G2", "note-C4_half", "note-C4_half", "barline"))
    assert kept == (MARKS[0], MARKS[1], MARKS[3], MARKS[4])


def test_a_token_put_in_has_no_mark() -> None:
    carried = carry_marks(TEXTS, MARKS, (*TEXTS, "rest-half"))
    assert mark_confidences(carried)[-1] is None
    assert carried[:5] == MARKS
    assert carry_marks(TEXTS, (), TEXTS[:2]) == ()


def test_marks_and_tokens_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="1 marks for 5 tokens"):
        Reading(TEXTS, marks=MARKS[:1])
