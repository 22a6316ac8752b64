"""Staves of other kinds are reported; staves of five lines and plain rules are not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from omrcli.errors import NothingRecognisedError
from omrcli.pages.image import PageImage
from omrcli.pipeline import TranscribeOptions, Transcriber
from omrcli.staves.other_staves import OtherStaff, find_other_staves
from omrcli.staves.staff import find_staves
from tests.cli.test_app import MODEL
from tests.drawn import INTERLINE, draw_page
from tests.staves.test_staff import draw_noise, draw_ruled, draw_text

Pixels = NDArray[np.uint8]


def find(pixels: Pixels) -> list[OtherStaff]:
    page = PageImage(np.ascontiguousarray(pixels), "drawn", pixels.shape[1], pixels.shape[0])
    return find_other_staves(page, find_staves(page))


def draw_lines(count: int, space: float, bars: bool = True) -> Pixels:
    """A strip of 200 px with level lines from 60 px on, as wide as those of `draw_page`."""
    strip = np.full((200, 900), 255, np.uint8)
    bottom = 60 + round((count - 1) * space)
    for line in range(count):
        y = 60 + round(line * space)
        strip[y : y + 2, 20:880] = 0
    if bars:
        reach = INTERLINE if count == 1 else 0
        for x in (20, 300, 600, 878):
            strip[60 - reach : bottom + reach + 2, x : x + 2] = 0
    return strip


@pytest.mark.parametrize(("count", "space"), [(6, 18.0), (6, 12.0), (4, 18.0), (1, 0.0)])
def test_other_staves_are_told_from_staves(count: int, space: float) -> None:
    page = draw_page(2)
    (other,) = find(np.vstack([page, draw_lines(count, space), draw_page()]))
    assert other.count == count
    assert other.y0 == pytest.approx(len(page) + 60, abs=2)
    assert (other.x0, other.x1) == (pytest.approx(20, abs=8), pytest.approx(880, abs=8))


def test_a_page_of_tablature_alone() -> None:
    found = find(np.vstack([draw_lines(6, 16), draw_lines(6, 16), draw_lines(6, 16)]))
    assert [other.count for other in found] == [6, 6, 6]


@pytest.mark.parametrize(
    "strip",
    [
        draw_lines(1, 0, bars=False),
        draw_lines(2, 6),
        draw_lines(3, 12),
        draw_lines(4, 12),
        draw_lines(5, 12),
    ],
    ids=["a rule", "two rules", "three lines", "a staff without a line", "a staff"],
)
def test_what_is_not_reported(strip: Pixels) -> None:
    assert find(np.vstack([draw_page(2), strip])) == []


@pytest.mark.parametrize(
    "pixels", [draw_ruled(), draw_text(), draw_noise(0), draw_noise(6), np.zeros((9, 9), np.uint8)]
)
def test_no_music(pixels: Pixels) -> None:
    assert find(pixels) == []


def test_the_sentence() -> None:
    assert str(OtherStaff(6, 0, 1200.4, 10, 1300)) == (
        "a staff of 6 lines at the height of 1200 px was skipped; only staves of 5 lines are read."
    )
    assert str(OtherStaff(1, 0, 12, 10, 12)).startswith("a staff of 1 line at the height of 12 px")


def test_a_transcription_warns_of_what_it_skips(tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    cv2.imwrite(str(path), np.vstack([draw_page(2), draw_lines(6, 18), draw_page()]))
    made = Transcriber(TranscribeOptions(model=str(MODEL))).transcribe(path)
    assert len(made.staves) == 3
    (warning,) = [text for text in made.warnings if "skipped" in text]
    assert warning.startswith("Page 1: a staff of 6 lines at the height of 42")


def test_nothing_but_tablature(tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    cv2.imwrite(str(path), np.vstack([draw_lines(6, 16)] * 3))
    with pytest.raises(NothingRecognisedError, match="no staff with pitches was found"):
        Transcriber(TranscribeOptions(model=str(MODEL))).transcribe(path)
