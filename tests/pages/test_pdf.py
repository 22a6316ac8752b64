"""PDF files are read page by page, upright, at a resolution that fits; bad ones get a sentence."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from omrcli.errors import InputError
from omrcli.pages import image, pdf
from omrcli.pages.image import decode_image, iter_pages, load_pages
from omrcli.pipeline import TranscribeOptions, transcribe
from omrcli.staves.staff import find_staves
from tests import tiny
from tests.drawn import draw_page
from tests.pages.scans import write_objects

ENCRYPTED = b"""%%PDF-1.4
1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj
2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1>> endobj
3 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 200 200]>> endobj
4 0 obj <</Filter /Standard /V 1 /R 2 /P -44 /O <%s> /U <%s>>> endobj
trailer <</Root 1 0 R /Encrypt 4 0 R /ID [<00> <00>] /Size 5>>
%%%%EOF
""" % (b"ab" * 32, b"cd" * 32)


def make_pdf(*pages: np.ndarray, resolution: float = 150.0) -> bytes:
    """A PDF with a scan on each page."""
    images = [Image.fromarray(page) for page in pages]
    buffer = io.BytesIO()
    images[0].save(buffer, "PDF", save_all=True, append_images=images[1:], resolution=resolution)
    return buffer.getvalue()


def edit_pdf(data: bytes, rotation: int) -> bytes:
    document = pypdfium2.PdfDocument(data)
    document[0].set_rotation(rotation)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def test_pages_come_in_order_at_300_dpi(tmp_path: Path) -> None:
    path = tmp_path / "part.pdf"
    path.write_bytes(make_pdf(draw_page(2), draw_page(1, width=700)))
    pages = load_pages(path)
    assert [(page.page_index, len(find_staves(page))) for page in pages] == [(0, 2), (1, 1)]
    assert [page.width for page in pages] == pytest.approx([1800, 1400], abs=1)
    assert all(page.pixels.dtype == np.uint8 and page.pixels.max() == 255 for page in pages)
    assert {page.path for page in pages} == {str(path)}


def test_a_turned_page_is_upright() -> None:
    turned = np.rot90(draw_page(2))
    (page,) = decode_image(edit_pdf(make_pdf(turned), 90), "turned.pdf")
    assert page.width > page.height
    assert len(find_staves(page)) == 2


def test_light_ink_on_dark_paper_is_inverted() -> None:
    (page,) = decode_image(make_pdf(255 - draw_page()), "dark.pdf")
    assert np.median(page.pixels) == 255


def test_pages_are_drawn_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    draw = pdf.PdfFile.draw

    def count(file: pdf.PdfFile, index: int, dpi: float | None, room: pdf.Room) -> pdf.Drawing:
        drawn.append(index)
        return draw(file, index, dpi, room)

    monkeypatch.setattr(pdf.PdfFile, "draw", count)
    path = tmp_path / "long.pdf"
    path.write_bytes(make_pdf(*(draw_page() for _ in range(3))))
    pages = iter_pages(path)
    assert next(pages).page_index == 0
    assert drawn == [0]
    assert [page.page_index for page in pages] == [1, 2]


def test_a_poster_is_drawn_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "MAX_PIXELS", 500_000)
    (page,) = decode_image(make_pdf(draw_page(4), resolution=20.0), "poster.pdf")
    assert 300_000 < page.pixels.size < 520_000


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (ENCRYPTED, "x.pdf is encrypted; open it with its password and save or print it"),
        (b"%PDF-1.7 and then nothing", "x.pdf is damaged or no PDF; export or copy it again."),
        (make_pdf(draw_page())[:300], "x.pdf is damaged or no PDF"),
    ],
)
def test_bad_files_get_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        decode_image(data, "x.pdf")
    assert str(caught.value).startswith(sentence)


def test_a_pdf_is_transcribed_page_after_page(tmp_path: Path) -> None:
    path = tmp_path / "part.pdf"
    path.write_bytes(make_pdf(draw_page(), draw_page()))
    found = transcribe(path, TranscribeOptions(model=tiny.PATH))
    assert [reading.page for reading in found.staves] == [0, 1]
    assert [page.index for page in found.pages] == [0, 1]


# --- pages of every kind --------------------------------------------------------------------------


def make_drawing(width: float, height: float, interline: float, rotation: int = 0) -> bytes:
    """A PDF page of `width` x `height` points as it is seen, with a staff drawn in lines.

    The page is stored turned by `rotation` degrees, and says so.
    """
    lines = [(height / 2 - 2 * interline) + line * interline for line in range(5)]
    strokes = [f"{interline} {y:.2f} m {width - interline} {y:.2f} l S" for y in lines]
    stems = [
        f"{x:.2f} {lines[0]:.2f} m {x:.2f} {lines[4]:.2f} l S"
        for x in np.arange(4 * interline, width - 2 * interline, 7 * interline)
    ]
    turns = {
        0: "1 0 0 1 0 0",
        90: f"0 1 -1 0 {height} 0",
        180: f"-1 0 0 -1 {width} {height}",
        270: f"0 -1 1 0 0 {width}",
    }
    content = "\n".join([f"{turns[rotation]} cm {interline / 9:.3f} w", *strokes, *stems]).encode()
    box = (width, height) if rotation in (0, 180) else (height, width)
    page = (
        f"<</Type /Page /Parent 2 0 R /MediaBox [0 0 {box[0]} {box[1]}] /Rotate {rotation} "
        "/Contents 4 0 R /Resources <<>> >>"
    )
    return write_objects(
        b"<</Type /Catalog /Pages 2 0 R>>",
        b"<</Type /Pages /Kids [3 0 R] /Count 1>>",
        page.encode(),
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(content), content),
    )


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_turned_drawings_are_upright(rotation: int) -> None:
    (page,) = decode_image(make_drawing(400, 200, 5, rotation), "a.pdf")
    assert (page.width, page.height) == pytest.approx((1667, 834), abs=1)
    assert page.dpi == 300
    (staff,) = find_staves(page)
    assert staff.interline == pytest.approx(5 / 72 * 300, rel=0.03)


def test_a_scan_keeps_its_own_pixels() -> None:
    (page,) = decode_image(make_pdf(draw_page(12, width=2000), resolution=72.0), "photo.pdf")
    assert (page.width, page.height) == pytest.approx((2000, draw_page(12).shape[0]), abs=2)
    assert page.dpi is None


def test_a_page_of_huge_points_is_no_huge_drawing() -> None:
    (page,) = decode_image(make_drawing(5000, 7000, 60), "poster.pdf")
    assert page.pixels.size < 21_000_000
    assert page.dpi is not None


def test_small_print_is_drawn_again_finer(tmp_path: Path) -> None:
    path = tmp_path / "small.pdf"
    path.write_bytes(make_drawing(250, 120, 2.2))  # 9 px at 300 dpi; the model wants 8
    (reading,) = transcribe(path, TranscribeOptions(model=tiny.PATH)).staves
    assert reading.staff.interline == pytest.approx(2 * tiny.SPEC.interline, rel=0.05)


def test_one_damaged_page_is_left_out_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "part.pdf"
    page = b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 400 200] /Contents 5 0 R>>"
    whole = make_drawing(400, 200, 5)
    content = whole[whole.index(b"4 0 obj") + 7 : whole.index(b"endstream") + 9]
    path.write_bytes(
        write_objects(
            b"<</Type /Catalog /Pages 2 0 R>>",
            b"<</Type /Pages /Kids [3 0 R 9 0 R 4 0 R] /Count 3>>",
            page,
            page,
            content,
        )
    )
    found = transcribe(path, TranscribeOptions(model=tiny.PATH))
    assert [page.index for page in found.pages] == [0, 2]
    assert found.warnings[0] == (
        f"Page 2 of {path} is damaged; export or copy the file again. It was left out."
    )


def test_title_and_composer_are_those_of_the_pdf(tmp_path: Path) -> None:
    path = tmp_path / "part.pdf"
    buffer = io.BytesIO()
    Image.fromarray(draw_page()).save(buffer, "PDF", title="Rondo", author="Clara Schumann")
    path.write_bytes(buffer.getvalue())
    score = transcribe(path, TranscribeOptions(model=tiny.PATH)).score
    assert score is not None
    assert (score.title, score.composer) == ("Rondo", "Clara Schumann")
