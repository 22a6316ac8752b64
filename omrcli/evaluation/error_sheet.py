"""EvalResult -> one HTML file that shows every sample not read perfectly: image, truth, reading.

The file needs nothing else: images are inlined, and it is light or dark as the reader's system is.
Only staves with a mistake are shown, each mistake at its place in the image.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from omrcli.errors import OmrError
from omrcli.metrics import AlignedPair, align
from omrcli.output import write_file
from omrcli.pages.image import Pixels, load_pages

from .error_classes import Mistake
from .readings import Mark, StaffBox

if TYPE_CHECKING:
    from .evaluate import EvalResult, SampleRow

_WIDEST = 1400  # px of a crop; wider ones are scaled down
_ROOM = 5  # interlines of page above and below the lines
_QUALITY = 80  # of the JPEG
_SHORTEST_MARK = 0.6  # per cent of the width: a missed token has no width of its own

_STYLE = """
:root{color-scheme:light dark;--ink:#1c1c1c;--paper:#fff;--faint:#777;--line:#ddd;--card:#f7f7f5;
--wrong:#c2180c;--wrongback:#fde3df;--right:#1a6b2f;--rightback:#dff3e2}
@media(prefers-color-scheme:dark){:root{--ink:#e8e6e3;--paper:#161616;--faint:#999;--line:#3a3a3a;
--card:#202020;--wrong:#ff8a7a;--wrongback:#4d1f1a;--right:#7fd492;--rightback:#1c3b24}}
body{margin:1.5rem auto;max-width:90rem;padding:0 1rem;background:var(--paper);color:var(--ink);
font:15px/1.45 system-ui,sans-serif}
h1{font-size:1.4rem;margin:0 0 .3rem}h2{font-size:1.05rem;margin:0 0 .4rem}
p{margin:.2rem 0 .8rem;color:var(--faint)}
table{border-collapse:collapse;margin:.8rem 0}td,th{padding:.15rem .9rem .15rem 0;text-align:left;
border-bottom:1px solid var(--line)}td.n,th.n{text-align:right}
section{background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.8rem 1rem;
margin:1rem 0}
.staff{position:relative;margin:.4rem 0;overflow:hidden;border-radius:.2rem;background:#fff}
.staff img{display:block;width:100%}
.staff i{position:absolute;top:0;bottom:0;background:rgba(214,40,20,.22);
border:solid rgba(214,40,20,.85);border-width:0 1px}
.staff i b{position:absolute;top:0;left:0;font:700 11px/1.3 system-ui,sans-serif;color:#fff;
background:#c2180c;padding:0 .25em;font-style:normal}
.row{display:flex;flex-wrap:wrap;gap:.25rem .3rem;font:12px/1.35 ui-monospace,monospace}
.row span{display:flex;flex-direction:column;color:var(--faint)}
.row .bad{color:var(--ink);outline:1px solid var(--wrong);border-radius:.2rem}
.row .bad *{padding:0 .25em}.row del{text-decoration:none;background:var(--rightback);
color:var(--right)}.row ins{text-decoration:none;background:var(--wrongback);color:var(--wrong)}
.row small{font-size:10px;color:var(--faint)}
"""


def write_error_sheet(results: Sequence[EvalResult], path: Path) -> None:
    """Write the sheet of one or several models as HTML, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    parts = [part for result in results for part in _draw_result(result)]
    head = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Reading errors</title><style>{_STYLE}</style>"
    )
    page = "\n".join([head, *parts, "</html>\n"])
    write_file(path, page.encode("utf-8", "backslashreplace"))  # ids may be no text


def _draw_result(result: EvalResult) -> Iterator[str]:
    wrong = result.find_worst(len(result.rows))
    counts = result.tally.counts
    yield f"<h1>{escape(result.model)}: {len(wrong)} of {len(result.rows)} samples with errors</h1>"
    yield (
        f"<p>{counts.errors} errors in {counts.reference} symbols, symbol error rate "
        f"{100 * result.symbol_error_rate:.2f} %, sequence error rate "
        f"{100 * result.sequence_error_rate:.1f} %. Worst first. "
        "Of each pair of tokens the upper one is the truth, the lower one what was read.</p>"
    )
    yield from _draw_classes(result)
    for row in wrong:
        yield from _draw_row(row)


def _draw_classes(result: EvalResult) -> Iterator[str]:
    if not result.error_classes:
        return
    total = sum(result.error_classes.values())
    yield '<table><tr><th>class of error<th class="n">errors<th class="n">share<th>samples'
    for kind, number in result.error_classes.items():
        where = [row.id for row in result.rows if any(m.kind == kind for m in row.mistakes)]
        more = f" and {len(where) - 3} more" if len(where) > 3 else ""
        links = ", ".join(f'<a href="#{_anchor(i)}">{escape(i)}</a>' for i in where[:3])
        yield (
            f'<tr><td>{escape(kind)}<td class="n">{number}'
            f'<td class="n">{100 * number / total:.0f} %<td>{links}{more}'
        )
    yield "</table>"


def _anchor(name: str) -> str:
    return escape("s-" + name.replace(" ", "_"), quote=True)


def _draw_row(row: SampleRow) -> Iterator[str]:
    rate = row.counts.error_rate
    shown = "" if rate is None else f", {100 * rate:.1f} % of {row.counts.reference} symbols"
    plural = "s" if row.counts.errors > 1 else ""
    yield f'<section id="{_anchor(row.id)}"><h2>{escape(row.id)}</h2>'
    yield f"<p>{row.counts.errors} error{plural}{shown}"
    yield "" if row.staves else "; nothing was recognised"
    yield "</p>"
    yield from _draw_images(row)
    yield from _draw_tokens(row)
    yield "</section>"


def _draw_tokens(row: SampleRow) -> Iterator[str]:
    mistakes = {mistake.pair: (n, mistake) for n, mistake in enumerate(row.mistakes, 1)}
    yield '<div class="row">'
    for place, pair in enumerate(align(row.truth, row.prediction)):
        if place not in mistakes:
            yield f"<span>{escape(pair.reference or '')}</span>"
        else:
            number, mistake = mistakes[place]
            yield (
                f'<span class="bad"><del>{escape(pair.reference or "(nothing)")}</del>'
                f"<ins>{escape(pair.prediction or '(missed)')}</ins>"
                f"<small>{number} {escape(mistake.kind)}</small></span>"
            )
    yield "</div>"


# --- images ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """Where a mistake stands: a place in `SampleRow.boxes`, and page x in px."""

    staff: int
    left: float
    right: float
    number: int
    mistake: Mistake


def _draw_images(row: SampleRow) -> Iterator[str]:
    try:
        pages = load_pages(row.image)
    except OmrError as error:  # the tokens are worth showing without the image
        yield f"<p>{escape(str(error))}</p>"
        return
    places = _find_places(row)
    if not row.boxes:
        yield _draw_image(pages[0].pixels, 0.0, [])
    for number, box in enumerate(row.boxes):
        here = [place for place in places if place.staff == number]
        if here or len(row.boxes) == 1:
            crop, x0 = _cut(pages[box.page].pixels, box)
            yield _draw_image(crop, x0, here)


def _cut(pixels: Pixels, box: StaffBox) -> tuple[Pixels, float]:
    """The part of a page around a staff, and the page x of its left edge."""
    room = _ROOM * box.interline
    height, width = pixels.shape
    y0, y1 = max(0, int(box.y0 - room)), min(height, int(box.y1 + room) + 1)
    x0, x1 = max(0, int(box.x0 - room)), min(width, int(box.x1 + room) + 1)
    return pixels[y0:y1, x0:x1], float(x0)


def _draw_image(pixels: Pixels, x0: float, places: Sequence[_Place]) -> str:
    width = pixels.shape[1]
    marks = "".join(_draw_mark(place, x0, width) for place in places)
    return f'<div class="staff"><img alt="" src="{_inline(pixels)}">{marks}</div>'


def _draw_mark(place: _Place, x0: float, width: int) -> str:
    left = 100 * (place.left - x0) / width
    size = max(100 * (place.right - place.left) / width, _SHORTEST_MARK)
    mistake = place.mistake
    truth, read = mistake.reference or "(nothing)", mistake.prediction or "(missed)"
    title = f"{mistake.kind}: {truth} > {read}"
    return (
        f'<i style="left:{left:.2f}%;width:{size:.2f}%" title="{escape(title)}">'
        f"<b>{place.number}</b></i>"
    )


def _inline(pixels: Pixels) -> str:
    """A crop as a data URI: JPEG, scaled down where it is wider than a screen."""
    width = pixels.shape[1]
    if width > _WIDEST:
        scale = _WIDEST / width
        small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        pixels = np.asarray(small, np.uint8)
    _, content = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(content.tobytes()).decode()


def _find_places(row: SampleRow) -> list[_Place]:
    """The place of each mistake; a missed token's is between those read before and after it."""
    pairs = align(row.truth, row.prediction)
    marks = _mark_pairs(pairs, row.marks)
    places = []
    for number, mistake in enumerate(row.mistakes, 1):
        mark = marks[mistake.pair]
        before = next((m for m in marks[mistake.pair :: -1] if m is not None), None)
        after = next((m for m in marks[mistake.pair :] if m is not None), None)
        if mark is not None:
            places.append(_Place(mark.staff, mark.left, mark.right, number, mistake))
        elif before and after and before.staff == after.staff:
            places.append(_Place(before.staff, before.right, after.left, number, mistake))
        elif known := before or after:
            edge = known.right if before else known.left
            places.append(_Place(known.staff, edge, edge, number, mistake))
    return places


def _mark_pairs(pairs: Sequence[AlignedPair], marks: Sequence[Mark | None]) -> list[Mark | None]:
    """The mark of each pair's predicted token; None where there is no token or no mark."""
    known = iter(marks)
    return [None if pair.prediction is None else next(known, None) for pair in pairs]
