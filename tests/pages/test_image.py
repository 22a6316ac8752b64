"""Every kind of image file becomes grey, upright, dark on light; every bad one a sentence."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from omrcli.errors import DamagedPageError, InputError, MissingDependencyError
from omrcli.pages import image
from omrcli.pages.image import _to_paper, decode_image, load_pages
from tests.drawn import draw_page

# Wider than high, dark in its upper left corner.
PIXELS = np.full((40, 60), 230, np.uint8)
PIXELS[4:12, 3:20] = 20


def encode(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def read_one(data: bytes) -> np.ndarray:
    (page,) = decode_image(data, "page")
    assert page.pixels.dtype == np.uint8
    assert (page.height, page.width) == page.pixels.shape
    return page.pixels


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF", "JPEG2000", "AVIF"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_formats(kind: str, mode: str) -> None:
    pixels = read_one(encode(Image.fromarray(PIXELS).convert(mode), kind))
    assert pixels.shape == PIXELS.shape
    assert np.abs(pixels.astype(int) - PIXELS).mean() < 4


@pytest.mark.parametrize(("mode", "kind"), [("1", "PNG"), ("1", "TIFF"), ("P", "PNG")])
def test_few_colours(mode: str, kind: str) -> None:
    picture = Image.fromarray(np.where(PIXELS > 128, 255, 0).astype(np.uint8)).convert(mode)
    assert np.array_equal(read_one(encode(picture, kind)), np.where(PIXELS > 128, 255, 0))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits(kind: str) -> None:
    deep = Image.fromarray(PIXELS.astype(np.uint16) * 257)
    assert np.abs(read_one(encode(deep, kind)).astype(int) - PIXELS).max() <= 1


def test_cmyk() -> None:
    pixels = read_one(encode(Image.fromarray(PIXELS).convert("RGB").convert("CMYK"), "JPEG"))
    assert pixels[30, 40] > 200
    assert pixels[8, 10] < 60


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transparent_paper_is_white(mode: str) -> None:
    alpha = Image.fromarray(np.where(PIXELS < 128, 255, 0).astype(np.uint8))
    picture = Image.new("L", alpha.size, 0).convert(mode)
    picture.putalpha(alpha)
    assert np.array_equal(read_one(encode(picture, "PNG")), np.where(PIXELS < 128, 0, 255))


def test_transparent_palette() -> None:
    picture = Image.fromarray(np.where(PIXELS < 128, 1, 0).astype(np.uint8), "L").convert("P")
    picture.putpalette([0, 0, 0] * 256)
    pixels = read_one(encode(picture, "PNG", transparency=0))
    assert (pixels[30, 40], pixels[8, 10]) == (255, 0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_rotation(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its left side
    stored = Image.fromarray(np.ascontiguousarray(np.rot90(PIXELS)))
    pixels = read_one(encode(stored, kind, exif=exif))
    assert pixels.shape == PIXELS.shape
    assert pixels[8, 10] < 60
    assert pixels[30, 40] > 200


def test_white_on_black_is_inverted() -> None:
    assert np.array_equal(read_one(encode(Image.fromarray(255 - PIXELS), "PNG")), PIXELS)


def test_dark_photo_is_not_inverted() -> None:
    dark = (PIXELS // 3).astype(np.uint8)
    assert np.array_equal(read_one(encode(Image.fromarray(dark), "PNG")), dark)


def test_pages_of_a_tiff(tmp_path: Path) -> None:
    path = tmp_path / "score.tif"
    pages = [Image.fromarray(np.full((20 + number, 30), 250, np.uint8)) for number in range(3)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    found = load_pages(path)
    assert [(page.page_index, page.height) for page in found] == [(0, 20), (1, 21), (2, 22)]
    assert {page.path for page in found} == {str(path)}


def test_a_damaged_page_of_a_tiff_leaves_the_others() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (3, 64, 64), dtype=np.uint8)
    pages = [Image.fromarray(page) for page in noise]
    data = encode(pages[0], "TIFF", save_all=True, append_images=pages[1:], compression="jpeg")
    marks = [at for at in range(len(data)) if data.startswith(b"\xff\xd8", at)]
    second = next(at for at in marks if at > len(data) // 3)
    data = data[:second] + bytes(40) + data[second + 40 :]
    document = image._open(data, "a.tif")
    assert document.load(2).page_index == 2
    with pytest.raises(DamagedPageError, match=r"Page 2 of a.tif is damaged; export"):
        document.load(1)


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "AVIF"])
def test_of_an_animation_the_first_frame_is_the_page(kind: str) -> None:
    later = np.full_like(PIXELS, 250)
    data = encode(
        Image.fromarray(PIXELS), kind, save_all=True, append_images=[Image.fromarray(later)]
    )
    assert np.abs(read_one(data).astype(int) - PIXELS).mean() < 4


def test_what_is_transparent_in_a_gif_is_paper() -> None:
    picture = Image.new("RGBA", (60, 40), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), (5, 5, 20, 10))
    pixels = read_one(encode(picture, "GIF"))
    assert (pixels[20, 40], pixels[7, 10]) == (255, 0)


@pytest.mark.parametrize("options", [{"no_jp2": True}, {"irreversible": True}])
def test_jpeg_2000_with_and_without_a_container(options: dict[str, bool]) -> None:
    pixels = read_one(encode(Image.fromarray(PIXELS), "JPEG2000", **options))
    assert np.abs(pixels.astype(int) - PIXELS).mean() < 4


# --- photos of phones -----------------------------------------------------------------------------


def heic_head(brand: bytes = b"heic", *others: bytes) -> bytes:
    """The first box of a HEIC file, and nothing behind it."""
    brands = b"".join(others)
    return struct.pack(">I", 16 + len(brands)) + b"ftyp" + brand + bytes(4) + brands


@pytest.mark.parametrize("head", [heic_head(), heic_head(b"mif1", b"miaf", b"heic")])
def test_without_its_package_heic_names_it(head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(MissingDependencyError) as caught:
        decode_image(head + bytes(64), "IMG_1.HEIC")
    assert str(caught.value) == (
        "IMG_1.HEIC is a HEIC photo; export it as JPEG, or run pip install 'omrcli[heif]'"
    )


@pytest.mark.parametrize("head", [heic_head(b"mp42", b"isom"), b"\0\0\0\0ftyp", b"abcdftypheix"])
def test_films_and_pieces_of_headers_are_no_photos(head: bytes) -> None:
    with pytest.raises((InputError, MissingDependencyError)) as caught:
        decode_image(head, "film")
    assert str(caught.value).startswith("film is ")


def test_heic_is_read_upright() -> None:
    heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[274] = 6  # to be turned clockwise
    picture = Image.fromarray(np.rot90(PIXELS)).convert("RGB")
    heif.register_heif_opener()
    picture.save(buffer, "HEIF", exif=exif.tobytes(), quality=90)
    pixels = read_one(buffer.getvalue())
    assert pixels.shape == PIXELS.shape
    assert np.abs(pixels.astype(int) - PIXELS).mean() < 6
    check_refused(buffer.getvalue()[: len(buffer.getvalue()) * 2 // 3])


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(encode(Image.fromarray(PIXELS), "PNG")))
    monkeypatch.setattr("sys.stdin", stream)
    (page,) = load_pages("-")
    assert page.path == "-"
    assert np.array_equal(page.pixels, PIXELS)


# --- refused --------------------------------------------------------------------------------------


def check_refused(data: bytes, *words: str) -> None:
    with pytest.raises(InputError) as caught:
        decode_image(data, "scan.png")
    message = str(caught.value)
    assert message.startswith("scan.png")
    assert message.endswith(".")
    assert "\n" not in message
    assert all(word in message for word in words)


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    header = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    start = struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    return b"\x89PNG\r\n\x1a\n" + header + start


@pytest.mark.parametrize("size", [(60_001, 10), (10, 60_001), (50_000, 50_000), (13_000, 13_000)])
def test_too_large_is_known_from_the_header(size: tuple[int, int]) -> None:
    check_refused(png_header(*size), "too large", "scale it down")


def test_too_many_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "MAX_TOTAL_PIXELS", 2 * PIXELS.size)
    page = Image.fromarray(PIXELS)
    check_refused(encode(page, "TIFF", save_all=True, append_images=[page] * 2), "too large")


@pytest.mark.parametrize("size", [(1, 1), (300, 2)])
def test_too_small(size: tuple[int, int]) -> None:
    check_refused(encode(Image.new("L", size), "PNG"), f"{size[0]} x {size[1]} px")


def test_nothing_and_text() -> None:
    check_refused(b"", "empty")
    check_refused(b"this is a letter", "no image")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF", "JPEG2000", "AVIF"])
def test_cut_short(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    data = encode(Image.fromarray(noise), kind)
    check_refused(data[: len(data) * 2 // 3])


def test_damaged() -> None:
    data = bytearray(encode(Image.fromarray(PIXELS), "PNG"))
    middle = data.index(b"IDAT") + 12
    data[middle : middle + 8] = b"\xff" * 8
    check_refused(bytes(data), "damaged")


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.png does not exist"):
        load_pages(tmp_path / "no.png")
    with pytest.raises(InputError, match="is a folder"):
        load_pages(tmp_path)


@pytest.mark.parametrize("table", [0, 12, 40])
def test_a_page_on_a_large_dark_table_is_no_negative(table: int) -> None:
    drawn = draw_page(4)
    height, width = drawn.shape
    photo = np.pad(drawn, ((height // 3,) * 2, (width // 3,) * 2), constant_values=table)
    assert np.mean(photo <= table) > 0.5
    assert np.array_equal(_to_paper(photo), photo)


@pytest.mark.parametrize("frame", [0, 5, 40])
def test_light_ink_on_dark_paper_is_inverted_also_in_a_light_frame(frame: int) -> None:
    negative = np.pad(255 - draw_page(4), frame, constant_values=255)
    assert np.array_equal(_to_paper(negative), 255 - negative)
