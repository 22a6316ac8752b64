"""PDF -> grey pages, one at a time. The only module that imports pypdfium2."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from ctypes import byref, c_float, c_uint
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DamagedPageError, InputError, MissingDependencyError
from .headings import believe_composer, believe_title

Pixels = NDArray[np.uint8]
#: A file by its path, or all of its bytes.
Content = Path | bytes

MARK = b"%PDF-"
#: The mark may stand behind what a mail or web server put before it (ISO 32000, annex H).
_MARK_WITHIN = 1024
#: At 300 dpi an interline of 1.75 mm, that of most parts, has 20 px: more than any model reads.
DOTS_PER_INCH = 300.0
#: More than A3 at 300 dpi: some programs give a page one point a pixel, and it is then a poster.
USUAL_PIXELS = 20_000_000
_POINTS_PER_INCH = 72
_PASSWORD, _SECURITY = 4, 5  # FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY
#: Share of the page from which one picture on it is a scan of it.
_SCAN_SHARE = 0.7
#: A scan of fewer px (A4 at 200 dpi) is enlarged: lines of one px do not survive the search.
_SCAN_PIXELS = 4_000_000
_MOST_ENLARGED = 2.0
_PICTURE_DEPTH = 4  # pictures may be wrapped in forms


@dataclass(frozen=True)
class Drawing:
    """A page as `pixels` (H, W) uint8 on white paper, upright.

    `dpi` is its resolution if it is a drawing, which can be drawn at any; None if it is a scan.
    """

    pixels: Pixels
    dpi: float | None


def is_pdf(data: bytes) -> bool:
    """Whether the bytes begin as a PDF does."""
    return MARK in data[:_MARK_WITHIN]


class PdfFile:
    """An open PDF; `title` and `composer` are what it says of itself, if that can be believed."""

    def __init__(self, content: Content, shown: str) -> None:
        """Open a PDF; `shown` names it in errors.

        Raises:
            InputError: the file is encrypted, damaged, or without a page.
            MissingDependencyError: pypdfium2 is not installed.
        """
        self._shown = shown
        self._document = _open(content, shown)
        self._count = len(self._document)
        if not self._count:
            self.close()
            raise InputError(f"{shown} has no page; export it again.")
        said = self._document.get_metadata_dict()
        self.title = believe_title(said.get("Title", ""))
        self.composer = believe_composer(said.get("Author", ""))

    def __len__(self) -> int:
        return self._count

    def draw(self, index: int, dpi: float | None, most_pixels: int) -> Drawing:
        """Draw a page, from 0, upright: /Rotate is obeyed.

        Without `dpi`, a scan keeps its px as far as it can, and a drawing has 300 dpi, or less
        where that were more than USUAL_PIXELS. No page gets more than `most_pixels`.

        Raises:
            DamagedPageError: the page cannot be opened or drawn.
        """
        from pypdfium2 import PdfiumError

        try:
            with closing(self._document[index]) as page:
                scan = _scan_dpi(page)
                usual = _usual_dpi(page) if scan is None else scan
                dpi = min(dpi or usual, _dpi_of(page, most_pixels))
                with closing(page.render(scale=dpi / _POINTS_PER_INCH, grayscale=True)) as bitmap:
                    pixels = np.array(bitmap.to_numpy(), np.uint8)
        except PdfiumError as error:
            raise DamagedPageError(self._shown, index) from error
        flat = pixels[..., 0] if pixels.ndim == 3 else pixels
        return Drawing(flat, dpi if scan is None else None)

    def close(self) -> None:
        """Let go of the file."""
        self._document.close()


def _open(content: Content, shown: str) -> Any:
    try:
        import pypdfium2
    except ImportError as error:
        raise MissingDependencyError(
            "Reading PDF needs pypdfium2; run: pip install pypdfium2"
        ) from error
    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        code = getattr(error, "err_code", None)
        if code in (_PASSWORD, _SECURITY) or "password" in str(error).lower():
            raise InputError(
                f"{shown} is encrypted; open it with its password and save or print it without one."
            ) from None
        raise InputError(f"{shown} is damaged or no PDF; export or copy it again.") from error


def _usual_dpi(page: Any) -> float:
    return min(DOTS_PER_INCH, _dpi_of(page, USUAL_PIXELS))


def _dpi_of(page: Any, pixels: float) -> float:
    """The resolution at which the page has that many px."""
    width, height = page.get_size()
    return _POINTS_PER_INCH * math.sqrt(pixels / max(1.0, width * height))


def _scan_dpi(page: Any) -> float | None:
    """The resolution to draw a scan at, or None where the page is a drawing."""
    width, height = page.get_size()
    for covered, pixels in _measure_pictures(page):
        if covered < _SCAN_SHARE * width * height or not pixels:
            continue
        # What stands in a scaled form tells its size there: it cannot be more than the page's.
        own = _POINTS_PER_INCH * math.sqrt(pixels / min(covered, width * height))
        enlarged = min(own * _MOST_ENLARGED, _dpi_of(page, _SCAN_PIXELS))
        return min(DOTS_PER_INCH, max(own, enlarged))
    return None


def _measure_pictures(page: Any) -> Iterator[tuple[float, int]]:
    """The area of each picture on the page in square points, and its number of px."""
    from pypdfium2 import raw

    wanted = (raw.FPDF_PAGEOBJ_IMAGE,)
    for picture in page.get_objects(filter=wanted, max_depth=_PICTURE_DEPTH):
        edges = [c_float() for _ in range(4)]
        size = [c_uint() for _ in range(2)]
        raw.FPDFPageObj_GetBounds(picture.raw, *(byref(edge) for edge in edges))
        raw.FPDFImageObj_GetImagePixelSize(picture.raw, *(byref(side) for side in size))
        left, bottom, right, top = (edge.value for edge in edges)
        yield max(0.0, right - left) * max(0.0, top - bottom), size[0].value * size[1].value
