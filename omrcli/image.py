"""File -> PageImages: any common image file or PDF as 8-bit grey pages, dark ink on light paper."""

from __future__ import annotations

import io
import itertools
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from .errors import InputError
from .pdf import is_pdf, render_pages

Pixels = NDArray[np.uint8]

STDIN = "-"
FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
#: Limits that the header is checked against before a pixel is decoded.
MAX_SIDE = 60_000
MAX_PIXELS = 150_000_000
#: All pages of one file together; each pixel is held as one byte.
MAX_TOTAL_PIXELS = 1_500_000_000
#: A smaller image cannot hold a staff.
MIN_SIDE = 8

_KNOWN = "PNG, JPEG, TIFF, WebP, BMP or PDF"
_SUBFILE_TYPE = 254
_REDUCED_COPY = 1


@dataclass(frozen=True)
class PageImage:
    """One page: `pixels` (H, W) uint8, 255 = paper; `width` and `height` are its size in px.

    `path` is the file as the user gave it ("-" is standard input), `page_index` its page, from 0.
    """

    pixels: Pixels
    path: str
    width: int
    height: int
    page_index: int = 0


def load_pages(path: Path | str) -> list[PageImage]:
    """Read all pages of an image file or PDF at once; see `iter_pages`."""
    return list(iter_pages(path))


def iter_pages(path: Path | str) -> Iterator[PageImage]:
    """Read the pages of an image file or PDF, each when it is asked for; "-" is standard input.

    Raises:
        InputError: the file is missing, a folder, no image, damaged, encrypted, or too large or
            small.
    """
    if str(path) == STDIN:
        yield from _iter_decoded(sys.stdin.buffer.read(), STDIN)
    else:
        yield from _iter_decoded(_read_bytes(Path(path)), str(path))


def decode_image(data: bytes, name: str) -> list[PageImage]:
    """Decode the bytes of an image file or PDF; only PDF and TIFF can have more than one page.

    Raises:
        InputError: the bytes are no image, damaged, encrypted, or the image is too large or small.
    """
    return list(_iter_decoded(data, name))


def _iter_decoded(data: bytes, name: str) -> Iterator[PageImage]:
    shown = "standard input" if name == STDIN else name
    if not data:
        raise InputError(f"{shown} is empty; give an image ({_KNOWN}).")
    pages: Iterator[tuple[int, Pixels]] = _decode_images(data, shown)
    if is_pdf(data):
        pages = ((k, _to_paper(px)) for k, px in render_pages(data, shown, MAX_PIXELS))
    for index, pixels in pages:
        yield PageImage(pixels, name, pixels.shape[1], pixels.shape[0], index)


def _decode_images(data: bytes, shown: str) -> Iterator[tuple[int, Pixels]]:
    frames = _decode_frames(data, shown)
    for index in itertools.count():
        try:
            with warnings.catch_warnings():
                # Pillow warns below its own limit; ours is checked against the header.
                warnings.simplefilter("ignore")
                pixels = next(frames, None)
        except InputError:
            raise
        except UnidentifiedImageError:
            raise InputError(
                f"{shown} is no image that can be read; give a {_KNOWN} file."
            ) from None
        except Image.DecompressionBombError:
            raise InputError(_too_large(shown)) from None
        # The decoders raise nearly anything (struct.error, SyntaxError, zlib.error) on damage.
        except Exception as error:
            raise InputError(
                f"{shown} is damaged or cut short; export or copy it again."
            ) from error
        if pixels is None:
            return
        yield index, pixels


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; check the path.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; give the image files in it.") from None
    except OSError as error:
        # Windows says "permission denied" of folders too.
        if path.is_dir():
            raise InputError(f"{path} is a folder; give the image files in it.") from None
        reason = (error.strerror or "unknown reason").lower()
        raise InputError(f"{path} cannot be read ({reason}); check its permissions.") from None
    except ValueError:
        raise InputError(f"{str(path)!r} is no path; check its name.") from None


def _decode_frames(data: bytes, shown: str) -> Iterator[Pixels]:
    total = 0
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        # The further frames of other formats are animations, previews and depth maps.
        frames = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
        for frame in range(frames):
            image.seek(frame)
            if frame and _is_reduced_copy(image):
                continue
            total += image.width * image.height
            _check_size(image, total, shown)
            yield _to_paper(_to_grey(image))


def _is_reduced_copy(image: Image.Image) -> bool:
    """Tell whether a TIFF frame is a thumbnail of another one."""
    tags: Any = getattr(image, "tag_v2", {})
    return bool(int(tags.get(_SUBFILE_TYPE, 0)) & _REDUCED_COPY)


def _check_size(image: Image.Image, total: int, shown: str) -> None:
    width, height = image.size
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS or total > MAX_TOTAL_PIXELS:
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
    """Decode one frame, upright, onto white paper: (H, W) uint8."""
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith(("I", "F")):
        return _scale_deep(np.asarray(upright))
    if upright.has_transparency_data:
        colour = upright.convert("RGBA")
        paper = Image.new("RGBA", colour.size, "white")
        return np.array(Image.alpha_composite(paper, colour).convert("L"))
    if upright.mode not in ("1", "L", "RGB"):
        upright = upright.convert("RGB")
    return np.array(upright.convert("L"))


def _scale_deep(values: NDArray[Any]) -> Pixels:
    """Scale 16-bit, 32-bit or float grey to 8 bits; the largest value tells the range."""
    wide = np.nan_to_num(values.astype(np.float32))
    top = float(wide.max(initial=0.0))
    white = next((limit for limit in (1.0, 255.0, 65535.0) if top <= limit), top)
    if values.dtype.kind in "iu" and values.dtype.itemsize == 2:
        white = 65535.0
    return np.asarray(np.clip(wide * (255.0 / white) + 0.5, 0, 255), np.uint8)


def _to_paper(pixels: Pixels) -> Pixels:
    """Invert light ink on dark paper. The paper is what most pixels are near to."""
    step = max(1, min(pixels.shape) // 400)
    dark, median, light = np.percentile(pixels[::step, ::step], (1, 50, 99))
    if median < 128 and (median - dark) * 2 < light - median:
        pixels = 255 - pixels
    return pixels
