"""MuseScore documents, as text; `test_musescore` draws them."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np
import pytest

from omrcli.errors import InputError
from omrcli.synth.compose import compose_tokens
from omrcli.synth.markup import Marks, Markup, Span
from omrcli.synth.measures import find_ties
from omrcli.synth.mscx_writer import MscxOptions, arrange_signs, write_mscx
from omrcli.tokens import parse_symbol


def _write(text: str, options: MscxOptions | None = None) -> ET.Element:
    symbols = arrange_signs([parse_symbol(token) for token in text.split()])
    return ET.fromstring(write_mscx(symbols, options))


def _texts(root: ET.Element, path: str) -> list[str | None]:
    return [element.text for element in root.iterfind(f".//{path}")]


def test_a_new_clef_stands_before_the_barline() -> None:
    text = (
        "clef-G2 note-C4_half barline-double timeSignature-3/4 keySignature-DM clef-F4 "
        "note-C3_half."
    )
    symbols = [parse_symbol(token) for token in text.split()]
    arranged = [str(symbol) for symbol in arrange_signs(symbols)]
    assert arranged[2:6] == ["clef-F4", "barline-double", "keySignature-DM", "timeSignature-3/4"]
    after = [str(symbol) for symbol in arrange_signs(symbols, clef_before_barline=False)]
    assert after[2:4] == ["barline-double", "clef-F4"]


def test_a_new_clef_stands_after_a_repeat() -> None:
    texts = ["clef-G2", "note-C4_half", "clef-F4", "repeat-end", "note-C3_half"]
    arranged = arrange_signs([parse_symbol(text) for text in texts])
    assert [str(symbol) for symbol in arranged[2:4]] == ["repeat-end", "clef-F4"]


def test_two_barlines_side_by_side_are_refused() -> None:
    with pytest.raises(InputError, match="side by side"):
        _write("clef-G2 note-C4_whole barline barline note-C4_whole")


def test_pitches_are_spelled() -> None:
    root = _write("clef-G2 note-F##4_quarter note-Bbb4_quarter note-C4_half")
    assert _texts(root, "pitch") == ["67", "69", "60"]
    assert _texts(root, "tpc") == ["27", "5", "14"]


def test_just_the_accidentals_that_must_be_seen_are_set_by_hand() -> None:
    root = _write("clef-G2 keySignature-GM note-F#4_quarter note-F4_quarter note-F4_half")
    assert _texts(root, "Accidental/subtype") == ["accidentalNatural"]
    assert _texts(root, "Accidental/role") == ["1"]


def test_measures_that_do_not_fill_the_meter_have_a_length() -> None:
    root = _write("clef-G2 timeSignature-3/4 note-C4_quarter barline note-C4_half. barline")
    assert [measure.get("len") for measure in root.iter("Measure")] == ["1/4", None]


def test_a_multirest_is_a_run_of_measures() -> None:
    root = _write("clef-G2 timeSignature-2/4 multirest-5 barline multirest-2 barline note-C4_half")
    assert len(list(root.iter("Measure"))) == 8
    assert len(list(root.iter("breakMultiMeasureRest"))) == 2
    assert _texts(root, "Style/minEmptyMeasures") == ["2"]


def test_what_ends_without_barline_gets_an_invisible_one() -> None:
    root = _write("clef-G2 note-C4_whole barline note-C4_whole")
    barlines = list(root.iter("BarLine"))
    assert [line.findtext("visible") for line in barlines] == [None, "0"]


def test_a_tuplet_knows_its_base() -> None:
    root = _write("clef-G2 note-C4_eighth_3:2 note-C4_quarter_3:2 note-C4_half.")
    tuplet = root.find(".//Tuplet")
    assert tuplet is not None
    found = [tuplet.findtext(name) for name in ("normalNotes", "actualNotes", "baseNote")]
    assert found == ["2", "3", "eighth"]


def test_a_tie_leads_over_the_barline() -> None:
    root = _write("clef-G2 timeSignature-2/4 note-C4_half tie barline note-C4_half barline")
    assert _texts(root, "Spanner/next/location/measures") == ["1"]
    assert _texts(root, "Spanner/prev/location/measures") == ["-1"]


@pytest.mark.parametrize(
    "text",
    [
        "clef-G2 multirest-401 barline note-C4_whole",
        "clef-G2 timeSignature-2/3 note-C4_whole",
        "clef-G2 keySignature-CM note-C4_whole",
        "clef-G2 note-C4_whole tie",
        "clef-G2 note-C4_whole tie rest-whole",
        "clef-G2 note-C4_half gracenote-D4_eighth barline note-C4_whole",
        "clef-G2 note-C4_eighth_3:2 barline note-C4_whole",
        "clef-G3 note-C4_whole",
        "clef-G2 note-C4_whole tie note-D4_whole",
    ],
)
def test_what_musescore_cannot_show_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        _write(text)


def test_marks_are_written() -> None:
    marks = Marks(("staccato",), "trill", "mf", "dolce", True, "Allegro", "A", "ky-", "Dm", 3, True)
    markup = Markup({1: marks}, (Span("slur", 1, 2), Span("crescendo", 1, 2)), True)
    root = _write("clef-G2 note-C4_half note-D4_half", MscxOptions(markup=markup))
    assert _texts(root, "Articulation/subtype") == ["articStaccatoAbove", "ornamentTrill"]
    assert _texts(root, "Dynamic/subtype") == ["mf"]
    assert _texts(root, "Fingering/text") == ["3"]
    assert _texts(root, "Lyrics/text") == ["ky"]
    assert _texts(root, "RehearsalMark/text") == ["A"]
    assert sorted(s.get("type", "") for s in root.iter("Spanner")) == ["HairPin"] * 2 + ["Slur"] * 2
    assert root.findtext(".//Style/showMeasureNumber") == "1"


@pytest.mark.parametrize("seed", range(40))
def test_random_music_is_written_or_refused(seed: int) -> None:
    symbols = [parse_symbol(text) for text in compose_tokens(np.random.default_rng(seed))]
    try:
        arranged = arrange_signs(symbols)
        root = ET.fromstring(write_mscx(arranged))
    except InputError:
        return
    assert len(list(root.iter("Spanner"))) >= 2 * len(list(find_ties(arranged)))
