"""What a PDF says of itself -> title and composer, where that is more than a program's habit."""

from __future__ import annotations

import re

#: Suffixes of files that are printed to PDF: a title that ends in one is a file name.
_SUFFIXES = (
    *("mscz", "mscx", "mus", "musx", "sib", "dorico", "ly", "enc", "capx", "cap", "nwc", "gp"),
    *("gp5", "gpx", "ove", "ftmx", "xml", "musicxml", "mxl", "mid", "midi", "abc", "pdf", "ps"),
    *("eps", "doc", "docx", "odt", "rtf", "txt", "tex", "dvi", "indd", "qxd", "cdr", "ai", "svg"),
    *("jpg", "jpeg", "png", "tif", "tiff", "bmp", "gif", "html", "htm"),
)
_FILE_NAME = re.compile(rf"\.(?:{'|'.join(_SUFFIXES)})$", re.IGNORECASE)
#: Programs that put their name before that of the file.
_PRINTED_FROM = re.compile(r"^microsoft (?:word|powerpoint|excel|publisher)\b", re.IGNORECASE)
_PATH = re.compile(r"^(?:[A-Za-z]:)?[\\/]|^file:|^https?:", re.IGNORECASE)
_NAMELESS = re.compile(
    r"(?:untitled|unnamed|no title|sans titre|ohne titel|unbenannt|senza titolo|sin título|title"
    r"|document|score|full score|layout|print|scan|scanned document|image|page|book|file"
    r"|img|dsc[nf]?|pxl|photo|foto|skm)[\s\d_.:-]*|\d{5,}[\s\d_.:-]*",
    re.IGNORECASE,
)
_ACCOUNTS = re.compile(
    r"(?:unknown|anonymous|author|administrator|admin|user|owner|root|guest|default|composer|pc|me"
    r"|microsoft.*|.*@.*|adobe.*|apple.*|.*\bscanner\b.*)",
    re.IGNORECASE,
)


def believe_title(text: str) -> str | None:
    """The title of a piece, or None for file names, "untitled" and what else programs put there."""
    said = _tidy(text)
    habit = _NAMELESS.fullmatch(said) or _is_file(said)
    return said if said and not habit else None


def believe_composer(text: str) -> str | None:
    """The composer, or None where the author is a file, an account or a program."""
    said = _tidy(text)
    if not any(sign.isalpha() for sign in said) or _ACCOUNTS.fullmatch(said) or _is_file(said):
        return None
    return said


def _is_file(said: str) -> bool:
    return any(pattern.search(said) for pattern in (_FILE_NAME, _PRINTED_FROM, _PATH))


def _tidy(text: str) -> str:
    """Printable signs only, single spaces: some writers pad with zero bytes."""
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(printable.split())
