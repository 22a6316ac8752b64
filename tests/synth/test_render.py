"""Staff images: styles, margins, and the check of what is drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("verovio")
pytest.importorskip("resvg_py")

from omrcli.engrave import FONTS, engrave
from omrcli.errors import InputError
from omrcli.pages.image import PageImage
from omrcli.staves.staff import find_staves
from omrcli.synth.glyphs import check_engraving, count_drawn, count_said
from omrcli.synth.mei_writer import write_mei
from omrcli.synth.render import EngravingStyle, Margins, draw_style, render_staff

MUSIC = (
    "clef-C1 keySignature-EbM timeSignature-C multirest-12 barline gracenote-B4_eighth "
    "note-Bb4_quarter._fermata note-F#4_sixteenth.. tie note-F#4_sixteenth rest-eighth. barline "
    "clef-F4 timeSignature-3/4 note-E3_eighth_3:2 note-E3_eighth_3:2 rest-eighth_3:2 "
    "note-C3_half|note-E3_half barline-final"
)
TEXTS = MUSIC.split()


@pytest.mark.parametrize("font", FONTS)
def test_every_font_shows_every_token(font: str) -> None:
    svg = engrave(write_mei(TEXTS), font)
    assert count_drawn(svg) == count_said(TEXTS)
    assert count_said(TEXTS)["notehead"] == 8


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("clef-G2 note-F#4_quarter", "accid"),
        ("clef-G2 note-F4_quarter.", "dot"),
        ("clef-G2 keySignature-GM note-F4_quarter", "keySig"),
        ("clef-G2 note-F4_quarter_fermata", "fermata"),
        ("clef-G2 note-F4_quarter barline", "barLine"),
        ("clef-G2 rest-quarter", "rest"),
    ],
)
def test_a_missing_sign_is_found(said: str, kind: str) -> None:
    svg = engrave(write_mei(["clef-G2", "note-F4_quarter"]))
    with pytest.raises(InputError, match=f"0 instead of 1 .*{kind}"):
        check_engraving(svg, said.split())


def test_styles_and_images_repeat_themselves() -> None:
    for seed in range(4):
        first, second = (draw_style(np.random.default_rng(seed)) for _ in range(2))
        assert first == second
        assert np.array_equal(render_staff(TEXTS, first).pixels, render_staff(TEXTS, second).pixels)


@pytest.mark.parametrize("exact", [False, True])
def test_margins_are_measured_in_interlines(exact: bool) -> None:
    style = EngravingStyle(interline=12, exact=exact)
    tight = render_staff(TEXTS, replace(style, margins=Margins(0, 0, 0, 0)))
    wide = render_staff(TEXTS, replace(style, margins=Margins(2, 3, 4, 5)))
    height, width = tight.pixels.shape
    assert wide.pixels.shape == (
        pytest.approx(height + 96, abs=1),
        pytest.approx(width + 72, abs=1),
    )
    assert wide.top_line == pytest.approx(tight.top_line + 36, abs=1)
    assert (wide.pixels[:34] == 255).all()
    assert (tight.pixels[:2] < 255).any()
    assert (tight.pixels[-2:] < 255).any()


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("interline", [8, 13.7, 24])
def test_the_staff_lies_where_it_is_said_to_lie(interline: float, exact: bool) -> None:
    staff = render_staff(TEXTS, EngravingStyle(interline=interline, exact=exact))
    height, width = staff.pixels.shape
    (found,) = find_staves(PageImage(staff.pixels, "staff.png", width, height))
    assert found.interline == pytest.approx(interline, rel=0.03)
    rows = (255 - staff.pixels.astype(float)).sum(axis=1)
    lines = np.flatnonzero(rows > 0.5 * rows.max())
    assert lines[0] == pytest.approx(staff.top_line, abs=max(1.5, 0.15 * interline))


def test_ink_can_be_grey() -> None:
    pixels = render_staff(TEXTS, EngravingStyle(ink=80)).pixels
    assert pixels.min() == 80
    assert pixels.max() == 255


def test_drawn_styles_are_varied() -> None:
    styles = [draw_style(np.random.default_rng(seed)) for seed in range(300)]
    assert {style.font for style in styles} == set(FONTS)
    assert min(style.interline for style in styles) < 9
    assert max(style.interline for style in styles) > 22
    assert {style.mei.beam_beats for style in styles} == {0, 1, 2}
    assert {style.exact for style in styles} == {False, True}
    assert min(style.margins.top for style in styles) < 0.1 < 3 < max(s.margins.top for s in styles)
