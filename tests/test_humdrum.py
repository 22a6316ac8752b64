"""Splitting Humdrum scores into spines of one voice."""

from __future__ import annotations

from omrcli.synth.humdrum import split_spines

SCORE = """!!!COM: Nobody
**kern\t**text\t**kern
*clefF4\t*\t*clefG2
=1\t=1\t=1
2C\tla\t4c
.\t.\t4d
!\t!\t!a remark
2D\tla\t2e
=2\t=2\t=2
*-\t*-\t*-
"""


def test_each_kern_spine_by_itself() -> None:
    low, high = split_spines(SCORE)
    assert low.split() == ["**kern", "*clefF4", "=1", "2C", "2D", "=2", "*-"]
    assert high.split() == ["**kern", "*clefG2", "=1", "4c", "4d", "2e", "=2", "*-"]


def test_spines_that_split_are_left_out_and_the_others_keep_their_column() -> None:
    text = "**kern\t**kern\n*^\t*\n2c\t2e\t1G\n*v\t*v\t*\n1d\t1A\n*-\t*-\n"
    assert [spine.split() for spine in split_spines(text)] == [["**kern", "1G", "1A", "*-"]]


def test_spines_of_chords_are_left_out() -> None:
    text = "**kern\t**kern\n2c 2e\t2G\n2d 2f\t2A\n*-\t*-\n"
    assert [spine.split()[1:] for spine in split_spines(text)] == [["2G", "2A", "*-"]]


def test_added_spines_and_damaged_lines() -> None:
    text = "**kern\n2c\n*+\n*\t**dynam\n2d\tp\n2e\n*-\t*-\n"
    assert [spine.split() for spine in split_spines(text)] == [["**kern", "2c", "2d", "*-"]]
    assert split_spines("no music\n") == []


def test_an_empty_cell_is_nothing() -> None:
    assert [spine.split() for spine in split_spines("**kern\t**kern\n2c\t\n2d\t2A\n*-\t*-\n")] == [
        ["**kern", "2c", "2d", "*-"],
        ["**kern", "2A", "*-"],
    ]
