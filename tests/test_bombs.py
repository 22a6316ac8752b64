"""Files made to harm end in a sentence, in bounded time and memory; large honest ones are read."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pytest
from PIL import Image

from omrcli.errors import DamagedPageError, InputError
from omrcli.pages import image, pdf
from omrcli.pages.image import decode_image, load_pages, open_document
from tests import bombs
from tests.drawn import draw_page

TOO_LARGE = "is too large (over 60,000 px a side or 150 megapixels); scale it down or cut it"
DAMAGED = "is damaged or cut short; export or copy it again."
HUGE = 2**31 - 1

CLAIMS: dict[str, tuple[bytes, str]] = {
    "PNG": (bombs.png_claiming(HUGE, HUGE), TOO_LARGE),
    "PNG of 60,001 px": (bombs.png_claiming(60_001, 10), TOO_LARGE),
    "PNG of 151 megapixels": (bombs.png_claiming(15_100, 10_000), TOO_LARGE),
    "PNG of nothing": (bombs.png_claiming(15_000, 9_900, 6, 16), DAMAGED),
    "palette of nothing": (bombs.png_claiming(15_000, 9_900, 3), DAMAGED),
    "JPEG": (bombs.jpeg_claiming(65_500, 65_500), TOO_LARGE),
    "BMP": (bombs.bmp_claiming(HUGE, HUGE), TOO_LARGE),
    "PNG of a line": (bombs.png_claiming(50_000, 1), "is only 50000 x 1 px; give an image"),
    "GIF": (bombs.gif_claiming(65_535, 65_535), TOO_LARGE),
    "TIFF": (bombs.tiff_of_folders(1, width=HUGE, height=HUGE), TOO_LARGE),
    "TIFF of 60,000 colours": (bombs.tiff_of_folders(1, samples=60_000), "is "),
    "TIFF of many pages": (bombs.tiff_of_folders(3000), "has over 1,000 pages; cut it into"),
    "PNG with much text": (bombs.png_with_text(70), DAMAGED),
}


@pytest.mark.parametrize("name", list(CLAIMS))
def test_images_that_claim_much_are_refused(name: str) -> None:
    data, sentence = CLAIMS[name]
    with pytest.raises(InputError) as caught:
        decode_image(data, "bomb")
    assert str(caught.value).startswith(f"bomb {sentence}")


def test_a_tiff_whose_pages_lead_in_a_circle_ends() -> None:
    document = image._open(bombs.tiff_of_folders(3, loops=True), "a.tif")
    assert len(document) == 3


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "AVIF"])
def test_of_an_animation_one_frame_is_read(kind: str) -> None:
    assert len(decode_image(bombs.animated(kind, 30), "film")) == 1


def test_broken_exif_does_not_hide_the_image() -> None:
    out = io.BytesIO()
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01" + b"\xff" * 40
    Image.fromarray(draw_page(1, 300)).save(out, "JPEG", exif=exif)
    assert decode_image(out.getvalue(), "a.jpg")[0].width == 300


@pytest.mark.parametrize("colour", [0, 3, 4, 6])
def test_bands_make_no_difference(colour: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bombs.png_of_zeros(50, 40, colour)
    (whole,) = decode_image(data, "a.png")
    monkeypatch.setattr(image, "_BAND_PIXELS", 120)
    (banded,) = decode_image(data, "a.png")
    assert np.array_equal(whole.pixels, banded.pixels)


# --- memory ---------------------------------------------------------------------------------------

_MEASURE = """
import sys
from pathlib import Path
from omrcli.errors import OmrError
from omrcli.pages.image import open_document
def peak():  # what getrusage tells begins with that of the process that started this one
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))
before = peak()
try:
    print(open_document(sys.argv[1]).load(0).pixels.shape)
except OmrError as error:
    print(error)
print(peak() - before)
"""


def measure(path: Path) -> int:
    """The MB that reading a file takes."""
    if sys.platform != "linux":
        pytest.skip("memory is measured on Linux only")
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(path)], capture_output=True, text=True, check=True
    )
    return int(done.stdout.split()[-1])


@pytest.mark.parametrize(
    ("data", "most"),
    [
        (lambda: bombs.png_claiming(HUGE, HUGE), 20),
        (lambda: bombs.jpeg_claiming(65_500, 65_500), 20),
        (lambda: bombs.png_with_text(70), 100),
        (lambda: bombs.tiff_of_folders(1, samples=60_000), 20),
        # 16 megapixels: 64 MB of colours with transparency, 16 of grey, and a band.
        (lambda: bombs.png_of_zeros(4000, 4000, 6), 220),
    ],
    ids=["PNG", "JPEG", "text", "colours", "honest"],
)
def test_memory_of_images(data: Callable[[], bytes], most: int, tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(data())
    assert measure(path) < most


def test_a_photo_of_50_megapixels_is_read(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (8660, 5774), "white").save(path)
    assert load_pages(path)[0].pixels.size == 8660 * 5774


def test_a_scan_of_a3_at_600_dpi_is_within_the_limits() -> None:
    assert image.MAX_PIXELS > 7016 * 9921
    assert image.MAX_SIDE > 9921


# --- PDF ------------------------------------------------------------------------------------------


@pytest.fixture
def little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second for each page; to start and open a document may take longer on a slow machine."""
    draw = pdf._Process.draw

    def draw_soon(process: pdf._Process, request: Mapping[str, Any]) -> Any:
        monkeypatch.setattr(pdf, "MOST_SECONDS", 1)
        try:
            return draw(process, request)
        finally:
            monkeypatch.setattr(pdf, "MOST_SECONDS", 60)

    monkeypatch.setattr(pdf._Process, "draw", draw_soon)


ENDLESS: dict[str, Callable[[], bytes]] = {
    "form in itself": bombs.pdf_form_in_itself,
    "10 to the power of 10 forms": lambda: bombs.pdf_of_forms(10, 10),
    "tiles of nothing": bombs.pdf_of_tiles,
    "gigabytes of commands": lambda: bombs.pdf_inflating(300),
}


@pytest.mark.usefixtures("little_time")
@pytest.mark.parametrize("name", list(ENDLESS))
def test_endless_pages_are_given_up(name: str) -> None:
    document = image._open(ENDLESS[name](), "bomb.pdf")
    started = monotonic()
    with pytest.raises(DamagedPageError) as caught:
        document.load(0)
    assert str(caught.value) == (
        "Page 1 of bomb.pdf takes more than 60 seconds to draw; "
        "print it to a new PDF or give images of its pages."
    )
    assert monotonic() - started < 20
    assert not pdf._drawing


@pytest.mark.usefixtures("little_time")
def test_after_three_endless_pages_the_file_is_given_up() -> None:
    whole = bombs.pdf_form_in_itself()
    kids = b"/Kids [3 0 R 3 0 R 3 0 R 3 0 R] /Count 4"
    document = image._open(whole.replace(b"/Kids [3 0 R] /Count 1", kids), "bomb.pdf")
    for index in (0, 1):
        with pytest.raises(DamagedPageError):
            document.load(index)
    with pytest.raises(InputError, match=r"^bomb.pdf takes more than 60 seconds") as caught:
        document.load(2)
    assert not isinstance(caught.value, DamagedPageError)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
def test_pictures_that_take_much_memory_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MOST_MEMORY", 300 << 20)
    (small,) = decode_image(bombs.pdf_with_picture(100, 100), "a.pdf")
    (large,) = decode_image(bombs.pdf_with_picture(16_000, 16_000), "bomb.pdf")
    assert (small.pixels.max(), large.pixels.min()) == (0, 255)


ODD_BOXES: dict[str, tuple[bytes, tuple[int, int] | None]] = {
    "a billion points": (b"[0 0 1000000000 1000000000]", (4473, 4473)),
    "a thread": (b"[0 0 1000000000 1]", None),
    "a dot": (b"[0 0 0.001 0.001]", None),
    "infinite": (b"[0 0 1e400 99999999999999999999999999]", (3301, 2550)),
}


@pytest.mark.parametrize("name", list(ODD_BOXES))
def test_pages_of_odd_size(name: str) -> None:
    box, size = ODD_BOXES[name]
    data = bombs.pdf_page(b"", box)
    if size is None:
        with pytest.raises(DamagedPageError, match=r"Page 1 of a.pdf is far too narrow; leave"):
            decode_image(data, "a.pdf")
    else:
        assert decode_image(data, "a.pdf")[0].pixels.shape == size


@pytest.mark.parametrize("unit", [b"1000000000", b"0.0000001", b"-3", b"nan"])
def test_odd_units_change_nothing(unit: bytes) -> None:
    (page,) = decode_image(bombs.pdf_page(b"/UserUnit " + unit), "a.pdf")
    assert page.pixels.shape == (834, 1667)


@pytest.mark.parametrize("claimed", [None, HUGE])
def test_odd_trees_of_pages(claimed: int | None) -> None:
    assert len(decode_image(bombs.pdf_of_pages(2, claimed), "a.pdf")) <= 2


@pytest.mark.parametrize("data", [bombs.pdf_page_loop(), bombs.pdf_page_depth(3000)])
def test_trees_of_pages_that_lead_nowhere(data: bytes) -> None:
    with pytest.raises(InputError):
        decode_image(data, "a.pdf")


def test_more_pages_than_a_book_has() -> None:
    with pytest.raises(InputError, match=r"a.pdf has 10,001 pages, over 10,000; cut it into sev"):
        decode_image(bombs.pdf_of_pages(10_001), "a.pdf")


def test_nothing_in_a_pdf_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "was-here"
    (page,) = decode_image(bombs.pdf_that_acts(b"touch " + bytes(mark)), "a.pdf")
    assert page.pixels.min() == 255
    assert not mark.exists()


def test_a_reader_that_dies_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    document = image._open(bombs.pdf_page(b""), "a.pdf")
    process = document._file._process  # type: ignore[attr-defined]
    process._process.kill()
    process._process.wait()
    with pytest.raises(DamagedPageError, match=r"Page 1 of a.pdf breaks the PDF reader or needs"):
        document.load(0)
    assert document.load(0).width == 1667  # by a new process
    document.close()


def test_few_processes_serve_many_documents(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(bombs.pdf_page(b""))
    documents = [open_document(path) for _ in range(6)]
    assert len(pdf._drawing) == pdf._MOST_PROCESSES
    assert [document.load(0).width for document in documents] == [1667] * 6
    for document in documents:
        document.close()
    assert not pdf._drawing


def test_modules_of_the_folder_it_stands_in_are_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('loaded')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    assert decode_image(bombs.pdf_page(b""), "a.pdf")[0].width == 1667
