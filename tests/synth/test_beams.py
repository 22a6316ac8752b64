"""Grouping of notes into tuplets and beams."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest

from omrcli.synth.beams import Grouping, LayerItem, beam_window, group_items, split_tuplets
from omrcli.tokens import DURATIONS, Note, TimeSignature, parse_symbol


def items(text: str) -> list[LayerItem]:
    """Items named by their place; `text` has durations, a leading g for grace, r for rests."""
    made = []
    for place, word in enumerate(text.split()):
        kind = {"g": "gracenote-C5", "r": "rest"}.get(word[0], "note-C5")
        symbol = parse_symbol(f"{kind}_{word.lstrip('gr')}".replace("rest_", "rest-"))
        beamable = isinstance(symbol, Note) and DURATIONS[symbol.duration.base] < 1
        made.append(
            LayerItem(str(place), symbol.duration, beamable, kind == "gracenote-C5")  # type: ignore[union-attr]
        )
    return made


def grouped(text: str, window: int = 1, start: Fraction = Fraction(0)) -> str:
    xml = group_items(items(text), Grouping(Fraction(window), start))
    xml = re.sub(r"<tuplet[^>]*>", "{", xml).replace("</tuplet>", "}")
    xml = xml.replace("<graceGrp>", "<").replace("</graceGrp>", ">")
    return xml.replace("<beam>", "[").replace("</beam>", "]")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("eighth eighth eighth eighth", "[01][23]"),
        ("quarter eighth eighth", "0[12]"),
        ("quarter. eighth eighth", "012"),
        ("eighth reighth eighth eighth", "01[23]"),
        ("eighth. sixteenth eighth eighth", "[01][23]"),
        ("eighth geighth eighth", "[012]"),
        ("eighth eighth geighth eighth eighth", "[01]2[34]"),
        ("gsixteenth gsixteenth eighth eighth", "<[01]>[23]"),
        ("ghalf gsixteenth quarter", "<01>2"),
        ("eighth_3:2 eighth_3:2 eighth_3:2 eighth eighth", "{[012]}[34]"),
        ("quarter_3:2 eighth_3:2 eighth_3:2 eighth_3:2 eighth_3:2", "{01}{[234]}"),
        ("sixteenth_6:4 " * 6, "{[012345]}"),
        ("eighth_3:2 reighth_3:2 eighth_3:2", "{012}"),
        ("quarter geighth eighth_3:2 eighth_3:2 eighth_3:2", "0{1[234]}"),
    ],
)
def test_notes_are_grouped_by_beat(text: str, expected: str) -> None:
    assert grouped(text) == expected


def test_a_pickup_is_beamed_by_where_it_stands() -> None:
    assert grouped("eighth eighth eighth", start=Fraction(5, 2)) == "0[12]"


def test_without_a_window_there_are_flags_only() -> None:
    assert grouped("eighth eighth sixteenth sixteenth", window=0) == "0123"


def test_wide_windows_make_long_beams() -> None:
    assert grouped("eighth eighth eighth eighth", window=2) == "[0123]"


@pytest.mark.parametrize(
    ("meter", "window"),
    [("2/4", 1), ("C", 1), ("C/", 2), ("6/8", Fraction(3, 2)), ("3/8", Fraction(3, 2)), ("5/8", 1)],
)
def test_a_beat_follows_the_meter(meter: str, window: Fraction) -> None:
    assert beam_window(TimeSignature(meter), 1) == window
    assert beam_window(TimeSignature(meter), 0) == 0


def test_no_item_is_lost_or_moved() -> None:
    made = items("eighth_3:2 geighth quarter_3:2 half reighth_5:4 geighth")
    assert [item for run in split_tuplets(made) for item in run] == made
