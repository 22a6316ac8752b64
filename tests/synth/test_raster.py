"""Shapes come out where the SVG puts them, as dark as their share of each pixel."""

from __future__ import annotations

import numpy as np
import pytest

from omrcli.errors import InputError
from omrcli.synth.raster import (
    Box,
    Outline,
    measure_ink,
    paint,
    rasterise,
    read_drawing,
)

STAFF = "".join(f'<path d="M0 {y} L1000 {y}" stroke-width="20"/>' for y in range(200, 1000, 180))


def svg(body: str = "", defs: str = "") -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
        f'<defs>{defs}</defs><svg class="definition-scale" viewBox="0 0 2000 1500">'
        f'<g class="page-margin" transform="translate(500, 100)"><g class="staff">{STAFF}</g>'
        f"{body}</g></svg></svg>"
    )


def ink(text: str, scale: float = 0.1) -> np.ndarray:
    """Share of ink of each pixel, 0..1."""
    return (255.0 - rasterise(text, scale)) / 255


def test_the_staff_is_measured_where_it_stands() -> None:
    drawing = read_drawing(svg())
    assert (drawing.staff_top, drawing.interline) == (300, 180)
    assert (drawing.width, drawing.height) == (2000, 1500)
    assert measure_ink(drawing) == Box(500, 290, 1500, 1030)


def test_lines_have_their_place_length_and_thickness() -> None:
    page = ink(svg())
    assert page.shape == (150, 200)
    assert page[:, 100].sum() == pytest.approx(5 * 2)
    assert page[29:31, 50:150].min() == 1
    assert page[:, :50].max() == page[:, 150:].max() == 0


def test_lines_thinner_than_a_pixel_are_grey() -> None:
    column = ink(svg(), 0.02)[:, 20]
    assert 0 < column.max() < 1
    assert column.sum() == pytest.approx(5 * 0.4, rel=0.4)


@pytest.mark.parametrize(
    ("body", "area"),
    [
        ('<rect x="1100" y="100" width="100" height="50"/>', 5000),
        ('<polygon points="1100,100 1200,100 1200,150 1100,150"/>', 5000),
        ('<ellipse cx="1200" cy="200" rx="50" ry="50"/>', 3.14 * 2500),
        ('<path d="M1100 100 L1300 300" stroke-width="20"/>', 283 * 20),
        ('<polyline points="1100,100 1200,100 1200,200" stroke-width="20"/>', 4000),
        ('<path d="M1100 100 C1200 100 1200 100 1300 100 C1300 200 1300 200 1300 300" />', 20000),
    ],
)
def test_shapes_have_their_area(body: str, area: float) -> None:
    page = ink(svg(body), 0.2)[:, 310:]
    assert page.sum() == pytest.approx(area * 0.04, rel=0.1)


def test_glyphs_are_placed_scaled_and_keep_their_holes() -> None:
    ring = "M0 0h400v400h-400zM100 100v200h200v-200z"
    defs = f'<g id="E0A2"><path transform="scale(1,-1)" d="{ring}"/></g>'
    use = '<use xlink:href="#E0A2" transform="translate(1100, 600) scale(0.5, 0.5)"/>'
    page = ink(svg(use, defs))
    rows, columns = np.nonzero(page[:, 155:])
    assert (columns.min() + 155, columns.max() + 155) == (160, 180)
    assert (rows.min(), rows.max()) == (50, 70)
    assert page[60, 170] == 0


def test_curves_follow_every_kind_of_command() -> None:
    path = "M0 0c0 0 50 0 50 50s50 50 50 50q50 0 50 50t50 50H0V0z"
    defs = f'<g id="X"><path d="{path}"/></g>'
    drawing = read_drawing(svg('<use xlink:href="#X" transform="translate(0, 0)"/>', defs))
    (shape,) = [s for s in drawing.shapes if isinstance(s, Outline)]
    assert [tuple(p) for p in shape.contours[0][[0, 8, 16, 24, 32]]] == [
        (500, 100), (550, 150), (600, 200), (650, 250), (700, 300)
    ]  # fmt: skip


def test_words_are_drawn_and_placeholders_are_not() -> None:
    text = '<text x="1100" y="300"><tspan font-size="300px">dolce</tspan></text>'
    hidden = '<g class="section placeholder"><ellipse cx="0" cy="0" rx="90" ry="90"/></g>'
    shapes = read_drawing(svg(text + hidden)).shapes
    letters = np.vstack([s.contours[0] for s in shapes if isinstance(s, Outline)])
    assert letters[:, 0].min() == pytest.approx(1600, abs=30)
    assert 1500 + 300 < letters[:, 0].max() < 1600 + 5 * 300
    assert letters[:, 1].max() == pytest.approx(400, abs=10)  # no letter of it goes lower
    assert 150 < letters[:, 1].min() < 250
    assert ink(svg(text))[:, 160:].sum() > 20


def test_words_keep_their_anchor_and_slant() -> None:
    runs = '<tspan font-size="300px">mf</tspan><tspan font-size="200px"> poco</tspan>'

    def widest(anchor: str, name: str = "") -> tuple[float, float]:
        text = f'<text x="1000" y="300" text-anchor="{anchor}">{runs}</text>'
        shapes = read_drawing(svg(f'<g class="{name}">{text}</g>')).shapes
        letters = np.vstack([s.contours[0] for s in shapes if isinstance(s, Outline)])
        return float(letters[:, 0].min()), float(letters[:, 0].max())

    start, middle, end = widest("start"), widest("middle"), widest("end")
    assert start[0] == pytest.approx(1500, abs=15)
    assert sum(middle) / 2 == pytest.approx(1500, abs=15)
    assert end[1] == pytest.approx(1500, abs=15)
    assert widest("start", "dir") != start != widest("start", "tempo")


def test_signs_of_music_fonts_are_drawn() -> None:
    pytest.importorskip("verovio")
    sign = '<tspan font-family="Gootville" font-size="720px">\ueca5</tspan>'
    shapes = read_drawing(svg(f'<text x="1000" y="900">{sign}</text>')).shapes
    (note,) = [shape for shape in shapes if isinstance(shape, Outline)]
    assert np.vstack(note.contours)[:, 1].min() == pytest.approx(1000 - 0.8 * 720, abs=200)


def test_frames_are_not_filled() -> None:
    box = '<rect x="1100" y="100" width="300" height="300" stroke-width="20" fill-opacity="0"/>'
    ring = '<ellipse cx="1250" cy="800" rx="150" ry="100" stroke-width="20" fill-opacity="0"/>'
    frame, page = ink(svg(box)), ink(svg(ring))
    assert frame[35, 175] == page[90, 175] == 0
    assert frame[20, 175] > 0.4
    assert page[80:100, 175].max() > 0.4


def test_a_box_cuts_the_drawing() -> None:
    drawing = read_drawing(svg('<rect x="0" y="0" width="100" height="1000"/>'))
    page = paint(drawing, 0.1, Box(550, 200, 750, 400))
    assert page.shape == (20, 20)
    assert page[:, :5].max() == 0
    assert page[5, 10] == 255


@pytest.mark.parametrize("text", ["no xml", "<svg/>", svg().replace('class="staff"', "")])
def test_what_is_no_engraving_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        read_drawing(text)


def test_resvg_draws_the_same() -> None:
    resvg_py = pytest.importorskip("resvg_py")
    pytest.importorskip("verovio")
    import cv2

    from omrcli.engrave import engrave
    from omrcli.synth.mei_writer import write_mei

    tokens = "clef-G2 keySignature-EbM timeSignature-3/4 note-Eb4_eighth note-F#5_eighth tie"
    tokens += " note-F#5_half barline multirest-12 barline note-D4_quarter. rest-eighth"
    text = engrave(write_mei(tokens.split()))
    ours = rasterise(text, 0.1)
    height, width = ours.shape
    size = {"width": width, "height": height}
    png = resvg_py.svg_to_bytes(svg_string=text, background="#fff", skip_system_fonts=True, **size)
    theirs = cv2.imdecode(np.frombuffer(bytes(png), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert int((255 - ours).sum()) == pytest.approx(int((255 - theirs).sum()), rel=0.05)
    assert np.abs(ours - theirs.astype(float)).mean() < 3
