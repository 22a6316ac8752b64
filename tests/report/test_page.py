"""The proof sheet as a file: self-contained, harmless, and asked for on the command line."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("jinja2")
pytest.importorskip("verovio")

from omrcli.cli.app import app
from omrcli.errors import ExitCode
from omrcli.report.page import embed_json, render_page
from tests import tiny
from tests.drawn import write_blank, write_page
from tests.report.sheets import agnostic, make_sheet, make_transcription, proof_of

STAFF = ("clef-G2", "timeSignature-2/4", "note-C4_half", "barline")
NASTY = "</script><script>alert(1)</script>\"'&<!-- {{ 1 }} \u2028"


def test_text_cannot_end_the_script_it_stands_in() -> None:
    text = embed_json({"title": NASTY})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"title": NASTY}


def test_a_title_is_text() -> None:
    page = render_page(proof_of([[STAFF]], title=NASTY)).decode()
    assert page.count("<script") == 2
    assert "alert(1)</" not in page
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in page


def test_the_page_asks_for_nothing() -> None:
    page = render_page(proof_of([[STAFF]])).decode()
    shown = re.sub(r'"data:image/[^"]*"', "", page)
    assert set(re.findall(r"https?://[\w./]+", shown)) == {"http://www.w3.org/2000/svg"}
    assert "default-src &#39;none&#39;" in page
    assert "unsafe" not in re.search(r'Policy" content="([^"]*)"', page)[1]  # type: ignore[index]


def test_equal_readings_make_equal_pages() -> None:
    assert render_page(proof_of([[STAFF]])) == render_page(proof_of([[STAFF]]))


def test_without_a_score_nothing_is_engraved() -> None:
    sheet = make_sheet(*_agnostic())
    assert [staff.engraving for staff in sheet.staves] == [None]
    assert b'id="play"' not in render_page(sheet)


def _agnostic() -> tuple:  # type: ignore[type-arg]
    transcription, crops = make_transcription([[STAFF]])
    return agnostic(transcription), crops


# --- the command ----------------------------------------------------------------------------------


def run(*args: object) -> object:
    return CliRunner().invoke(app, ["transcribe", "-m", str(tiny.PATH), *map(str, args)])


def test_a_report_is_written_beside_the_result(tmp_path: Path) -> None:
    page = write_page(tmp_path / "page.png", staves=2)
    out, report = tmp_path / "out.semantic", tmp_path / "sub" / "proof.html"
    result = run(page, "-o", out, "--report", report)
    assert result.exit_code == 0, result.output
    text = report.read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="data">(.*?)</script>', text)[1])  # type: ignore[index]
    assert [len(staff["tokens"]) for staff in data["staves"]] == [len(tiny.TUNE)] * 2
    assert out.exists()


def staff_sources(report: Path) -> list[str]:
    """The files that the staves of a report are from."""
    text = report.read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="data">(.*?)</script>', text)[1])  # type: ignore[index]
    return [staff["source"] for staff in data["staves"]]


def test_every_input_has_a_report_of_its_own(tmp_path: Path) -> None:
    first = write_page(tmp_path / "first.png", staves=1)
    blank = write_blank(tmp_path / "blank.png")
    second = write_page(tmp_path / "second.png", staves=2)
    out = tmp_path / "out"
    result = run(first, blank, second, "-o", f"{out}/", "--report", f"{out}/")
    assert result.exit_code == ExitCode.PARTIAL_BATCH, result.output
    names = ["first.html", "first.musicxml", "second.html", "second.musicxml"]
    assert sorted(path.name for path in out.iterdir()) == names
    # Each shows its own staves, and none of those read before.
    assert staff_sources(out / "first.html") == ["first.png"]
    assert staff_sources(out / "second.html") == ["second.png"] * 2


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["--report", "proof.pdf"], "The report 'proof.pdf' is HTML; give a name that ends in"),
        (["other.png", "-o", "out/", "--report", "proof.html"], "A report shows one piece;"),
    ],
)
def test_what_is_no_report(
    args: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("page.png", "other.png"):
        write_page(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    result = run("page.png", *args)
    assert result.exit_code == ExitCode.USAGE
    assert sentence in " ".join(result.output.split())


def test_the_missing_extra_is_named_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "jinja2" else find(name)
    )
    page = write_page(tmp_path / "page.png")
    result = run(page, "-o", tmp_path / "o.semantic", "--report", tmp_path / "proof.html")
    assert result.exit_code == ExitCode.DEPENDENCY
    assert "This needs jinja2; run pip install 'omrcli[report]'." in result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.png"]


def test_an_interrupt_leaves_no_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from omrcli.report import crops

    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(crops.CropKeeper, "add", interrupt)
    page = write_page(tmp_path / "page.png")
    result = run(page, "-o", tmp_path / "o.semantic", "--report", tmp_path / "proof.html")
    assert result.exit_code == ExitCode.INTERRUPT
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.png"]


def test_nothing_recognised_writes_no_report(tmp_path: Path) -> None:
    page = write_blank(tmp_path / "blank.png")
    result = run(page, "-o", tmp_path / "o.semantic", "--report", tmp_path / "proof.html")
    assert result.exit_code == ExitCode.NOTHING_RECOGNISED
    assert not (tmp_path / "proof.html").exists()
