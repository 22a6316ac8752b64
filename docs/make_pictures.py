"""Draw docs/before-after.png: an example page, and what omr read from it, engraved again.

`python docs/make_pictures.py` needs the extra `synth`.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import resvg_py
import verovio

import omrcli

HERE = Path(__file__).parent
SOURCE = HERE.parent / "examples" / "duet.jpg"
WIDTH = 900


def engrave(musicxml: str) -> np.ndarray:
    """A MusicXML text on one page, broken as it says, as a grey image."""
    toolkit = verovio.toolkit()
    toolkit.setOptions(
        {"breaks": "encoded", "adjustPageHeight": True, "font": "Bravura"}
        | {"header": "none", "footer": "none", "pageWidth": 2000, "scale": 100}
    )
    toolkit.loadData(musicxml)
    png = resvg_py.svg_to_bytes(svg_string=toolkit.renderToSVG(1), background="#ffffff")
    return cv2.imdecode(np.frombuffer(bytes(png), np.uint8), cv2.IMREAD_GRAYSCALE)


def fit(picture: np.ndarray) -> np.ndarray:
    """The picture at most WIDTH px wide, on white."""
    scale = min(1.0, WIDTH / picture.shape[1])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.pad(small, ((16, 16), (0, WIDTH - small.shape[1])), constant_values=255)


def main() -> None:
    """Transcribe, engrave again, and stack the two pictures."""
    transcription = omrcli.transcribe(SOURCE)
    from omrcli.formats.musicxml import musicxml_bytes

    again = engrave(musicxml_bytes(transcription.score).decode())
    before = cv2.imread(str(SOURCE), cv2.IMREAD_GRAYSCALE)
    rule = np.full((2, WIDTH), 180, np.uint8)
    cv2.imwrite(str(HERE / "before-after.png"), np.vstack([fit(before), rule, fit(again)]))


if __name__ == "__main__":
    main()
