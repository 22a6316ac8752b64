from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

import pytest

from omrcli.errors import InputError, ModelError, NothingRecognisedError, UsageError
from omrcli.evaluation.evaluate import (
    EvalOptions,
    EvalResult,
    compare_results,
    evaluate,
    evaluation_json,
    join_repeats,
    list_notes,
)
from omrcli.metrics import EditCounts
from tests.readings import TRUTHS, Sample, make_model


def run(
    answers: Mapping[str, Sequence[str] | Exception],
    options: EvalOptions | None = None,
    truths: Mapping[str, tuple[str, ...] | Exception] = TRUTHS,
    on_sample: Callable[[], None] | None = None,
) -> EvalResult:
    samples = [Sample(name, truth) for name, truth in truths.items()]
    [result] = evaluate(samples, [make_model("fake", answers)], options, on_sample)
    return result


def test_a_perfect_model_has_no_errors() -> None:
    result = run({})
    assert result.symbol_error_rate == result.sequence_error_rate == 0
    assert result.symbol_error_interval.high == 0
    assert result.find_worst() == []
    assert result.staves_per_second > 0


def test_a_score_does_not_say_how_its_rests_are_drawn() -> None:
    texts = ("clef-G2", "rest-whole", "barline", "rest-whole", "barline", "note-C4_half")
    drawn = ("clef-G2", "multirest-2", "barline", "note-C4_half")
    for is_score, errors in ((True, 0), (False, 3)):
        sample = Sample("a", texts, is_score)
        [result] = evaluate([sample], [make_model("fake", {"a": drawn})])
        assert result.tally.counts.errors == errors


def test_rates_counts_and_worst_samples() -> None:
    result = run(
        {"b": ("clef-F4", "note-D3_quarter_fermata", "barline"), "c": (*TRUTHS["c"], "tie")}
    )
    assert result.tally.counts == EditCounts(1, 1, 1, reference=14)
    assert result.symbol_error_rate == 3 / 14
    assert result.sequence_error_rate == 2 / 3
    assert [row.id for row in result.find_worst()] == ["b", "c"]
    assert [row.id for row in result.find_worst(1)] == ["b"]
    assert result.list_confusions(1) == [("", "tie", 1)]
    interval = result.symbol_error_interval
    assert interval.low <= 3 / 14 <= interval.high


def test_repeats_that_meet_at_a_line_break_are_one() -> None:
    tokens = ["rest-half", "repeat-end", "repeat-start", "rest-half", "repeat-end"]
    assert join_repeats(tokens) == ["rest-half", "repeat-both", "rest-half", "repeat-end"]
    assert join_repeats(["repeat-start", "rest-half"]) == ["repeat-start", "rest-half"]


def test_notes_are_what_sounds() -> None:
    staff = ["clef-G2", "note-C4_half.", "tie", "gracenote-D4_eighth", "note.eighth-L4",
             "note-C4_eighth_3:2|note-E4_eighth_3:2", "rest-half"]  # fmt: skip
    assert list_notes(staff) == ["C4_3", "C4_1/3", "E4_1/3"]


def test_the_note_error_rate_leaves_all_but_notes_out() -> None:
    truth = {"x": ("clef-G2", "note-C4_quarter", "note-D4_half", "barline")}
    dotted = {"x": ("clef-F4", "note-C4_quarter_fermata", "note-D4_half.", "tie")}
    result = run(dotted, truths=truth)
    assert result.note_error_rate == 1 / 2
    assert result.to_json()["note_error_rate"] == 1 / 2
    assert run({}, truths={"x": ("rest-half",)}).note_error_rate is None


def test_nothing_recognised_counts_as_deletions_and_unreadable_as_a_failure() -> None:
    result = run({"a": NothingRecognisedError("blank"), "b": InputError("broken PNG")})
    assert result.tally.counts == EditCounts(deletions=6, reference=10)
    assert [row.id for row in result.not_recognised] == ["a"]
    assert [(f.id, f.message) for f in result.failures] == [("b", "broken PNG")]
    assert result.sequence_error_rate == 1 / 2


def test_unreadable_truth_is_a_failure() -> None:
    result = run({}, truths={**TRUTHS, "d": InputError("no text")})
    assert [f.id for f in result.failures] == ["d"]
    assert len(result.rows) == 3


def test_no_readable_sample_is_an_input_error() -> None:
    with pytest.raises(InputError, match="no sample to evaluate"):
        run({}, truths={})
    with pytest.raises(InputError, match=r"None of 3 samples could be read\. broken"):
        run(dict.fromkeys("abc", InputError("broken")))


def test_an_unusable_model_is_not_a_failure_of_the_sample() -> None:
    with pytest.raises(ModelError):
        run({"a": ModelError("wrong input name")})


@pytest.mark.parametrize(
    ("ignore", "name", "read"),
    [
        ("tie", "a", [t for t in TRUTHS["a"] if t != "tie"]),
        ("barline", "b", ["clef-F4", "note-D3_half_fermata", "rest-half", "barline"]),
        ("fermata", "b", ["clef-F4", "note-D3_half", "barline", "rest-half_fermata"]),
        ("grace", "c", ["clef-C3", "note-E4_half", "barline"]),
        ("clef", "c", ["gracenote-D4_eighth", "note-E4_half", "barline"]),
        ("time", "a", [t for t in TRUTHS["a"] if t != "timeSignature-3/4"]),
        (
            "key",
            "c",
            ["clef-C3", "keySignature-EbM", "gracenote-D4_eighth", "note-E4_half", "barline"],
        ),
    ],
)
def test_ignored_kinds_vanish_on_both_sides(ignore: str, name: str, read: list[str]) -> None:
    assert run({name: read}).symbol_error_rate > 0
    assert run({name: read}, EvalOptions(ignore=(ignore,))).symbol_error_rate == 0


def test_unknown_names_are_usage_errors_with_a_hint() -> None:
    with pytest.raises(UsageError, match="did you mean 'barline'"):
        EvalOptions(ignore=("barlines",))
    with pytest.raises(UsageError, match="one of auto, primus, none"):
        EvalOptions(projection="all")
    with pytest.raises(UsageError, match="at least 1"):
        EvalOptions(limit=0)


def test_projection_forgives_what_plain_primus_cannot_say() -> None:
    answers = {"a": (*TRUTHS["a"][:-1], "barline-final")}
    assert run(answers).projection == "primus"
    assert run(answers).symbol_error_rate == 0
    assert run(answers, EvalOptions(projection="none")).symbol_error_rate == 1 / 14


def test_a_truth_that_says_more_is_compared_whole() -> None:
    truths = {**TRUTHS, "d": ("clef-G2", "note-C4_half|note-E4_half")}
    answers = {"d": ("clef-G2", "note-E4_half")}
    result = run(answers, truths=truths)
    assert result.projection == "none"
    assert result.tally.kinds["chord"].errors == 1
    assert run(answers, EvalOptions(projection="primus"), truths).symbol_error_rate == 0


def test_limit_takes_the_first_samples_and_progress_is_reported() -> None:
    calls: list[None] = []
    result = run({}, EvalOptions(limit=2), on_sample=lambda: calls.append(None))
    assert [row.id for row in result.rows] == ["a", "b"]
    assert len(calls) == 2


def test_frequency_classes_come_from_the_test_set_or_a_table_that_is_projected_too() -> None:
    barline = {g.name: g for g in run({}).frequency}["frequent"]
    assert barline.counts.reference >= 3
    table = {"barline-final": 900, "tie": 1}
    groups = {g.name: g for g in run({}, EvalOptions(frequency=table)).frequency}
    assert groups["frequent"].tokens == 1
    assert groups["frequent"].counts.reference == 3
    assert groups["rare"].counts.reference == 11


def test_json_has_stable_keys_and_survives_a_round_trip() -> None:
    result = run({"a": NothingRecognisedError("blank"), "b": InputError("broken")})
    found = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert list(found) == [
        "model",
        "options",
        "samples",
        "symbol_error_rate",
        "symbol_error_interval",
        "sequence_error_rate",
        "sequence_error_interval",
        "note_error_rate",
        "counts",
        "kinds",
        "error_classes",
        "reliability",
        "frequency",
        "staves_per_second",
        "worst",
        "confusions",
        "not_recognised",
        "failures",
        "tokens",
        "rows",
    ]
    assert found["model"] == {"name": "fake", "sha256": "0" * 64}
    assert found["options"]["projection"] == "primus"
    assert found["kinds"]["tie"]["error_rate"] == 1
    assert found["confusions"][0]["prediction"] is None
    assert found["rows"][0]["truth"].split() == list(TRUTHS["a"])


def test_models_are_compared_on_the_samples_that_both_read() -> None:
    worse = make_model("worse", {name: truth[:-1] for name, truth in TRUTHS.items()})
    partial = make_model("partial", {"a": InputError("broken")})
    samples = [Sample(name, truth) for name, truth in TRUTHS.items()]
    results = evaluate(samples, [make_model("best", {}), worse, partial])
    first, second = compare_results(results)
    assert (first.baseline, first.model, first.samples) == ("best", "worse", 3)
    assert first.symbol_error_rate.difference == 3 / 14
    assert first.symbol_error_rate.reversal_share == 0
    assert first.sequence_error_rate.difference == 1
    assert second.samples == 2
    assert second.symbol_error_rate.difference == 0
    found = json.loads(json.dumps(evaluation_json(results)))
    assert len(found["results"]) == 3
    assert found["comparisons"][0]["symbol_error_rate"]["difference"] == 3 / 14


def test_models_without_a_common_sample_cannot_be_compared() -> None:
    samples = [Sample(name, truth) for name, truth in TRUTHS.items()]
    models = [
        make_model("first", {"a": InputError("x"), "b": InputError("x")}),
        make_model("second", {"c": InputError("x")}),
    ]
    with pytest.raises(InputError, match="no sample in common"):
        compare_results(evaluate(samples, models))
