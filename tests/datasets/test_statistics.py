"""Counts of tokens, their kinds and the long tail, as figures and as pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from omrcli.datasets.plots import plot_statistics, plot_tail, share_squares
from omrcli.datasets.statistics import (
    DatasetStatistics,
    count_tokens,
    kind_of,
    measure_tail,
    statistics_tables,
    statistics_to_json,
    tail_table,
    tail_to_json,
)

STAVES = [
    ["clef-G2", "timeSignature-C", *["note-C4_quarter"] * 12, "barline"],
    ["clef-G2", "note-C4_half|note-E4_half", "gracenote-D4_eighth", "tie", "rest-half"],
]


def test_what_is_counted() -> None:
    statistics = count_tokens(STAVES)
    assert statistics.lengths == (15, 5)
    assert statistics.tokens == 20
    assert statistics.ranked[:3] == [("note-C4_quarter", 12), ("clef-G2", 2), ("barline", 1)]
    assert statistics.rare[0] == "barline"
    assert statistics.rare[-1] == "clef-G2"
    assert list(statistics.kinds) == [
        "clef", "time signature", "note", "chord", "grace note", "rest", "tie", "barline",
    ]  # fmt: skip
    assert statistics.kinds["note"].occurrences == 12
    assert statistics.kinds["note"].vocabulary == 1


def test_agnostic_texts_are_of_another_kind() -> None:
    assert kind_of("note.eighth-L4") == "other"
    assert kind_of("multirest-7") == "multirest"


def test_classes_of_the_tail() -> None:
    counts = {"a": 1, "b": 9, "c": 10, "d": 99, "e": 100, "x": 5}
    assert measure_tail(counts, ["a", "b", "c", "d", "e", "f", "f"]) == (1, 2, 2, 1)


def test_tables_and_json() -> None:
    statistics = count_tokens(STAVES)
    summary, kinds, top, rare = statistics_tables(statistics)
    assert ("samples", "2") in summary.rows
    assert ("note", "12", "60.00 %", "1") in kinds.rows
    assert top.rows[0] == ("note-C4_quarter", "12", "60.00 %")
    assert rare.title == "Rare tokens: 7 occur fewer than 10 times"
    assert statistics_to_json(statistics)["vocabulary"] == 8
    sources = {"x": statistics}
    assert tail_table(sources, ["tie", "barline", "note-A0_half", "note-C4_quarter"]).rows == (
        ("x", "2", "20", "1", "2", "1", "0", "70.0 %"),
    )
    (one,) = tail_to_json(sources, ["tie"]).values()
    assert one["counts"] == {"tie": 1}  # type: ignore[index]


def test_nothing_to_count() -> None:
    assert statistics_tables(DatasetStatistics({}, ()))[0].rows[0] == ("samples", "0")


@pytest.mark.parametrize(
    "shares", [{"a": 1, "b": 999_999}, {"a": 1, "b": 1, "c": 1}, {str(k): 1 + k for k in range(11)}]
)
def test_squares_add_up_and_forget_nobody(shares: dict[str, int]) -> None:
    squares = share_squares(shares, 400)
    assert sum(squares.values()) == 400
    assert min(squares.values()) >= 1
    assert squares.keys() == shares.keys()


def test_pictures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("wordcloud")
    statistics = count_tokens(STAVES)
    files = plot_statistics(statistics, tmp_path / "plots")
    assert [file.name for file in files] == [
        "frequencies.png", "lengths.png", "kinds.png", "words.png",
    ]  # fmt: skip
    plot_tail({"x": statistics}, ["tie", "barline"], tmp_path / "tail.png")
    for file in [*files, tmp_path / "tail.png"]:
        assert file.read_bytes().startswith(b"\x89PNG")
