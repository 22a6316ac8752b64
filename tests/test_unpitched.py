"""Staves without pitches are named and left out; signs that stand for measures are read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("verovio")

from omrcli.errors import NothingRecognisedError
from omrcli.pipeline import Transcription, transcribe
from omrcli.synth.mei_writer import MeiOptions
from omrcli.synth.render import EngravingStyle, Margins, render_staff

DRUMS = [
    *("clef-percussion", "timeSignature-4/4", "note-E4_quarter", "note-C5_quarter"),
    *("note-E4_eighth", "note-E4_eighth", "note-C5_quarter", "barline", "note-G5_quarter"),
    *("note-G5_quarter", "note-C5_half", "barline", "note-E4_half", "note-C5_half"),
    "barline-final",
]
TUNE = [
    *("clef-G2", "keySignature-GM", "timeSignature-4/4", "note-G4_quarter", "note-A4_quarter"),
    *("note-B4_half", "barline", "note-C5_half", "note-D5_half", "barline", "note-G4_whole"),
    "barline-final",
]


def draw(folder: Path, *staves: list[str], heads: str = "") -> Path:
    """A page with the staves one below the other, none joined."""
    style = EngravingStyle(
        interline=16, mei=MeiOptions(drum_heads=heads), margins=Margins(3, 4, 3, 4)
    )
    drawn = [render_staff(texts, style).pixels for texts in staves]
    width = max(pixels.shape[1] for pixels in drawn)
    padded = [np.pad(p, ((0, 0), (0, width - p.shape[1])), constant_values=255) for p in drawn]
    path = folder / "page.png"
    cv2.imwrite(str(path), np.vstack(padded))
    return path


def texts(transcription: Transcription) -> list[str]:
    return [token.text for token in transcription.tokens]


@pytest.mark.parametrize("heads", ["", "x"])
def test_a_percussion_staff_is_named_and_left_out(tmp_path: Path, heads: str) -> None:
    read = transcribe(draw(tmp_path, TUNE, DRUMS, heads=heads))
    assert texts(read) == TUNE
    assert read.score is not None
    assert len(read.score.parts) == 1
    assert [w for w in read.warnings if "percussion staff" in w and w.startswith("Page 1:")]


def test_a_page_of_percussion_holds_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(NothingRecognisedError, match="no staff with pitches"):
        transcribe(draw(tmp_path, DRUMS))


def test_repeat_signs_and_slashes_are_read(tmp_path: Path) -> None:
    staff = [
        *TUNE[:6], "barline", "measure-repeat", "barline", "slash", "slash", "slash", "slash",
        "barline", "measure-repeat", "barline", "note-G4_whole", "barline-final",
    ]  # fmt: skip
    read = transcribe(draw(tmp_path, staff))
    assert texts(read) == staff
    assert read.score is not None
    assert len(read.score.parts[0].measures) == 5
    assert any(warning.startswith("Measure 3 shows rhythm slashes") for warning in read.warnings)
