"""What was read is drawn over the page, where it was read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from omrcli.debug_view import DebugView, find_flags
from omrcli.pipeline import PageReading, StaffReading, TranscribeOptions, Transcriber, Watcher
from omrcli.score.score import build_score
from omrcli.token_labels import label_token
from omrcli.tokens import Token
from tests import tiny
from tests.drawn import write_blank, write_page


class Keep(Watcher):
    """Keeps the pages."""

    def __init__(self) -> None:
        self.pages: list[PageReading] = []

    def finish_page(self, reading: PageReading | None) -> None:
        assert reading is not None
        self.pages.append(reading)


@pytest.fixture(scope="module")
def transcriber() -> Transcriber:
    return Transcriber(TranscribeOptions(model=tiny.PATH))


def read_page(transcriber: Transcriber, path: Path) -> PageReading:
    keep = Keep()
    transcriber.transcribe(path, keep)
    return keep.pages[0]


def draw(transcriber: Transcriber, page: PageReading, folder: Path, **more: object) -> np.ndarray:
    view = DebugView(folder, transcriber.geometry)
    view.add(page)
    (path,) = view.write(**more)  # type: ignore[arg-type]
    assert path.name == "page-001.jpg"
    return cv2.imread(str(path)).astype(int)


def count_red(picture: np.ndarray) -> int:
    blue, green, red = np.moveaxis(picture, 2, 0)
    return int(((red > 150) & (blue < 90) & (green < 90)).sum())


def with_confidence(page: PageReading, confidence: float) -> PageReading:
    def weaken(reading: StaffReading) -> StaffReading:
        return replace(
            reading, tokens=tuple(replace(t, confidence=confidence) for t in reading.tokens)
        )

    return replace(page, staves=tuple(weaken(reading) for reading in page.staves))


def test_a_doubtful_page_is_red(transcriber: Transcriber, tmp_path: Path) -> None:
    page = read_page(transcriber, write_page(tmp_path / "page.png", 2))
    sure = draw(transcriber, with_confidence(page, 0.99), tmp_path / "sure")
    doubtful = draw(transcriber, with_confidence(page, 0.3), tmp_path / "doubtful")
    assert sure.shape == doubtful.shape
    assert count_red(doubtful) > count_red(sure) + 500


def test_labels_fit_on_a_tight_crop(transcriber: Transcriber, tmp_path: Path) -> None:
    path = write_page(tmp_path / "page.png")
    whole = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(path), whole[48:120])
    page = read_page(transcriber, path)
    picture = draw(transcriber, page, tmp_path / "out")
    staff = page.staves[0].staff
    assert len(picture) > (26 / staff.interline) * len(page.image.pixels) + 84


def test_a_measure_that_does_not_add_up_is_tinted(transcriber: Transcriber, tmp_path: Path) -> None:
    page = read_page(transcriber, write_page(tmp_path / "page.png"))
    texts = [text for text in tiny.TUNE if text != "note-G5_eighth"]
    reading = page.staves[0]
    kept = [place for place, text in enumerate(tiny.TUNE) if text in texts]
    staff = replace(
        reading,
        tokens=tuple(reading.tokens[place] for place in kept),
        spans=tuple(reading.spans[place] for place in kept),
    )
    page = replace(page, staves=(staff,))
    more = "note-G4_whole barline note-G4_whole barline"  # else it is the end of an incipit
    score = build_score([[*staff.tokens, *map(Token, more.split())]])
    (flag,) = find_flags(score)
    assert (flag.staff, flag.text) == (0, "measure 2: 3½ of 4 beats")
    assert [staff.tokens[token].text for token in flag.tokens] == texts[7:-1]
    plain = draw(transcriber, page, tmp_path / "plain")
    flagged = draw(transcriber, page, tmp_path / "flagged", score=score)
    assert (flagged[..., 2] - flagged[..., 0]).clip(0).sum() > 1.2 * (
        plain[..., 2] - plain[..., 0]
    ).clip(0).sum()


def test_a_page_without_a_staff_is_drawn_too(transcriber: Transcriber, tmp_path: Path) -> None:
    page = read_page(transcriber, write_page(tmp_path / "page.png"))
    blank = cv2.imread(str(write_blank(tmp_path / "b.png")), cv2.IMREAD_GRAYSCALE)
    page = replace(page, image=replace(page.image, pixels=blank), staves=())
    assert draw(transcriber, page, tmp_path / "out").shape[1] == 600


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("note-Bb4_quarter.", "Bb4 4."),
        ("note-C4_eighth_3:2", "C4 8(3:2)"),
        ("note-G3_half|note-D4_half", "G3+D4 2"),
        ("gracenote-A5_sixteenth", "gr A5 16"),
        ("rest-whole_fermata", "r1^"),
        ("multirest-23", "R x23"),
        ("clef-G2", "G2"),
        ("keySignature-EbM", "EbM"),
        ("timeSignature-C/", "C/"),
        ("barline-final", "|]"),
        ("repeat-start", "|:"),
        ("tie", "~"),
        ("note.eighth-L4", "note.eighth-L4"),
    ],
)
def test_labels_are_short(text: str, label: str) -> None:
    assert label_token(text) == label
