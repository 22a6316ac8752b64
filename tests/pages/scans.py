"""PDF files as scanners and their programs write them, of pages drawn for the tests."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
#: left, bottom, width, height as shares of the page.
Box = tuple[float, float, float, float]
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Picture:
    """(H, W) pixels, how they are stored, and where on the page."""

    pixels: Pixels
    coding: str = "flate-8"
    box: Box = WHOLE


def write_scan(
    pictures: Sequence[Picture], size: tuple[float, float], rotation: int = 0, drawn: bytes = b""
) -> bytes:
    """A PDF of one page of `size` in points, with pictures in the order they are painted.

    `rotation` is the page's /Rotate, `drawn` is painted over the pictures.
    """
    width, height = size
    content = b"".join(
        b"q %.4f 0 0 %.4f %.4f %.4f cm /P%d Do Q\n"
        % (w * width, h * height, left * width, bottom * height, number)
        for number, (left, bottom, w, h) in enumerate(picture.box for picture in pictures)
    )
    names = b" ".join(b"/P%d %d 0 R" % (number, number + 5) for number in range(len(pictures)))
    page = (
        b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 %.4f %.4f] /Rotate %d /Contents 4 0 R"
        b" /Resources <</XObject <<%s>> >> >>"
    )
    return write_objects(
        b"<</Type /Catalog /Pages 2 0 R>>",
        b"<</Type /Pages /Kids [3 0 R] /Count 1>>",
        page % (width, height, rotation, names),
        make_stream(b"", content + drawn),
        *(_make_picture(picture) for picture in pictures),
    )


def write_objects(*objects: bytes) -> bytes:
    """A PDF of these objects; its table of places is left for the reader to find."""
    body = b"".join(b"%d 0 obj %s endobj\n" % item for item in enumerate(objects, 1))
    return b"%PDF-1.4\n" + body + b"trailer <</Root 1 0 R>>\n%%EOF\n"


def make_stream(entries: bytes, content: bytes) -> bytes:
    """A stream with these entries in its dictionary."""
    return b"<<%s /Length %d>>\nstream\n%s\nendstream" % (entries, len(content), content)


def _make_picture(picture: Picture) -> bytes:
    height, width = picture.pixels.shape
    entries, content = CODINGS[picture.coding](picture.pixels)
    size = b"/Type /XObject /Subtype /Image /Width %d /Height %d " % (width, height)
    return make_stream(size + entries, content)


def _flate(pixels: Pixels) -> tuple[bytes, bytes]:
    entries = b"/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode"
    return entries, zlib.compress(pixels.tobytes(), 1)


def _flate_bits(pixels: Pixels) -> tuple[bytes, bytes]:
    entries = b"/ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /FlateDecode"
    return entries, zlib.compress(np.packbits(pixels > 127, axis=1).tobytes(), 1)


def _stencil(pixels: Pixels) -> tuple[bytes, bytes]:
    """Black through a mask, as in pages of several layers."""
    entries = b"/ImageMask true /BitsPerComponent 1 /Filter /FlateDecode"
    return entries, zlib.compress(np.packbits(pixels > 127, axis=1).tobytes(), 1)


def _jpeg(pixels: Pixels) -> tuple[bytes, bytes]:
    return b"/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode", _encode(
        Image.fromarray(pixels), "JPEG", quality=80
    )


def _jpeg_2000(pixels: Pixels) -> tuple[bytes, bytes]:
    return b"/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /JPXDecode", _encode(
        Image.fromarray(pixels), "JPEG2000"
    )


def _fax(pixels: Pixels) -> tuple[bytes, bytes]:
    entries = b"/ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /CCITTFaxDecode "
    parameters = b"/DecodeParms <</K -1 /Columns %d /Rows %d>>" % pixels.shape[::-1]
    return entries + parameters, _code_fax(pixels)


def _jbig2(pixels: Pixels) -> tuple[bytes, bytes]:
    """A page of one generic region that is coded as a fax is (ITU-T T.88, 6.2.6)."""
    height, width = pixels.shape
    page = struct.pack(">IIIIBH", width, height, 0, 0, 0, 0)
    region = struct.pack(">IIIIBB", width, height, 0, 0, 0, 1) + _code_fax(pixels)
    segments = ((0, 48, page), (1, 38, region))
    content = b"".join(
        struct.pack(">IBBBI", number, kind, 0, 1, len(data)) + data
        for number, kind, data in segments
    )
    return b"/ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /JBIG2Decode", content


def _code_fax(pixels: Pixels) -> bytes:
    """ITU-T T.6, as Pillow writes it into one strip of a TIFF, where black is coded as white."""
    bits = Image.fromarray(np.where(pixels > 127, 0, 255).astype(np.uint8)).convert("1")
    data = _encode(bits, "TIFF", compression="group4", tiffinfo={278: len(pixels)})
    with Image.open(io.BytesIO(data)) as image:
        tags = image.tag_v2  # type: ignore[attr-defined]
        (start,), (length,) = tags[273], tags[279]
    return data[start : start + length]


def _encode(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


CODINGS: dict[str, Callable[[Pixels], tuple[bytes, bytes]]] = {
    "flate-8": _flate,
    "flate-1": _flate_bits,
    "stencil": _stencil,
    "jpeg": _jpeg,
    "jpeg-2000": _jpeg_2000,
    "fax": _fax,
    "jbig2": _jbig2,
}
