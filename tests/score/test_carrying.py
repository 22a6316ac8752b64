"""Staves that show neither clef nor key are read with what is in force."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from omrcli.reading.alphabet import PositionalCodec
from omrcli.reading.decoding import Unit
from omrcli.score.assembly import StaffLine
from omrcli.score.carrying import InForce, carry_signs
from omrcli.score.parts import arrange_parts
from omrcli.tokens import Token
from tests.layouts import lay_out, layouts, scores
from tests.scores import tokens

CODEC = PositionalCodec()


def units_of(*staves: list[str]) -> list[list[Unit]]:
    """The signs on successive staves of a part, drawn as one long staff cut in pieces."""
    drawn, texts = [], []
    for staff in staves:
        before = len(CODEC.encode(texts))
        texts = [*texts, *staff]
        drawn.append([Unit(index, 0.9, 0, 0) for index in CODEC.encode(texts)[before:]])
    return drawn


def read_on(drawn: list[list[Unit]], lines: list[StaffLine]) -> list[StaffLine]:
    """Read each staff alone, then with what is in force."""
    alone = [
        replace(line, tokens=CODEC.decode(units)) for line, units in zip(lines, drawn, strict=True)
    ]

    def decode(index: int, before: InForce) -> list[Token]:
        return CODEC.decode(drawn[index], before.clef, before.accidentals)

    return carry_signs(alone, decode)


def read_part(*staves: str) -> list[str]:
    """The texts read on the staves of one part, without `note-`, a string for each staff."""
    texts = [[token.text for token in tokens(staff)] for staff in staves]
    lines = [StaffLine([], system=number) for number in range(len(staves))]
    read = read_on(units_of(*texts), lines)
    return [" ".join(token.text.replace("note-", "") for token in line.tokens) for line in read]


def test_a_staff_without_clef_and_key_goes_on_in_those_in_force():
    staves = ("clef-F4 keySignature-DM F#3_whole barline", "C#3_whole barline D3_whole")
    assert read_part(*staves) == list(staves)


def test_a_clef_without_a_key_leaves_the_key_in_force():
    first = "clef-G2 keySignature-DM F#4_whole barline"
    assert read_part(first, "clef-G2 F#4_whole barline")[1] == "clef-G2 F#4_whole barline"


def test_a_clef_and_a_meter_without_a_key_begin_a_movement_in_c():
    first = "clef-G2 keySignature-DM F#4_whole barline"
    second = [Token(text) for text in ("clef-G2", "timeSignature-C", "note-F4_whole")]
    drawn = [*units_of([token.text for token in tokens(first)])]
    drawn += units_of([token.text for token in second])
    read = read_on(drawn, [StaffLine([]), StaffLine([], system=1)])
    assert [token.text for token in read[1].tokens] == [token.text for token in second]


def test_a_tie_over_the_break_keeps_its_accidental():
    staves = ("clef-G2 F#4_whole tie barline", "clef-G2 F#4_whole barline F4_whole")
    assert read_part(*staves) == list(staves)


def test_an_accidental_holds_in_a_measure_that_goes_on_and_no_longer():
    start = "clef-G2 timeSignature-C F#4_half"
    assert read_part(start, "clef-G2 F#4_half barline")[1] == "clef-G2 F#4_half barline"
    closed = f"{start} F#4_half"
    drawn = units_of([t.text for t in tokens(closed)])
    drawn += units_of(["clef-G2", "note-F4_whole"])
    read = read_on(drawn, [StaffLine([]), StaffLine([], system=1)])
    assert read[1].tokens[1].text == "note-F4_whole"


def test_notes_are_no_surer_than_the_clef_carried_to_them():
    first = [Token("clef-F4", 0.3), Token("note-C3_whole", 0.3), Token("barline")]
    lines = [StaffLine(first), StaffLine([Token("note-C5_whole", 0.9)], system=1)]
    read = carry_signs(lines, lambda index, before: [Token("note-E3_whole", 0.9)])
    assert [token.confidence for token in read[1].tokens] == [0.3]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_is_drawn_once_is_read_on_every_staff(data):
    bars = data.draw(scores())
    place = replace(data.draw(layouts(bars)), restate=False, courtesy=data.draw(st.booleans()))
    lines = lay_out(bars, place)
    drawn: list[list[Unit]] = [[] for _ in lines]
    for part in range(len(bars[0].clefs)):
        staves = [system.staves[part] for system in arrange_parts(lines).systems]
        shown = [index for index in staves if index is not None]
        texts = [[token.text for token in lines[index].tokens] for index in shown]
        for index, units in zip(shown, units_of(*texts), strict=True):
            drawn[index] = units
    read = read_on(drawn, lines)
    for before, after in zip(lines, read, strict=True):
        assert [t.text for t in after.tokens] == [t.text for t in before.tokens]
