from __future__ import annotations

from pathlib import Path

import pytest

from omrcli.errors import OutputError, UsageError
from omrcli.formats.destinations import Job, Target, plan_jobs


@pytest.fixture(autouse=True)
def _in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_semantic_to_stdout_by_default() -> None:
    assert plan_jobs(["a.png"], [], []) == [Job(("a.png",), (Target("semantic", None),))]


def test_suffix_tells_the_format() -> None:
    (job,) = plan_jobs(["a.png"], ["x.MusicXML", "x.mid"], [])
    assert job.targets == (Target("musicxml", Path("x.MusicXML")), Target("mid", Path("x.mid")))


def test_folder_takes_every_input_in_every_format() -> None:
    jobs = plan_jobs(["in/a.png", "b.jpg"], ["out/"], ["mid", "json"])
    assert [str(target.path) for job in jobs for target in job.targets] == [
        "out/a.mid",
        "out/a.json",
        "out/b.mid",
        "out/b.json",
    ]


def test_folder_without_format_takes_musicxml_and_stdin_has_a_name() -> None:
    (job,) = plan_jobs(["-"], ["out/"], [])
    assert job.targets == (Target("musicxml", Path("out/stdin.musicxml")),)


def test_existing_folder_needs_no_slash(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (job,) = plan_jobs(["a.png"], ["out"], [])
    assert job.targets == (Target("musicxml", Path("out/a.musicxml")),)


def test_joined_inputs_are_one_job(tmp_path: Path) -> None:
    (job,) = plan_jobs(["p1.png", "p2.pdf"], ["x.mid", "out/"], [], join=True)
    assert job.sources == ("p1.png", "p2.pdf")
    assert [str(target.path) for target in job.targets] == ["x.mid", "out/p1.musicxml"]


def test_no_joined_input_is_overwritten() -> None:
    with pytest.raises(UsageError, match=r"b.json is an input"):
        plan_jobs(["a.png", "b.json"], ["b.json"], [], join=True)


def test_file_and_stdout_together() -> None:
    (job,) = plan_jobs(["a.png"], ["-", "a.mid"], ["json"])
    assert job.targets == (Target("json", None), Target("mid", Path("a.mid")))


def report_paths(inputs: list[str], report: str, join: bool = False) -> list[str]:
    jobs = plan_jobs(inputs, ["out/"], [], join, report)
    return [job.report.as_posix() for job in jobs if job.report is not None]


def test_a_folder_takes_a_report_of_every_input(tmp_path: Path) -> None:
    (tmp_path / "there.html").mkdir()
    assert report_paths(["in/a.png", "-"], "out/") == ["out/a.html", "out/stdin.html"]
    assert report_paths(["a.png"], "there.html") == ["there.html/a.html"]
    assert report_paths(["a.png", "b.png"], "new") == ["new/a.html", "new/b.html"]
    assert report_paths(["a.png", "b.png"], "proofs/", join=True) == ["proofs/a.html"]


def test_one_piece_has_a_report_of_any_name() -> None:
    assert report_paths(["a.png"], "proof.HTM") == ["proof.HTM"]
    assert report_paths(["a.png", "b.png"], "proof.html", join=True) == ["proof.html"]


@pytest.mark.parametrize(
    ("inputs", "report", "message"),
    [
        (["a.png"], "proof.pdf", "The report 'proof.pdf' is HTML; give a name that ends in .html"),
        (["a.png"], "proof", "The report 'proof' is HTML; give a name that ends in .html, or a"),
        (["a.png", "b.png"], "x.pdf", "The report 'x.pdf' is HTML; give a name that ends in .html"),
        (["a.png", "b.png"], "proof.html", "A report shows one piece; give a folder for one of"),
        (["a.png", "x/a.tif"], "new/", "new/a.html would be written twice, from a.png and x/a.tif"),
        (["page.html"], "page.html", "page.html is an input; choose another output."),
    ],
)
def test_reports_that_cannot_be(inputs: list[str], report: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan_jobs(inputs, [], [], report=report)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("inputs", "outputs", "formats", "message"),
    [
        (["a.png"], ["x.doc"], [], "x.doc has no suffix of a known format; choose from .musicxml"),
        (["a.png"], [], ["doc"], "Format 'doc' is unknown; choose from musicxml, xml, mxl"),
        (["a", "b"], ["x.mid"], [], "2 inputs cannot all be written to x.mid; give a folder"),
        (["a.png"], ["x.mid"], ["json"], "-f json is for a folder or standard output"),
        (["-", "-"], [], [], "Standard input (-) can be read only once."),
        (["a", "b"], [], ["mid"], "Standard output takes mid of one input only"),
        (["a"], [], ["json", "mid"], "Standard output takes one format, not json and mid."),
        (["a/x.png", "b/x.jpg"], ["out/"], [], "out/x.musicxml would be written twice"),
        (["a.png"], ["x.mid", "./x.mid"], [], "x.mid would be written twice"),
        (["a.json"], ["a.json"], [], "a.json is an input; choose another output."),
    ],
)
def test_what_does_not_fit_together(
    inputs: list[str], outputs: list[str], formats: list[str], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        plan_jobs(inputs, outputs, formats)
    assert message in str(caught.value)


def test_missing_folder_is_said_before_any_work() -> None:
    with pytest.raises(OutputError) as caught:
        plan_jobs(["a.png"], ["no/x.mid"], [])
    assert str(caught.value) == "Cannot write no/x.mid: its folder does not exist; make it first."


def test_input_is_never_overwritten_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "link.json").symlink_to("a.png")
    with pytest.raises(UsageError, match=r"link.json is an input"):
        plan_jobs(["a.png"], ["link.json"], [])
