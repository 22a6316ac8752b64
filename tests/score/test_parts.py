"""Systems of several staves: which staff is of which part, and parts kept in step."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omrcli.formats.musicxml import musicxml_bytes
from omrcli.score.assembly import StaffLine
from omrcli.score.checks import score_warnings
from omrcli.score.parts import arrange_parts, match_in_order
from omrcli.score.score import Score, build_score, score_tokens
from omrcli.tokens import Token
from tests.layouts import system
from tests.scores import anything

G, F, C = "clef-G2", "clef-F4", "clef-C3"
IN_4 = "timeSignature-4/4"


def texts(score: Score, part: int) -> str:
    return " ".join(score_tokens(score, part)).replace("note-", "")


def lengths(score: Score) -> list[list[Fraction]]:
    return [[measure.actual for measure in part.measures] for part in score.parts]


@pytest.mark.parametrize(
    ("full", "fewer", "parts"),
    [
        ((G, G, C, F), (G, F), (0, 3)),
        ((G, G, F), (G, F), (1, 2)),  # a voice with piano: the staves of the piano are neighbours
        ((G, G, C, F), (C,), (2,)),
        ((G, G), (G,), (0,)),
        ((G, G, F), (C, F), (1, 2)),  # a clef that no part has: by order
        ((G, F), ("",), (0,)),
    ],
)
def test_staves_are_matched_by_clef_and_order(full, fewer, parts):
    lines = system(0, *full) + system(1, *fewer)
    assert arrange_parts(lines).systems[1].present == parts


def test_a_key_decides_between_parts_of_one_clef():
    full = system(0, f"{G} keySignature-FM", f"{G} keySignature-GM")
    found = arrange_parts(full + system(1, f"{G} keySignature-GM"))
    assert found.systems[1].present == (1,)


def test_systems_before_the_fullest_are_matched_too():
    found = arrange_parts(system(0, F) + system(1, G, F))
    assert [s.present for s in found.systems] == [(1,), (0, 1)]
    assert found.notices == ("Of 2 parts page 1, system 1 has 1 staff, taken for part 2.",)


def test_a_match_in_order_is_the_cheapest():
    assert match_in_order([[5, 0, 0], [0, 5, 0]]) == [1, 2]
    assert match_in_order([[0, 0, 0]]) == [0]


def test_one_kind_of_barline_is_for_all_parts():
    repeats = f"{G} {IN_4} C5_whole repeat-end D5_whole barline-final"
    overlooked = f"{F} {IN_4} C3_whole barline D3_whole barline"
    misread = f"{F} {IN_4} C3_whole barline-double D3_whole barline-final"
    expected = [["repeat-end", "barline-final"]] * 3
    for others in ((repeats, overlooked), (misread, repeats)):
        made = build_score(system(0, repeats, *others))
        ends = [
            [token for token in score_tokens(made, part) if token.startswith(("bar", "rep"))]
            for part in range(3)
        ]
        assert ends == expected


def test_a_repeat_that_one_of_two_parts_shows_is_for_both():
    made = build_score(system(0, f"{G} {IN_4} C5_whole repeat-end", f"{F} {IN_4} C3_whole barline"))
    assert texts(made, 1).endswith("C3_whole repeat-end")


def test_a_barline_that_one_of_three_parts_shows_otherwise_was_misread():
    plain, odd = f"{G} {IN_4} C5_whole barline", f"{G} {IN_4} C5_whole repeat-end"
    made = build_score(system(0, plain, odd, plain))
    assert [texts(made, part).split()[-1] for part in range(3)] == ["barline"] * 3


def test_a_part_without_a_staff_rests():
    lines = system(0, f"{G} {IN_4} C5_whole barline", f"{F} {IN_4} C3_whole barline")
    lines += system(1, f"{F} D3_whole barline timeSignature-3/4 E3_half. barline", page=1)
    lines += system(2, f"{G} D5_half. barline-final", f"{F} F3_half. barline-final", page=1)
    made = build_score(lines)
    assert lengths(made) == [[4, 4, 3, 3]] * 2
    upper = made.parts[0].measures
    assert [measure.is_filler for measure in upper] == [False, True, True, False]
    assert [measure.break_before for measure in upper] == [None, "page", None, "system"]
    assert upper[2].time == made.parts[1].measures[2].time
    assert texts(made, 0) == f"{G} {IN_4} C5_whole barline D5_half. barline-final"
    assert score_warnings(made) == ["Of 2 parts page 2, system 2 has 1 staff, taken for part 2."]


def test_a_short_measure_is_padded_to_its_length_in_other_parts():
    made = build_score(
        system(0, f"{G} {IN_4} C5_half barline D5_whole", f"{F} {IN_4} C3_whole barline D3_whole")
    )
    assert lengths(made) == [[4, 4], [4, 4]]
    first = made.parts[0].measures[0]
    assert [(e.filler, e.onset, e.duration) for e in first.events] == [
        (None, 0, 2),
        ("padding", 2, 2),
    ]
    assert first.padding == 2
    assert texts(made, 0) == f"{G} {IN_4} C5_half barline D5_whole"
    assert score_warnings(made) == [
        "Measure 1 (part 1, staff 1) is short of its length in other parts, and padded: "
        "2 of 4 beats."
    ]


def test_a_pickup_of_all_parts_is_none_to_pad():
    made = build_score(
        system(0, f"{G} {IN_4} C5_quarter barline D5_whole barline", f"{F} {IN_4} rest-quarter "
               "barline D3_whole barline")
    )  # fmt: skip
    assert [[m.number for m in part.measures] for part in made.parts] == [[0, 1], [0, 1]]
    assert score_warnings(made) == []


def test_a_rest_of_a_measure_lasts_as_long_as_the_others_play():
    made = build_score(
        system(0, f"{G} {IN_4} C5_quarter barline D5_whole", f"{F} {IN_4} rest-whole barline "
               "D3_whole")
    )  # fmt: skip
    assert lengths(made) == [[1, 4], [1, 4]]
    assert [part.measures[0].status for part in made.parts] == ["pickup", "pickup"]


def test_a_missing_measure_is_padded_and_nothing_is_dropped():
    made = build_score(
        system(0, f"{G} {IN_4} C5_whole barline D5_whole barline", f"{F} {IN_4} C3_whole barline")
        + system(1, f"{G} E5_whole barline", f"{F} E3_whole barline")
    )
    assert lengths(made) == [[4, 4, 4], [4, 4, 4]]
    assert texts(made, 1) == f"{F} {IN_4} C3_whole barline E3_whole barline"
    assert [m.is_filler for m in made.parts[1].measures] == [False, True, False]
    assert score_warnings(made) == [
        "Page 1, system 1: the staves show 2, 1 measures; rests fill the gaps."
    ]


def test_a_part_that_enters_late_begins_in_the_key_of_the_piece():
    key = "keySignature-GM"
    lines = system(0, f"{F} {key} {IN_4} C3_whole barline D3_whole barline")
    lines += system(1, f"{G} {key} C5_whole barline-final", f"{F} {key} C3_whole barline-final")
    late = build_score(lines).parts[0].measures
    assert [(str(m.clef), str(m.key), str(m.time)) for m in late] == [(G, key, IN_4)] * 3
    assert not late[2].changes
    assert texts(build_score(lines), 0) == f"{G} {key} C5_whole barline-final"
    assert [e.tag for e in ET.fromstring(musicxml_bytes(build_score(lines))).iter("key")] == [
        "key"
    ] * 2


def test_a_part_that_enters_late_has_changed_key_with_the_others():
    lines = system(
        0, f"{F} keySignature-GM {IN_4} C3_whole barline keySignature-DM D3_whole barline"
    )
    lines += system(
        1,
        f"{G} keySignature-EM C5_whole barline-final",
        f"{F} keySignature-DM C3_whole barline-final",
    )
    late = build_score(lines).parts[0].measures
    assert [str(measure.key)[13:] for measure in late] == ["AM", "EM", "EM"]
    assert texts(build_score(lines), 0) == f"{G} keySignature-EM C5_whole barline-final"


def test_a_meter_that_one_staff_lacks_is_that_of_the_others():
    made = build_score(
        system(0, f"{G} {IN_4} C5_whole barline", f"{F} C3_whole barline", f"{F} {IN_4} C3_whole")
    )
    assert [str(part.measures[0].time) for part in made.parts] == [IN_4] * 3
    assert texts(made, 1) == f"{F} C3_whole barline"


def test_a_multirest_beside_measures_of_rest_is_written_out():
    made = build_score(
        system(0, f"{G} {IN_4} multirest-2 barline C5_whole", f"{F} {IN_4} C3_whole barline "
               "C3_whole barline C3_whole")
    )  # fmt: skip
    assert lengths(made) == [[4, 4, 4], [4, 4, 4]]
    assert score_warnings(made) == []


def test_multirests_of_all_parts_stay_and_agree():
    made = build_score(
        system(0, *[f"{G} {IN_4} multirest-{n} barline C5_whole" for n in (12, 12, 2)])
    )
    assert [part.measures[0].span for part in made.parts] == [12, 12, 12]
    assert [part.measures[1].number for part in made.parts] == [13, 13, 13]


def test_a_measure_goes_on_over_the_break_in_all_parts_or_in_none():
    first = system(0, f"{G} {IN_4} C5_half", f"{G} {IN_4} C5_half", f"{F} {IN_4} C3_half barline")
    made = build_score(first + system(1, *[f"{clef} D4_half barline" for clef in (G, G, F)]))
    assert lengths(made) == [[4], [4], [4]]
    assert score_warnings(made) == []


def spread(number: int, *staves: tuple[str, dict[int, float]]) -> list[StaffLine]:
    """A system whose tokens stand 10 px apart, but for those whose x is told by their index."""
    lines = []
    for line, (_, places) in zip(
        system(number, *(text for text, _ in staves)), staves, strict=True
    ):
        x = 0.0
        spans = []
        for index in range(len(line.tokens)):
            x = places.get(index, x + 10)
            spans.append((x, x))
        box = (0.0, 100.0 * line.position, 1000.0, 100.0 * line.position + 40)
        lines.append(StaffLine(line.tokens, 0, number, line.position, box, spans))
    return lines


ENDS = {3: 300.0, 5: 600.0, 7: 900.0}
PLAIN = (f"{G} {IN_4} C5_whole barline D5_whole barline E5_whole barline", ENDS)


def test_a_barline_that_most_staves_show_runs_through_all():
    missed = (f"{F} {IN_4} C3_whole D3_whole barline E3_whole barline", {3: 400.0, 4: 603, 6: 898})
    made = build_score(spread(0, PLAIN, PLAIN, missed))
    assert lengths(made) == [[4, 4, 4]] * 3
    assert [[str(e.symbol) for e in m.events] for m in made.parts[2].measures] == [
        ["note-C3_whole"],
        ["note-D3_whole"],
        ["note-E3_whole"],
    ]


def test_a_barline_that_few_staves_show_is_none():
    places = {3: 150.0, 5: 310.0, 7: 605.0, 9: 900.0}
    false = (
        f"{F} {IN_4} C3_half barline C3_half barline D3_whole barline E3_whole barline",
        places,
    )
    made = build_score(spread(0, PLAIN, PLAIN, false))
    assert lengths(made) == [[4, 4, 4]] * 3
    assert len(made.parts[2].measures[0].events) == 2


def test_a_measure_that_one_staff_lacks_is_padded_where_it_is_missing():
    gap = (f"{F} {IN_4} C3_whole barline barline E3_whole barline", {3: 300.0, 4: 600, 6: 900})
    made = build_score(spread(0, PLAIN, PLAIN, gap))
    assert [m.is_filler for m in made.parts[2].measures] == [False, True, False]


def test_between_two_barlines_there_may_be_nothing_on_any_staff():
    late = (
        f"{G} {IN_4} C5_whole barline D5_whole barline",
        {2: 100.0, 3: 400.0, 4: 500.0, 5: 900.0},
    )
    soon = (
        f"{F} {IN_4} C3_whole barline D3_whole barline E3_whole barline",
        {2: 100.0, 3: 300.0, 4: 500.0, 5: 700.0, 6: 800.0, 7: 900.0},
    )
    made = build_score(spread(0, late, soon))
    assert lengths(made) == [[4, 4, 4]] * 2
    assert texts(made, 1).split()[2::2] == ["C3_whole", "D3_whole", "E3_whole"]


def test_a_measure_goes_on_in_a_part_of_which_only_signs_were_read():
    first = system(0, f"{G} {IN_4} C5_half", f"{F} {IN_4}")
    made = build_score([*first, *system(1, f"{G} D5_half barline", f"{F} D3_half barline")])
    assert lengths(made) == [[4], [4]]
    assert texts(made, 1) == f"{F} {IN_4} D3_half barline"


def test_staves_joined_on_the_page_with_barlines_of_their_own_follow_one_another():
    other = (PLAIN[0], {3: 200.0, 5: 400.0, 7: 750.0})
    made = build_score(spread(0, PLAIN, other))
    assert lengths(made) == [[4] * 6]
    assert score_warnings(made) == [
        "Page 1, system 1: the staves are joined, but their barlines stand at different places; "
        "read as 2 systems."
    ]


def test_systems_that_a_line_joins_are_taken_apart():
    later = (PLAIN[0], {3: 200.0, 5: 400.0, 7: 750.0})
    short = (f"{G} C5_whole", {})
    made = build_score(spread(0, PLAIN, PLAIN, later, later))
    assert lengths(made) == [[4] * 6] * 2
    assert len(build_score(spread(0, PLAIN, later, short)).parts) == 1
    assert len(build_score(spread(0, PLAIN, PLAIN, short)).parts) == 3


def test_a_multirest_that_others_play_through_is_measures_of_rest():
    rest = (f"{F} {IN_4} multirest-5 barline", {2: 450.0, 3: 900.0})
    made = build_score(spread(0, PLAIN, PLAIN, rest))
    assert lengths(made) == [[4, 4, 4]] * 3
    assert len(score_warnings(made)) == 1


@st.composite
def misread_lines(draw: st.DrawFn) -> list[StaffLine]:
    """Systems of staves on which anything was read, with or without places."""
    lines = []
    places = draw(st.booleans())
    for number in range(draw(st.integers(1, 3))):
        for position in range(draw(st.integers(1, 3))):
            read = [Token(text) for text in draw(anything())]
            xs = sorted(draw(st.lists(st.integers(0, 99), min_size=15, max_size=15)))
            spans = [(x, x + 1.0) for x in xs[: len(read)]] if places else ()
            lines.append(StaffLine(read, 0, number, position, (0, 0, 99, 4), spans))
    return lines


@settings(max_examples=60, deadline=None)
@given(misread_lines())
def test_whatever_is_read_nothing_is_dropped(lines):
    made = build_score(lines)
    assert len({len(part.measures) for part in made.parts}) == 1
    assert len({sum(m.span for m in part.measures) for part in made.parts}) == 1
    kept = [
        (event.staff, event.token)
        for part in made.parts
        for measure in part.measures
        for event in measure.events
        if not event.filler
    ]
    read = {
        (staff, index)
        for staff, line in enumerate(lines)
        for index, token in enumerate(line.tokens)
        if token.text.startswith(("note", "grace", "rest", "multirest"))
    }
    assert set(kept) == read
    assert musicxml_bytes(made)
    assert isinstance(score_warnings(made), list)
