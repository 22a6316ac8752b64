"""Engrave the example staves: `python examples/make_examples.py` (needs the extra `synth`)."""

from __future__ import annotations

from pathlib import Path

import cv2

from omrcli.synth.render import EngravingStyle, Margins, render_staff
from omrcli.tokens import format_semantic

HERE = Path(__file__).parent

# All three tunes are in the public domain.
TUNES = {
    # Ludwig van Beethoven, Symphony no. 9 op. 125, fourth movement (1824)
    "ode-to-joy": """
        clef-G2 keySignature-DM timeSignature-4/4
        note-F#4_quarter note-F#4_quarter note-G4_quarter note-A4_quarter barline
        note-A4_quarter note-G4_quarter note-F#4_quarter note-E4_quarter barline
        note-D4_quarter note-D4_quarter note-E4_quarter note-F#4_quarter barline
        note-F#4_quarter. note-E4_eighth note-E4_half barline""",
    # Greensleeves, English, 16th century
    "greensleeves": """
        clef-G2 timeSignature-6/8 note-A4_eighth barline
        note-C5_quarter note-D5_eighth note-E5_eighth. note-F#5_sixteenth note-E5_eighth barline
        note-D5_quarter note-B4_eighth note-G4_eighth. note-A4_sixteenth note-B4_eighth barline
        note-C5_quarter note-A4_eighth note-A4_eighth. note-G#4_sixteenth note-A4_eighth barline
        note-B4_quarter note-G#4_eighth note-E4_quarter. barline""",
    # Ludwig van Beethoven, Symphony no. 5 op. 67, first movement (1808), viola
    "symphony-5": """
        clef-C3 keySignature-EbM timeSignature-2/4
        rest-eighth note-G3_eighth note-G3_eighth note-G3_eighth barline
        note-Eb3_half_fermata barline
        rest-eighth note-F3_eighth note-F3_eighth note-F3_eighth barline
        note-D3_half tie barline note-D3_half_fermata barline multirest-6 barline""",
}


#: Fonts and sizes differ, as those of real scans do.
STYLES = {
    "ode-to-joy": EngravingStyle("Leland", 20.0, margins=Margins(2, 2, 2, 2)),
    "greensleeves": EngravingStyle("Bravura", 14.5, margins=Margins(0.3, 0.3, 0.3, 0.3)),
    "symphony-5": EngravingStyle("Petaluma", 17.0, margins=Margins(1, 3, 1, 3)),
}


def main() -> None:
    """Write NAME.png and NAME.semantic for each tune."""
    for name, text in TUNES.items():
        staff = render_staff(text.split(), STYLES[name])
        cv2.imwrite(str(HERE / f"{name}.png"), staff.pixels)
        (HERE / f"{name}.semantic").write_text(format_semantic(text.split()))


if __name__ == "__main__":
    main()
