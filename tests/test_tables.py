from __future__ import annotations

import pytest

from omrcli.errors import InputError, NothingRecognisedError
from omrcli.evaluation.evaluate import (
    EvalModel,
    EvalOptions,
    EvalResult,
    Reading,
    compare_results,
    evaluate,
)
from omrcli.metrics import Interval
from omrcli.tables import Table, comparison_table, format_rate, result_tables
from tests.readings import TRUTHS, Sample, make_model

SAMPLES = [Sample(name, truth) for name, truth in TRUTHS.items()]


def evaluate_model(model: EvalModel) -> EvalResult:
    [result] = evaluate(SAMPLES, [model], EvalOptions(ignore=("tie",)))
    return result


@pytest.fixture(scope="module")
def tables() -> dict[str, Table]:
    answers = {
        "a": NothingRecognisedError("blank"),
        "b": ("clef-G2", "note-D3_quarter_fermata", "barline", "rest-half"),
        "c": InputError("broken PNG"),
    }
    return {table.title: table for table in result_tables(evaluate_model(make_model("m", answers)))}


def test_summary_gives_rates_with_intervals_and_says_what_was_compared(
    tables: dict[str, Table],
) -> None:
    rows = {row[0]: row[1] for row in tables["m"].rows}
    assert rows["symbol error rate"].startswith("77.78 % [50.00, 100.00]")
    assert rows["could not be compared"] == "1"
    assert tables["m"].note.startswith("Plain PrIMuS tokens are compared without tie")


def test_kinds_come_in_the_order_of_a_staff(tables: dict[str, Table]) -> None:
    kinds = [row[0] for row in tables["By kind of token"].rows]
    assert kinds[:3] == ["clef", "time signature", "note"]
    assert kinds[-1] == "barline"
    assert "tie" not in kinds


def test_worst_samples_show_what_went_wrong(tables: dict[str, Table]) -> None:
    assert tables["Worst samples"].rows == (
        ("a", "100.00 %", "5", "100.00 %", "nothing recognised"),
        (
            "b",
            "50.00 %",
            "2",
            "100.00 %",
            "clef-F4 > clef-G2; note-D3_half_fermata > note-D3_quarter_fermata",
        ),
    )


def test_failures_are_listed_with_their_reason(tables: dict[str, Table]) -> None:
    assert tables["Could not be compared"].rows == (("c", "broken PNG"),)


def test_rows_are_as_wide_as_their_heads(tables: dict[str, Table]) -> None:
    for table in tables.values():
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_empty_tables_are_left_out() -> None:
    titles = [table.title for table in result_tables(evaluate_model(make_model("m", {})))]
    assert titles == ["m", "By kind of token", "By frequency of the token"]


def test_long_lists_of_differences_are_cut() -> None:
    model = EvalModel("m", "", lambda image: Reading(tuple("wxyz")))
    worst = {t.title: t for t in result_tables(evaluate_model(model))}["Worst samples"]
    assert all(row[4].count(";") == 3 and row[4].endswith("; ...") for row in worst.rows)


def test_comparison_shows_differences_to_the_first_model() -> None:
    worse = make_model("worse", {name: truth[:-1] for name, truth in TRUTHS.items()})
    results = evaluate(SAMPLES, [make_model("best", {}), worse])
    table = comparison_table(results, compare_results(results))
    assert [row[0] for row in table.rows] == ["best", "worse"]
    assert table.rows[0][3] == ""
    assert table.rows[1][3].startswith("+21.43 [+16.67, +25.00] p < 0.001")


def test_rates_without_reference_are_a_dash() -> None:
    assert format_rate(None) == "-"
    assert format_rate(0.0231, Interval(0.018, 0.0292)) == "2.31 % [1.80, 2.92]"
