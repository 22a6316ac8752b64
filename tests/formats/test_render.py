"""What the formats say of places on a page that was straightened."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from omrcli.formats.render import transcription_record
from omrcli.pipeline import TranscribeOptions, Transcriber
from tests.drawn import draw_page
from tests.tiny import PATH


@pytest.mark.parametrize("quarters", [0, 1])
def test_boxes_are_on_the_page_as_it_was_given(tmp_path: Path, quarters: int) -> None:
    drawn = draw_page(4)
    given = np.ascontiguousarray(np.rot90(drawn, quarters))  # counterclockwise
    path = tmp_path / "page.png"
    cv2.imwrite(str(path), given)
    record = transcription_record(Transcriber(TranscribeOptions(PATH)).transcribe(path))
    (page,) = record["pages"]
    assert (page["height"], page["width"]) == given.shape
    assert len(page["staves"]) == 4
    for staff in page["staves"]:
        left, top, right, bottom = staff["box"]
        along, across = (right - left, bottom - top)[:: -1 if quarters else 1]
        assert along > 8 * across
        part = given[round(top) : round(bottom) + 1, round(left) : round(right) + 1]
        dark = (part < 128).mean(axis=0 if quarters else 1)
        assert np.sort(dark)[-5:].min() > 0.8  # five lines
        for token in staff["tokens"]:
            assert left - 40 <= min(token["x"]) <= max(token["x"]) <= right + 40
