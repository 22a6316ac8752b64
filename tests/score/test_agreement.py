"""A clef or key that the other staves of a part speak against is put right, and nothing else."""

from __future__ import annotations

from omrcli.reading.alphabet import PositionalCodec
from omrcli.reading.decoding import Unit
from omrcli.score.agreement import Agreement, agree_on_signs
from omrcli.score.assembly import StaffLine
from omrcli.score.parts import Arrangement, arrange_parts

CODEC = PositionalCodec()
NOTES = "note-A3_quarter note-B3_quarter note-C4_half barline"


def units_of(text: str, confidence: float) -> list[Unit]:
    indices = CODEC.encode(text.split())
    return [Unit(index, confidence, 3 * at, 3 * at + 2) for at, index in enumerate(indices)]


def agree(*staves: str, confidence: float = 0.9, systems: int | None = None) -> Agreement:
    """The agreement of staves, of one part or of `systems` systems with equally many staves."""
    count = len(staves) // (systems or len(staves))
    lines = [
        StaffLine(CODEC.decode(units_of(text, 0.9)), system=at // count, position=at % count)
        for at, text in enumerate(staves)
    ]
    drawn = [units_of(text, confidence) for text in staves]
    arrangement: Arrangement = arrange_parts(lines)
    return agree_on_signs(drawn, CODEC.units, arrangement)


def signs(agreement: Agreement) -> list[list[str]]:
    names = [[CODEC.units[unit.index] for unit in units] for units in agreement.units]
    kept = ("clef", "keySignature", "8v", "15m")
    return [[name for name in staff if name.startswith(kept)] for staff in names]


def test_a_clef_that_stands_alone_is_that_of_its_neighbours() -> None:
    staves = [f"clef-C3 {NOTES}", f"clef-F4 {NOTES}", f"clef-C3 {NOTES}"]
    agreement = agree(*staves, confidence=0.99)
    assert signs(agreement) == [["clef-C3"]] * 3


def test_what_is_put_right_keeps_its_place_and_loses_its_certainty() -> None:
    agreement = agree(f"clef-C3 {NOTES}", f"clef-F4 {NOTES}", f"clef-C3 {NOTES}")
    clef = agreement.units[1][0]
    assert (clef.start, clef.end) == (0, 2)
    assert clef.confidence < 0.9


def test_notes_follow_a_clef_that_was_put_right() -> None:
    agreement = agree(f"clef-C3 {NOTES}", f"clef-F4 {NOTES}", f"clef-C3 {NOTES}")
    assert CODEC.decode(agreement.units[1])[1].text == "note-G4_quarter"


def test_an_octave_clef_is_put_right_whole() -> None:
    tenor = f"clef-G2_8vb {NOTES}"
    agreement = agree(tenor, f"clef-G2 {NOTES}", tenor)
    assert signs(agreement) == [["clef-G2", "8vb"]] * 3
    agreement = agree(f"clef-G2 {NOTES}", tenor, f"clef-G2 {NOTES}")
    assert signs(agreement) == [["clef-G2"]] * 3


def test_a_change_that_a_sign_at_the_end_announces_stays() -> None:
    staves = [f"clef-F4 {NOTES} clef-C4", f"clef-C4 {NOTES} clef-F4", f"clef-F4 {NOTES}"]
    assert signs(agree(*staves)) == [["clef-F4", "clef-C4"], ["clef-C4", "clef-F4"], ["clef-F4"]]


def test_a_change_that_stays_is_believed_without_an_announcement() -> None:
    staves = [f"clef-F4 {NOTES}"] * 2 + [f"clef-C4 {NOTES}"] * 2
    assert signs(agree(*staves)) == [["clef-F4"]] * 2 + [["clef-C4"]] * 2


def test_two_staves_judge_nobody() -> None:
    assert signs(agree(f"clef-C3 {NOTES}", f"clef-F4 {NOTES}")) == [["clef-C3"], ["clef-F4"]]


def test_parts_are_judged_each_by_its_own_staves() -> None:
    upper, lower = f"clef-G2 {NOTES}", f"clef-F4 {NOTES}"
    assert signs(agree(*[upper, lower] * 3, systems=3)) == [["clef-G2"], ["clef-F4"]] * 3


def test_an_unsure_key_within_a_line_that_no_later_line_repeats_is_none() -> None:
    odd = f"clef-G2 {NOTES} keySignature-FM {NOTES}"
    agreement = agree(f"clef-G2 {NOTES}", odd, *[f"clef-G2 {NOTES}"] * 3, confidence=0.6)
    assert signs(agreement) == [["clef-G2"]] * 5


def test_a_key_that_no_later_line_repeats_ends_with_its_line() -> None:
    odd = f"clef-G2 {NOTES} keySignature-FM {NOTES}"
    agreement = agree(f"clef-G2 {NOTES}", odd, *[f"clef-G2 {NOTES}"] * 3, confidence=0.99)
    assert signs(agreement)[1] == ["clef-G2", "keySignature-FM"]
    assert agreement.in_c >= {2, 3, 4}


def test_one_line_without_the_key_overlooked_it() -> None:
    with_key = f"clef-G2 keySignature-DM {NOTES}"
    agreement = agree(with_key, with_key, f"clef-G2 {NOTES}", with_key)
    assert not agreement.in_c


def test_a_key_given_once_holds_to_the_end() -> None:
    agreement = agree(f"clef-G2 keySignature-DM {NOTES}", *[f"clef-G2 {NOTES}"] * 6)
    assert not agreement.in_c


def test_a_key_that_stands_alone_is_that_of_its_neighbours() -> None:
    with_key = f"clef-G2 keySignature-DM {NOTES}"
    agreement = agree(with_key, f"clef-G2 keySignature-AM {NOTES}", with_key)
    assert signs(agreement) == [["clef-G2", "keySignature-DM"]] * 3


def test_a_key_that_the_first_staves_lack_is_that_of_the_others() -> None:
    first = f"clef-G2 timeSignature-C {NOTES}"
    with_key = f"clef-G2 keySignature-FM {NOTES}"
    agreement = agree(first, f"clef-G2 {NOTES}", *[with_key] * 4)
    assert signs(agreement)[0] == ["clef-G2", "keySignature-FM"]
    assert not agreement.in_c
    assert agreement.notices == (
        "Page 1, system 1: no key signature was read; key signature FM was put in, as on the "
        "staves around it.",
    )


def test_a_key_that_begins_late_is_believed_and_told() -> None:
    without, with_key = f"clef-G2 {NOTES}", f"clef-G2 keySignature-FM {NOTES}"
    agreement = agree(*[without] * 5, *[with_key] * 3)
    assert signs(agreement) == [["clef-G2"]] * 5 + [["clef-G2", "keySignature-FM"]] * 3
    assert agreement.notices == (
        "Page 1, system 6: key signature FM begins, which no sign announced.",
    )


def test_accidentals_that_a_key_makes_needless_speak_against_it() -> None:
    flat = "clef-G2 note-Bb4_quarter note-A4_quarter barline note-Bb4_half barline"
    with_key = f"clef-G2 keySignature-FM {NOTES}"
    agreement = agree(flat, flat, *[with_key] * 4)  # in C, with the flats that it needs
    assert signs(agreement)[:2] == [["clef-G2"]] * 2
    assert agreement.in_c == {0, 1}


def test_of_two_staves_the_rest_of_the_system_tells_the_key() -> None:
    with_key, without = f"clef-G2 keySignature-GM {NOTES}", f"clef-G2 {NOTES}"
    agreement = agree(without, *[with_key] * 5, systems=2)
    assert signs(agreement)[0] == ["clef-G2", "keySignature-GM"]
    assert signs(agree(without, with_key))[0] == ["clef-G2"]


def test_a_part_without_a_key_among_others_with_one_is_told_and_left() -> None:
    with_key, without = f"clef-G2 keySignature-GM {NOTES}", f"clef-G2 {NOTES}"
    agreement = agree(*[with_key, without, with_key] * 3, systems=3)
    assert signs(agreement)[1::3] == [["clef-G2"]] * 3
    assert agreement.notices == (
        "Part 2 has no key signature, while all other parts have key signature GM; it was taken "
        "to have none.",
    )


def test_an_8_is_easily_overlooked() -> None:
    tenor, without = f"clef-G2_8vb {NOTES}", f"clef-G2 {NOTES}"
    assert signs(agree(tenor, without))[1] == ["clef-G2", "8vb"]
    assert signs(agree(without, tenor, without, tenor, without)) == [["clef-G2", "8vb"]] * 5
    assert signs(agree(*[without] * 4, tenor)) == [["clef-G2"]] * 5


def test_staves_without_any_sign_stay_as_they_are() -> None:
    assert signs(agree(*[NOTES] * 4)) == [[]] * 4


def test_what_was_put_right_is_told() -> None:
    upper, lower = f"clef-C3 {NOTES}", f"clef-F4 {NOTES}"
    agreement = agree(upper, lower, upper, f"clef-F3 {NOTES}", upper, lower, systems=3)
    assert agreement.notices == (
        "Page 1, system 2, part 2: clef F3 at its start was taken for clef F4, as on the staves "
        "around it.",
    )
    odd = f"clef-G2 {NOTES} keySignature-FM {NOTES}"
    agreement = agree(f"clef-G2 {NOTES}", odd, *[f"clef-G2 {NOTES}"] * 3, confidence=0.6)
    assert agreement.notices == (
        "Page 1, system 2: key signature FM within the staff was left out, as no staff after it "
        "goes on so.",
    )
    assert not agree(*[upper] * 4).notices
