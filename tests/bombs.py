"""Files made to harm who opens them: small on disk, huge or endless when read.

`python -m tests.bombs KIND` (on Linux) says what reading the largest one that is not refused takes.
"""

from __future__ import annotations

import argparse
import io
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image

# --- images ---------------------------------------------------------------------------------------


def png_claiming(width: int, height: int, colour: int = 0, depth: int = 8) -> bytes:
    """A PNG whose header says so much, and which holds next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [_chunk(b"IHDR", header)]
    if colour == 3:
        chunks.append(_chunk(b"PLTE", bytes(range(256)) * 3))
    return b"\x89PNG\r\n\x1a\n" + b"".join([*chunks, _chunk(b"IDAT", zlib.compress(b"\0" * 1000))])


def png_of_zeros(width: int, height: int, colour: int = 6, depth: int = 8) -> bytes:
    """A true PNG of black or transparent px, a thousandth of its px on disk."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = b"\0" * (1 + width * channels * depth // 8)
    packer = zlib.compressobj(1)
    data = b"".join([*(packer.compress(row) for _ in range(height)), packer.flush()])
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + (_chunk(b"PLTE", bytes(range(256)) * 3) if colour == 3 else b"")
        + _chunk(b"IDAT", data)
        + _chunk(b"IEND", b"")
    )


def png_with_text(megabytes: int) -> bytes:
    """A small PNG with compressed remarks that unpack to so much."""
    remark = _chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * (1 << 20), 9))
    profile = _chunk(b"iCCP", b"a\0\0" + zlib.compress(b"\0" * (megabytes << 20), 9))
    whole = _encode(Image.new("L", (100, 100), 255), "PNG")
    head = whole.index(b"IDAT") - 4
    return whole[:head] + profile + remark * megabytes + whole[head:]


def jpeg_claiming(width: int, height: int) -> bytes:
    """A JPEG whose frame says so much."""
    whole = bytearray(_encode(Image.new("L", (64, 64), 255), "JPEG"))
    at = whole.index(b"\xff\xc0") + 5
    whole[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(whole)


def bmp_claiming(width: int, height: int) -> bytes:
    """A BMP whose header says so much."""
    whole = bytearray(_encode(Image.new("L", (16, 16), 255), "BMP"))
    whole[18:26] = struct.pack("<ii", width, height)
    return bytes(whole)


def webp_claiming(width: int, height: int) -> bytes:
    """A lossless WebP whose header says so much (16,384 px a side at most)."""
    whole = bytearray(_encode(Image.new("RGB", (16, 16), "white"), "WEBP", lossless=True))
    at = whole.index(b"VP8L") + 9
    packed = struct.unpack_from("<I", whole, at)[0] & ~0xFFFFFFF
    struct.pack_into("<I", whole, at, packed | (width - 1) | (height - 1) << 14)
    return bytes(whole)


def gif_claiming(width: int, height: int) -> bytes:
    """A GIF whose screen is so large."""
    whole = bytearray(_encode(Image.new("L", (16, 16), 255), "GIF"))
    whole[6:10] = struct.pack("<HH", width, height)
    return bytes(whole)


def animated(kind: str, frames: int) -> bytes:
    """A file of many frames, all different."""
    pictures = [Image.fromarray(np.full((40, 60), 255 - n % 200, np.uint8)) for n in range(frames)]
    return _encode(pictures[0], kind, save_all=True, append_images=pictures[1:])


def tiff_of_folders(count: int, loops: bool = False, **tags: int) -> bytes:
    """A TIFF of so many pages that all are the same strip; `loops` leads the last to the first.

    `tags` are width, height, bits and samples.
    """
    width, height = tags.get("width", 64), tags.get("height", 64)
    bits, samples = tags.get("bits", 8), tags.get("samples", 1)
    strip = tags.get("strip", 64 * 64)
    entries = [
        (254, 4, 0), (256, 4, width), (257, 4, height), (258, 3, bits), (259, 3, 1),
        (262, 3, 1), (273, 4, 8), (277, 3, samples), (278, 4, height), (279, 4, strip),
    ]  # fmt: skip
    start = 8 + 64 * 64
    size = 2 + 12 * len(entries) + 4
    out = [struct.pack("<2sHI", b"II", 42, start), b"\xff" * (64 * 64)]
    for index in range(count):
        following = start + size * (index + 1)
        if index == count - 1:
            following = start if loops else 0
        out.append(struct.pack("<H", len(entries)))
        out += [struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries]
        out.append(struct.pack("<I", following))
    return b"".join(out)


def tiff_bomb(width: int, height: int) -> bytes:
    """A true deflated TIFF of white px."""
    strip = zlib.compress(b"\xff" * (width * height), 9)
    entries = [
        (256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 8), (262, 3, 1),
        (273, 4, 8), (277, 3, 1), (278, 4, height), (279, 4, len(strip)),
    ]  # fmt: skip
    folder = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries
    )
    head = struct.pack("<2sHI", b"II", 42, 8 + len(strip))
    return head + strip + folder + struct.pack("<I", 0)


def _encode(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# --- PDF ------------------------------------------------------------------------------------------

CATALOG = b"<</Type /Catalog /Pages 2 0 R>>"
PAGES = b"<</Type /Pages /Kids [3 0 R] /Count 1>>"


def pdf_of(*objects: bytes) -> bytes:
    """A PDF of these objects; its table of places is left for the reader to find."""
    body = b"".join(b"%d 0 obj %s endobj\n" % item for item in enumerate(objects, 1))
    return b"%PDF-1.4\n" + body + b"trailer <</Root 1 0 R>>\n%%EOF\n"


def pdf_page(more: bytes, box: bytes = b"[0 0 400 200]", *objects: bytes) -> bytes:
    """A PDF of one page with further entries; `objects` are numbered from 4."""
    page = b"<</Type /Page /Parent 2 0 R /MediaBox %s %s>>" % (box, more)
    return pdf_of(CATALOG, PAGES, page, *objects)


def pdf_stream(content: bytes, filters: bytes = b"") -> bytes:
    """A stream object."""
    head = b"<</Length %d %s>>" % (len(content), filters)
    return b"%s\nstream\n%s\nendstream" % (head, content)


def pdf_inflating(megabytes: int, layers: int = 2, streams: int = 1) -> bytes:
    """A page whose drawing commands unpack to so much, each stream of a few bytes."""
    packed = _deflate_repeated(b"0 0 m 9 9 l S\n" * 64, megabytes << 20)
    for _ in range(layers - 1):
        packed = zlib.compress(packed, 9)
    filters = b"/Filter [%s]" % (b"/FlateDecode " * layers)
    contents = b"/Contents [%s]" % b" ".join([b"4 0 R"] * streams)
    return pdf_page(contents, b"[0 0 400 200]", pdf_stream(packed, filters))


def pdf_with_picture(width: int, height: int) -> bytes:
    """A page with a black picture of so many px, deflated twice."""
    packed = zlib.compress(_deflate_repeated(b"\0" * 1024, width * height), 9)
    picture = b"/Type /XObject /Subtype /Image /Width %d /Height %d" % (width, height)
    picture += b" /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter [/FlateDecode /FlateDecode]"
    return pdf_page(
        b"/Contents 5 0 R /Resources <</XObject <</X 4 0 R>> >>",
        b"[0 0 400 200]",
        pdf_stream(packed, picture),
        pdf_stream(b"q 400 0 0 200 0 0 cm /X Do Q"),
    )


def pdf_of_forms(depth: int, width: int) -> bytes:
    """Forms that draw the next form `width` times over: width ** depth strokes in all."""
    forms = []
    for level in range(depth):
        last = level == depth - 1
        content = b"0 0 m 9 9 l S\n" if last else b"/X Do\n" * width
        inner = b"" if last else b"/Resources <</XObject <</X %d 0 R>> >>" % (6 + level)
        forms.append(
            pdf_stream(content, b"/Type /XObject /Subtype /Form /BBox [0 0 400 200] " + inner)
        )
    return pdf_page(
        b"/Contents 4 0 R /Resources <</XObject <</X 5 0 R>> >>",
        b"[0 0 400 200]",
        pdf_stream(b"/X Do"),
        *forms,
    )


def pdf_form_in_itself() -> bytes:
    """A form that draws itself."""
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 400 200] "
    form += b"/Resources <</XObject <</X 5 0 R>> >>"
    return pdf_page(
        b"/Contents 4 0 R /Resources <</XObject <</X 5 0 R>> >>",
        b"[0 0 400 200]",
        pdf_stream(b"/X Do"),
        pdf_stream(b"/X Do /X Do", form),
    )


def pdf_of_tiles() -> bytes:
    """A page filled with a pattern whose tile is a millionth of a point."""
    pattern = b"/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 1 1] "
    pattern += b"/XStep 0.0001 /YStep 0.0001 /Resources <<>>"
    return pdf_page(
        b"/Contents 5 0 R /Resources <</Pattern <</P 4 0 R>> >>",
        b"[0 0 400 200]",
        pdf_stream(b"0 0 1 1 re f", pattern),
        pdf_stream(b"/Pattern cs /P scn 0 0 400 200 re f"),
    )


def pdf_of_strokes(count: int) -> bytes:
    """A page with so many dashes in one line."""
    return pdf_page(
        b"/Contents 4 0 R",
        b"[0 0 400 200]",
        pdf_stream(b"[0.0000001 0.0000001] 0 d\n" + b"0 0 m 400 200 l S\n" * count),
    )


def pdf_of_shading() -> bytes:
    """A page filled with a shading whose function is a program that costs much."""
    program = b"{ " + b"dup mul sqrt sin cos " * 20_000 + b"}"
    shading = b"<</ShadingType 1 /ColorSpace /DeviceGray /Function 5 0 R /Domain [0 400 0 200]>>"
    return pdf_page(
        b"/Contents 6 0 R /Resources <</Shading <</S 4 0 R>> >>",
        b"[0 0 400 200]",
        shading,
        pdf_stream(program, b"/FunctionType 4 /Domain [0 400 0 200] /Range [0 1]"),
        pdf_stream(b"/S sh"),
    )


def pdf_page_loop() -> bytes:
    """A tree of pages whose branch is the tree itself."""
    return pdf_of(CATALOG, b"<</Type /Pages /Kids [2 0 R 2 0 R] /Count 1000>>")


def pdf_page_depth(depth: int) -> bytes:
    """A page at the end of a long branch."""
    nodes = (
        b"<</Type /Pages /Kids [%d 0 R] /Count 1 /Parent %d 0 R>>" % (n + 3, n + 1)
        for n in range(depth)
    )
    page = b"<</Type /Page /Parent %d 0 R /MediaBox [0 0 400 200]>>" % (depth + 1)
    return pdf_of(CATALOG, *nodes, page)


def pdf_of_pages(count: int, claimed: int | None = None) -> bytes:
    """So many pages, all the same object, or a claim of more."""
    kids = b" ".join([b"3 0 R"] * count)
    tree = b"<</Type /Pages /Kids [%s] /Count %d>>" % (kids, claimed or count)
    return pdf_of(CATALOG, tree, b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 400 200]>>")


def pdf_that_acts(command: bytes) -> bytes:
    """A PDF that wants to run a script, start a program and open an attached file when opened."""
    script = b"<</S /JavaScript /JS (app.launchURL\\('file:///%s'\\))>>" % command
    launch = b"<</S /Launch /F (/bin/sh) /Unix <</F (/bin/sh) /P (-c '%s')>> >>" % command
    return pdf_of(
        b"<</Type /Catalog /Pages 2 0 R /OpenAction 4 0 R /AA <</WC 5 0 R>> "
        b"/Names <</JavaScript <</Names [(a) 4 0 R]>> "
        b"/EmbeddedFiles <</Names [(a) 6 0 R]>> >> >>",
        PAGES,
        b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 400 200] /AA <</O 5 0 R>> >>",
        script,
        launch,
        b"<</Type /Filespec /F (evil.sh) /EF <</F 7 0 R>> >>",
        pdf_stream(command, b"/Type /EmbeddedFile"),
    )


def _deflate_repeated(piece: bytes, size: int) -> bytes:
    """`piece` again and again up to about `size`, deflated, without ever holding it."""
    packer = zlib.compressobj(9)
    block = piece * max(1, (1 << 20) // len(piece))
    parts: Iterable[bytes] = (packer.compress(block) for _ in range(-(-size // len(block))))
    return b"".join([*parts, packer.flush()])


# --- what they cost -------------------------------------------------------------------------------

KINDS: dict[str, Callable[[], bytes]] = {
    "rgba": lambda: png_of_zeros(15_000, 9_900, 6),
    "grey16": lambda: png_of_zeros(15_000, 9_900, 0, 16),
    "pdf": lambda: pdf_page(b"/Contents 4 0 R", b"[0 0 595 842]", pdf_stream(b"0 0 m 9 9 l S")),
}
_READ = """
import resource, sys
from pathlib import Path
from omrcli.pages.image import load_pages
print(*(page.pixels.shape for page in load_pages(sys.argv[1])))
lines = Path("/proc/self/status").read_text().splitlines()
peak = next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))
usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
seconds = sum(item.ru_utime + item.ru_stime for item in usage)
print(f"{peak} MB at most, {seconds:.2f} s of processor time, start of Python included")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=list(KINDS))
    data = KINDS[parser.parse_args().kind]()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "it"
        path.write_bytes(data)
        print(f"{len(data):,} bytes", flush=True)
        subprocess.run([sys.executable, "-c", _READ, str(path)], check=True)


if __name__ == "__main__":
    main()
