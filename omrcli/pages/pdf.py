"""PDF -> grey pages, one at a time, drawn in a process of its own: `pdf_drawing.py`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from omrcli.errors import DamagedPageError, InputError, MissingDependencyError
from omrcli.second_process import EndedError, SecondProcess, read_line

from .headings import believe_composer, believe_title
from .pdf_drawing import DAMAGED, ENCRYPTED, MISSING, ODD_SIZE

Pixels = NDArray[np.uint8]
#: A file by its path, or all of its bytes.
Content = Path | bytes

MARK = b"%PDF-"
#: The mark may stand behind what a mail or web server put before it (ISO 32000, annex H).
_MARK_WITHIN = 1024
#: More than any book of music has; each is looked at, and each that is damaged is named.
MAX_PAGES = 10_000
#: To open a document or draw a page takes a second or two on a slow machine.
MOST_SECONDS = 60
#: Address space of the process that draws: a page of 150 megapixels with a scan of that size.
MOST_MEMORY = 2 << 30
#: Pages that may end the process before the rest of the file is given up.
_MOST_ENDS = 3
#: Of several open documents so many keep their process; it is started again for the others.
_MOST_PROCESSES = 4


@dataclass(frozen=True)
class Drawing:
    """A page as `pixels` (H, W) uint8 on white paper, upright.

    `dpi` is its resolution if it is a drawing, which can be drawn at any; None if it is a scan.
    """

    pixels: Pixels
    dpi: float | None


@dataclass(frozen=True)
class Room:
    """What a drawn page may take: px in all and on a side, and the least of a side, in px."""

    most_pixels: int
    most_side: int = 60_000
    least_side: int = 8


def is_pdf(data: bytes) -> bool:
    """Whether the bytes begin as a PDF does."""
    return MARK in data[:_MARK_WITHIN]


class PdfFile:
    """An open PDF; `title` and `composer` are what it says of itself, if that can be believed."""

    def __init__(self, content: Content, shown: str) -> None:
        """Open a PDF; `shown` names it in errors.

        Raises:
            InputError: the file is encrypted, damaged, endless, or without a page.
            MissingDependencyError: pypdfium2 is not installed.
        """
        self._shown = shown
        self._content = content
        self._ends = 0
        self._process: _Process | None = None
        said = self._start()
        self._count = int(said["pages"])
        if not 0 < self._count <= MAX_PAGES:
            self.close()
            raise InputError(_bad_count(shown, self._count))
        self.title = believe_title(said["title"])
        self.composer = believe_composer(said["author"])

    def __len__(self) -> int:
        return self._count

    def draw(self, index: int, dpi: float | None, room: Room) -> Drawing:
        """Draw a page, from 0, upright: /Rotate is obeyed.

        Without `dpi`, a scan keeps its px as far as it can, and a drawing has 300 dpi, or less
        where that were more than 20 megapixels. No page gets more than there is `room` for.

        Raises:
            DamagedPageError: the page cannot be opened or drawn.
            InputError: it is not the first one that takes too much time or memory.
        """
        if self._process is None:
            self._start()
        request = {"index": index, "dpi": dpi, **vars(room)}
        try:
            said, pixels = cast(_Process, self._process).draw(request)
        except EndedError as error:
            self.close()
            self._ends += 1
            if self._ends >= _MOST_ENDS:
                raise InputError(_too_much(self._shown, error)) from None
            raise DamagedPageError(self._shown, index, _too_much("", error)) from None
        problem = said.get("error")
        if problem == ODD_SIZE:
            raise DamagedPageError(self._shown, index, "is far too narrow; leave it out.")
        if problem or pixels is None:
            raise DamagedPageError(self._shown, index)
        return Drawing(pixels, said["dpi"])

    def close(self) -> None:
        """Let go of the file."""
        if self._process is not None:
            self._process.close()
            self._process = None
        if self in _drawing:
            _drawing.remove(self)

    def _start(self) -> Mapping[str, Any]:
        """Start the process; what it says of the document."""
        while len(_drawing) >= _MOST_PROCESSES:
            _drawing[0].close()
        self._process = _Process()
        _drawing.append(self)
        try:
            said = self._process.open(self._content)
            if "error" in said:
                raise _refusal(said["error"], self._shown)
        except EndedError as error:
            self.close()
            raise InputError(_too_much(self._shown, error)) from None
        except BaseException:
            self.close()
            raise
        return said


#: The documents whose process runs, the oldest first.
_drawing: list[PdfFile] = []


class _Process(SecondProcess):
    """A process that draws the pages of one document."""

    def __init__(self) -> None:
        try:
            super().__init__("omrcli.pages.pdf_drawing", (str(MOST_MEMORY), str(MOST_SECONDS)))
        except OSError as error:
            reason = (error.strerror or "unknown reason").lower()
            raise InputError(
                f"A PDF cannot be drawn, for no process can be started ({reason}); "
                "free memory or give images of its pages."
            ) from error

    def open(self, content: Content) -> Mapping[str, Any]:
        """Open the document; the answer has its pages, title and author, or an error."""
        if isinstance(content, bytes):
            return self._ask({"bytes": len(content)}, content)[0]
        return self._ask({"path": os.fspath(content)})[0]

    def draw(self, request: Mapping[str, Any]) -> tuple[Mapping[str, Any], Pixels | None]:
        """Draw a page; the answer, and (H, W) pixels unless that is an error."""
        return self._ask(request)

    def _ask(
        self, request: Mapping[str, Any], more: bytes = b""
    ) -> tuple[Mapping[str, Any], Pixels | None]:
        return self.ask(json.dumps(request).encode() + b"\n" + more, _read, MOST_SECONDS)


def _read(answers: BinaryIO) -> tuple[Mapping[str, Any], Pixels | None]:
    said = json.loads(read_line(answers))
    if "stride" not in said:
        return said, None
    rows = np.empty((said["height"], said["stride"]), np.uint8)
    if cast(Any, answers).readinto(rows.data) < rows.size:
        raise EOFError
    channels = said["channels"]  # grey, so that the first one is all
    return said, np.ascontiguousarray(rows[:, : said["width"] * channels : channels])


def _refusal(problem: str, shown: str) -> InputError | MissingDependencyError:
    if problem == MISSING:
        return MissingDependencyError("Reading PDF needs pypdfium2; run: pip install pypdfium2")
    if problem == ENCRYPTED:
        return InputError(
            f"{shown} is encrypted; open it with its password and save or print it without one."
        )
    assert problem == DAMAGED
    return InputError(f"{shown} is damaged or no PDF; export or copy it again.")


def _bad_count(shown: str, count: int) -> str:
    if count < 1:
        return f"{shown} has no page; export it again."
    return f"{shown} has {count:,} pages, over {MAX_PAGES:,}; cut it into several files."


def _too_much(shown: str, error: EndedError) -> str:
    """What is said of a document (or, with its name empty, a page) that ended the process."""
    what = (
        f"takes more than {MOST_SECONDS} seconds to draw"
        if error.late
        else f"breaks the PDF reader or needs over {MOST_MEMORY >> 30} GB of memory"
    )
    return f"{shown} {what}; print it to a new PDF or give images of its pages.".strip()
