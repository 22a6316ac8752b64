"""What notation adds: accidentals, tie ends, tuplet groups, barlines."""

from __future__ import annotations

import pytest

from omrcli.score.notation import NotedEvent, left_repeats, note_events, right_barlines
from tests.scores import score

START = "clef-G2 timeSignature-4/4"


def noted(text: str) -> list[NotedEvent]:
    return [item for measure in note_events(score(text).parts[0]) for item in measure]


def test_accidentals_follow_key_measure_and_tie():
    text = (
        f"{START} keySignature-GM F#4_half F4_half barline F#4_half F#4_half tie barline F#4_whole"
    )
    assert [item.accidentals for item in noted(text)] == [
        (None,),
        ("n",),
        (None,),
        (None,),
        (None,),
    ]


def test_a_measure_that_ends_without_a_barline_ends_its_accidentals():
    made = score(f"{START} C#4_whole", "clef-G2 C#4_whole barline")
    assert [item.accidentals for measure in note_events(made.parts[0]) for item in measure] == [
        ("s",),
        ("s",),
    ]


def test_of_two_chords_only_common_pitches_are_tied():
    first, second = noted(
        f"{START} note-C4_half|note-E4_half|note-G4_half tie note-E4_half|note-G4_half|note-B4_half"
    )
    assert sorted(map(str, first.tie_starts)) == ["E4", "G4"]
    assert sorted(map(str, second.tie_stops)) == ["E4", "G4"]


def test_a_tie_that_leads_nowhere_starts_and_does_not_stop():
    first, second = noted(f"{START} C4_half tie D4_half")
    assert [str(pitch) for pitch in first.tie_starts] == ["C4"]
    assert not second.tie_stops


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("C4_eighth_3:2 D4_eighth_3:2 E4_eighth_3:2", "( = )"),
        ("C4_eighth_3:2 " * 6, "( = ) ( = )"),
        ("C4_quarter_3:2 D4_eighth_3:2 E4_eighth_3:2 F4_quarter_3:2", "( ) ( )"),
        ("C4_eighth._3:2 D4_sixteenth_3:2 E4_eighth_3:2", "( = )"),
        ("C4_eighth_3:2 gracenote-A4_eighth rest-eighth_3:2 E4_eighth_3:2", "( . = )"),
        ("C4_sixteenth_5:4 " * 5 + "rest-quarter", "( = = = ) ."),
        ("C4_eighth_3:2 D4_eighth_3:2 E4_quarter", "( ) ."),
        ("C4_eighth_3:2 E4_quarter", ". ."),
    ],
)
def test_tuplets_are_grouped_by_what_their_ratio_promises(text, groups):
    signs = {(True, False): "(", (False, False): "=", (False, True): ")"}
    marks = [item.tuplet for item in noted(f"{START} {text}")]
    assert " ".join(signs[mark.starts, mark.stops] if mark else "." for mark in marks) == groups


def test_a_beamed_tuplet_needs_no_bracket():
    beamed = noted(f"{START} C4_eighth_3:2 D4_eighth_3:2 E4_eighth_3:2")
    mixed = noted(f"{START} C4_eighth_3:2 rest-eighth_3:2 E4_eighth_3:2")
    assert [item.tuplet.bracket for item in beamed + mixed] == [False] * 3 + [True] * 3


def test_repeat_signs_stand_on_the_right_side_of_their_barline():
    made = score(
        f"{START} repeat-start C4_whole repeat-both D4_whole repeat-end repeat-start E4_whole "
        "barline barline-final"
    )
    assert left_repeats(made.parts[0]) == [True, True, True]
    assert right_barlines(made.parts[0]) == ["repeat-both", "repeat-end", "final"]


@pytest.mark.parametrize(
    ("meter", "text", "beams"),
    [
        ("4/4", "C4_eighth " * 4, "b e b e"),
        ("6/8", "C4_eighth " * 6, "b c e b c e"),
        ("3/8", "C4_eighth " * 3, "b c e"),
        ("2/2", "C4_eighth " * 8, "b c c e b c c e"),
        ("2/4", "C4_eighth rest-eighth C4_eighth C4_eighth", ". . b e"),
        ("2/4", "C4_eighth. C4_sixteenth C4_sixteenth C4_eighth.", "b eH bh e"),
        ("2/4", "C4_sixteenth C4_sixteenth C4_eighth C4_quarter", "bb ce e ."),
        ("2/48", "C4_eighth C4_eighth C4_eighth C4_eighth C4_eighth", "b e b e ."),
        ("2/4", "gracenote-D4_eighth C4_eighth gracenote-D4_eighth C4_eighth", ". b . e"),
        ("2/4", "gracenote-D4_eighth gracenote-D4_eighth C4_eighth C4_eighth", "b e b e"),
    ],
)
def test_beams_follow_the_beats(meter, text, beams):
    signs = {"begin": "b", "continue": "c", "end": "e", "forward hook": "h", "backward hook": "H"}
    made = noted(f"clef-G2 timeSignature-{meter} {text}")
    assert " ".join("".join(signs[b] for b in item.beams) or "." for item in made) == beams
