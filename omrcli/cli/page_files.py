"""What commands write: one document, or engraved pages, each a file with its number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from omrcli.errors import UsageError

from .failures import say


def check_one_page(format: str, pages: Sequence[bytes]) -> None:
    """Raise UsageError where several pages would go to standard output."""
    if len(pages) > 1:
        raise UsageError(
            f"{len(pages)} pages of {format} cannot share standard output; give a file with -o, "
            "or take pdf."
        )


def write_pages(path: Path, pages: Sequence[bytes]) -> None:
    """Write an output; of several pages each is a file with its number.

    Raises:
        OutputError: a file, or the folder that it is to be in, cannot be made.
    """
    from omrcli.output import make_folder, write_file

    make_folder(path.parent)
    if len(pages) == 1:
        write_file(path, pages[0])
        return
    from omrcli.convert.writers import name_pages

    paths = name_pages(path, len(pages))
    for each, content in zip(paths, pages, strict=True):
        write_file(each, content)
    say(f"{len(paths)} pages are in {paths[0]} to {paths[-1].name}.")
