"""PDF files are read page by page, upright, at a resolution that fits; bad ones get a sentence."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from omrcli import image, pdf
from omrcli.errors import InputError
from omrcli.image import decode_image, iter_pages, load_pages
from omrcli.pipeline import TranscribeOptions, transcribe
from omrcli.staves import find_staves
from tests import tiny
from tests.drawn import draw_page

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

    def count(file: pdf.PdfFile, index: int, dpi: float | None, most: int) -> pdf.Drawing:
        drawn.append(index)
        return draw(file, index, dpi, most)

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
