"""Contact sheets show every sample, in columns, and are written whole."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from omrcli.errors import InputError, OutputError
from omrcli.synth.sheet import Cell, SheetOptions, draw_sheet, shorten, write_sheet


def make_samples(folder: Path, number: int) -> None:
    for index in range(number):
        name = f"s{index}"
        (folder / name).mkdir()
        cv2.imwrite(str(folder / name / f"{name}.png"), np.full((60, 400), 10 * index, np.uint8))
        (folder / name / f"{name}.semantic").write_text("clef-G2\tnote-C5_quarter\n")


def test_every_staff_is_shown_and_wide_ones_are_made_smaller() -> None:
    cells = [Cell(f"staff {grey}", np.full((40, 1200), grey, np.uint8)) for grey in (10, 20, 30)]
    sheet = draw_sheet(cells, SheetOptions(columns=2, width=600))
    assert sheet.shape[1] == 2 * (600 + 10)
    for grey in (10, 20, 30):
        assert (sheet == grey).sum() == pytest.approx(600 * 20, rel=0.05)


def test_captions_are_written() -> None:
    blank = np.full((40, 300), 255, np.uint8)
    named, bare = (draw_sheet([Cell(text, blank)]) for text in ("a staff", ""))
    assert (named != bare).any()


def test_tokens_are_shortened() -> None:
    texts = ["clef-G2", "timeSignature-3/4", "note-C5_quarter.", "rest-half", "barline", "tie"]
    assert shorten(texts) == "G2 3/4 C5_quarter. rest-half barline tie"


def test_a_sheet_of_a_folder(tmp_path: Path) -> None:
    make_samples(tmp_path, 5)
    path = tmp_path / "sheet.png"
    assert write_sheet(path, tmp_path, SheetOptions(most=3)) == 3
    sheet = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert {10, 20} <= set(np.unique(sheet).tolist())
    assert (sheet == 40).sum() < 400


def test_what_cannot_be_shown_or_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no image"):
        write_sheet(tmp_path / "sheet.png", tmp_path)
    make_samples(tmp_path, 1)
    with pytest.raises(OutputError):
        write_sheet(tmp_path / "none" / "sheet.png", tmp_path)
