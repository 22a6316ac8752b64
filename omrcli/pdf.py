"""PDF -> grey pages, one at a time. The only module that imports pypdfium2."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import InputError, MissingDependencyError

Pixels = NDArray[np.uint8]

MARK = b"%PDF-"
#: The mark may stand behind what a mail or web server put before it (ISO 32000, annex H).
_MARK_WITHIN = 1024
#: At 300 dpi an interline of 1.75 mm, that of most parts, has 20 px: more than any model reads.
DOTS_PER_INCH = 300
_POINTS_PER_INCH = 72
_PASSWORD = 4  # FPDF_ERR_PASSWORD


def is_pdf(data: bytes) -> bool:
    """Whether the bytes begin as a PDF does."""
    return MARK in data[:_MARK_WITHIN]


def render_pages(data: bytes, shown: str, most_pixels: int) -> Iterator[tuple[int, Pixels]]:
    """Page index, from 0, and pixels (H, W) uint8 of each page, upright, on white paper.

    Pages are drawn when they are asked for, at 300 dpi, or less where that would take more than
    `most_pixels`. `shown` names the file in errors.

    Raises:
        InputError: the file is encrypted, damaged, or without a page.
        MissingDependencyError: pypdfium2 is not installed.
    """
    with closing(_open(data, shown)) as document:
        if not len(document):
            raise InputError(f"{shown} has no page; export it again.")
        for index in range(len(document)):
            yield index, _render(document, index, shown, most_pixels)


def _open(data: bytes, shown: str) -> Any:
    try:
        import pypdfium2
    except ImportError as error:
        raise MissingDependencyError(
            "Reading PDF needs pypdfium2; run: pip install pypdfium2"
        ) from error
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD or "password" in str(error).lower():
            raise InputError(
                f"{shown} is encrypted; open it with its password and save or print it without one."
            ) from None
        raise InputError(f"{shown} is damaged or no PDF; export or copy it again.") from error


def _render(document: Any, index: int, shown: str, most_pixels: int) -> Pixels:
    from pypdfium2 import PdfiumError

    try:
        with closing(document[index]) as page:
            width, height = page.get_size()
            scale = DOTS_PER_INCH / _POINTS_PER_INCH
            scale *= min(1.0, math.sqrt(most_pixels / max(1.0, width * height * scale**2)))
            with closing(page.render(scale=scale, grayscale=True)) as bitmap:
                pixels = np.array(bitmap.to_numpy(), np.uint8)
    except PdfiumError as error:
        raise InputError(
            f"Page {index + 1} of {shown} is damaged; export or copy the file again."
        ) from error
    return pixels[..., 0] if pixels.ndim == 3 else pixels
