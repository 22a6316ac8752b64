"""Barlines that run through a system go from the gaps between staves, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from omrcli.engrave import engrave
from omrcli.pages.image import PageImage, decode_image
from omrcli.pipeline import TranscribeOptions, Transcriber
from omrcli.staves.neighbours import cut_staves
from omrcli.staves.staff import StaffGeometry, find_staves, normalise_staff
from tests.drawn import INTERLINE, draw_page

GEOMETRY = StaffGeometry()
#: Rows between the first lines of drawn staves, and where those and their lines begin and end.
DISTANCE, TOP, LEFT, RIGHT = 16 * INTERLINE, 60, 20, 880
BAR = 560
Pixels = NDArray[np.uint8]
Ink = NDArray[np.float32]

# --- engraved -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class System:
    """A system of so many staves, what joins them, and whether its barlines run through."""

    staves: int
    symbol: str
    through: bool
    spacing: int = 10

    def engrave(self) -> PageImage:
        """Its page: four measures that end in a barline of each kind."""
        resvg = pytest.importorskip("resvg_py")
        options = {"scale": 50, "spacingStaff": self.spacing}
        svg = engrave(self._mei(), options=options)
        png = resvg.svg_to_bytes(svg_string=svg, background="#ffffff", skip_system_fonts=True)
        (page,) = decode_image(bytes(png), "page.png")
        return page

    def _mei(self) -> str:
        clefs = [("G", 2), ("C", 3), ("F", 4)]
        definitions, layers = [], []
        for number in range(1, self.staves + 1):
            # In order from top to bottom: a system of two has the outer ones.
            shape, line = clefs[(number - 1) * 2 // max(1, self.staves - 1)]
            octave = {"G": 5, "C": 4, "F": 3}[shape]
            definitions.append(
                f'<staffDef n="{number}" lines="5" clef.shape="{shape}" clef.line="{line}" '
                'meter.count="4" meter.unit="4"/>'
            )
            notes = "".join(f'<note dur="4" oct="{octave}" pname="{name}"/>' for name in "cdcd")
            layers.append(f'<staff n="{number}"><layer n="1">{notes}</layer></staff>')
        measures = [
            f'<measure n="{number}" right="{kind}"{start}>{"".join(layers)}</measure>'
            for number, (kind, start) in enumerate(
                [
                    ("single", ""),
                    ("dbl", ""),
                    ("rptend", ""),
                    ("single", ""),
                    ("single", ' left="rptstart"'),
                    ("end", ""),
                ]
            )
        ]
        symbol = f' symbol="{self.symbol}"' if self.symbol else ""
        through = ' bar.thru="true"' if self.through else ""
        return (
            '<?xml version="1.0"?><mei xmlns="http://www.music-encoding.org/ns/mei"><music><body>'
            f"<mdiv><score><scoreDef><staffGrp{symbol}{through}>{''.join(definitions)}</staffGrp>"
            f"</scoreDef><section>{''.join(measures)}</section></score></mdiv></body></music></mei>"
        )


EXPECTED = ["barline", "barline-double", "repeat-end", "repeat-start", "barline", "barline-final"]


@pytest.mark.parametrize(
    "system",
    [
        System(2, "brace", True),
        System(3, "bracket", True),
        System(4, "", True, spacing=2),
        System(5, "bracket", True, spacing=24),
        System(8, "brace", True),
    ],
    ids=str,
)
def test_every_staff_of_an_engraved_system_reads_its_barlines(system: System) -> None:
    pytest.importorskip("verovio")
    reader = Transcriber(TranscribeOptions(threads=1))
    page = system.engrave()
    staves = find_staves(page)
    assert [staff.system for staff in staves] == [0] * system.staves
    read = reader.read_staves(cut_staves(page, staves, reader.geometry))
    kept = [
        [token.text for token in tokens if token.text.startswith(("barline", "repeat"))]
        for tokens in read
    ]
    assert kept == [EXPECTED] * system.staves


# --- drawn ----------------------------------------------------------------------------------------

PAD = 60  # px left of the drawn page
GAP = TOP + 4 * INTERLINE, TOP + DISTANCE  # the rows of the lines on both sides of the gap


def draw_system(through: bool = True) -> Pixels:
    """Two staves joined by a line at their left, with three barlines."""
    pixels = np.pad(draw_page(2), ((0, 0), (PAD, 0)), constant_values=255)
    draw_bar(pixels, LEFT)
    for x in (300, BAR, RIGHT - 2):
        draw_bar(pixels, x)
        if not through:
            pixels[GAP[0] + 2 : GAP[1], PAD + x : PAD + x + 2] = 255
    return pixels


def draw_bar(pixels: Pixels, x: int, width: int = 2) -> None:
    """A line from the first line of the upper staff to the last one of the lower."""
    pixels[TOP : TOP + DISTANCE + 4 * INTERLINE + 2, PAD + x : PAD + x + width] = 0


def open_page(pixels: Pixels) -> PageImage:
    return PageImage(pixels, "drawn", pixels.shape[1], pixels.shape[0])


def cut(pixels: Pixels) -> list[Ink]:
    """The pictures of the staves of a page."""
    page = open_page(pixels)
    staves = find_staves(page)
    assert [staff.system for staff in staves] == [0, 0]
    return [image.pixels for image in cut_staves(page, staves, GEOMETRY)]


def around(x: int, reach: int = 4) -> slice:
    """Columns of a picture about an x of the drawn page."""
    unit = GEOMETRY.interline
    place = round((x - LEFT + INTERLINE) * unit / INTERLINE)
    return slice(place - reach, place + reach)


def below_staff() -> slice:
    """Rows of a picture below its staff, but for what lies on the last line."""
    return slice(GEOMETRY.top_line + 5 * GEOMETRY.interline, None)


def above_staff() -> slice:
    return slice(0, GEOMETRY.top_line - GEOMETRY.interline)


@pytest.mark.parametrize("width", [1, 2, 5, 8])
def test_a_barline_stays_in_its_staves_only(width: int) -> None:
    pixels = draw_system()
    draw_bar(pixels, BAR, width)
    upper, lower = cut(pixels)
    columns = around(BAR, 8)
    inside = slice(GEOMETRY.top_line, GEOMETRY.top_line + 4 * GEOMETRY.interline)
    assert upper[inside, columns].max(axis=1).min() > 0.3
    assert lower[inside, columns].max(axis=1).min() > 0.3
    assert upper[below_staff(), columns].max() < 0.05
    assert lower[above_staff(), columns].max() < 0.05


@pytest.mark.parametrize("degrees", [-2.0, 2.0])
def test_barlines_of_a_tilted_page_go_as_well(degrees: float) -> None:
    def turn(pixels: Pixels) -> Pixels:
        pixels = np.pad(pixels, 40, constant_values=255)
        height, width = pixels.shape
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
        return np.asarray(
            cv2.warpAffine(pixels, matrix, (width, height), borderValue=255), np.uint8
        )

    through, plain = (open_page(turn(draw_system(each))) for each in (True, False))
    staves = find_staves(through)
    assert [staff.system for staff in staves] == [0, 0]
    pairs = (cut_staves(page, staves, GEOMETRY) for page in (through, plain))
    gaps = below_staff(), above_staff()
    for one, other, gap in zip(*pairs, gaps, strict=True):
        assert np.abs(one.pixels[gap] - other.pixels[gap]).max() < 0.1


def draw_octave(pixels: Pixels) -> slice:
    """An 8 close below a clef, on a stroke of its own width; returns its columns."""
    y = GAP[0] + INTERLINE
    for place in (0, 12):
        cv2.circle(pixels, (PAD + BAR + 60, y + place), 6, 0, 3)
    return around(BAR + 60, 6)


def draw_low_note(pixels: Pixels) -> slice:
    """A note on ledger lines below the staff, its stem up to the middle line."""
    x, y = PAD + BAR + 60, GAP[0] + 4 * INTERLINE
    cv2.ellipse(pixels, (x, y), (8, 6), -20, 0, 360, 0, -1)
    for ledger in range(1, 5):
        cv2.line(pixels, (x - 12, GAP[0] + ledger * INTERLINE), (x + 12, y), 0, 1)
    pixels[TOP + 2 * INTERLINE : y, x + 6 : x + 8] = 0
    return around(BAR + 60, 10)


def draw_cross_stem(pixels: Pixels) -> slice:
    """A stem from a head in the lower staff to a beam in the upper one."""
    x, y = PAD + BAR + 60, GAP[1] + 2 * INTERLINE
    cv2.ellipse(pixels, (x - 7, y), (8, 6), -20, 0, 360, 0, -1)
    pixels[TOP + 3 * INTERLINE : y, x : x + 2] = 0
    pixels[TOP + 3 * INTERLINE : TOP + 3 * INTERLINE + 6, x : x + 40] = 0
    return around(BAR + 60, 4)


def draw_dashes(pixels: Pixels) -> slice:
    """A barline that is dashed between the staves."""
    draw_bar(pixels, BAR + 60)
    for y in range(GAP[0] + 4, GAP[1], 24):
        pixels[y : y + 12, PAD + BAR + 60 : PAD + BAR + 62] = 255
    return around(BAR + 60, 4)


@pytest.mark.parametrize("draw", [draw_octave, draw_low_note, draw_cross_stem, draw_dashes])
def test_what_is_no_barline_stays(draw: Callable[[Pixels], slice]) -> None:
    pixels, plain = draw_system(), draw_system(through=False)
    columns = draw(pixels)
    draw(plain)
    page = open_page(plain)
    for staff, image in zip(find_staves(page), cut(pixels), strict=True):
        whole = normalise_staff(page, staff, GEOMETRY).pixels
        assert whole[below_staff() if staff.index == 0 else above_staff(), columns].max() > 0.5 or (
            draw in (draw_octave, draw_low_note) and staff.index == 1
        )
        assert np.abs(image[:, columns] - whole[:, columns]).max() < 0.05


def test_a_bracket_beside_a_system_goes() -> None:
    pixels = draw_system()
    pixels[TOP - 6 : TOP + DISTANCE + 4 * INTERLINE + 8, PAD + LEFT - 12 : PAD + LEFT - 6] = 0
    page = open_page(pixels)
    for staff, image in zip(find_staves(page), cut(pixels), strict=True):
        assert normalise_staff(page, staff, GEOMETRY).pixels[:, :5].max() > 0.8
        assert image[:, : GEOMETRY.interline - 1].max() == 0
