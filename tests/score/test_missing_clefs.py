"""Where no clef is printed, the clef of the part's other staves is taken, or a treble clef."""

from __future__ import annotations

from omrcli.reading.alphabet import POSITIONAL_UNITS
from omrcli.reading.decoding import Unit
from omrcli.score.missing_clefs import add_clefs, find_missing_clefs, leave_out_signs, tell_missing
from omrcli.score.parts import Arrangement, System

NOTE = "note.quarter@0"


def units(*names: str) -> tuple[Unit, ...]:
    indices = map(POSITIONAL_UNITS.index, names)
    return tuple(Unit(index, 0.9, place, place + 1) for place, index in enumerate(indices))


def names(staff: tuple[Unit, ...]) -> list[str]:
    return [POSITIONAL_UNITS[unit.index] for unit in staff]


def arrange(*systems: tuple[int | None, ...]) -> Arrangement:
    return Arrangement(tuple(System(0, number, staves) for number, staves in enumerate(systems)))


def test_a_clef_and_key_that_are_not_there_are_left_out() -> None:
    read = units("clef-F4", "8vb", "keySignature-GM", "over-3", "under-4", NOTE, "clef-G2", NOTE)
    assert leave_out_signs(read, POSITIONAL_UNITS) == read[3:]
    assert leave_out_signs(units("clef-F4", "keySignature-GM"), POSITIONAL_UNITS) == ()


def test_treble_is_taken_where_nothing_tells_of_a_clef() -> None:
    staves = (units(NOTE, "barline"), units(NOTE))
    found = find_missing_clefs(staves, POSITIONAL_UNITS, arrange((0,), (1,)))
    assert found == {0: "clef-G2"}
    first, second = add_clefs(staves, found, POSITIONAL_UNITS)
    assert names(first) == ["clef-G2", NOTE, "barline"]
    assert first[0].confidence <= 0.5
    assert second == staves[1]
    assert tell_missing(found, arrange((0,), (1,))) == [
        "Page 1, system 1: no clef is printed at the start of the staff; clef G2 was taken."
    ]


def test_the_clef_of_a_later_staff_of_the_part_is_taken() -> None:
    staves = (units("clef-G2", NOTE), units(NOTE), units("clef-G2", NOTE), units("clef-F4", NOTE))
    both = arrange((0, 1), (2, 3))
    found = find_missing_clefs(staves, POSITIONAL_UNITS, both)
    assert found == {1: "clef-F4"}
    assert tell_missing(found, both) == [
        "Page 1, system 1: no clef is printed at the start of part 2; clef F4 was taken."
    ]


def test_a_staff_on_which_nothing_was_read_gets_no_clef() -> None:
    assert find_missing_clefs(((),), POSITIONAL_UNITS, arrange((0,))) == {}
