"""The steps of the pipeline together, on a page whose staves are read as a test says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from omrcli.pipeline import TranscribeOptions, Transcriber, Transcription
from omrcli.reading.alphabet import POSITIONAL_UNITS, PositionalCodec
from omrcli.reading.logits import Logits, Reader
from omrcli.score.score import score_tokens
from omrcli.staves.staff import StaffImage
from tests.drawn import write_page

ReadAs = Callable[..., Transcription]
NOTES = "note-A3_quarter note-B3_quarter note-C4_half barline"


def spell(text: str, frames: int, confidence: float = 0.95) -> Logits:
    """What a network gives that reads these tokens."""
    classes = len(POSITIONAL_UNITS) + 1
    values = np.full((frames, classes), np.log((1 - confidence) / classes), np.float32)
    best = np.full(frames, classes - 1)
    indices = PositionalCodec().encode(text.split())
    best[2 : 2 + 3 * len(indices) : 3] = indices
    values[np.arange(frames), best] = np.log(confidence)
    return Logits(values)


@pytest.fixture
def read_as(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReadAs:
    """Transcribe a page whose staves are read as these texts."""
    transcriber = Transcriber(TranscribeOptions(beam=1))
    assert transcriber.model.spec.blank == len(POSITIONAL_UNITS)

    def transcribe(*texts: str) -> Transcription:
        def read(self: Reader, staves: Sequence[StaffImage], batch_size: int = 8) -> list[Logits]:
            widths = [staff.pixels.shape[1] // 4 for staff in staves]
            return [spell(text, width) for text, width in zip(texts, widths, strict=False)]

        monkeypatch.setattr(Reader, "read", read)
        return transcriber.transcribe(write_page(tmp_path / "page.png", len(texts)))

    return transcribe


def test_a_clef_that_its_neighbours_speak_against_is_put_right(read_as: ReadAs) -> None:
    found = read_as(f"clef-C3 {NOTES}", f"clef-F4 {NOTES}", f"clef-C3 {NOTES}")
    assert [staff.tokens[0].text for staff in found.staves] == ["clef-C3"] * 3
    assert found.staves[1].tokens[1].text == "note-G4_quarter"
    assert all(len(staff.spans) == len(staff.tokens) for staff in found.staves)
    assert found.score is not None
    assert "note-G4_quarter" in score_tokens(found.score)
    assert found.warnings == (
        "Page 1, system 2: clef F4 at its start was taken for clef C3, as on the staves around it.",
    )


def test_a_key_within_a_staff_that_no_other_goes_on_with_ends_there(read_as: ReadAs) -> None:
    odd = f"clef-F4 {NOTES} keySignature-FM note-B3_whole barline"
    found = read_as(f"clef-F4 {NOTES}", odd, *[f"clef-F4 {NOTES}"] * 3)
    assert "note-B3_quarter" in {token.text for token in found.staves[3].tokens}
    assert not any("Bb3" in token.text for token in found.staves[4].tokens)


def test_staves_that_agree_are_left_alone(read_as: ReadAs) -> None:
    texts = [f"clef-F4 {NOTES}", f"clef-F4 {NOTES} clef-C4", f"clef-C4 {NOTES}"]
    found = read_as(*texts)
    assert [" ".join(t.text for t in staff.tokens) for staff in found.staves] == texts
    assert not found.warnings
