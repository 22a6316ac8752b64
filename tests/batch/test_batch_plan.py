"""What is read again, and what is not; which files of a scanner's folder are finished."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omrcli.batch.inputs import Input
from omrcli.batch.plan import Judge, refresh
from omrcli.batch.records import DONE, Output, Record
from omrcli.batch.settling import Settling
from omrcli.batch.work import Orders, Task, describe_problem, fingerprint, make_record
from omrcli.errors import InputError, NothingRecognisedError
from omrcli.pages.piece import Piece, parse_pages
from omrcli.pipeline import TranscribeOptions
from omrcli.registry import load_model
from omrcli.score.score import ExportOptions
from tests import tiny

MODEL = load_model(tiny.PATH)


@pytest.fixture
def orders(tmp_path: Path) -> Orders:
    (tmp_path / "out").mkdir()
    options = TranscribeOptions(model=str(tiny.PATH))
    return Orders(options, Piece(()), ExportOptions(), ("mid", "json"), tmp_path / "out")


@pytest.fixture
def item(tmp_path: Path) -> Input:
    (tmp_path / "a.png").write_bytes(b"page")
    return Input(tmp_path / "a.png", "a.png")


@pytest.fixture
def known(orders: Orders, item: Input) -> Record:
    outputs = []
    for name in ("a.mid", "a.json"):
        (orders.folder / name).write_bytes(b"read")
        found = fingerprint(orders.folder / name)
        outputs.append(Output(name, found.sha256, found.bytes))
    record = make_record(orders, MODEL, Task(item.path, "a.png", "a"))
    return replace(record, status=DONE, file=fingerprint(item.path), outputs=tuple(outputs))


def test_what_is_new_is_read(orders: Orders, item: Input) -> None:
    assert Judge(orders, MODEL).decide(item, "a", None) == "read"


def test_what_is_done_is_not_read_again(orders: Orders, item: Input, known: Record) -> None:
    assert Judge(orders, MODEL).decide(item, "a", known) == "unchanged"
    assert Judge(orders, MODEL, retry=True).decide(item, "a", known) == "unchanged"


def test_a_file_that_was_only_touched_is_unchanged(
    orders: Orders, item: Input, known: Record
) -> None:
    assert refresh(item.path, known) is None
    os.utime(item.path, ns=(1, 1))
    assert Judge(orders, MODEL).decide(item, "a", known) == "unchanged"
    renewed = refresh(item.path, known)
    assert renewed is not None
    assert renewed.file == fingerprint(item.path)


def test_a_file_that_changed_is_read(orders: Orders, item: Input, known: Record) -> None:
    item.path.write_bytes(b"PAGE")
    os.utime(item.path, ns=(1, 1))
    assert Judge(orders, MODEL).decide(item, "a", known) == "read"


def test_fewer_formats_are_there_already(orders: Orders, item: Input, known: Record) -> None:
    assert Judge(replace(orders, formats=("mid",)), MODEL).decide(item, "a", known) == "unchanged"


@pytest.mark.parametrize(
    "changes",
    [
        {"formats": ("mid", "musicxml")},
        {"transcribe": TranscribeOptions(beam=1)},
        {"export": ExportOptions(tempo=60)},
        {"export": ExportOptions(layout=False)},
        {"piece": Piece((), title="Rondo")},
        {"piece": Piece((), parse_pages("2-"))},
        {"debug": Path("seen")},
        {"report": Path("proofs")},
    ],
)
def test_other_wishes_are_read_anew(
    orders: Orders, item: Input, known: Record, changes: dict[str, Any]
) -> None:
    assert Judge(replace(orders, **changes), MODEL).decide(item, "a", known) == "read"


def test_options_without_a_say_change_nothing(orders: Orders, item: Input, known: Record) -> None:
    quick = replace(orders, transcribe=TranscribeOptions(device="cpu", batch_size=2, threads=3))
    assert Judge(quick, MODEL).decide(item, "a", known) == "unchanged"


def test_options_that_an_earlier_version_did_not_know_were_usual(
    orders: Orders, item: Input, known: Record
) -> None:
    early = replace(known, options={"beam": 8})
    assert Judge(orders, MODEL).decide(item, "a", early) == "unchanged"
    slow = replace(orders, export=ExportOptions(tempo=60))
    assert Judge(slow, MODEL).decide(item, "a", early) == "read"


def test_another_model_reads_anew(orders: Orders, item: Input, known: Record) -> None:
    assert Judge(orders, replace(MODEL, sha256="other")).decide(item, "a", known) == "read"


def test_outputs_must_be_there_and_whole(orders: Orders, item: Input, known: Record) -> None:
    judge, path = Judge(orders, MODEL), orders.folder / "a.mid"
    path.write_bytes(b"reed")  # of the same size
    assert judge.decide(item, "a", known) == "read"
    path.unlink()
    assert judge.decide(item, "a", known) == "read"


def test_a_report_is_an_output_like_others(orders: Orders, item: Input, known: Record) -> None:
    proofs = orders.folder.parent / "proofs"
    judge = Judge(replace(orders, report=proofs), MODEL)
    assert judge.orders.list_outputs("sub/a") == ["sub/a.mid", "sub/a.json", "../proofs/sub/a.html"]
    proofs.mkdir()
    (proofs / "a.html").write_bytes(b"proof")
    found = fingerprint(proofs / "a.html")
    written = Output("../proofs/a.html", found.sha256, found.bytes)
    shown = replace(known, outputs=(*known.outputs, written))
    assert judge.decide(item, "a", shown) == "unchanged"
    assert Judge(orders, MODEL).decide(item, "a", shown) == "unchanged"
    (proofs / "a.html").write_bytes(b"other")
    assert judge.decide(item, "a", shown) == "read"


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_reports_are_found_from_a_folder_that_is_a_link(orders: Orders, tmp_path: Path) -> None:
    (tmp_path / "disk" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "deep")
    linked = replace(orders, folder=tmp_path / "link", report=tmp_path / "proofs")
    (path,) = replace(linked, formats=()).list_outputs("a")
    assert (linked.folder / path).resolve() == tmp_path.resolve() / "proofs" / "a.html"
    beside = replace(linked, report=tmp_path / "disk" / "deep", formats=())
    assert beside.list_outputs("a") == ["a.html"]


def test_outputs_of_another_name_are_not_those_wanted(
    orders: Orders, item: Input, known: Record
) -> None:
    assert Judge(orders, MODEL).decide(item, "a.png", known) == "read"


def test_failures_are_tried_again_if_wanted_or_changed(
    orders: Orders, item: Input, known: Record
) -> None:
    failed = replace(
        known, status="failed", outputs=(), error=describe_problem(InputError("It is empty."))
    )
    assert Judge(orders, MODEL).decide(item, "a", failed) == "failed before"
    assert Judge(orders, MODEL, retry=True).decide(item, "a", failed) == "read"
    item.path.write_bytes(b"other")
    assert Judge(orders, MODEL).decide(item, "a", failed) == "read"


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (InputError("It is empty."), "input", 3),
        (NothingRecognisedError("No staff."), "nothing_recognised", 4),
        (MemoryError(), "memory", 1),
        (ZeroDivisionError("x"), "internal", 1),
    ],
)
def test_kinds_of_failure(error: Exception, kind: str, code: int) -> None:
    problem = describe_problem(error)
    assert (problem.kind, problem.exit_code) == (kind, code)
    assert problem.message.endswith(".")


# --- a folder that is written to ------------------------------------------------------------------


def test_a_file_is_taken_once_when_it_has_settled(item: Input) -> None:
    settling = Settling(quiet=2)
    assert settling.take([item], now=10) == []
    assert settling.take([item], now=11.9) == []
    assert settling.take([item], now=12) == [item]
    assert settling.take([item], now=20) == []


def test_a_file_that_grows_is_waited_for(item: Input) -> None:
    settling = Settling(quiet=2)
    for now in range(5):
        item.path.write_bytes(b"page" * (now + 1))
        assert settling.take([item], now) == []
    assert settling.take([item], 6) == [item]


def test_a_file_that_changes_is_taken_again(item: Input) -> None:
    settling = Settling(quiet=2)
    settling.take([item], 0)
    assert settling.take([item], 2) == [item]
    item.path.write_bytes(b"another page")
    assert settling.take([item], 3) == []
    assert settling.take([item], 5) == [item]


def test_an_empty_file_is_not_finished_and_a_lost_one_forgotten(item: Input) -> None:
    settling = Settling(quiet=0)
    item.path.write_bytes(b"")
    assert settling.take([item], 0) == []
    item.path.unlink()
    assert settling.take([item], 1) == []
