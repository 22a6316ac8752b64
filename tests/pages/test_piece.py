"""Which pages of which files make a piece."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omrcli.errors import InputError, UsageError
from omrcli.pages.headings import believe_composer, believe_title
from omrcli.pages.piece import OpenPiece, PageChoice, Piece, parse_pages
from tests.drawn import draw_page, write_page
from tests.pages.test_pdf import make_pdf


@pytest.mark.parametrize(
    ("text", "indices"),
    [
        ("2-5", [1, 2, 3, 4]),
        ("1,3,7-", [0, 2, 6, 7, 8]),
        ("-2", [0, 1]),
        ("4 , 2", [3, 1]),
        ("1-3,2-4", [0, 1, 2, 3]),
        ("9-", [8]),
    ],
)
def test_ranges(text: str, indices: list[int]) -> None:
    assert parse_pages(text).indices(9, "x.pdf") == indices


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Pages '' cannot be read; write them like 2-5 or 1,3,7-."),
        ("two", "Pages 'two' cannot be read"),
        ("1,,2", "Pages '1,,2' cannot be read"),
        ("-", "Pages '-' cannot be read"),
        ("0", "Pages are counted from 1, so there is no page 0."),
        ("5-2", "Pages 5-2 run backwards; write 2-5."),
    ],
)
def test_ranges_that_are_none(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_pages(text)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(("text", "page"), [("4", 4), ("2-7", 7), ("5-", 5)])
def test_pages_that_do_not_exist(text: str, page: int) -> None:
    with pytest.raises(UsageError) as caught:
        parse_pages(text).indices(3, "x.pdf")
    assert str(caught.value) == f"There is no page {page} in x.pdf: it has 3 pages."


@given(st.lists(st.integers(1, 30), min_size=1), st.integers(30, 40))
def test_single_pages_come_in_the_order_asked_each_once(pages: list[int], count: int) -> None:
    chosen = parse_pages(",".join(map(str, pages))).indices(count, "x")
    assert chosen == [page - 1 for page in dict.fromkeys(pages)]


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    scan = write_page(tmp_path / "first.png")
    part = tmp_path / "rest.pdf"
    part.write_bytes(make_pdf(draw_page(1, width=500), draw_page(1, width=700)))
    return str(scan), str(part)


def test_pages_are_counted_through_joined_files(files: tuple[str, str]) -> None:
    with OpenPiece(Piece(files, PageChoice(((3, 3), (1, 2))))) as pages:
        assert [place.index for place in pages.places] == [2, 0, 1]
        assert [pages.load(place).width for place in pages.places] == pytest.approx(
            [1400, 900, 1000], abs=2
        )
        assert [pages.name_of(place) for place in pages.places] == [files[1], files[0], files[1]]


def test_missing_pages_name_the_piece(files: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match=r"no page 9 in .*first.png and 1 more: it has 3 pages"):
        OpenPiece(Piece(files, parse_pages("9")))


def test_a_missing_file_is_said_before_any_page_is_read(files: tuple[str, str]) -> None:
    with pytest.raises(InputError, match=r"gone.png does not exist"):
        OpenPiece(Piece((*files, "gone.png")))


# --- title and composer ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Sonata in A",
        "String Quartet No. 18 - Violin 2",
        "BWV 1007",
        "Psalm 23",
        "K545",
        "1812",
        "夜",
    ],
)
def test_titles_are_believed(text: str) -> None:
    assert believe_title(f" {text}\x00") == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "Violin.mscz", "Op10.MUSX", "Microsoft Word - Trio.doc", "untitled", "Untitled 2"),
        *("scan0001", "IMG_2034", "20260810_1200", "C:\\scores\\a", "/home/me/score", "Scan"),
    ],
)
def test_what_programs_write_is_no_title(text: str) -> None:
    assert believe_title(text) is None


@pytest.mark.parametrize("text", ["J. S. Bach", "Clara Schumann", "Александр Бородин"])
def test_composers_are_believed(text: str) -> None:
    assert believe_composer(text) == text


@pytest.mark.parametrize("text", ["", "Administrator", "me@home.org", "a.mscz", "user", "---"])
def test_accounts_are_no_composers(text: str) -> None:
    assert believe_composer(text) is None
