"""Files and a choice of their pages -> the pages of one piece, decoded one at a time."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from omrcli.errors import UsageError

from .image import STDIN, Document, PageImage, open_document, show_name

_RANGE = re.compile(r"(\d+)?\s*(-)?\s*(\d+)?")


@dataclass(frozen=True)
class PageChoice:
    """Some pages of a document as (first, last), from 1; a last of None is the end.

    Raises:
        UsageError: a range runs backwards, or a page is below 1.
    """

    ranges: tuple[tuple[int, int | None], ...]

    def __post_init__(self) -> None:
        for first, last in self.ranges:
            if first < 1:
                raise UsageError("Pages are counted from 1, so there is no page 0.")
            if last is not None and last < first:
                raise UsageError(f"Pages {first}-{last} run backwards; write {last}-{first}.")

    def indices(self, count: int, shown: str) -> list[int]:
        """The pages, from 0, in the order chosen, each once; `shown` names what has `count` pages.

        Raises:
            UsageError: a page does not exist.
        """
        found: dict[int, None] = {}
        for first, last in self.ranges:
            highest = first if last is None else last
            if highest > count:
                has = f"{count} page" + ("s" if count != 1 else "")
                raise UsageError(f"There is no page {highest} in {shown}: it has {has}.")
            found.update(dict.fromkeys(range(first - 1, last or count)))
        return list(found)


def parse_pages(text: str) -> PageChoice:
    """Pages as one writes them: "2-5", "1,3,7-", "-4".

    Raises:
        UsageError: the text is none of that.
    """
    ranges: list[tuple[int, int | None]] = []
    for piece in text.split(","):
        found = _RANGE.fullmatch(piece.strip())
        first, dash, last = found.groups() if found else (None, None, None)
        if first is None and last is None:
            raise UsageError(f"Pages {text!r} cannot be read; write them like 2-5 or 1,3,7-.")
        low = int(first or 1)
        ranges.append((low, (int(last) if last else None) if dash else low))
    return PageChoice(tuple(ranges))


@dataclass(frozen=True)
class Piece:
    """What is read as one: files ("-" is standard input) whose pages follow each other.

    `pages` chooses among all their pages, counted through. `title` and `composer` of None are what
    the first PDF says of itself, if it says anything; "" leaves them out.
    """

    sources: tuple[str, ...]
    pages: PageChoice | None = None
    title: str | None = None
    composer: str | None = None

    @property
    def shown(self) -> str:
        """What the piece is called in messages."""
        first = show_name(self.sources[0])
        return first if len(self.sources) == 1 else f"{first} and {len(self.sources) - 1} more"


def make_piece(source: str | os.PathLike[str] | Piece) -> Piece:
    """A file as a piece of its own."""
    return source if isinstance(source, Piece) else Piece((os.fspath(source),))


@dataclass(frozen=True)
class PagePlace:
    """A chosen page: `index` is its place in the piece, `document` and `page` say where it is.

    All count from 0.
    """

    index: int
    document: int
    page: int


class OpenPiece:
    """The files of a piece, open; a context manager that closes them."""

    def __init__(self, piece: Piece) -> None:
        """Open all files; their pages are decoded later.

        Raises:
            InputError: a file is missing, no image, damaged or encrypted.
            UsageError: a page that was asked for does not exist.
        """
        self._documents: list[Document] = []
        try:
            for source in piece.sources:
                path = STDIN if source == STDIN else Path(source)
                self._documents.append(open_document(path))
            self.places = self._choose(piece)
        except BaseException:
            self.close()
            raise
        titles = [document.title for document in self._documents]
        composers = [document.composer for document in self._documents]
        self.title = _first_said(piece.title, titles)
        self.composer = _first_said(piece.composer, composers)

    def load(self, place: PagePlace, dpi: float | None = None) -> PageImage:
        """Decode a page; drawings are drawn at `dpi` dots an inch, or as is usual.

        Raises:
            InputError: it is damaged, too large or too small.
        """
        return self._documents[place.document].load(place.page, dpi)

    def name_of(self, place: PagePlace) -> str:
        """The file that a page is in, as the user gave it."""
        return self._documents[place.document].name

    def close(self) -> None:
        """Let go of all files."""
        for document in self._documents:
            document.close()

    def __enter__(self) -> OpenPiece:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _choose(self, piece: Piece) -> list[PagePlace]:
        every = [
            (number, page)
            for number, document in enumerate(self._documents)
            for page in range(len(document))
        ]
        chosen = range(len(every))
        indices = piece.pages.indices(len(every), piece.shown) if piece.pages else chosen
        return [PagePlace(index, *every[index]) for index in indices]


def _first_said(asked: str | None, said: Sequence[str | None]) -> str | None:
    if asked is not None:
        return asked or None
    return next((text for text in said if text), None)
