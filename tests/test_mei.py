"""Reading MEI: PrIMuS truth is reproduced exactly, and what the encoding cannot say cuts."""

from __future__ import annotations

from pathlib import Path

import pytest

from omrcli.errors import InputError
from omrcli.synth.mei import read_mei
from omrcli.tokens import read_semantic

PRIMUS = Path(__file__).parents[2] / "shared" / "testsets" / "primus"
STAFF = '<staffDef n="{n}" lines="5" clef.shape="{shape}" clef.line="{line}"/>'


def make_mei(measures: str, score_def: str = "", staff_def: str | None = None) -> str:
    """An MEI document of one staff (or the staff definitions given) around some measures."""
    staves = STAFF.format(n=1, shape="G", line=2) if staff_def is None else staff_def
    return (
        '<mei xmlns="http://www.music-encoding.org/ns/mei"><music><body><mdiv><score>'
        f"<scoreDef {score_def}><staffGrp>{staves}</staffGrp></scoreDef>"
        f"<section>{measures}</section></score></mdiv></body></music></mei>"
    )


def measure(content: str, after: str = "", attributes: str = "") -> str:
    """A measure of staff 1, with control events after the staff."""
    layer = f'<layer n="1">{content}</layer>'
    return f'<measure {attributes}><staff n="1">{layer}</staff>{after}</measure>'


def note(pitch: str, dur: int | str = 4, more: str = "", inside: str = "") -> str:
    """A note such as "c4"."""
    return f'<note pname="{pitch[0]}" oct="{pitch[1]}" dur="{dur}" {more}>{inside}</note>'


def read_one(text: str) -> list[str]:
    """The only sequence of the only part."""
    (part,) = read_mei(text)
    (sequence,) = part.sequences
    return sequence


@pytest.mark.skipif(not PRIMUS.is_dir(), reason="needs the PrIMuS test set beside the checkout")
def test_primus_truth_is_reproduced() -> None:
    folders = sorted(PRIMUS.iterdir())
    assert len(folders) > 30
    for folder in folders:
        got = read_one((folder / f"{folder.name}.mei").read_text(encoding="utf-8"))
        assert got == read_semantic(folder / f"{folder.name}.semantic"), folder.name


def test_signs_and_rests() -> None:
    text = make_mei(
        measure('<multiRest num="23"/>')
        + measure("<mRest/>")
        + measure('<rest dur="2" dots="1"/>'),
        'key.sig="3f" meter.sym="cut" meter.count="2" meter.unit="2"',
        '<staffDef n="1" lines="5"><clef shape="F" line="4"/></staffDef>',
    )
    assert read_one(text) == [
        "clef-F4", "keySignature-EbM", "timeSignature-C/",
        "multirest-23", "barline", "rest-whole", "barline", "rest-half.", "barline",
    ]  # fmt: skip


def test_octave_clef_and_its_pitches() -> None:
    clef = (
        '<staffDef n="1" lines="5"><clef shape="G" line="2" dis="8" dis.place="below"/></staffDef>'
    )
    assert read_one(make_mei(measure(note("b3")), "", clef))[:2] == [
        "clef-G2_8vb",
        "note-B3_quarter",
    ]


def test_accidentals_last_for_the_measure_and_over_ties() -> None:
    first = note("f4", 4, "", '<accid accid="s"/>') + note("f4") + note("f5")
    tied = note("f4", 4, 'xml:id="a" tie="i"')
    second = note("f4", 4, 'tie="t"') + note("f4")
    got = read_one(make_mei(measure(first + tied) + measure(second), 'key.sig="1f"'))
    pitches = [text.split("_")[0] for text in got if text.startswith("note")]
    assert pitches == ["note-F#4", "note-F#4", "note-F5", "note-F#4", "note-F#4", "note-F4"]
    assert got[got.index("tie") - 1] == "note-F#4_quarter"


def test_sounding_accidentals_win_where_the_document_gives_them() -> None:
    content = note("b4", 4, 'accid.ges="f"') + note("b4") + note("e4", 4, 'accid.ges="n"')
    got = read_one(make_mei(measure(content), 'key.sig="2f"'))
    assert got[2:5] == ["note-Bb4_quarter", "note-B4_quarter", "note-E4_quarter"]


def test_ties_fermatas_graces_and_tuplets() -> None:
    content = (
        note("c5", 8, 'grace="acc"')
        + '<tuplet num="3" numbase="2"><beam>'
        + note("c4", 8) + note("d4", 8, 'xml:id="d"') + '<rest dur="8"/>'
        + "</beam></tuplet>"
        + note("e4", 2, 'dots="1" xml:id="e"')
    )  # fmt: skip
    after = '<tie startid="#d" endid="#x"/><fermata startid="#e"/>'
    assert read_one(make_mei(measure(content, after)))[1:] == [
        "gracenote-C5_eighth", "note-C4_eighth_3:2", "note-D4_eighth_3:2", "tie",
        "rest-eighth_3:2", "note-E4_half._fermata", "barline",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ('right="dbl"', ["barline-double"]),
        ('right="end"', ["barline-final"]),
        ('right="rptend"', ["repeat-end"]),
        ('right="invis"', []),
        ("", ["barline"]),
    ],
)
def test_barlines(attributes: str, expected: list[str]) -> None:
    assert read_one(make_mei(measure(note("c4", 1), "", attributes)))[2:] == expected


def test_repeats_between_measures_are_one_sign() -> None:
    whole = note("c4", 1)
    text = make_mei(
        measure(whole, "", 'left="rptstart" right="rptend"')
        + measure(whole, "", 'left="rptstart" right="single"')
        + measure(whole, "", 'left="rptstart" right="end"')
    )
    signs = [text for text in read_one(text) if text.startswith(("barline", "repeat"))]
    assert signs == ["repeat-start", "repeat-both", "repeat-start", "barline-final"]


@pytest.mark.parametrize(
    "outside",
    [
        f'<chord dur="4">{note("c4")}{note("e4")}</chord>',
        "<space dur='4'/>" + note("c4"),
        note("c4", 4, 'visible="false"'),
        note("c4", 4, 'head.shape="x"'),
        note("c4", 4, 'staff="2"'),
        note("c4", 256),
        note("c4", 4, "", '<accid accid="1qs"/>'),
        '<bTrem dur="4"></bTrem>',
        "<mRpt/>",
        "<mRest/>" + note("c4"),
    ],
)
def test_what_the_encoding_cannot_say_is_a_cut(outside: str) -> None:
    (part,) = read_mei(
        make_mei(measure(note("c4", 1)) + measure(outside) + measure(note("d4", 1)), 'key.sig="1s"')
    )
    opening = ["clef-G2", "keySignature-GM"]
    assert part.sequences == [
        [*opening, "note-C4_whole", "barline"],
        [*opening, "note-D4_whole", "barline"],
    ]
    assert (part.measures, part.measures_read) == (3, 2)


def test_two_voices_are_a_cut_but_an_empty_second_layer_is_not() -> None:
    one, two = f'<layer n="1">{note("c4", 1)}</layer>', f'<layer n="2">{note("c5", 1)}</layer>'
    staff = '<measure><staff n="1">{}</staff></measure>'
    (part,) = read_mei(make_mei(staff.format(one + '<layer n="2"><mSpace/></layer>')))
    assert part.sequences == [["clef-G2", "note-C4_whole", "barline"]]
    (part,) = read_mei(make_mei(staff.format(one + two)))
    assert part.sequences == []


def test_signs_of_a_cut_measure_are_in_force_after_it() -> None:
    cut = '<clef shape="F" line="4"/><chord dur="1"/>'
    (part,) = read_mei(make_mei(measure(cut) + measure(note("d3", 1))))
    assert part.sequences == [["clef-F4", "note-D3_whole", "barline"]]


def test_changes_between_measures_and_for_one_staff() -> None:
    staves = STAFF.format(n=1, shape="G", line=2) + STAFF.format(n=2, shape="F", line=4)
    staff = '<staff n="{}"><layer>{{}}</layer></staff>'
    both = f"<measure>{staff.format(1)}{staff.format(2)}</measure>"
    change = (
        '<scoreDef meter.count="3" meter.unit="4"><keySig sig="0"/><staffGrp>'
        '<staffDef n="2" clef.shape="C" clef.line="4"/></staffGrp></scoreDef>'
    )
    text = (
        both.format(note("g4", 1), "<mRest/>") + change + both.format(note("d4", 2), note("d3", 2))
    )
    upper, lower = read_mei(make_mei(text, 'key.sig="2s"', staves))
    assert upper.sequences == [[
        "clef-G2", "keySignature-DM", "note-G4_whole", "barline",
        "keySignature-CM", "timeSignature-3/4", "note-D4_half", "barline",
    ]]  # fmt: skip
    assert lower.sequences == [[
        "clef-F4", "keySignature-DM", "rest-whole", "barline",
        "clef-C4", "keySignature-CM", "timeSignature-3/4", "note-D3_half", "barline",
    ]]  # fmt: skip


def test_percussion_staves_are_left_out() -> None:
    staff = '<staffDef n="1" lines="1" clef.shape="perc"/>'
    (part,) = read_mei(make_mei(measure('<note loc="4" dur="4"/>'), "", staff))
    assert (part.sequences, part.share_read) == ([], 0.0)


def test_attributes_written_twice_are_forgiven() -> None:
    text = make_mei(measure(note("c4", 1))).replace(
        "<staffGrp>", '<staffGrp symbol="a" symbol="b">'
    )
    assert read_one(text) == ["clef-G2", "note-C4_whole", "barline"]


def test_bad_documents_are_refused() -> None:
    with pytest.raises(InputError, match="cannot be parsed"):
        read_mei("<mei>")
    with pytest.raises(InputError, match="no <score>"):
        read_mei("<mei/>")
