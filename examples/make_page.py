"""Engrave the example page, a duet: `python examples/make_page.py` (needs the extra `synth`)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import resvg_py
import verovio

from omrcli.formats.musicxml import musicxml_bytes
from omrcli.score.assembly import StaffLine
from omrcli.score.score import ExportOptions, build_score
from omrcli.synth.degrade import PRESETS, degrade_page
from omrcli.tokens import Token

HERE = Path(__file__).parent
INTERLINE = 18.0  # px on the engraved page

# Ludwig van Beethoven, Symphony no. 9 op. 125, fourth movement (1824): the theme, with a bass.
VIOLIN = """
    clef-G2 keySignature-DM timeSignature-4/4 F#4_4 F#4_4 G4_4 A4_4 | A4_4 G4_4 F#4_4 E4_4 |
    D4_4 D4_4 E4_4 F#4_4 | F#4_4. E4_8 E4_2 | F#4_4 F#4_4 G4_4 A4_4 | A4_4 G4_4 F#4_4 E4_4 |
    D4_4 D4_4 E4_4 F#4_4 | E4_4. D4_8 D4_2 | E4_4 E4_4 F#4_4 D4_4 | E4_4 F#4_8 G4_8 F#4_4 D4_4 |
    E4_4 F#4_8 G4_8 F#4_4 E4_4 | D4_4 E4_4 A3_4 F#4_4 tie | F#4_4 F#4_4 G4_4 A4_4 |
    A4_4 G4_4 F#4_4 E4_4 | D4_4 D4_4 E4_4 F#4_4 | E4_4. D4_8 D4_2 ||"""
CELLO = """
    clef-F4 keySignature-DM timeSignature-4/4 D3_2 A2_2 | F#2_4 A2_4 D3_4 C#3_4 |
    B2_4 A2_4 G2_4 D3_4 | A2_2 C#3_8 B2_8 A2_4 | D3_2 A2_2 | F#2_4 A2_4 D3_4 C#3_4 |
    B2_4 A2_4 G2_4 A2_4 | A2_4. G2_8 F#2_4 rest_4 | A2_2 D3_2 | C#3_4 A2_4 D3_2 |
    A2_4 A#2_4 B2_4 G#2_4 | F#2_4 E2_4 A2_2 | D3_2 A2_2 | F#2_4 A2_4 D3_4 C#3_4 |
    B2_4 A2_4 G2_4 D3_4 | A2_2 D2_2 ||"""
_LENGTHS = {"2": "half", "4": "quarter", "4.": "quarter.", "8": "eighth"}
_SIGNS = {"|": "barline", "||": "barline-final"}


def spell(line: str) -> list[Token]:
    """Tokens of a line in short: `F#4_4.` is `note-F#4_quarter.`."""

    def text(word: str) -> str:
        name, _, length = word.partition("_")
        if not length:
            return _SIGNS.get(word, word)
        return f"rest-{_LENGTHS[length]}" if name == "rest" else f"note-{name}_{_LENGTHS[length]}"

    return [Token(text(word)) for word in line.split()]


def engrave_page(musicxml: str) -> np.ndarray:
    """The score on one page, (H, W) uint8."""
    toolkit = verovio.toolkit()
    toolkit.setOptions(
        {"pageWidth": 2000, "pageHeight": 1500, "scale": 100, "font": "Leland", "footer": "none"}
    )
    toolkit.loadData(musicxml)
    png = resvg_py.svg_to_bytes(svg_string=toolkit.renderToSVG(1), background="#ffffff")
    return cv2.imdecode(np.frombuffer(bytes(png), np.uint8), cv2.IMREAD_GRAYSCALE)


def main() -> None:
    """Write duet.jpg, a page as a phone sees it, and its truth duet.musicxml."""
    lines = [StaffLine(spell(part), 0, 0, place) for place, part in enumerate((VIOLIN, CELLO))]
    score = build_score(lines, "Ode to Joy", "Ludwig van Beethoven")
    musicxml = musicxml_bytes(score, ExportOptions("Ode to Joy", composer="Ludwig van Beethoven"))
    page = engrave_page(musicxml.decode())
    wear = replace(PRESETS["photo"], interline=INTERLINE)
    photo = degrade_page(page, np.random.default_rng(5), wear)
    photo = cv2.resize(photo, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(HERE / "duet.jpg"), photo, [cv2.IMWRITE_JPEG_QUALITY, 60])
    (HERE / "duet.musicxml").write_bytes(musicxml)


if __name__ == "__main__":
    main()
