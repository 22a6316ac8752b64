"""The manifest: read back as written, mended where it is torn, refused where it is another's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omrcli.batch.manifest import MANIFEST_NAME, Manifest, parse_manifest, read_manifest
from omrcli.batch.records import (
    Fingerprint,
    Flag,
    Output,
    Problem,
    Reading,
    Record,
    read_record,
    record_line,
)
from omrcli.errors import OutputError

RECORD = Record(
    input="sub/a.png",
    name="sub/a",
    status="done",
    file=Fingerprint("00", 12, 34),
    outputs=(Output("sub/a.mid", "11", 56),),
    reading=Reading(1, 2, 30, 0.9, 0.5, 3, 0.8),
    flags=(Flag(None, 4, 0, "4", "7/2"),),
    warnings=("Measure 4 is short.",),
    error=None,
    seconds=1.5,
    finished="2026-01-01T00:00:00+00:00",
    model={"name": "tiny", "sha256": "22"},
    options={"beam": 8, "pages": [[1, None]]},
    version="0.1.0",
)
FAILED = replace(RECORD, status="failed", error=Problem("input", "It is empty.", 3), reading=None)


def fill(folder: Path, *records: Record) -> bytes:
    with Manifest(folder) as manifest:
        for record in records:
            manifest.append(record)
    return (folder / MANIFEST_NAME).read_bytes()


@given(st.text(st.characters(exclude_categories=()), min_size=1), st.text())
def test_a_record_comes_back_from_its_line(name: str, warning: str) -> None:
    record = replace(FAILED, input=name, warnings=(warning,))
    line = record_line(record)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert read_record(json.loads(line)) == record


def test_the_latest_line_of_an_input_holds(tmp_path: Path) -> None:
    other = replace(RECORD, input="b.png")
    fill(tmp_path, FAILED, other)
    fill(tmp_path, RECORD)
    assert read_manifest(tmp_path) == {RECORD.input: RECORD, "b.png": other}


def test_wherever_it_is_torn_the_whole_lines_are_kept(tmp_path: Path) -> None:
    content = fill(tmp_path, RECORD, FAILED)
    path = tmp_path / MANIFEST_NAME
    first = content.index(b"\n") + 1
    for end in range(first, len(content)):
        path.write_bytes(content[:end])
        with Manifest(tmp_path) as manifest:
            whole = end == len(content) - 1  # the line's end alone is missing
            assert manifest.records == {RECORD.input: FAILED if whole else RECORD}
            manifest.append(replace(RECORD, input="new.png"))
        assert path.read_bytes().count(b"\n") == (3 if whole else 2)
        assert "new.png" in read_manifest(tmp_path)


def test_damaged_lines_between_others_are_left_out(tmp_path: Path) -> None:
    line = record_line(RECORD)
    content = line[:50] + b"\n" + bytes(40) + b"\n[]\n" + b'{"schema": "omr-batch/1"}\n' + line
    assert list(parse_manifest(content, tmp_path)) == [RECORD]


def test_fields_of_the_future_are_left_out() -> None:
    values = json.loads(record_line(RECORD))
    values["mood"] = "good"
    values["file"]["colour"] = "blue"
    assert read_record(values) == RECORD


def test_a_later_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    line = record_line(replace(RECORD, schema="omr-batch/2"))
    (tmp_path / MANIFEST_NAME).write_bytes(line)
    with pytest.raises(OutputError) as caught:
        Manifest(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / MANIFEST_NAME} was written by a later version of omr (omr-batch/2); "
        "update omr, or choose another folder with -o."
    )
    assert (tmp_path / MANIFEST_NAME).read_bytes() == line


def test_a_manifest_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / MANIFEST_NAME).write_text('{"image": "a.png"}\n')
    with pytest.raises(OutputError, match=r"is no manifest of omr; move it away, or choose"):
        Manifest(tmp_path)


def test_a_second_run_waits_outside(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    with Manifest(tmp_path), pytest.raises(OutputError, match="Another omr is writing to"):
        Manifest(tmp_path)
    Manifest(tmp_path).close()
