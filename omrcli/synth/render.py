"""Tokens -> the clean image of a staff. The only module that imports resvg (extra `synth`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import ModuleType

import cv2
import numpy as np
from numpy.typing import NDArray

from omrcli.engrave import FONTS, engrave
from omrcli.errors import MissingDependencyError

from .clutter import Clutter, ClutterRates, draw_clutter
from .glyphs import check_engraving
from .lettering import FACES
from .mei_writer import MeiOptions, write_mei
from .raster import Box, Drawing, measure_ink, paint, read_drawing

Gray = NDArray[np.uint8]

_PAPER = 255
_VIEW_BOX = re.compile(r'viewBox="[^"]*"')  # the first is that of the drawing
_SVG_SIZE = re.compile(r'<svg width="[^"]*" height="[^"]*"')


@dataclass(frozen=True)
class Margins:
    """Paper around the ink, in interlines; 0 is a crop to the last pixel."""

    left: float = 1.0
    top: float = 1.0
    right: float = 1.0
    bottom: float = 1.0


@dataclass(frozen=True)
class EngravingStyle:
    """How a staff looks; lengths are in Verovio's units of half an interline where not in px.

    `interline` is in px, `ink` the gray level of black, `spacing_linear` and `spacing_power`
    rule the distance of notes, `multirest` is Verovio's style of multirests and `lettering` one of
    lettering.FACES. `exact` draws with resvg, whose edges are a little finer, which takes five
    times as long as `raster` and leaves words out.
    """

    font: str = "Leipzig"
    interline: float = 12.0
    ink: int = 0
    spacing_linear: float = 0.25
    spacing_power: float = 0.6
    measure_width: int = 15
    staff_line: float = 0.15
    stem: float = 0.2
    barline: float = 0.3
    thick_barline: float = 1.0
    ledger_line: float = 0.25
    ledger_extension: float = 0.54
    beam_slope: int = 10
    french_beams: bool = False
    grace_size: float = 0.75
    tie_thickness: float = 0.5
    multirest: str = "auto"
    multirest_thickness: float = 2.0
    number_on_head: bool = False
    lettering: str = FACES[0]
    lyric_size: float = 4.5
    exact: bool = False
    mei: MeiOptions = field(default_factory=MeiOptions)
    margins: Margins = field(default_factory=Margins)


@dataclass(frozen=True)
class RenderedStaff:
    """A clean staff image (H, W) uint8, 255 = paper, its interline in px and the y of its top
    line."""

    pixels: Gray
    interline: float
    top_line: float


def draw_style(rng: np.random.Generator, rates: ClutterRates | None = None) -> EngravingStyle:
    """A random style with clutter at `rates`; equal states of `rng` give equal styles."""
    plain = rng.random() < 0.3  # near the engraver's own choices
    spread = 0.3 if plain else 1.0
    mei = _draw_mei_options(rng, draw_clutter(rng, rates))
    return EngravingStyle(
        font=str(rng.choice(FONTS, p=(0.2, 0.15, 0.3, 0.2, 0.15))),
        interline=round(float(np.exp(rng.uniform(np.log(8), np.log(24)))), 2),
        ink=int(rng.integers(0, 90)) if rng.random() < 0.4 else 0,
        spacing_linear=_around(rng, 0.25, 0.1 * spread),
        spacing_power=_around(rng, 0.6, 0.1 * spread),
        measure_width=int(rng.integers(5, 26)),
        staff_line=max(0.1, _around(rng, 0.16, 0.07 * spread)),
        stem=max(0.1, _around(rng, 0.21, 0.09 * spread)),
        barline=_around(rng, 0.32, 0.14 * spread),
        thick_barline=_around(rng, 1.0, 0.4 * spread),
        ledger_line=_around(rng, 0.25, 0.1 * spread),
        ledger_extension=_around(rng, 0.54, 0.25 * spread),
        beam_slope=int(rng.choice((0, 4, 8, 10, 10, 14))),
        french_beams=bool(rng.random() < 0.1),
        grace_size=_around(rng, 0.7, 0.1 * spread),
        tie_thickness=_around(rng, 0.5, 0.25 * spread),
        multirest=str(
            rng.choice(("auto", "default", "block", "symbols"), p=(0.3, 0.3, 0.15, 0.25))
        ),
        multirest_thickness=_around(rng, 2.0, 0.6 * spread),
        exact=bool(rng.random() < 0.2) and mei.clutter == Clutter(),  # resvg would need fonts
        number_on_head=bool(rng.random() < 0.3),
        lettering=str(rng.choice(FACES, p=(0.7, 0.1, 0.2))),
        lyric_size=_around(rng, 4.4, 0.8),
        mei=mei,
        margins=_draw_margins(rng),
    )


def _around(rng: np.random.Generator, middle: float, spread: float) -> float:
    return round(float(rng.uniform(middle - spread, middle + spread)), 3)


def _draw_mei_options(rng: np.random.Generator, clutter: Clutter) -> MeiOptions:
    return MeiOptions(
        beam_beats=int(rng.choice((0, 1, 2), p=(0.12, 0.7, 0.18))),
        slash_graces=bool(rng.random() < 0.5),
        beam_graces=bool(rng.random() < 0.8),
        stems=str(rng.choice(("", "up", "down"), p=(0.94, 0.03, 0.03))),
        tuplet_brackets=bool(rng.random() < 0.3),
        centre_rests=bool(rng.random() < 0.7),
        cancel_keys=bool(rng.random() < 0.5),
        fermata_below=bool(rng.random() < 0.05),
        slash_stems=bool(rng.random() < 0.4),
        drum_heads=str(rng.choice(("", "x", "+", "diamond"), p=(0.5, 0.35, 0.05, 0.1))),
        clutter=clutter,
    )


def _draw_margins(rng: np.random.Generator) -> Margins:
    """A third tight crops, a third of about an interline, a third generous."""
    largest = float(rng.choice((0.15, 1.5, 5.0)))
    return Margins(*(round(float(side), 2) for side in rng.uniform(0, largest, 4)))


def render_staff(tokens: Sequence[str], style: EngravingStyle | None = None) -> RenderedStaff:
    """Engrave one staff; equal arguments give equal pixels.

    Raises:
        TokenError: a text is no token.
        InputError: the tokens cannot be engraved, or not so that they could be read back.
        MissingDependencyError: Verovio or resvg is not installed.
    """
    style = style or EngravingStyle()
    mei = write_mei(tokens, style.mei)
    options = _verovio_options(style)
    if "invis" in mei.rpartition("<measure")[0]:  # a measure that holds nothing but a sign
        options["measureMinWidth"] = 1
    svg = engrave(mei, style.font, options)
    check_engraving(svg, tokens)
    drawing = read_drawing(svg, style.lettering)
    scale = style.interline / drawing.interline
    box = frame_drawing(drawing, style.margins)
    pixels = _draw_exactly(svg, scale, box) if style.exact else paint(drawing, scale, box)
    pixels = lighten_ink(pixels, style.ink)
    return RenderedStaff(pixels, style.interline, (drawing.staff_top - box.y0) * scale)


def lighten_ink(pixels: Gray, ink: int) -> Gray:
    """The picture (uint8, 255 = paper) with black brought to the gray level `ink`."""
    if not ink:
        return pixels
    levels = np.linspace(ink, _PAPER, _PAPER + 1)
    return np.asarray(cv2.LUT(pixels, np.round(levels).astype(np.uint8)))


def frame_drawing(drawing: Drawing, margins: Margins) -> Box:
    """The box around the ink, with margins, in units of the drawing."""
    ink, unit = measure_ink(drawing), drawing.interline
    return Box(
        ink.x0 - margins.left * unit,
        ink.y0 - margins.top * unit,
        ink.x1 + margins.right * unit,
        ink.y1 + margins.bottom * unit,
    )


def _verovio_options(style: EngravingStyle) -> dict[str, object]:
    return {
        "spacingLinear": style.spacing_linear,
        "spacingNonLinear": style.spacing_power,
        "measureMinWidth": style.measure_width,
        "staffLineWidth": style.staff_line,
        "stemWidth": style.stem,
        "barLineWidth": style.barline,
        "thickBarlineThickness": style.thick_barline,
        "ledgerLineThickness": style.ledger_line,
        "ledgerLineExtension": style.ledger_extension,
        "beamMaxSlope": style.beam_slope,
        "beamFrenchStyle": style.french_beams,
        "graceFactor": style.grace_size,
        "tieMidpointThickness": style.tie_thickness,
        "multiRestStyle": style.multirest,
        "multiRestThickness": style.multirest_thickness,
        "tupletNumHead": style.number_on_head,
        "lyricSize": style.lyric_size,
        "mnumInterval": style.mei.clutter.measure_numbers,
    }


def _draw_exactly(svg: str, scale: float, box: Box) -> Gray:
    """Part of an SVG at `scale` px per unit; black on white."""
    width, height = box.x1 - box.x0, box.y1 - box.y0
    head = f'<svg width="{round(width * scale)}px" height="{round(height * scale)}px"'
    view = f'viewBox="{box.x0:.1f} {box.y0:.1f} {width:.1f} {height:.1f}"'
    svg = _VIEW_BOX.sub(view, _SVG_SIZE.sub(head, svg, count=1), count=1)
    # Numbers and signs are glyphs of the SVG itself, so no font of the system is needed.
    png = _resvg().svg_to_bytes(svg_string=svg, background="#ffffff", skip_system_fonts=True)
    return np.asarray(cv2.imdecode(np.frombuffer(bytes(png), np.uint8), cv2.IMREAD_GRAYSCALE))


@lru_cache(maxsize=1)
def _resvg() -> ModuleType:
    try:
        import resvg_py
    except ImportError as error:
        raise MissingDependencyError(
            "Drawing needs resvg; run: pip install 'omrcli[synth]'"
        ) from error
    return resvg_py
