"""Measure repeats and rhythm slashes in a score."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from fractions import Fraction

from omrcli.formats.musicxml import musicxml_bytes
from omrcli.score.checks import score_warnings
from omrcli.score.score import Score, build_score, score_tokens
from omrcli.tokens import Token

HEAD = "clef-G2 keySignature-GM timeSignature-3/4"


def build(*staves: str) -> Score:
    return build_score([[Token(text) for text in staff.split()] for staff in staves])


def texts(score: Score, measure: int) -> list[str]:
    return [str(event.symbol) for event in score.parts[0].measures[measure].events]


def test_a_repeated_measure_has_the_notes_of_the_one_before() -> None:
    staff = f"{HEAD} note-G4_half note-A4_quarter barline measure-repeat barline measure-repeat"
    score = build(f"{staff} barline note-F#4_half. barline-final")
    assert texts(score, 1) == texts(score, 2) == texts(score, 0)
    assert [measure.status for measure in score.parts[0].measures] == ["full"] * 4
    assert score_tokens(score) == f"{staff} barline note-F#4_half. barline-final".split()


def test_a_repeat_at_the_start_of_a_line_repeats_the_end_of_the_line_before() -> None:
    score = build(f"{HEAD} note-G4_half. barline", "clef-G2 keySignature-GM measure-repeat barline")
    assert texts(score, 1) == ["note-G4_half."]


def test_a_repeat_of_nothing_is_a_rest_for_the_measure() -> None:
    score = build(f"{HEAD} measure-repeat barline note-G4_half. barline-final")
    event = score.parts[0].measures[0].events[0]
    assert (str(event.symbol), event.duration) == ("rest-whole", Fraction(3))


def test_a_tie_does_not_lead_into_a_repetition() -> None:
    score = build(f"{HEAD} note-G4_half. tie barline measure-repeat barline note-G4_half. barline")
    assert not score.parts[0].measures[1].events[0].tie_start


def test_slashes_are_rests_of_a_beat() -> None:
    score = build("clef-G2 timeSignature-6/8 slash slash barline note-G4_half. barline-final")
    assert [event.duration for event in score.parts[0].measures[0].events] == [Fraction(3, 2)] * 2
    score = build(f"{HEAD} slash slash slash barline note-G4_half. barline-final")
    assert [event.duration for event in score.parts[0].measures[0].events] == [Fraction(1)] * 3
    assert (
        score_tokens(score)
        == f"{HEAD} slash slash slash barline note-G4_half. barline-final".split()
    )


def test_warnings_name_the_measures() -> None:
    score = build(
        f"{HEAD} note-G4_half. barline measure-repeat barline measure-repeat barline "
        "slash slash slash barline note-G4_half. barline-final"
    )
    told = score_warnings(score)
    assert "Measures 2 to 3 are signs that repeat a measure; its notes were written out." in told
    assert "Measure 4 shows rhythm slashes; rests were written for them." in told


def test_musicxml_shows_the_signs_again() -> None:
    score = build(
        f"{HEAD} note-G4_half. barline measure-repeat barline slash slash slash barline "
        "note-G4_half. barline-final"
    )
    measures = ET.fromstring(musicxml_bytes(score)).findall("part/measure")
    styles = [
        [(style[0].tag, style[0].get("type")) for style in measure.iter("measure-style")]
        for measure in measures
    ]
    assert styles == [
        [],
        [("measure-repeat", "start")],
        [("measure-repeat", "stop"), ("slash", "start")],
        [("slash", "stop")],
    ]
