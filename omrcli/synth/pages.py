"""Engraved pages with the exact place of every staff line, to measure how well staves are found."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from omrcli.engrave import FONTS, engrave

from .bend import Points
from .degrade import PRESETS, degrade_marked_page
from .raster import Box, paint, read_drawing

Gray = NDArray[np.uint8]

_SVG = "{http://www.w3.org/2000/svg}"
_NUMBER = re.compile(r"-?\d+\.?\d*")
#: Staves of a system and the sign that joins them.
_GROUPS = ((1, ""), (1, ""), (2, "brace"), (2, "bracket"), (3, "bracket"), (4, "bracket"))
_DURATIONS = ((4,), (2,), (8, 8), (16, 16, 16, 16), (8, 16, 16))
_SYLLABLES = ("la", "Ky", "ri", "e", "san", "ctus", "und", "the", "home")
_PAGE_SIZE = (2100, 2970)  # tenths of a millimetre
#: Points along each line that are carried through the wear of a page.
_PLACES = 50


@dataclass(frozen=True)
class TrueStaff:
    """Five lines of a page: points (5, n, 2) in page px, and the 0-based system they are in."""

    lines: Points
    system: int

    @property
    def interline(self) -> float:
        """Mean distance of the lines in px."""
        return float((self.lines[4, :, 1] - self.lines[0, :, 1]).mean() / 4)


@dataclass(frozen=True)
class TruePage:
    """A page (H, W) uint8, 255 = paper, and its staves from top to bottom."""

    pixels: Gray
    staves: tuple[TrueStaff, ...]


def draw_page(rng: np.random.Generator, height: int = 3508) -> TruePage:
    """Engrave a page of random music, `height` px high (3508 is A4 at 300 dpi).

    Raises:
        InputError: Verovio cannot engrave it.
        MissingDependencyError: Verovio is not installed.
    """
    width = _PAGE_SIZE[0] * height / _PAGE_SIZE[1]
    options: dict[str, object] = {
        "breaks": "auto",
        "adjustPageWidth": False,
        "adjustPageHeight": False,
        "pageWidth": _PAGE_SIZE[0],
        "pageHeight": _PAGE_SIZE[1],
        "header": "auto" if rng.random() < 0.5 else "none",
        "unit": round(float(rng.uniform(7, 10)), 1),
        "staffLineWidth": round(float(rng.uniform(0.1, 0.24)), 3),
        "spacingSystem": int(rng.integers(4, 12)),
        "spacingStaff": int(rng.integers(8, 14)),
    }
    svg = engrave(_write_mei(rng), str(rng.choice(FONTS)), options)
    view = _view_height(svg)
    scale = height / view
    pixels = paint(read_drawing(svg), scale, Box(0, 0, width / scale, view))
    return TruePage(pixels, tuple(_read_staves(svg, scale)))


def wear_page(page: TruePage, rng: np.random.Generator, preset: str) -> TruePage:
    """Degrade a page by one of degrade.PRESETS; its lines go where their ink goes."""
    points = np.concatenate([staff.lines.reshape(-1, 2) for staff in page.staves])
    pixels, moved = degrade_marked_page(page.pixels, points, rng, PRESETS[preset])
    parts = np.split(moved, len(page.staves))
    staves = (
        TrueStaff(part.reshape(staff.lines.shape), staff.system)
        for part, staff in zip(parts, page.staves, strict=True)
    )
    return TruePage(pixels, tuple(staves))


# --- music ----------------------------------------------------------------------------------------


def _write_mei(rng: np.random.Generator) -> str:
    count, symbol = _GROUPS[int(rng.integers(len(_GROUPS)))]
    sung = count != 2 and rng.random() < 0.3
    small = count == 3 and rng.random() < 0.5
    staves = "".join(
        _define_staff(n, low=1 < n == count, size="70%" if small and n == 1 else "100%")
        for n in range(1, count + 1)
    )
    joined = f' symbol="{symbol}" bar.thru="{str(rng.random() < 0.5).lower()}"' if symbol else ""
    measures = "".join(
        f'<measure n="{k}">'
        + "".join(_write_staff(n, rng, sung) for n in range(1, count + 1))
        + "</measure>"
        for k in range(1, int(rng.integers(12, 90)))
    )
    return (
        '<mei xmlns="http://www.music-encoding.org/ns/mei"><meiHead><fileDesc><titleStmt>'
        "<title>Quartett in D</title><composer>J. Haydn</composer></titleStmt><pubStmt/>"
        "</fileDesc></meiHead><music><body><mdiv><score>"
        f'<scoreDef meter.count="4" meter.unit="4" key.sig="{rng.choice(("0", "2s", "3f"))}">'
        f"<staffGrp{joined}>{staves}</staffGrp></scoreDef>"
        f"<section>{measures}</section></score></mdiv></body></music></mei>"
    )


def _define_staff(number: int, low: bool, size: str) -> str:
    clef = 'clef.shape="F" clef.line="4"' if low else 'clef.shape="G" clef.line="2"'
    label = f"<label>Part {number}</label>"
    return f'<staffDef n="{number}" lines="5" {clef} scale="{size}">{label}</staffDef>'


def _write_staff(number: int, rng: np.random.Generator, sung: bool) -> str:
    if rng.random() < 0.15:
        return f'<staff n="{number}"><layer n="1"><mRest/></layer></staff>'
    notes = []
    for _ in range(4):
        group = _DURATIONS[int(rng.choice((0, 0, 2, 2, 3, 4)))]
        drawn = "".join(_write_note(duration, rng, sung) for duration in group)
        notes.append(f"<beam>{drawn}</beam>" if len(group) > 1 else drawn)
    return f'<staff n="{number}"><layer n="1">{"".join(notes)}</layer></staff>'


def _write_note(duration: int, rng: np.random.Generator, sung: bool) -> str:
    if rng.random() < 0.1:
        return f'<rest dur="{duration}"/>'
    verse = f'<verse n="1"><syl>{rng.choice(_SYLLABLES)}</syl></verse>' if sung else ""
    step, octave = rng.choice(tuple("cdefgab")), int(rng.integers(3, 6))
    return f'<note pname="{step}" oct="{octave}" dur="{duration}">{verse}</note>'


# --- geometry -------------------------------------------------------------------------------------


def _view_height(svg: str) -> float:
    found = re.search(r'class="definition-scale"[^>]*viewBox="([^"]*)"', svg)
    found = found or re.search(r'viewBox="([^"]*)"', svg)
    assert found
    return float(found[1].split()[3])


def _read_staves(svg: str, scale: float) -> list[TrueStaff]:
    """The lines of every staff, measures put together, in px at `scale` px per unit."""
    root = ET.fromstring(svg)
    margin = next(g for g in root.iter(f"{_SVG}g") if "page-margin" in g.get("class", ""))
    shift = np.array([float(x) for x in _NUMBER.findall(margin.get("transform", "0 0"))[:2]])
    staves: list[TrueStaff] = []
    systems = [g for g in margin.iter(f"{_SVG}g") if g.get("class", "").split()[:1] == ["system"]]
    for index, system in enumerate(systems):
        parts: dict[int, list[Points]] = {}
        for measure in system.iter(f"{_SVG}g"):
            if measure.get("class", "").split()[:1] != ["measure"]:
                continue
            kinds = [g for g in measure if g.get("class", "").split()[:1] == ["staff"]]
            for place, staff in enumerate(kinds):
                parts.setdefault(place, []).append(_read_lines(staff))
        for found in parts.values():
            ends = np.stack(found)  # (measures, 5, 2 ends, 2)
            left, right = ends[:, 0, 0, 0].min(), ends[:, 0, 1, 0].max()
            xs = np.linspace(left, right, _PLACES)
            rows = ends[0, :, 0, 1]
            points = np.stack([np.column_stack([xs, np.full(_PLACES, y)]) for y in rows])
            staves.append(TrueStaff((points + shift) * scale - 0.5, index))
    return staves


def _read_lines(staff: ET.Element) -> Points:
    """Both ends of the five lines of a staff in one measure, (5, 2, 2)."""
    lines = [_NUMBER.findall(path.get("d", "")) for path in staff.findall(f"{_SVG}path")[:5]]
    return np.array(lines, np.float64).reshape(5, 2, 2)
