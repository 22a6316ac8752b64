"""The staves of a system agree on barlines and meters; what agrees already is left as it is."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from omrcli.reading.alphabet import PositionalCodec
from omrcli.reading.decoding import Unit
from omrcli.score.assembly import StaffLine
from omrcli.score.consensus import Consensus, agree_on_measures, fill_empty_measures
from omrcli.score.parts import arrange_parts
from omrcli.score.words import ReadStaff
from omrcli.tokens import Note, Rest, parse_symbol
from tests.layouts import Bar, scores

CODEC = PositionalCodec()
INTERLINE = 10.0
#: The first note stands at so many px, a quarter note takes 60; a sign is narrower.
START, QUARTER, SIGN = 120.0, 60.0, 20.0
OPENING = "clef-G2 timeSignature-4/4"
WHOLE = "note-C5_quarter note-D5_quarter note-E5_half"
HALF = "note-C5_quarter note-D5_quarter"


def draw(text: str, confidence: float = 0.95) -> ReadStaff:
    """A staff whose symbols stand where an engraver would put them: time tells x."""
    units: list[Unit] = []
    spans: list[tuple[float, float]] = []
    x, signs = START, 0.0
    for word in text.split():
        if word.startswith("@"):  # a gap in which nothing is read
            x += float(word[1:])
            continue
        is_bar = word.startswith(("bar", "repeat"))
        is_event = word.startswith(("note", "rest", "multirest"))
        if not is_bar and not is_event and x == START:
            here, signs = signs, signs + SIGN
        else:
            here = x - 20 if is_bar else x + 10
        for index in CODEC.encode([word]):
            start = len(units)
            units.append(Unit(index, confidence, 3 * start, 3 * start + 2))
            spans.append((here, here + 6))
        if word.startswith("multirest"):
            x += 4 * QUARTER * int(word.partition("-")[2])
        elif is_event:
            x += QUARTER * float(_quarters(word))
    return ReadStaff(tuple(units), tuple(spans), INTERLINE)


def _quarters(word: str) -> Fraction:
    symbol = parse_symbol(word)
    assert isinstance(symbol, (Note, Rest))
    return symbol.duration.quarters


def texts(staff: ReadStaff) -> str:
    return " ".join(token.text for token in CODEC.decode(staff.units))


def agree(*systems: Sequence[str], confidence: float = 0.95) -> tuple[list[str], Consensus]:
    """The texts of the staves as their systems agree."""
    staves = [draw(text, confidence) for system in systems for text in system]
    lines = [
        StaffLine(CODEC.decode(staves[at].units), system=number, position=position)
        for at, (number, position) in enumerate(
            (number, position)
            for number, system in enumerate(systems)
            for position in range(len(system))
        )
    ]
    found = agree_on_measures(staves, CODEC, arrange_parts(lines))
    return [texts(staff) for staff in found.staves], found


FULL = f"{OPENING} {WHOLE} barline {WHOLE} barline {WHOLE} barline"
BARLESS = f"{OPENING} {WHOLE} {WHOLE} {WHOLE}"


def test_barlines_that_a_staff_lacks_are_put_in() -> None:
    found, consensus = agree([FULL, BARLESS, FULL])
    assert found == [FULL] * 3
    assert consensus.notices == (
        "Page 1, system 1, part 2: 2 barlines were put in, as on the other staves.",
    )


def test_two_staves_of_five_are_enough_where_measures_fill_the_meter_so() -> None:
    assert agree([FULL, BARLESS, BARLESS, BARLESS, FULL])[0] == [FULL] * 5
    assert agree([FULL, *[BARLESS] * 7])[0] == [FULL] * 8


def test_an_accidental_ends_at_a_barline_that_was_put_in() -> None:
    bar = "note-F#4_quarter note-G4_quarter note-A4_half"
    upper = f"{OPENING} {bar} barline note-F4_quarter note-G4_quarter note-A4_half barline"
    read = upper.replace("barline ", "", 1)  # the F of the second measure bears no accidental
    missed = draw(upper)
    place = next(n for n, unit in enumerate(missed.units) if CODEC.units[unit.index] == "barline")
    units = missed.units[:place] + missed.units[place + 1 :]
    lost = ReadStaff(units, missed.spans[:place] + missed.spans[place + 1 :], INTERLINE)
    assert texts(lost) == read.replace("F4", "F#4")
    lines = [StaffLine(CODEC.decode(s.units), position=n) for n, s in enumerate((missed, lost))]
    found = agree_on_measures([missed, lost], CODEC, arrange_parts(lines))
    assert texts(found.staves[1]) == upper


def test_a_barline_that_one_staff_read_within_a_measure_is_left_out() -> None:
    odd = f"{OPENING} {HALF} barline note-E5_half barline {WHOLE} barline {WHOLE} barline"
    found, consensus = agree([FULL, odd])
    assert found == [FULL] * 2
    assert consensus.notices == (
        "Page 1, system 1, part 2: 1 barline was left out, as the other staves have none there.",
    )


def test_a_multirest_is_not_cut_and_does_not_speak_against_barlines() -> None:
    rests = f"{OPENING} multirest-3 barline"
    assert agree([rests, rests, rests, FULL])[0] == [rests] * 3 + [FULL]


def test_what_is_put_in_lies_between_its_neighbours() -> None:
    _, consensus = agree([FULL, BARLESS, FULL])
    staff = consensus.staves[1]
    lefts = [left for left, _ in staff.spans]
    assert lefts == sorted(lefts)
    assert all(a.start <= b.start for a, b in zip(staff.units, staff.units[1:], strict=False))


def test_a_meter_is_that_which_the_measures_fill() -> None:
    misread = FULL.replace("4/4", "2/4")
    found, consensus = agree([FULL, misread])
    assert found == [FULL] * 2
    assert consensus.notices == (
        "Page 1, system 1, part 2: time signature 2/4 was taken for 4/4, as on the other staves.",
    )
    assert agree([misread, misread, FULL])[0] == [FULL] * 3


def test_a_meter_that_a_staff_lacks_is_put_in_behind_its_signs() -> None:
    lacking = FULL.replace(" timeSignature-4/4", "")
    assert agree([FULL, lacking, FULL])[0] == [FULL] * 3


def test_a_new_meter_that_nothing_speaks_for_is_left_out() -> None:
    plain = " ".join([FULL] + [f"{WHOLE} barline"] * 2)
    odd = f"{FULL} timeSignature-3/4 {WHOLE} barline {WHOLE} barline"
    assert agree([plain, plain, odd])[0] == [plain] * 3


def test_meters_of_their_own_stay_where_measures_fill_them() -> None:
    upper = "clef-G2 timeSignature-3/4 note-C5_half. barline note-D5_half. barline"
    other = upper.replace("3/4", "6/8")
    assert agree([upper, other])[0] == [upper, other]
    halves = "clef-G2 timeSignature-2/4 note-C5_half barline note-C5_half barline"
    wholes = "clef-G2 timeSignature-4/4 note-C5_whole barline note-D5_whole barline"
    stretched = halves.replace("note-C5_half barline", "note-C5_half @120 barline")
    assert agree([wholes, stretched])[0][1] == halves


def test_a_single_staff_and_one_without_notes_stay_as_they_are() -> None:
    assert agree([BARLESS])[0] == [BARLESS]
    assert agree(["clef-G2", "clef-F4"])[0] == ["clef-G2", "clef-F4"]


@settings(max_examples=60, deadline=None)
@given(scores(), st.floats(0.3, 1))
def test_staves_that_agree_are_never_changed(bars: list[Bar], confidence: float) -> None:
    parts = range(len(bars[0].clefs))
    written = []
    for part in parts:
        words: list[str] = []
        for number, bar in enumerate(bars):
            head = (bar.clefs[part], bar.key, bar.time)
            words += [str(sign) for sign in head if sign is not None]
            words += map(str, bar.symbols[part])
            words.append(str(bar.barline) if number < len(bars) - 1 else "barline")
        written.append(" ".join(words))
    staves = [draw(text, confidence) for text in written]
    lines = [StaffLine(CODEC.decode(s.units), position=n) for n, s in enumerate(staves)]
    found = agree_on_measures(staves, CODEC, arrange_parts(lines))
    assert found.staves == tuple(staves)
    assert found.notices == ()


# --- measures in which nothing was read -----------------------------------------------------------


def filled(text: str) -> str:
    return texts(fill_empty_measures(draw(text), CODEC))


def test_a_measure_in_which_nothing_was_read_has_a_rest() -> None:
    assert filled(f"{OPENING} {WHOLE} barline @200 barline @200 barline {WHOLE} barline") == (
        f"{OPENING} {WHOLE} barline rest-whole barline rest-whole barline {WHOLE} barline"
    )
    found = fill_empty_measures(draw(f"{OPENING} {WHOLE} barline @200 barline"), CODEC)
    (rest,) = [token for token in CODEC.decode(found.units) if token.text == "rest-whole"]
    assert rest.confidence == 0


def test_a_first_measure_may_be_empty() -> None:
    assert filled(f"{OPENING} @200 barline {WHOLE} barline") == (
        f"{OPENING} rest-whole barline {WHOLE} barline"
    )


def test_double_barlines_and_repeats_are_no_empty_measures() -> None:
    for text in (
        f"{OPENING} repeat-start {WHOLE} repeat-end repeat-start {WHOLE} barline barline-final",
        f"barline {OPENING} {WHOLE} barline",
        f"{OPENING} {WHOLE} barline clef-F4 keySignature-GM timeSignature-3/4",
    ):
        assert filled(text) == text
