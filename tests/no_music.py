"""Pages without music, drawn at random: texts, tables, forms, grids, pictures, blank music paper.

`draw_page_without_music` draws one; a page number gives the same page wherever the same fonts are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from omrcli.synth.degrade import PRESETS, degrade_page

Pixels = NDArray[np.uint8]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_WORDS = {
    "en": "the of and to in that was his he it with is for as had you not be on at by which have "
    "or from this him but all she they were my are me one their so an said them we who would been "
    "will no when there if more out up into do any your what has man could other than our some",
    "de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein Die eine als "
    "auch es an werden aus er hat daß sie nach wird bei einer Der um am sind noch wie einem über "
    "Straße Größe Übung müssen schönes Fräulein Takte Stimmführung Generalbaß Verzeichnis",
    "fr": "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se Le "
    "ce il sont été cette où même après très français mélodie théâtre première élève garçon île",
    "el": "και το του της η στο με για την από που τα είναι ο δεν θα στην σε μας αλλά οι όταν "
    "μουσική τραγούδι ελληνική κεφάλαιο σελίδα πρώτο δεύτερο",
    "ru": "и в не на что он с как это по но из у за от так о для мы же все она его ноты музыка "
    "страница сборник песен предисловие издание Москва русских который была только",
}
_FONTS = (
    "DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSans-Oblique.ttf", "DejaVuSansMono.ttf",
    "DejaVuSansMono-Bold.ttf", "DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf",
    "DejaVuSerif-Italic.ttf", "STIXGeneral.ttf", "STIXGeneralItalic.ttf", "STIXGeneralBol.ttf",
)  # fmt: skip


@lru_cache(maxsize=1)
def _font_paths() -> tuple[Path, ...]:
    """The fonts that matplotlib brings along, if it is installed."""
    try:
        import matplotlib
    except ImportError:
        return ()
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return tuple(path for name in _FONTS if (path := folder / name).exists())


class _Sheet:
    """A page at work: a canvas, a source of chance, and a text face."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.dpi = int(self.rng.choice([75, 100, 130]))
        self.width, self.height = round(6.2 * self.dpi), round(8.8 * self.dpi)
        self.image = Image.new("L", (self.width, self.height), 255)
        self.draw = ImageDraw.Draw(self.image)
        self.margin = round(0.6 * self.dpi)
        paths = _font_paths()
        self._face = paths[int(self.rng.integers(len(paths)))] if paths else None
        languages = list(_WORDS) if paths else ["en", "de", "fr"]
        self._words = _WORDS[str(self.rng.choice(languages))].split()

    def font(self, points: float) -> Font:
        size = max(6, round(points * self.dpi / 72))
        if self._face is None:
            return ImageFont.load_default(size)
        return ImageFont.truetype(self._face, size)

    def text(self, x: float, y: float, text: str, points: float) -> None:
        self.draw.text((x, y), text, fill=0, font=self.font(points))

    def line(self, x0: float, y0: float, x1: float, y1: float, width: int = 1) -> None:
        self.draw.line((round(x0), round(y0), round(x1), round(y1)), fill=0, width=width)

    def words(self, count: int) -> list[str]:
        found = [str(word) for word in self.rng.choice(self._words, count)]
        return [word + "," if self.rng.random() < 0.1 else word for word in found]

    def number(self, digits: int = 4) -> str:
        return str(self.rng.integers(10 ** int(self.rng.integers(1, digits + 1))))

    def lines_of_text(self, width: float, points: float) -> list[str]:
        font, rows, row = self.font(points), [], ""
        for word in self.words(400):
            if font.getlength(f"{row} {word}") > width:
                rows.append(row)
                row = word
            else:
                row = f"{row} {word}".strip()
        return rows

    def paragraph(self, box: tuple[float, float, float, float], points: float, lead: float) -> None:
        """Justified lines of text in a box x0, y0, x1, y1."""
        x0, y, x1, y1 = box
        font = self.font(points)
        rows = self.lines_of_text(x1 - x0, points)
        step = max(7.0, lead * points * self.dpi / 72)
        for number in range(int((y1 - y) / step)):
            row = rows[number % len(rows)].split()
            room = x1 - x0 - sum(font.getlength(word) for word in row)
            space = room / max(1, len(row) - 1)
            x = x0
            for word in row:
                self.text(x, y, word, points)
                x += font.getlength(word) + space
            y += step


def _text(sheet: _Sheet) -> None:
    points = float(sheet.rng.choice([8, 9, 10, 11, 12, 14, 18, 24, 32, 40]))
    lead = float(sheet.rng.uniform(1.1, 1.8))
    m = sheet.margin
    sheet.paragraph((m, m, sheet.width - m, sheet.height - m), points, lead)


def _columns(sheet: _Sheet) -> None:
    points, lead = float(sheet.rng.uniform(7, 11)), float(sheet.rng.uniform(1.1, 1.4))
    m, count = sheet.margin, int(sheet.rng.integers(2, 4))
    wide = (sheet.width - 2 * m) / count
    for column in range(count):
        left = m + column * wide
        sheet.paragraph((left, m, left + wide - 0.2 * sheet.dpi, sheet.height - m), points, lead)


def _title(sheet: _Sheet) -> None:
    y = sheet.height * 0.15
    for _ in range(int(sheet.rng.integers(4, 9))):
        points = float(sheet.rng.choice([10, 12, 16, 24, 36]))
        text = " ".join(sheet.words(int(sheet.rng.integers(1, 5)))).upper()
        wide = sheet.font(points).getlength(text)
        sheet.text((sheet.width - wide) / 2, y, text, points)
        y += (points + float(sheet.rng.uniform(8, 40))) * sheet.dpi / 72
    for inset in (0.3, 0.36):
        sheet.draw.rectangle(
            (inset * sheet.dpi, inset * sheet.dpi,
             sheet.width - inset * sheet.dpi, sheet.height - inset * sheet.dpi), outline=0,
        )  # fmt: skip


def _table(sheet: _Sheet) -> None:
    """Tables with rules below the rows, or a full grid, of 3 to 12 rows each."""
    m, y = sheet.margin, float(sheet.margin)
    while y < sheet.height - m - 60:
        rows, columns = int(sheet.rng.integers(3, 12)), int(sheet.rng.integers(3, 9))
        points = float(sheet.rng.uniform(6, 12))
        step = max(9.0, float(sheet.rng.uniform(1.15, 2.2)) * points * sheet.dpi / 72)
        rows = min(rows, int((sheet.height - m - y) / step))
        wide = (sheet.width - 2 * m) / columns
        for row in range(rows + 1):
            sheet.line(m, y + row * step, sheet.width - m, y + row * step)
        grid = sheet.rng.random() < 0.5
        for column in range(columns + 1):
            if grid:
                sheet.line(m + column * wide, y, m + column * wide, y + rows * step)
            for row in range(rows if column < columns else 0):
                cell = sheet.number() if sheet.rng.random() < 0.7 else sheet.words(1)[0]
                sheet.text(m + column * wide + 4, y + row * step + 1, cell, points)
        y += rows * step + 30


def _form(sheet: _Sheet) -> None:
    """Labels with lines to write on."""
    m, y = sheet.margin, float(sheet.margin)
    step = float(sheet.rng.uniform(0.16, 0.4)) * sheet.dpi
    while y < sheet.height - m:
        if sheet.rng.random() < 0.6:
            sheet.text(m, y - 9 * sheet.dpi / 72, sheet.words(1)[0] + ":", 8)
            left = m + float(sheet.rng.uniform(0.7, 1.5)) * sheet.dpi
        else:
            left = float(m)
        sheet.line(left, y, sheet.width - m, y)
        y += step


def _contents(sheet: _Sheet) -> None:
    """A table of contents, with dots that lead to the page numbers."""
    m, points = sheet.margin, float(sheet.rng.uniform(8, 13))
    step, font = 1.4 * points * sheet.dpi / 72, sheet.font(points)
    for number in range(int((sheet.height - 2 * m) / step)):
        name, page = " ".join(sheet.words(int(sheet.rng.integers(2, 5)))), sheet.number(3)
        room = sheet.width - 2 * m - font.getlength(name + page)
        dots = "." * max(0, int(room / font.getlength(".")))
        sheet.text(m, m + number * step, name + dots + page, points)


def _chords(sheet: _Sheet) -> None:
    """Chord diagrams: boxes of six strings and four or five frets, with dots, over words."""
    size = float(sheet.rng.uniform(0.07, 0.14)) * sheet.dpi
    frets = int(sheet.rng.integers(4, 6))
    for y in np.arange(sheet.margin, sheet.height - sheet.margin - 12 * size, 13 * size):
        for x in np.arange(sheet.margin, sheet.width - sheet.margin - 7 * size, 9 * size):
            for string in range(6):
                sheet.line(x + string * size, y, x + string * size, y + frets * size)
            for fret in range(frets + 1):
                sheet.line(x, y + fret * size, x + 5 * size, y + fret * size, 1 + (fret == 0))
            for string in range(6):
                at = x + string * size, y + (int(sheet.rng.integers(frets)) + 0.5) * size
                if sheet.rng.random() < 0.5:
                    sheet.draw.ellipse((at[0] - size / 3, at[1] - size / 3,
                                        at[0] + size / 3, at[1] + size / 3), fill=0)  # fmt: skip
            sheet.text(x + size, y - 1.9 * size, str(sheet.rng.choice(list("ABCDEFG"))) + "m7", 8)


def _tablature(sheet: _Sheet) -> None:
    """Staves of four or six lines with digits on them, and words below."""
    lines = int(sheet.rng.choice([4, 6]))
    space = float(sheet.rng.uniform(0.08, 0.13)) * sheet.dpi
    y = float(sheet.margin)
    while y + lines * space < sheet.height - sheet.margin:
        for line in range(lines):
            sheet.line(sheet.margin, y + line * space, sheet.width - sheet.margin, y + line * space)
        for x in np.arange(sheet.margin + 3 * space, sheet.width - sheet.margin - space, 2 * space):
            row = int(sheet.rng.integers(lines))
            at = y + row * space
            sheet.draw.rectangle((x - 1, at - space / 2, x + space / 2, at + space / 2), fill=255)
            points = 60 * space / sheet.dpi
            sheet.text(x, at - 0.6 * space, str(sheet.rng.integers(10)), points)
        for x in np.linspace(sheet.margin, sheet.width - sheet.margin, 5):
            sheet.line(x, y, x, y + (lines - 1) * space)
        y += (lines + 5) * space


def _grid(sheet: _Sheet) -> None:
    """Squared, ruled or millimetre paper, now and then with margins."""
    step = float(sheet.rng.uniform(0.1, 0.3)) * sheet.dpi
    for y in np.arange(0, sheet.height, step):
        sheet.line(0, y, sheet.width, y)
    if sheet.rng.random() < 0.5:
        for x in np.arange(0, sheet.width, step):
            sheet.line(x, 0, x, sheet.height)
    elif sheet.rng.random() < 0.6:
        for y in np.arange(3 * step, sheet.height - 3 * step, step * int(sheet.rng.integers(1, 3))):
            row = " ".join(sheet.words(5))
            sheet.text(sheet.margin, y - 0.8 * step, row, 45 * step / sheet.dpi)


def _crossword(sheet: _Sheet) -> None:
    count = int(sheet.rng.integers(9, 16))
    size = (sheet.width - 2 * sheet.margin) / count
    for row in range(count):
        for column in range(count):
            x, y = sheet.margin + column * size, sheet.margin + row * size
            dark = sheet.rng.random() < 0.2
            sheet.draw.rectangle((x, y, x + size, y + size), outline=0, fill=0 if dark else 255)
            if sheet.rng.random() < 0.2:
                sheet.text(x + 1, y + 1, sheet.number(2), 5)
    y = sheet.margin + count * size + 10
    sheet.paragraph((sheet.margin, y, sheet.width - sheet.margin, sheet.height - 10), 8, 1.2)


def _barcode(sheet: _Sheet) -> None:
    """Bars, upright or lying, some equally wide and far apart, and a little text."""
    for _ in range(int(sheet.rng.integers(2, 6))):
        wide, high = sheet.rng.uniform(0.8, 3, 2) * sheet.dpi
        x = float(sheet.rng.uniform(0, max(1.0, sheet.width - wide)))
        y = float(sheet.rng.uniform(0, max(1.0, sheet.height - high)))
        lying, unit, at = sheet.rng.random() < 0.6, int(sheet.rng.integers(1, 4)), 0.0
        while at < (high if lying else wide):
            bar = unit * int(sheet.rng.integers(1, 5))
            box = (
                (x, y + at, x + wide, y + at + bar)
                if lying
                else (x + at, y, x + at + bar, y + high)
            )
            sheet.draw.rectangle(box, fill=0)
            at += bar + unit * int(sheet.rng.integers(2, 6))
        sheet.text(x, y - 12, sheet.number(4), 8)


def _picture(sheet: _Sheet) -> None:
    """A landscape of gradients, clouds of noise and dark shapes, hatched here and there."""
    rng = sheet.rng
    clouds = cv2.GaussianBlur(rng.normal(0, 1, (sheet.height, sheet.width)), (0, 0), 9)
    slope = np.linspace(80, 220, sheet.height)[:, None]
    pixels = np.clip(slope + 40 * clouds / clouds.std(), 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(3, 9))):
        centre = (int(rng.integers(sheet.width)), int(rng.integers(sheet.height)))
        axes = (int(rng.integers(20, 200)), int(rng.integers(20, 200)))
        shade = int(rng.integers(255))
        cv2.ellipse(pixels, centre, axes, float(rng.uniform(0, 180)), 0, 360, shade, -1)
    for y in range(int(rng.integers(50, 150)), sheet.height, int(rng.integers(6, 14))):
        if rng.random() < 0.7:
            left, right = sorted(rng.integers(0, sheet.width, 2).tolist())
            cv2.line(pixels, (left, y), (right, y + int(rng.integers(-2, 3))), 30, 1, cv2.LINE_AA)
    sheet.image = Image.fromarray(pixels)


def _noise(sheet: _Sheet) -> None:
    noise = sheet.rng.normal(0, 1, (sheet.height, sheet.width))
    blur = float(sheet.rng.choice([0, 1, 3, 8]))
    if blur:
        noise = cv2.GaussianBlur(noise, (0, 0), blur)
    if sheet.rng.random() < 0.4:  # as of a fax or of cloth
        noise = noise + cv2.blur(noise, (61, 1)) * 4
    low, high = np.percentile(noise, (1, 99))
    sheet.image = Image.fromarray(np.clip((noise - low) / (high - low) * 255, 0, 255).astype("u1"))


def _music_paper(sheet: _Sheet) -> None:
    """Blank music paper, with or without margins, clefless, perhaps with a heading."""
    count = int(sheet.rng.integers(8, 15))
    gap = (sheet.height - 2 * sheet.margin) / count
    space = min(0.075 * sheet.dpi, gap / 7) * float(sheet.rng.uniform(0.9, 1.3))
    left = 0 if sheet.rng.random() < 0.2 else sheet.margin
    joined = sheet.rng.random() < 0.3
    for number in range(count):
        top = sheet.margin + number * gap
        for line in range(5):
            sheet.line(left, top + line * space, sheet.width - left, top + line * space)
        if joined:
            for x in (left, sheet.width - left):
                sheet.line(x, top, x, top + 4 * space)
    if sheet.rng.random() < 0.5:
        sheet.text(sheet.margin, 4, " ".join(sheet.words(4)), 10)


KINDS: dict[str, Callable[[_Sheet], None]] = {
    "text": _text, "columns": _columns, "title": _title, "table": _table, "form": _form,
    "contents": _contents, "chords": _chords, "tablature": _tablature, "grid": _grid,
    "crossword": _crossword, "barcode": _barcode, "picture": _picture, "noise": _noise,
    "music paper": _music_paper,
}  # fmt: skip


def draw_page_without_music(kind: str, seed: int, worn: str = "") -> Pixels:
    """A page (H, W) of a kind; `worn` is a preset of `degrade_page`, or "" for a clean page."""
    sheet = _Sheet(seed)
    KINDS[kind](sheet)
    pixels = np.asarray(sheet.image, np.uint8).copy()
    if worn:
        options = replace(PRESETS[worn], interline=0.08 * sheet.dpi)
        return degrade_page(pixels, np.random.default_rng(seed), options)
    return pixels
