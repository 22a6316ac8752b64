"""Random scores, engraved on pages whose staves are found, read by an oracle and joined again."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from omrcli.engrave import engrave, load_as_mei
from omrcli.formats.musicxml import musicxml_bytes
from omrcli.pages.image import decode_image
from omrcli.score.assembly import StaffLine
from omrcli.score.checks import score_warnings
from omrcli.score.score import build_score, score_tokens
from omrcli.staves.staff import Staff, find_staves
from tests.layouts import Place, lay_out, part_texts, scores

pytest.importorskip("verovio")
resvg = pytest.importorskip("resvg_py")

PAGE = {
    "breaks": "encoded",
    "pageWidth": 4000,
    "pageHeight": 20_000,
    "adjustPageWidth": False,
    "minLastJustification": 0,
}


def engraved_staves(musicxml: bytes) -> list[Staff]:
    """The staves found on the page of a score whose system breaks are engraved as written."""
    mei = load_as_mei(musicxml, "musicxml")
    svg = engrave(mei, options={**PAGE, "scale": 50})
    png = bytes(resvg.svg_to_bytes(svg_string=svg, background="#ffffff", skip_system_fonts=True))
    (page,) = decode_image(png, "page.png")
    return find_staves(page)


def box_of(staff: Staff) -> tuple[float, float, float, float]:
    return staff.x0, staff.y0, staff.x1, staff.y1


# To shrink what fails would engrave hundreds of pages.
@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.data())
def test_engraved_pages_come_back_as_their_scores(data):
    bars = data.draw(scores())
    systems = frozenset(data.draw(st.sets(st.integers(1, max(1, len(bars) - 1)), max_size=3)))
    read = lay_out(bars, Place(systems & frozenset(range(len(bars))), frozenset()))
    staves = engraved_staves(musicxml_bytes(build_score(read)))
    assert [staff.system for staff in staves] == [line.system for line in read]
    assert sorted(staff.index for staff in staves) == list(range(len(read)))
    lines = [
        StaffLine(line.tokens, 0, staff.system, line.position, box_of(staff))
        for staff, line in zip(staves, read, strict=True)
    ]
    made = build_score(lines)
    assert [score_tokens(made, part) for part in range(len(made.parts))] == [
        part_texts(bars, part) for part in range(len(bars[0].clefs))
    ]
    assert score_warnings(made) == []
