"""Contact sheets: many staves on one picture, each under its name and the start of its tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from omrcli.datasets.corpus import find_samples
from omrcli.errors import OutputError
from omrcli.output import write_file
from omrcli.pages.image import load_pages

Gray = NDArray[np.uint8]

_PAPER, _INK, _GROUND = 255, 0, 205
#: Height of a caption in px; the letters are half as high.
_CAPTION = 22
_LETTER_WIDTH = 7.5  # the widest that captions come out, in px a letter
_GAP = 10


@dataclass(frozen=True)
class SheetOptions:
    """A sheet of `columns`, each `width` px wide; no more than `most` staves are shown."""

    columns: int = 2
    width: int = 900
    most: int = 60


@dataclass(frozen=True)
class Cell:
    """A staff to show: (H, W) uint8 pixels, 255 = paper, and what stands above it."""

    caption: str
    pixels: Gray


def write_sheet(path: Path, folder: Path, options: SheetOptions | None = None) -> int:
    """Write a contact sheet of the samples in a folder, as PNG; returns how many it shows.

    Raises:
        InputError: there are no samples, or one cannot be read.
        OutputError: the file cannot be written.
    """
    options = options or SheetOptions()
    samples = find_samples(folder)[: options.most]
    cells = [
        Cell(
            f"{sample.id}  {shorten(sample.tokens)}",
            load_pages(sample.image)[0].pixels,
        )
        for sample in samples
    ]
    done, png = cv2.imencode(".png", draw_sheet(cells, options))
    if not done:
        raise OutputError(f"{path} would become too large; show fewer samples.")
    write_file(path, png.tobytes())
    return len(cells)


def shorten(texts: Iterable[str]) -> str:
    """Tokens in few letters: their values without the names of their kinds."""
    return " ".join(text.partition("-")[2] if text.startswith(_PLAIN) else text for text in texts)


_PLAIN = ("clef-", "keySignature-", "timeSignature-", "note-")


def draw_sheet(cells: Sequence[Cell], options: SheetOptions | None = None) -> Gray:
    """Staves in columns from top to bottom, wide ones made smaller: (H, W) uint8."""
    options = options or SheetOptions()
    blocks = [_draw_cell(cell, options.width) for cell in cells]
    columns: list[list[Gray]] = [[] for _ in range(options.columns)]
    limit = sum(len(block) for block in blocks) / options.columns
    height, column = 0, 0
    for block in blocks:
        columns[column].append(block)
        height += len(block)
        if height >= limit * (column + 1) and column + 1 < options.columns:
            column += 1
    stacks = [np.vstack(column) for column in columns if column]
    tallest = max(len(stack) for stack in stacks)
    padded = [
        np.pad(stack, ((0, tallest - len(stack)), (0, _GAP)), constant_values=_GROUND)
        for stack in stacks
    ]
    return np.hstack(padded)


def _draw_cell(cell: Cell, width: int) -> Gray:
    """Caption and staff, on a ground as wide as the column."""
    height, full = cell.pixels.shape
    scale = min(1.0, width / full)
    size = (max(1, round(full * scale)), max(1, round(height * scale)))
    shown = cv2.resize(cell.pixels, size, interpolation=cv2.INTER_AREA)
    block = np.full((_CAPTION + size[1] + _GAP, width), _GROUND, np.uint8)
    block[_CAPTION : _CAPTION + size[1], : size[0]] = shown
    caption = cell.caption.encode("ascii", "replace").decode()[: int(width / _LETTER_WIDTH)]
    place = (2, _CAPTION - 7)
    cv2.putText(block, caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, _INK, 1, cv2.LINE_AA)
    return block
