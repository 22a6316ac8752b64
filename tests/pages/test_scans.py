"""Two hundred scans in PDF: each opens, gets a resolution that fits, and its staves are found."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest

from omrcli.pages import pdf, pdf_drawing
from omrcli.pages.image import PageImage, decode_image
from omrcli.staves.other_staves import find_other_staves
from omrcli.staves.staff import find_staves
from tests.drawn import INTERLINE, draw_page
from tests.pages.scans import CODINGS, Box, Picture, Pixels, make_stream, write_objects, write_scan

_COUNT = 200
_POINTS = 72
#: What may lie beneath a scan, all over the page: px of a side, and their grey.
_GROUNDS = ((1, 255), (1, 255), (2, 255), (40, 250))


class InThisProcess:
    """Draws in this process: to start another one for each file would take a minute."""

    def open(self, content: pdf.Content) -> Mapping[str, Any]:
        assert isinstance(content, bytes)
        request = json.dumps({"bytes": len(content)}).encode() + b"\n"
        self._document = pdf_drawing._open(io.BytesIO(request + content))
        return {"pages": len(self._document), "title": "", "author": ""}

    def draw(self, request: Mapping[str, Any]) -> tuple[Mapping[str, Any], Pixels | None]:
        answers = io.BytesIO()
        pdf_drawing._draw(self._document, request, answers)
        answers.seek(0)
        return pdf._read(answers)

    def close(self) -> None:
        self._document.close()


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "_Process", InThisProcess)


@dataclass(frozen=True)
class Scan:
    """A scan as a PDF, and the page in it as it is to be seen."""

    data: bytes
    page: Pixels
    staves: int
    said: str


def make_scan(seed: int) -> Scan:
    """A scan in which everything varies: the page, its edges, how it is cut, stored and turned."""
    rng = np.random.default_rng(seed)
    staves = int(rng.integers(1, 3))
    page = draw_page(staves, int(rng.integers(420, 560)))
    margins = (int(rng.integers(0, 60)),) * 2, (0, int(rng.integers(0, 30)))
    page = np.pad(page, margins, mode="edge")
    said = [draw_edges(page, rng)]
    rotation = int(rng.choice([0, 0, 90, 180, 270]))
    stored = np.rot90(page, rotation // 90)
    dpi = float(rng.choice([50, 72, 100, 150, 200, 300, 400, 600]))
    size = (stored.shape[1] * _POINTS / dpi, stored.shape[0] * _POINTS / dpi)
    coding = str(rng.choice(sorted(CODINGS)))
    pictures = cut(stored, coding, rng)
    if coding == "stencil" or rng.random() < 0.3:
        side, grey = _GROUNDS[rng.integers(len(_GROUNDS))]
        pictures.insert(0, Picture(np.full((side, side), grey, np.uint8)))
        said.append(f"a ground of {side} px")
    said += [coding, f"{len(pictures)} pictures", f"turned {rotation}", f"{dpi:g} dpi"]
    data = write_scan(pictures, size, rotation)
    return Scan(data, page, staves, ", ".join(filter(None, said)))


def draw_edges(page: Pixels, rng: np.random.Generator) -> str:
    """Draw what scanners and programs leave at the edges of a page."""
    what = str(rng.choice(["", "frame", "rule", "shadow", "side", "footer"]))
    thick, inset = int(rng.integers(1, 4)), int(rng.choice([0, 0, 3]))
    inner = page[inset : len(page) - inset, inset : page.shape[1] - inset]
    if what == "frame":
        inner[:thick] = inner[-thick:] = 0
        inner[:, :thick] = inner[:, -thick:] = 0
    elif what == "rule":
        inner[-8 : -8 + thick] = 0
    elif what == "shadow":
        inner[:, :4] = 60
    elif what == "side":
        inner[:, -thick:] = 0
    elif what == "footer":
        inner[-8 : -8 + thick, page.shape[1] // 4 :] = 0
    return what


def cut(page: Pixels, coding: str, rng: np.random.Generator) -> list[Picture]:
    """The page as one picture, or as strips one below the other."""
    count = int(rng.choice([1, 1, 1, 2, 5]))
    edges = np.linspace(0, len(page), count + 1).astype(int)
    pairs = pairwise(edges)
    return [Picture(page[top:end], coding, _strip(top, end, len(page))) for top, end in pairs]


def _strip(top: int, end: int, height: int) -> Box:
    return 0.0, 1 - end / height, 1.0, (end - top) / height


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("start", range(0, _COUNT, 20))
def test_scans_are_read(start: int) -> None:
    for seed in range(start, start + 20):
        scan = make_scan(seed)
        (page,) = decode_image(scan.data, f"scan {seed}.pdf")
        shown = f"{seed}: {scan.said}; drawn with {page.width} x {page.height} px"
        check_resolution(scan, page, shown)
        staves = find_staves(page)
        assert len(staves) == scan.staves, shown
        interline = INTERLINE * page.width / scan.page.shape[1]
        assert [staff.interline for staff in staves] == pytest.approx(
            [interline] * scan.staves, rel=0.05
        ), shown
        assert find_other_staves(page, staves) == [], shown


def check_resolution(scan: Scan, page: PageImage, shown: str) -> None:
    """No px of these small scans is lost, and few are made up."""
    drawn = page.width / scan.page.shape[1]
    assert 0.99 <= drawn <= 2.02, shown
    assert page.height / scan.page.shape[0] == pytest.approx(drawn, rel=0.02), shown
    assert page.dpi is None, shown


def test_the_scans_differ() -> None:
    said = {make_scan(seed).said for seed in range(_COUNT)}
    assert len(said) > 0.8 * _COUNT
    assert all(any(coding in text for text in said) for coding in CODINGS)


@pytest.mark.parametrize("coding", sorted(CODINGS))
def test_every_coding_gives_the_page_back(coding: str) -> None:
    page = draw_page(1, 500)
    data = write_scan([Picture(page, coding)], (page.shape[1] * 0.24, page.shape[0] * 0.24))
    (found,) = decode_image(data, "scan.pdf")
    assert found.width == pytest.approx(2 * page.shape[1], abs=2)  # small ones are enlarged
    small = cv2.resize(found.pixels, page.shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - page).mean() < 6


def test_a_large_scan_is_brought_to_300_dpi() -> None:
    page = np.pad(draw_page(4, 2400), [(0, 1700), (0, 0)], mode="edge")
    size = (page.shape[1] * _POINTS / 600, page.shape[0] * _POINTS / 600)
    (found,) = decode_image(write_scan([Picture(page, "jpeg")], size), "scan.pdf")
    assert found.pixels.size == pytest.approx(pdf_drawing._SCAN_PIXELS, rel=0.01)


# --- what is beneath and above --------------------------------------------------------------------


def draw_lines(width: float, height: float) -> bytes:
    """Two staves as lines of a PDF, on a page of that size in points."""
    rows = [y for middle in (0.3, 0.7) for y in height * middle + 6 * np.arange(-2, 3)]
    lines = [b"10 %.2f m %.2f %.2f l S\n" % (y, width - 10, y) for y in rows]
    heads = [
        b"%.2f %.2f 6 5 re f\n" % (x, y)
        for x, y in zip(np.arange(60, width - 40, 25), np.tile(rows, 9), strict=False)
    ]
    return b"0.8 w\n" + b"".join([*lines, *heads])


@pytest.mark.parametrize("side", [1, 64, 400])
def test_a_picture_behind_a_drawing_does_not_set_its_resolution(side: int) -> None:
    ground = Picture(np.full((side, side), 245, np.uint8))
    (page,) = decode_image(write_scan([ground], (400, 200), drawn=draw_lines(400, 200)), "a.pdf")
    assert page.dpi == pdf_drawing.DOTS_PER_INCH
    assert len(find_staves(page)) == 2


def test_an_empty_page_with_a_stretched_picture_is_no_narrow_one() -> None:
    (page,) = decode_image(
        write_scan([Picture(np.full((1, 1), 255, np.uint8))], (595, 842)), "a.pdf"
    )
    assert (page.width, page.height) == pytest.approx((2480, 3509), abs=1)
    assert page.pixels.min() == 255


def write_form(drawn: bytes) -> bytes:
    """A PDF whose page is empty but for a form field that fills it."""
    return write_objects(
        b"<</Type /Catalog /Pages 2 0 R /AcroForm <</Fields [4 0 R]>> >>",
        b"<</Type /Pages /Kids [3 0 R] /Count 1>>",
        b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 400 200] /Annots [4 0 R] /Resources <<>> >>",
        b"<</Type /Annot /Subtype /Widget /FT /Btn /Ff 65536 /T (page) /F 4 /P 3 0 R"
        b" /Rect [0 0 400 200] /AP <</N 5 0 R>> >>",
        make_stream(b"/Type /XObject /Subtype /Form /BBox [0 0 400 200]", drawn),
    )


def test_what_a_form_field_draws_is_seen() -> None:
    (page,) = decode_image(write_form(draw_lines(400, 200)), "form.pdf")
    assert len(find_staves(page)) == 2
    assert np.median(page.pixels) == 255, "fields are not coloured"


def test_a_damaged_form_leaves_the_page() -> None:
    data = write_scan([Picture(draw_page(2))], (400, 200))
    broken = data.replace(b"/Pages 2 0 R", b"/Pages 2 0 R /AcroForm <</Fields [99 0 R (x)]>>", 1)
    assert broken != data
    (page,) = decode_image(broken, "form.pdf")
    assert len(find_staves(page)) == 2
