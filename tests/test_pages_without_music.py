"""Pages without music give no music, alone or before a part; those with music lose none by that."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from omrcli.errors import NothingRecognisedError
from omrcli.pages.piece import Piece
from omrcli.pipeline import TranscribeOptions, Transcriber
from tests.drawn import draw_page, write_blank
from tests.no_music import KINDS, draw_page_without_music

#: Seeds of the pages of a kind, and how each is worn.
WEAR = ("", "", "scan", "scan", "photo")


@lru_cache(maxsize=1)
def reader() -> Transcriber:
    return Transcriber(TranscribeOptions(beam=1))


def pages() -> Iterator[tuple[str, int, str]]:
    for number, kind in enumerate(KINDS):
        yield from ((kind, 100 * number + seed, worn) for seed, worn in enumerate(WEAR))


@pytest.mark.parametrize(("kind", "seed", "worn"), pages())
def test_a_page_without_music(kind: str, seed: int, worn: str, tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    cv2.imwrite(str(path), draw_page_without_music(kind, seed, worn))
    with pytest.raises(NothingRecognisedError, match=r"no (staff|music)|nothing was read"):
        reader().transcribe(path)


def test_a_page_of_text_before_a_part_is_skipped(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "1.png"), draw_page_without_music("table", 305))
    cv2.imwrite(str(tmp_path / "2.png"), draw_page(3, clefs=True))
    write_blank(tmp_path / "3.png")
    piece = Piece(tuple(str(tmp_path / name) for name in ("1.png", "2.png", "3.png")))
    found, alone = (reader().transcribe(each) for each in (piece, tmp_path / "2.png"))
    assert [page.index for page in found.pages] == [0, 1, 2]
    assert [item.page for item in found.staves] == [1, 1, 1]
    assert [token.text for token in found.tokens] == [token.text for token in alone.tokens]
    assert [text for text in found.warnings if "skipped" in text] == [
        "Page 1 has no music: it was skipped.",
        "Page 3 has no music: it was skipped.",
    ]


def test_blank_staves_below_the_last_written_one(tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    pixels = np.vstack([draw_page(2, clefs=True), draw_page(3)])
    top = len(draw_page(2)) + 60
    for number in range(3):
        inside = pixels[top + 192 * number - 40 : top + 192 * number + 90, 20:880]
        inside[:] = np.repeat(np.median(inside, axis=1)[:, None], 860, axis=1)
    cv2.imwrite(str(path), pixels)
    found = reader().transcribe(path)
    assert len(found.staves) == 2
    assert "Page 1: 3 blank staves were skipped." in found.warnings


def test_nothing_but_blank_paper(tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    cv2.imwrite(str(path), draw_page_without_music("music paper", 3))
    with pytest.raises(NothingRecognisedError, match="no music was found"):
        reader().transcribe(path)
