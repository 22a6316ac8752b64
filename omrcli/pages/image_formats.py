"""Which files are images or PDF documents: by suffix, and by what their first bytes say."""

from __future__ import annotations

import importlib.util
import struct

from omrcli.errors import MissingDependencyError

#: What Pillow is let open, by its names; nothing else is tried.
FORMATS = ("PNG", "JPEG", "JPEG2000", "TIFF", "WEBP", "GIF", "AVIF", "BMP")
#: The same and PDF, for people.
KNOWN = "PNG, JPEG, JPEG 2000, TIFF, WebP, GIF, AVIF, BMP or PDF"
_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("png", "jpg", "jpeg", "jpe", "jfif", "tif", "tiff", "webp", "gif", "avif", "bmp", "pdf"),
        *("jp2", "j2k", "j2c", "jpc", "jpf", "jpx"),
    )
)
#: What phones take photos in; reading it takes a package of its own.
HEIF_SUFFIXES = frozenset({".heic", ".heif", ".hif"})
INSTALL_HEIF = "pip install 'omrcli[heif]'"
#: ISO 23008-12, annex B: images coded as HEVC, single and in sequences.
_HEVC_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"))


def has_heif() -> bool:
    """Tell whether the package that reads HEIC is installed."""
    return importlib.util.find_spec("pillow_heif") is not None


def find_suffixes() -> frozenset[str]:
    """The suffixes, in lower case, of the files that can be read here."""
    return _SUFFIXES | HEIF_SUFFIXES if has_heif() else _SUFFIXES


def choose_formats(head: bytes, shown: str) -> tuple[str, ...]:
    """The formats to try on a file that begins with `head`, which is called `shown`.

    Raises:
        MissingDependencyError: it is HEIC, and what reads that is not installed.
    """
    if not _is_heic(head):
        return FORMATS
    try:
        import pillow_heif
    except ImportError:
        raise MissingDependencyError(
            f"{shown} is a HEIC photo; export it as JPEG, or run {INSTALL_HEIF}"
        ) from None
    pillow_heif.register_heif_opener()
    return ("HEIF",)


def _is_heic(head: bytes) -> bool:
    """Tell whether a file is made of boxes of which the first names a brand of HEVC images."""
    if head[4:8] != b"ftyp":
        return False
    (size,) = struct.unpack(">I", head[:4])
    brands = {head[at : at + 4] for at in (8, *range(16, min(size, len(head)) - 3, 4))}
    return not brands.isdisjoint(_HEVC_BRANDS)
