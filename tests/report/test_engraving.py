"""A staff is engraved under its source, and its marks know their tokens."""

from __future__ import annotations

import pytest

pytest.importorskip("verovio")

from omrcli.reading.alphabet import AccidentalState
from omrcli.report.aligning import align_tokens, measure_tokens
from omrcli.report.engraving import Ruling, engrave_staff
from omrcli.report.marks import Engraving, Glyph, Shape, measure_glyph
from omrcli.score.carrying import InForce
from omrcli.tokens import Clef, KeySignature, parse_symbol
from tests.report.sheets import make_transcription, proof_of

STAFF = (
    *("clef-G2", "keySignature-DM", "timeSignature-4/4", "note-F#4_quarter", "tie"),
    *("note-F#4_eighth", "gracenote-A4_eighth", "note-C5_eighth", "barline", "rest-half"),
    *("note-C4_eighth_3:2|note-E4_eighth_3:2", "note-D4_eighth_3:2", "note-E4_eighth_3:2"),
    *("note-G4_quarter_fermata", "barline", "clef-F4", "keySignature-FM", "multirest-12"),
    *("barline", "note-C3_whole", "tie", "repeat-end"),
)


def engrave(texts: tuple[str, ...], before: InForce | None = None) -> Engraving:
    symbols = [parse_symbol(text) for text in texts]
    wanted = {n: 60.0 + 80 * n for n in range(3, len(texts))}
    found = engrave_staff(symbols, wanted, Ruling(10.0, 16.0), before)
    assert found is not None
    return found


def test_every_token_has_marks() -> None:
    engraving = engrave(STAFF)
    assert {mark.token for mark in engraving.marks} - {None} == set(range(len(STAFF)))


def test_tokens_stand_where_they_were_read() -> None:
    extents = measure_tokens(engrave(STAFF))
    for token, (left, right) in extents.items():
        if token >= 3 and STAFF[token] != "tie":
            assert (left + right) / 2 == pytest.approx(60 + 80 * token, abs=0.01), STAFF[token]


def test_beams_still_reach_the_stems_of_their_notes() -> None:
    engraving = engrave(("clef-G2", "note-G4_eighth", "note-A4_eighth", "barline"))
    far = {1: 100.0, 2: 300.0, 3: 400.0}
    moved = align_tokens(engraving, far, 10.0)
    stems = sorted(mark.points[0][0] for mark in shapes(moved, "stem"))
    (beam,) = shapes(moved, "beam")
    ends = sorted(x for x, _ in beam.points)
    assert ends[0] == pytest.approx(stems[0], abs=2)
    assert ends[-1] == pytest.approx(stems[-1], abs=2)


def test_ties_reach_from_head_to_head() -> None:
    tied = ("note-G4_quarter", "tie", "barline", "note-G4_quarter", "barline")
    engraving = engrave(("clef-G2", *tied))
    moved = align_tokens(engraving, {1: 100.0, 3: 180.0, 4: 300.0, 5: 400.0}, 10.0)
    (tie,) = shapes(moved, "tie")
    extents = measure_tokens(moved)
    ends = sorted(x for x, _ in tie.points)
    assert 0 < ends[0] - extents[1][1] < 0.5 * moved.interline
    assert 0 < extents[4][0] - ends[-1] < 0.5 * moved.interline


def test_beams_and_tuplets_tell_what_they_join() -> None:
    eighths = ("note-C4_eighth", "gracenote-D4_eighth", "note-D4_eighth")
    triplet = ("note-C4_eighth_3:2", "rest-eighth_3:2", "note-D4_eighth_3:2")
    engraving = engrave(("clef-G2", "timeSignature-2/4", *eighths, *triplet, "barline"))
    joined = {(mark.part, mark.joins) for mark in engraving.marks if mark.joins}
    assert joined == {("beam", (2, 4)), ("tupletNum", (5, 7))}
    assert all(mark.token is None for mark in engraving.marks if mark.joins)


def test_ledger_lines_belong_to_their_notes() -> None:
    notes = ("note-C4_quarter", "note-G4_quarter", "note-A3_quarter|note-A5_quarter", "rest-half")
    engraving = engrave(("clef-G2", *notes, "barline"))
    owners = [mark.token for mark in engraving.marks if mark.part == "ledgerLines"]
    assert sorted(owners, key=str) == [1, 3, 3, 3]
    (staff,) = proof_of([[("clef-G2", "note-A5_quarter", "barline")]]).staves
    assert staff.tokens[1].box[3] < staff.crop.interline * 4  # the box is that of head and stem


def shapes(engraving: Engraving, part: str) -> list[Shape]:
    return [m for m in engraving.marks if isinstance(m, Shape) and m.part == part]


def test_places_too_close_are_set_apart() -> None:
    texts = ("clef-G2", "note-G4_quarter", "note-A4_quarter", "note-B4_quarter", "barline")
    engraving = align_tokens(engrave(texts), {1: 200.0, 2: 201.0, 3: 202.0, 4: 500.0}, 10.0)
    extents = measure_tokens(engraving)
    middles = [sum(extents[n]) / 2 for n in (1, 2, 3)]
    assert middles[1] - middles[0] >= 8
    assert middles[2] - middles[1] >= 8
    assert sum(middles) / 3 == pytest.approx(201, abs=1)


def test_without_a_clef_the_one_in_force_places_the_notes() -> None:
    notes = ("note-C3_quarter", "barline")
    before = InForce(Clef("F", 4), AccidentalState(KeySignature(0)))
    heads = [m for m in engrave(notes, before).marks if isinstance(m, Glyph)]
    assert [(m.code, m.y) for m in heads] == [("E0A4", pytest.approx(40.0))]


def test_a_key_in_force_needs_no_accidental() -> None:
    before = InForce(Clef("G", 2), AccidentalState(KeySignature(2)))
    parts = {m.part for m in engrave(("note-F#4_quarter", "barline"), before).marks}
    assert "accid" not in parts
    assert "accid" in {m.part for m in engrave(("note-F#4_quarter", "barline")).marks}


@pytest.mark.parametrize(
    "texts",
    [
        ("tie", "barline"),
        ("barline", "barline"),
        ("note-C4_quarter", "tie", "rest-half", "tie"),
        ("multirest-3", "note-C4_half", "multirest-2"),
        ("timeSignature-3/4", "keySignature-CM", "clef-C3", "clef-G2"),
        ("repeat-start", "note-C4_quadruple_whole", "repeat-both"),
        ("gracenote-C4_eighth", "gracenote-D4_eighth"),
        ("note-C4_eighth_3:2", "barline", "note-C9_hundred_twenty_eighth"),
    ],
)
def test_what_is_no_music_is_drawn_too(texts: tuple[str, ...]) -> None:
    engraving = engrave(texts)
    tokens = {mark.token for mark in engraving.marks}
    assert all(n in tokens for n, text in enumerate(texts) if text.startswith(("note", "multi")))


def test_an_outline_is_measured_by_its_ends() -> None:
    assert measure_glyph("M10 20c0 5 5 10 10 10h30v-40l-5 -5z") == (10, -15, 50, 30)


def test_boxes_of_tokens_lie_on_their_staff() -> None:
    texts = ("clef-G2", "timeSignature-4/4", "note-F5_half", "note-E4_half", "barline")
    (staff,) = proof_of([[texts]]).staves
    tops = [token.box[1] for token in staff.tokens]
    assert tops[2] < tops[3]
    assert all(token.line == pytest.approx(staff.tokens[0].line) for token in staff.tokens)


def test_crops_show_one_staff_only() -> None:
    texts = ("clef-G2", "note-F5_half", "barline")
    _, crops = make_transcription([[texts, texts], [texts]])
    from omrcli.pages.image import decode_image
    from omrcli.staves.staff import find_staves

    for crop in crops:
        assert len(find_staves(decode_image(crop.content, "crop")[0])) == 1
        assert crop.kind in ("webp", "png", "jpeg")
