"""Each edit has one class, and mistakes that follow from others are told apart."""

from __future__ import annotations

import pytest

from omrcli.evaluation.error_classes import CLASSES, classify_pair, count_classes, find_mistakes
from omrcli.metrics import AlignedPair


@pytest.mark.parametrize(
    ("truth", "read", "expected"),
    [
        ("note-C4_half", "note-D4_half", "pitch"),
        ("note-C4_half", "note-C#4_half", "accidental"),
        ("note-C4_half", "note-C4_quarter", "duration"),
        ("note-C4_half", "note-C4_half.", "dot"),
        ("note-C4_eighth", "note-C4_eighth_3:2", "tuplet"),
        ("note-C4_half", "note-C4_half_fermata", "fermata"),
        ("note-C4_half", "note-D4_quarter", "pitch and duration"),
        ("note-C4_half", "note-C4_half|note-E4_half", "chord"),
        ("gracenote-C4_eighth", "note-C4_eighth", "grace"),
        ("gracenote-C4_eighth", "gracenote-C4_sixteenth", "grace"),
        ("rest-half", "rest-half.", "dot"),
        ("rest-half", "note-B4_half", "note for rest"),
        ("clef-G2", "clef-C1", "clef"),
        ("keySignature-DM", None, "key"),
        (None, "tie", "tie"),
        ("barline", None, "barline"),
        ("timeSignature-3/4", "timeSignature-C", "meter"),
        ("note-C4_half", None, "note"),
        (None, "rest-half", "rest"),
        ("odd-thing", None, "other"),
    ],
)
def test_classes(truth: str | None, read: str | None, expected: str) -> None:
    assert classify_pair(AlignedPair(truth, read)) == expected
    assert expected in CLASSES


@pytest.mark.parametrize(
    ("truth", "read", "expected"),
    [
        ("clef-G2 note-G4_half", "clef-C1 note-E4_half", ["clef", "follows clef"]),
        ("clef-F4 note-G2_half", "note-E4_half", ["clef", "follows clef"]),
        (
            "keySignature-DM note-F#4_half note-C#5_half",
            "keySignature-GM note-F#4_half note-C5_half",
            ["key", "follows key"],
        ),
        (
            "note-F#4_half note-F#4_half barline note-F#4_half",
            "note-F4_half note-F4_half barline note-F4_half",
            ["accidental", "follows accidental", "accidental"],
        ),
    ],
)
def test_mistakes_that_follow(truth: str, read: str, expected: list[str]) -> None:
    found = find_mistakes(truth.split(), read.split())
    assert [mistake.kind for mistake in found] == expected


def test_a_perfect_reading_has_no_mistakes() -> None:
    assert find_mistakes(["clef-G2", "barline"], ["clef-G2", "barline"]) == []
    assert count_classes([]) == {}
