"""File -> PageImages: any common image file or PDF as 8-bit grey pages, dark ink on light paper."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from omrcli.errors import DamagedPageError, InputError

from .image_formats import KNOWN, choose_formats
from .pdf import Content, PdfFile, Room, is_pdf
from .warp import Warp

Pixels = NDArray[np.uint8]

STDIN = "-"
#: Limits that the header is checked against before a pixel is decoded.
MAX_SIDE = 60_000
MAX_PIXELS = 150_000_000
#: All pages of one file together, where all are held at once, one byte a pixel.
MAX_TOTAL_PIXELS = 1_500_000_000
#: A smaller image cannot hold a staff.
MIN_SIDE = 8

#: Scans of several pages have tens; each page of a TIFF is looked for behind all before it.
MAX_FRAMES = 1000

_HEAD = 1024  # bytes that tell the kind of a file
_SUBFILE_TYPE = 254
_REDUCED_COPY = 1
#: Pixels converted at a time.
_BAND_PIXELS = 4_000_000
#: Part of the shorter side around a px that tells the ground it lies on: wider than any ink.
_GROUND_SHARE = 8


@dataclass(frozen=True)
class PageImage:
    """One page: `pixels` (H, W) uint8, 255 = paper; `width` and `height` are its size in px.

    `path` is the file as the user gave it ("-" is standard input), `page_index` its page, from 0.
    `dpi` is the resolution of a drawing that can be drawn at another one too, in dots an inch; it
    is None for pages made of pixels, which are decoded as they are. `warp` leads from px of a page
    that was straightened to those of the page in the file; `width` and `height` are the latter's.
    """

    pixels: Pixels
    path: str
    width: int
    height: int
    page_index: int = 0
    dpi: float | None = None
    warp: Warp | None = None


class Document(Protocol):
    """A file of pages, each decoded when it is asked for. `name` is the file as the user gave it.

    `title` and `composer` are what the file says of itself, if that can be believed.
    """

    name: str
    title: str | None
    composer: str | None

    def __len__(self) -> int:
        """The number of its pages."""

    def load(self, index: int, dpi: float | None = None) -> PageImage:
        """Decode a page, from 0; drawings are drawn at `dpi` dots an inch, or as is usual.

        Raises:
            DamagedPageError: this page is damaged.
            InputError: it is too large or too small.
        """

    def close(self) -> None:
        """Let go of the file."""


def open_document(path: Path | str) -> Document:
    """Open an image file or PDF; "-" is standard input, which is read at once.

    Raises:
        InputError: the file is missing, empty, a folder, no image, damaged or encrypted.
        MissingDependencyError: it is a PDF and pypdfium2 is not installed, or HEIC and pillow-heif.
    """
    if str(path) == STDIN:
        return _open(sys.stdin.buffer.read(), STDIN)
    return _open(_find_content(Path(path)), str(path))


def load_pages(path: Path | str) -> list[PageImage]:
    """Read all pages of an image file or PDF at once; see `iter_pages`."""
    return _load_all(open_document(path))


def iter_pages(path: Path | str) -> Iterator[PageImage]:
    """Read the pages of an image file or PDF, each when it is asked for; "-" is standard input.

    Raises:
        InputError: the file is missing, a folder, no image, damaged, encrypted, or too large or
            small.
    """
    with closing(open_document(path)) as document:
        for index in range(len(document)):
            yield document.load(index)


def decode_image(data: bytes, name: str) -> list[PageImage]:
    """Decode the bytes of an image file or PDF; only PDF and TIFF can have more than one page.

    Raises:
        InputError: the bytes are no image, damaged, encrypted, or the image is too large or small.
    """
    return _load_all(_open(data, name))


def show_name(name: str) -> str:
    """What an input is called in messages."""
    return "standard input" if name == STDIN else name


def _load_all(document: Document) -> list[PageImage]:
    pages: list[PageImage] = []
    total = 0
    with closing(document):
        for index in range(len(document)):
            pages.append(document.load(index))
            total += pages[-1].pixels.size
            if total > MAX_TOTAL_PIXELS:
                raise InputError(_too_large(show_name(document.name)))
    return pages


def _open(content: Content, name: str) -> Document:
    head = content if isinstance(content, bytes) else _read_bytes(content, _HEAD)
    if not head:
        raise InputError(f"{show_name(name)} is empty; give an image ({KNOWN}).")
    if is_pdf(head):
        return _PdfPages(content, name)
    return _ImagePages(content, name, choose_formats(head, show_name(name)))


def _find_content(path: Path) -> Content:
    """A file that can be read again and again stays where it is; a pipe is read at once."""
    # Of a name that no file can have pathlib raises, and this tells False.
    return path if os.path.isfile(path) else _read_bytes(path)  # noqa: PTH113


def _read_bytes(path: Path, most: int = -1) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(most)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; check the path.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; give the image files in it.") from None
    except OSError as error:
        # Windows says "permission denied" of folders too.
        if os.path.isdir(path):  # noqa: PTH112
            raise InputError(f"{path} is a folder; give the image files in it.") from None
        reason = (error.strerror or "unknown reason").lower()
        raise InputError(f"{path} cannot be read ({reason}); check its permissions.") from None
    except ValueError:
        raise InputError(f"{str(path)!r} is no path; check its name.") from None


class _PdfPages:
    """The pages of a PDF, drawn."""

    def __init__(self, content: Content, name: str) -> None:
        self.name = name
        self._file = PdfFile(content, show_name(name))
        self.title, self.composer = self._file.title, self._file.composer

    def __len__(self) -> int:
        return len(self._file)

    def load(self, index: int, dpi: float | None = None) -> PageImage:
        drawn = self._file.draw(index, dpi, Room(MAX_PIXELS, MAX_SIDE, MIN_SIDE))
        pixels = _to_paper(drawn.pixels)
        height, width = pixels.shape
        return PageImage(pixels, self.name, width, height, index, drawn.dpi)

    def close(self) -> None:
        self._file.close()


class _ImagePages:
    """The one page of an image, or the pages of a TIFF."""

    title: str | None = None
    composer: str | None = None

    def __init__(self, content: Content, name: str, formats: tuple[str, ...]) -> None:
        self.name = name
        self._content = content
        self._formats = formats
        self._frames = self._list_frames()

    def __len__(self) -> int:
        return len(self._frames)

    def load(self, index: int, dpi: float | None = None) -> PageImage:
        with self._opened(index) as image:
            image.seek(self._frames[index])
            _check_size(image, show_name(self.name))
            pixels = _to_paper(_to_grey(image))
        return PageImage(pixels, self.name, pixels.shape[1], pixels.shape[0], index)

    def close(self) -> None:
        """Nothing is kept open."""

    def _list_frames(self) -> list[int]:
        """The frames that are pages; the first one is, whatever it says of itself."""
        with self._opened() as image:
            # The further frames of other formats are animations, previews and depth maps.
            if image.format != "TIFF":
                return [0]
            further = (frame for frame in _seek_frames(image) if not _is_reduced_copy(image))
            frames = [0, *islice(further, MAX_FRAMES)]
        if len(frames) > MAX_FRAMES:
            raise InputError(
                f"{show_name(self.name)} has over {MAX_FRAMES:,} pages; cut it into several files."
            )
        return frames

    @contextmanager
    def _opened(self, index: int | None = None) -> Iterator[Image.Image]:
        """The open image; what the decoder raises becomes a sentence about it, or its page."""
        shown, content = show_name(self.name), self._content
        source = io.BytesIO(content) if isinstance(content, bytes) else content
        try:
            with warnings.catch_warnings():
                # Pillow warns below its own limit; ours is checked against the header.
                warnings.simplefilter("ignore")
                with Image.open(source, formats=self._formats) as image:
                    yield image
        except InputError:
            raise
        except UnidentifiedImageError:
            raise InputError(
                f"{shown} is no image that can be read; give a {KNOWN} file."
            ) from None
        except Image.DecompressionBombError:
            raise InputError(_too_large(shown)) from None
        # The decoders raise nearly anything (struct.error, SyntaxError, zlib.error) on damage.
        except Exception as error:
            if index is not None and len(self) > 1:
                raise DamagedPageError(shown, index) from error
            raise InputError(
                f"{shown} is damaged or cut short; export or copy it again."
            ) from error


def _seek_frames(image: Image.Image) -> Iterator[int]:
    """Go to each frame behind the first."""
    for frame in count(1):
        try:
            image.seek(frame)
        except EOFError:
            return
        yield frame


def _is_reduced_copy(image: Image.Image) -> bool:
    """Tell whether a TIFF frame is a thumbnail of another one."""
    tags: Any = getattr(image, "tag_v2", {})
    return bool(int(tags.get(_SUBFILE_TYPE, 0)) & _REDUCED_COPY)


def _check_size(image: Image.Image, shown: str) -> None:
    width, height = image.size
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise InputError(_too_large(shown))
    if min(width, height) < MIN_SIDE:
        raise InputError(
            f"{shown} is only {width} x {height} px; give an image that shows a whole staff."
        )


def _too_large(shown: str) -> str:
    return (
        f"{shown} is too large (over {MAX_SIDE:,} px a side or {MAX_PIXELS // 10**6} megapixels);"
        " scale it down or cut it into pages."
    )


def _to_grey(image: Image.Image) -> Pixels:
    """Decode one frame, upright, onto white paper: (H, W) uint8.

    It is converted in bands: a large one would else be held several times over.
    """
    _turn_upright(image)
    flatten = _flatten
    if image.mode.startswith(("I", "F")):
        white = _find_white(image)
        flatten = partial(_scale_deep, white=white)
    pixels = np.empty((image.height, image.width), np.uint8)
    for top, band in _bands(image):
        pixels[top : top + band.height] = flatten(band)
    return pixels


def _turn_upright(image: Image.Image) -> None:
    """Turn an image as its EXIF says; what cannot be understood of that says nothing."""
    image.load()  # damage of the px is to be raised
    with suppress(Exception):
        ImageOps.exif_transpose(image, in_place=True)


def _bands(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Each band of an image and its top."""
    rows = max(1, _BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _flatten(band: Image.Image) -> Pixels:
    """Any colours as grey, on white paper where they are transparent."""
    if band.has_transparency_data:
        colour = band.convert("RGBA")
        paper = Image.new("RGBA", colour.size, "white")
        return np.array(Image.alpha_composite(paper, colour).convert("L"))
    if band.mode not in ("1", "L", "RGB"):
        band = band.convert("RGB")
    return np.array(band.convert("L"))


def _find_white(image: Image.Image) -> float:
    """The value of white in 16-bit, 32-bit or float grey; the largest one tells the range."""
    largest = 0.0
    for _, band in _bands(image):
        values = np.asarray(band)
        if values.dtype.kind in "iu" and values.dtype.itemsize == 2:
            return 65535.0
        largest = max(largest, float(_only_numbers(values).max(initial=0.0)))
    return next((limit for limit in (1.0, 255.0, 65535.0) if largest <= limit), largest)


def _scale_deep(band: Image.Image, white: float) -> Pixels:
    """Scale 16-bit, 32-bit or float grey to 8 bits."""
    wide = _only_numbers(np.asarray(band))
    return np.asarray(np.clip(wide * (255.0 / white) + 0.5, 0, 255), np.uint8)


def _only_numbers(values: NDArray[Any]) -> NDArray[np.float32]:
    return np.nan_to_num(values.astype(np.float32))


def _to_paper(pixels: Pixels) -> Pixels:
    """Invert light ink on dark paper; a page that lies on a dark table is none."""
    step = max(1, min(pixels.shape) // 400)
    few = pixels[::step, ::step]
    dark, median, light = np.percentile(few, (1, 50, 99))
    mostly_dark = median < 128 and (median - dark) * 2 < light - median
    return 255 - pixels if mostly_dark and _has_light_ink(few) else pixels


def _has_light_ink(pixels: Pixels) -> bool:
    """Tell whether what stands out of its surroundings is light; ink covers little of them."""
    few = np.ascontiguousarray(pixels)
    ground = np.asarray(cv2.medianBlur(few, min(few.shape) // _GROUND_SHARE | 1), np.uint8)
    light, dark = (float(np.square(out, dtype=np.float32).sum()) for out in _apart(few, ground))
    return light > dark


def _apart(pixels: Pixels, ground: Pixels) -> tuple[Pixels, Pixels]:
    """By how much each px is lighter than the ground, and by how much darker."""
    light, dark = cv2.subtract(pixels, ground), cv2.subtract(ground, pixels)
    return np.asarray(light, np.uint8), np.asarray(dark, np.uint8)
