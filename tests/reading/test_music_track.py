"""What a track counts of the music it follows."""

from __future__ import annotations

import pytest

from omrcli.reading.alphabet import PositionalCodec
from omrcli.reading.language import Counts, Language, count_units, counts_to_bytes
from omrcli.reading.music_track import FEATURES, follow
from tests.reading.test_language import read

CODEC = PositionalCodec()


def features(text: str) -> dict[str, float]:
    """The features of token texts: bare durations are notes on G4."""
    texts = []
    for word in text.split():
        texts.append(f"note-G4_{word}" if word[0] in "qehsw" and "-" not in word else word)
    names = [CODEC.units[index] for index in CODEC.encode(texts)]
    return dict(zip(FEATURES, follow(names, silent()).features, strict=True))


def silent() -> Language:
    """A language that has seen one note."""
    counts = Counts()
    count_units(["note.quarter@2", "note.quarter@2"], counts)
    counts.keys[False, 1] += 1
    return Language(read(counts_to_bytes(counts)))


@pytest.mark.parametrize(
    ("text", "misfits"),
    [
        ("quarter quarter quarter quarter barline whole barline", 0),
        ("quarter quarter quarter quarter barline half. barline", 1),
        ("quarter quarter quarter quarter barline half. half barline", 1),
        ("quarter barline whole barline", 0),  # a pickup
        ("whole whole barline", 1),  # which is never too long
        ("whole barline half. repeat-end quarter barline", 0),
        ("whole barline half.", 0),  # an incipit stops anywhere
        ("whole barline whole half", 1),
        ("whole barline rest-whole barline multirest-4 barline", 0),
        ("whole barline half_3:2 half_3:2 half_3:2 barline", 0),
        ("whole barline half. barline half. barline", 1),  # then it is the meter that is wrong
    ],
)
def test_measures_that_do_not_fill_the_meter(text: str, misfits: int) -> None:
    found = features(f"clef-G2 timeSignature-C {text}")
    assert (found["misfits"], found["uneven"]) == (misfits, 0)


def test_digits_and_dots_and_tuplets_and_rests_of_a_measure_count() -> None:
    text = "quarter. eighth_3:2 rest-eighth_3:2 eighth_3:2 eighth eighth eighth quarter."
    assert features(f"clef-G2 timeSignature-12/8 quarter barline {text} barline")["misfits"] == 1
    assert features(f"clef-G2 timeSignature-11/8 quarter barline {text} barline")["misfits"] == 0
    rest = "clef-G2 timeSignature-3/4 quarter barline rest-whole barline half. barline"
    assert features(rest)["misfits"] == 0


def test_without_a_meter_measures_are_compared_with_the_one_before() -> None:
    found = features("clef-G2 quarter quarter barline half barline half. barline half. barline")
    assert (found["misfits"], found["uneven"]) == (0, 1)


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("eighth_3:2 eighth_3:2 eighth_3:2 quarter barline", 0),
        ("eighth_3:2 eighth_3:2 eighth quarter barline", 1),
        ("eighth_3:2 eighth_3:2 barline", 1),
        ("quarter_3:2 eighth_3:2 barline", 0),
    ],
)
def test_tuplets_that_do_not_add_up(text: str, broken: int) -> None:
    assert features(f"clef-G2 {text}")["fractions"] == broken


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("half tie barline half", 0),
        ("note-G4_half tie note-A4_half", 1),
        ("half tie rest-half", 1),
        ("half tie gracenote-A4_eighth half", 0),
        ("note-E4_half|note-G4_half tie note-G4_half|note-B4_half", 0),
        ("half tie", 0),
    ],
)
def test_ties_between_different_notes(text: str, broken: int) -> None:
    assert features(f"clef-G2 {text}")["ties"] == broken


def test_equal_states_have_equal_futures_and_copies_go_their_own_way() -> None:
    language = silent()
    names = ["clef-G2", "time-C", "note.half@2", "barline"]
    one, two = follow(names, language), follow([*names, "note.half@2", "barline"], language)
    assert one.state != two.state
    copy = one.copy()
    assert copy.state == one.state
    copy.end_measure(True)
    assert copy.features is not one.features
