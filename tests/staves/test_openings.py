"""What can be told of a staff without reading it: no clef, percussion, tablature, nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from omrcli.errors import NothingRecognisedError
from omrcli.pages.image import PageImage
from omrcli.pipeline import TranscribeOptions, Transcriber
from omrcli.staves.openings import (
    drop_staves,
    find_unread,
    has_percussion_clef,
    is_blank,
    lacks_clef,
)
from omrcli.staves.staff import StaffGeometry, StaffImage, find_staves, normalise_staff
from omrcli.upright.orientation import has_clefs, turn_staff
from tests.cli.test_app import MODEL
from tests.drawn import INTERLINE, draw_page

Pixels = NDArray[np.uint8]
GEOMETRY = StaffGeometry()
TOP = 60


def cut(pixels: Pixels) -> list[StaffImage]:
    page = PageImage(np.ascontiguousarray(pixels), "drawn", pixels.shape[1], pixels.shape[0])
    return [normalise_staff(page, staff, GEOMETRY) for staff in find_staves(page)]


def draw_bars(pixels: Pixels, top: int, lines: tuple[int, int] = (1, 3), apart: int = 11) -> Pixels:
    """Two thick bars at the left of the staff whose top line is at `top`, as of percussion."""
    first, last = (top + line * INTERLINE for line in lines)
    for x in (40, 40 + apart):
        pixels[first : last + 1, x : x + 5] = 0
    return pixels


def draw_tablature(bold: int = 1) -> Pixels:
    """A strip with five lines 16 px apart, digits on them and barlines, 900 px wide."""
    strip = np.full((200, 900), 255, np.uint8)
    for line in range(5):
        strip[60 + 16 * line : 62 + 16 * line, 20:880] = 0
    strip[60:126, 20:22] = strip[60:126, 450:452] = strip[60:126, 878:880] = 0
    for place, x in enumerate(range(80, 860, 40)):
        y = 61 + 16 * (place % 5)
        strip[y - 8 : y + 9, x - 2 : x + 14] = 255
        text = str(place % 10)
        cv2.putText(strip, text, (x, y + 7), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 0, bold, cv2.LINE_AA)
    return strip


def draw_system(lower: Pixels) -> Pixels:
    """A staff of music above another strip, joined at the left."""
    page = np.vstack([draw_page(1, clefs=True), lower])
    page[TOP : len(draw_page(1)) + TOP + 4 * INTERLINE, 20:22] = 0
    return page


def test_a_clef_is_seen_and_none_is_missed() -> None:
    with_clef, without = cut(draw_page(1, clefs=True)) + cut(draw_page(1))
    assert not lacks_clef(with_clef, GEOMETRY)
    assert lacks_clef(without, GEOMETRY)


def test_notes_and_a_barline_at_the_left_are_no_clef() -> None:
    pixels = draw_page(1)
    pixels[TOP : TOP + 4 * INTERLINE, 20:24] = 0
    cv2.ellipse(pixels, (60, TOP + 3 * INTERLINE), (8, 6), -20, 0, 360, 0, -1)
    cv2.line(pixels, (67, TOP + 3 * INTERLINE), (67, TOP), 0, 2)
    assert lacks_clef(cut(pixels)[0], GEOMETRY)


def test_a_staff_without_clef_has_none_when_turned_over() -> None:
    with_clef, without = cut(draw_page(1, clefs=True)) + cut(draw_page(1))
    assert has_clefs([turn_staff(turn_staff(with_clef))], GEOMETRY)
    assert not has_clefs([turn_staff(without)], GEOMETRY)
    assert not has_clefs([turn_staff(with_clef)], GEOMETRY)


def test_the_bars_of_percussion() -> None:
    assert has_percussion_clef(cut(draw_bars(draw_page(1), TOP))[0], GEOMETRY)


@pytest.mark.parametrize(
    "pixels",
    [
        draw_page(1),
        draw_page(1, clefs=True),
        draw_bars(draw_page(1), TOP, (0, 4)),  # as of a C clef
        draw_bars(draw_page(1), TOP, (1, 3), 40),  # two stems
        draw_bars(draw_page(1), TOP, (1, 2)),
    ],
    ids=["no clef", "a clef", "bars over all spaces", "bars far apart", "short bars"],
)
def test_what_is_no_percussion(pixels: Pixels) -> None:
    assert not has_percussion_clef(cut(pixels)[0], GEOMETRY)


def test_tablature_of_five_lines_below_its_staff() -> None:
    images = cut(draw_system(draw_tablature()))
    assert [image.staff.system for image in images] == [0, 0]
    found = find_unread(images, GEOMETRY)
    assert [other.kind for other in found.values()] == ["tablature"]
    assert list(found) == [1]


def test_a_wider_staff_of_music_below_another_is_read() -> None:
    larger = cv2.resize(draw_page(1, clefs=True), None, fx=4 / 3, fy=4 / 3)
    images = cut(draw_page(1, clefs=True)) + cut(np.asarray(larger, np.uint8))
    assert [round(image.staff.interline) for image in images] == [12, 16]
    joined = [replace(image, staff=replace(image.staff, system=0)) for image in images]
    assert find_unread(joined, GEOMETRY) == {}


def test_blank_staves() -> None:
    lines = np.full((168, 900), 255, np.uint8)
    for line in range(5):
        lines[TOP + line * INTERLINE : TOP + line * INTERLINE + 2, 20:880] = 0
    lines[TOP : TOP + 4 * INTERLINE, 878:880] = 0
    (blank,) = cut(lines)
    assert is_blank(blank, GEOMETRY)
    assert not is_blank(cut(draw_page(1))[0], GEOMETRY)
    images = cut(np.vstack([draw_page(1, clefs=True), lines]))
    assert [other.kind for other in find_unread(images, GEOMETRY).values()] == ["blank"]


def test_a_blank_staff_of_a_system_with_music_stays() -> None:
    lines = np.full((168, 900), 255, np.uint8)
    for line in range(5):
        lines[TOP + line * INTERLINE : TOP + line * INTERLINE + 2, 20:880] = 0
    images = cut(draw_system(lines))
    assert [image.staff.system for image in images] == [0, 0]
    assert find_unread(images, GEOMETRY) == {}


def test_what_is_left_is_numbered_anew() -> None:
    images = drop_staves(cut(draw_page(4)), {1})
    assert [(image.staff.index, image.staff.system) for image in images] == [
        (0, 0),
        (1, 1),
        (2, 2),
    ]


def test_a_transcription_leaves_percussion_out_and_names_it(tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    pixels = draw_bars(draw_page(2, clefs=False), TOP + 192)
    pixels[: TOP + 100] = draw_page(2, clefs=True)[: TOP + 100]
    cv2.imwrite(str(path), pixels)
    made = Transcriber(TranscribeOptions(model=str(MODEL))).transcribe(path)
    assert len(made.staves) == 1
    (warning,) = [text for text in made.warnings if "skipped" in text]
    assert warning.startswith("Page 1: a staff at the height of 25")
    assert warning.endswith(" px was skipped; it is percussion, which is not read.")


def test_nothing_but_percussion(tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    cv2.imwrite(str(path), draw_bars(draw_page(1), TOP))
    with pytest.raises(NothingRecognisedError, match="no staff but percussion was found"):
        Transcriber(TranscribeOptions(model=str(MODEL))).transcribe(path)
