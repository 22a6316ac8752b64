"""Readings that change with small changes of the picture deserve little confidence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from omrcli.errors import NothingRecognisedError
from omrcli.pages.image import load_pages
from omrcli.pipeline import TranscribeOptions, Transcriber
from omrcli.reading.logits import Logits
from omrcli.reading.steadiness import measure_steadiness
from omrcli.staves.staff import StaffGeometry, StaffImage, find_staves, normalise_staff
from omrcli.synth.degrade import PRESETS, degrade_page
from tests.drawn import write_page
from tests.strange import KINDS, draw_strange

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "greensleeves.png"
GEOMETRY = StaffGeometry()


def spell(signs: Sequence[int], sure: float = 0.9) -> Logits:
    """Signs with a blank, class 0, between them."""
    rows = np.full((2 * len(signs), 12), (1 - sure) / 11, np.float32)
    rows[np.arange(0, len(rows), 2), signs] = sure
    rows[1::2, 0] = sure
    return Logits(np.log(rows))


@pytest.fixture(scope="module")
def staff(tmp_path_factory: pytest.TempPathFactory) -> StaffImage:
    [page] = load_pages(write_page(tmp_path_factory.mktemp("staff") / "page.png"))
    return normalise_staff(page, find_staves(page)[0], GEOMETRY)


SIGNS = list(range(1, 11))


@pytest.mark.parametrize(
    ("changed", "low", "high"), [(0, 1, 1), (1, 0.7, 0.9), (2, 0.005, 0.1), (10, 0, 0.001)]
)
def test_confidence_falls_with_the_signs_that_change(
    staff: StaffImage, changed: int, low: float, high: float
) -> None:
    others = [11] * changed + SIGNS[changed:]
    [factor] = measure_steadiness(
        *([staff], [spell(SIGNS)], GEOMETRY, 0), lambda images: [spell(others)] * len(images)
    )
    assert low <= factor <= high


def test_what_leaves_no_doubt_is_not_read_again(staff: StaffImage) -> None:
    asked: list[int] = []

    def read(images: list[StaffImage]) -> list[Logits]:
        asked.append(len(images))
        assert all(image.pixels.shape[0] == GEOMETRY.height for image in images)
        assert not any(np.array_equal(image.pixels, staff.pixels) for image in images)
        return [spell(SIGNS[::-1])] * len(images)

    staves, logits = [staff] * 3, [spell(SIGNS, 0.999), spell(SIGNS), spell(SIGNS, 0.999)]
    first, second, third = measure_steadiness(staves, logits, GEOMETRY, 0, read)
    assert (first, third) == (1, 1)
    assert second < 0.01
    assert asked == [3]
    assert measure_steadiness(staves[:1], logits[:1], GEOMETRY, 0, read) == [1]
    assert asked == [3]


def test_an_empty_reading_is_steady(staff: StaffImage) -> None:
    empty = Logits(np.log(np.eye(12, dtype=np.float32)[[0, 0]] + np.float32(1e-6)))
    assert measure_steadiness([staff], [empty], GEOMETRY, 0, lambda _: []) == [1]


@pytest.fixture(scope="module")
def reader() -> Transcriber:
    return Transcriber(TranscribeOptions(beam=1))


@pytest.mark.parametrize("kind", KINDS)
def test_outside_the_domain_confidence_is_low(
    reader: Transcriber, kind: str, tmp_path: Path
) -> None:
    means = []
    for seed in range(1, 6):
        path = tmp_path / f"page{seed}.png"
        cv2.imwrite(str(path), draw_strange(kind, seed))
        try:
            tokens = reader.transcribe(path).tokens
        except NothingRecognisedError:
            means.append(0.0)  # even better
        else:
            means.append(float(np.mean([token.confidence for token in tokens])))
    assert np.mean(means) < 0.5, means


@pytest.mark.parametrize("worn", ["", "staff", "scan"])
def test_print_stays_sure(reader: Transcriber, worn: str, tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    pixels = cv2.imread(str(EXAMPLE), cv2.IMREAD_GRAYSCALE)
    assert pixels is not None
    if worn:
        pixels = degrade_page(pixels, np.random.default_rng(3), PRESETS[worn])
    cv2.imwrite(str(path), pixels)
    found = reader.transcribe(path)
    assert min(reading.steadiness for reading in found.staves) > 0.9
    assert np.mean([token.confidence for token in found.tokens]) > 0.9
