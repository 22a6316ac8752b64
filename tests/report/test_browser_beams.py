"""The proof sheet in a browser draws corrected notes as an engraver would."""

from __future__ import annotations

import pytest

pytest.importorskip("jinja2")
pytest.importorskip("verovio")

from tests.report.sheets import FIRST, Open, proof_of

BEAMED = (
    *("clef-G2", "timeSignature-4/4", "note-A5_eighth", "note-G4_eighth", "note-F4_sixteenth"),
    *("note-C6_sixteenth", "note-B5_eighth", "note-D4_eighth_3:2", "note-E4_eighth_3:2"),
    *("note-F4_eighth_3:2", "gracenote-G4_sixteenth", "gracenote-A4_sixteenth", "note-B4_quarter"),
    *("barline", "note-C4_eighth.", "note-D4_sixteenth", "rest-eighth", "note-F#4_eighth"),
    *("note-F#4_eighth", "gracenote-G4_eighth", "note-G4_eighth", "note-A4_quarter_3:2"),
    *("note-B4_eighth_3:2", "barline", "timeSignature-6/8", "note-C5_eighth", "note-D5_eighth"),
    *("note-E5_eighth", "note-C5_eighth", "note-D5_quarter", "barline-final"),
)
#: Which places are drawn anew, and in how many flags, beams and numbers of tuplets that ends.
ANEW = """(() => {
  const reading = staves[0].overlay.querySelector('.reading');
  const count = (selector) => reading.querySelectorAll(selector).length;
  return {
    redrawn: [...findRedrawn(staves[0], readContexts(staves[0])).redrawn].sort((a, b) => a - b),
    flags: count('[href^="#g-E24"]'), beams: count('path[d$="Z"]'), numbers: count('text.tuplet'),
    edited: count('.edited'),
  };
})()"""


def test_notes_are_grouped_as_they_were_engraved(open_sheet: Open) -> None:
    for texts in (BEAMED, (*BEAMED[:1], "timeSignature-3/8", *BEAMED[2:])):
        page = open_sheet(proof_of([[texts]]))
        assert page.evaluate(ANEW)["redrawn"] == []
        groups = page.evaluate(
            "(({ beams, tuplets }) => [...beams, ...tuplets])(groupNotes(staves[0]))"
        )
        engraved = page.evaluate("asRead(staves[0]).joins")
        assert sorted(map(tuple, engraved)) == sorted(set(map(tuple, groups)))


def test_a_staff_that_goes_on_is_grouped_by_the_meter_before(open_sheet: Open) -> None:
    notes = ("note-C5_eighth", "note-D5_eighth", "note-E5_eighth")
    first = ("clef-G2", "timeSignature-3/8", *notes, "barline")
    page = open_sheet(proof_of([[first], [("clef-G2", *notes, "barline")]]))
    assert page.evaluate("groupNotes(staves[1]).beams") == [[1, 2, 3]]
    assert page.evaluate("asRead(staves[1]).joins") == [[1, 2, 3]]


@pytest.mark.parametrize(
    ("place", "text", "redrawn", "beams"),
    [
        (3, "note-E5_eighth", [2, 3], 1),  # the pair
        (5, "note-A4_sixteenth", [4, 5, 6], 2),  # the sixteenths are two beams
        (11, "gracenote-B4_sixteenth", [10, 11], 2),
        (14, "note-G4_eighth.", [14, 15], 2),  # with a stub for the sixteenth
    ],
)
def test_a_corrected_note_is_beamed_again(
    open_sheet: Open, place: int, text: str, redrawn: list[int], beams: int
) -> None:
    page = open_sheet(proof_of([[BEAMED]]))
    before = page.evaluate(ANEW)
    page.evaluate(f"correct(staves[0], {place}, '{text}')")
    after = page.evaluate(ANEW)
    assert after["redrawn"] == redrawn
    assert (after["flags"], after["beams"]) == (before["flags"], before["beams"])
    assert after["edited"] == 1  # the others of its beam are as they were read
    page.keyboard.press("u")
    assert page.evaluate(ANEW) == before


#: A dotted eighth and a sixteenth, 30 px apart with lines 10 px apart; places from the lowest line.
LAY = """([one, two]) => {
  const note = (text, x, place) =>
    ({ x, low: place, high: place, size: 1, symbol: parseToken(text) });
  const notes = [note('note-C4_eighth.', 0, one), note('note-C4_sixteenth', 30, two)];
  const shapes = layBeam(notes, 10);
  return [shapes.length, notes[0].beam.up, ...notes.map((each) => each.beam.end)];
}"""


@pytest.mark.parametrize(("places", "up"), [((0, 1), True), ((-4, 2), True), ((6, 9), False)])
def test_a_beam_clears_its_notes_and_reaches_the_middle_line(
    open_sheet: Open, places: tuple[int, int], up: bool
) -> None:
    page = open_sheet(proof_of([[FIRST]]))
    shapes, goes_up, *ends = page.evaluate(LAY, places)
    assert (shapes, goes_up) == (2, up)
    for end, place in zip(ends, places, strict=True):
        head = (8 - place) * 5
        assert head - end >= 30 if up else end - head >= 30
        assert end <= 20 if up else end >= 20


def test_a_note_that_leaves_its_beam_gives_the_other_a_flag(open_sheet: Open) -> None:
    page = open_sheet(proof_of([[BEAMED]]))
    before = page.evaluate(ANEW)
    page.evaluate("correct(staves[0], 3, 'note-G4_quarter')")
    after = page.evaluate(ANEW)
    assert {2, 3} < set(after["redrawn"])  # and those that are on other beats now
    assert after["flags"] > before["flags"]
    page.keyboard.press("u")
    page.evaluate("correct(staves[0], 8, '')")
    triplet = page.evaluate(ANEW)
    assert triplet["redrawn"] == [7, 8]
    assert triplet["numbers"] == 1


def test_accidentals_after_a_correction_follow_it(open_sheet: Open) -> None:
    page = open_sheet(proof_of([[BEAMED]]))
    head = "asRead(staves[0]).heads.get(17)"
    page.evaluate("correct(staves[0], 17, 'note-F4_eighth')")
    after = page.evaluate(ANEW)
    assert {17, 18} <= set(after["redrawn"])
    assert page.locator(".reading [href='#g-E262']").count() == 1  # the sharp is the second's now
    assert page.evaluate("drawnX(staves[0], staves[0].tokens[17])") == page.evaluate(head)


def test_corrections_get_the_room_that_they_take(open_sheet: Open) -> None:
    page = open_sheet(proof_of([[FIRST]]))
    page.evaluate("correct(staves[0], 4, 'note-E7_quarter')")
    card = page.locator("#staff-0").bounding_box()
    drawn = page.locator("#staff-0 .reading .edited").bounding_box()
    assert card["y"] < drawn["y"]
    labels = page.locator("#staff-0 .labels").bounding_box()
    assert drawn["y"] >= labels["y"] + labels["height"] - 1
