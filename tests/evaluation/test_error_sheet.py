"""The sheet shows what was misread, where, and nothing of what was read well."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from omrcli.errors import OutputError
from omrcli.evaluation.error_sheet import write_error_sheet
from omrcli.evaluation.evaluate import EvalModel, EvalOptions, EvalResult, Reading, evaluate
from omrcli.evaluation.readings import Mark, StaffBox
from tests.drawn import write_page
from tests.readings import TRUTHS, Sample

BOX = StaffBox(0, 20, 40, 300, 72, 8)


def judge(folder: Path, read: tuple[str, ...], name: str = "a") -> EvalResult:
    image = write_page(folder / "staff.png")

    class Drawn(Sample):
        @property
        def image(self) -> Path:
            return image

    marks = tuple(Mark(0.9, 0, 30.0 * k, 30.0 * k + 9) for k in range(len(read)))
    model = EvalModel("a <model>", "0" * 64, lambda path: Reading(read, 1, marks, (BOX,)))
    [result] = evaluate([Drawn(name, TRUTHS["a"])], [model], EvalOptions())
    return result


def test_mistakes_are_shown_with_image_place_and_class(tmp_path: Path) -> None:
    read = (*TRUTHS["a"][:2], "note-D4_quarter", *TRUTHS["a"][4:])
    out = tmp_path / "errors.html"
    write_error_sheet([judge(tmp_path, read, "x<y")], out)
    page = out.read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == 1
    assert "a &lt;model&gt;: 1 of 1 samples with errors" in page
    assert "x&lt;y" in page
    assert "x<y" not in page
    assert "<del>note-C4_quarter</del><ins>note-D4_quarter</ins><small>1 pitch</small>" in page
    assert "<del>tie</del><ins>(missed)</ins><small>2 tie</small>" in page
    lefts = [float(left) for left in re.findall(r'<i style="left:([-0-9.]+)%', page)]
    assert len(lefts) == 2
    assert 0 < lefts[0] < lefts[1] < 100


def test_a_perfect_reading_gives_an_empty_sheet(tmp_path: Path) -> None:
    out = tmp_path / "errors.html"
    write_error_sheet([judge(tmp_path, TRUTHS["a"])], out)
    page = out.read_text(encoding="utf-8")
    assert "0 of 1 samples with errors" in page
    assert "<img" not in page


def test_a_sheet_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_error_sheet([judge(tmp_path, ("tie",))], tmp_path / "none" / "errors.html")
