from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omrcli import metrics
from omrcli.metrics import (
    GAP,
    EditCounts,
    RateCounts,
    Tally,
    align,
    bootstrap_interval,
    count_edits,
    frequency_classifier,
    group_by_frequency,
    kind_of,
    merge_tallies,
    paired_bootstrap,
    sequence_counts,
    sequence_error_rate,
    symbol_counts,
    symbol_error_rate,
    tally_staff,
)

TOKENS = [
    "clef-G2",
    "barline",
    "tie",
    "rest-half",
    "rest-half_fermata",
    "note-C4_quarter",
    "note-C#4_quarter",
    "note-C4_half",
    "note-D4_half._fermata",
    "note-C4_half|note-E4_half",
    "gracenote-A4_eighth",
]
tokens = st.lists(st.sampled_from(TOKENS), max_size=14)
staves = st.lists(st.tuples(tokens, tokens), min_size=1, max_size=5)


def plain_distance(a: list[str], b: list[str]) -> int:
    """The textbook recursion, row by row, with no trimming, no band and no tie-breaking."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        new = [i]
        for j, y in enumerate(b, 1):
            new.append(min(row[j - 1] + (x != y), row[j] + 1, new[-1] + 1))
        row = new
    return row[-1]


@given(tokens, tokens)
def test_alignment_reproduces_both_sequences(a: list[str], b: list[str]) -> None:
    pairs = align(a, b)
    assert [p.reference for p in pairs if p.reference is not None] == a
    assert [p.prediction for p in pairs if p.prediction is not None] == b


@given(tokens, tokens)
def test_alignment_has_the_fewest_edits(a: list[str], b: list[str]) -> None:
    counts = count_edits(a, b)
    assert counts.errors == plain_distance(a, b)
    assert counts.reference == len(a)
    assert len(a) + counts.insertions - counts.deletions == len(b)


@settings(max_examples=25)
@given(
    st.lists(st.sampled_from("abc"), min_size=20, max_size=60),
    st.lists(st.sampled_from("abc"), max_size=60),
)
def test_band_widens_until_the_alignment_is_optimal(a: list[str], b: list[str]) -> None:
    assert count_edits(a, b).errors == plain_distance(a, b)


@given(tokens, tokens, tokens)
def test_edit_distance_is_a_metric(a: list[str], b: list[str], c: list[str]) -> None:
    def distance(x: list[str], y: list[str]) -> int:
        return count_edits(x, y).errors

    assert (distance(a, b) == 0) == (a == b)
    assert distance(a, b) == distance(b, a)
    assert distance(a, c) <= distance(a, b) + distance(b, c)


def test_alignment_pairs_like_with_like_among_equally_short_ones() -> None:
    pairs = align(
        ["rest-half", "note-C4_quarter", "note-E4_half"], ["note-C5_quarter", "note-E4_eighth"]
    )
    assert [(p.reference, p.prediction) for p in pairs] == [
        ("rest-half", None),
        ("note-C4_quarter", "note-C5_quarter"),
        ("note-E4_half", "note-E4_eighth"),
    ]


def test_only_where_staves_differ_is_every_pair_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    staff = [TOKENS[(i * i) % 11] for i in range(400)]
    changed = [*staff[:200], "multirest-9", *staff[201:]]
    cost, asked = metrics._substitution_cost, list[str]()

    def count(reference: str, prediction: str) -> int:
        asked.append(reference)
        return cost(reference, prediction)

    monkeypatch.setattr(metrics, "_substitution_cost", count)
    assert metrics.count_edits(staff, changed).errors == 1
    assert len(asked) <= 2


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("note-Bb4_quarter._fermata", "note"),
        ("note-G3_eighth|note-D4_eighth", "chord"),
        ("gracenote-A5_eighth", "grace note"),
        ("rest-thirty_second", "rest"),
        ("multirest-23", "multirest"),
        ("repeat-both", "barline"),
        ("barline-final", "barline"),
        ("keySignature-EbM", "key signature"),
        ("timeSignature-C/", "time signature"),
        ("tie", "tie"),
        ("slur-start", "slur"),
        ("", "other"),
    ],
)
def test_kinds_of_tokens(token: str, kind: str) -> None:
    assert kind_of(token) == kind


def test_note_errors_are_split_into_pitch_accidental_and_duration() -> None:
    truth = ["note-C4_half", "note-Db4_half", "note-E4_half", "note-F4_half_3:2"]
    found = ["note-D4_half", "note-D4_half", "note-E4_quarter", "note-F4_half_3:2"]
    kinds = tally_staff(truth, found).kinds
    assert kinds["note"] == EditCounts(substitutions=3, reference=4)
    assert kinds["note pitch"] == EditCounts(substitutions=2, reference=4)
    assert kinds["note duration"] == EditCounts(substitutions=1, reference=4)
    assert kinds["note accidental"] == EditCounts(substitutions=1, reference=3)


def test_chords_differ_by_any_member() -> None:
    truth = ["note-C4_half|note-E4_half", "note-C4_half|note-E4_half"]
    found = ["note-C4_half|note-Eb4_half", "note-C4_half"]
    kinds = tally_staff(truth, found).kinds
    assert kinds["chord"] == EditCounts(substitutions=2, reference=2)
    assert kinds["note pitch"].substitutions == 2
    assert kinds["note duration"].substitutions == 0
    assert kinds["note accidental"] == EditCounts(substitutions=1, reference=1)


def test_fermatas_count_wherever_they_stand_and_spoil_neither_pitch_nor_duration() -> None:
    truth = ["note-C4_half_fermata", "rest-half", "rest-whole_fermata"]
    found = ["note-C4_half", "rest-half_fermata", "rest-whole_fermata"]
    kinds = tally_staff(truth, found).kinds
    assert kinds["fermata"] == EditCounts(insertions=1, deletions=1, reference=2)
    assert kinds["note pitch"].errors == kinds["note duration"].errors == 0
    assert kinds["note"].errors == 1


def test_missed_and_invented_tokens_are_confused_with_nothing() -> None:
    tally = tally_staff(["tie", "barline"], ["barline", "clef-G2"])
    assert tally.confusions == {("tie", GAP): 1, (GAP, "clef-G2"): 1}
    assert tally.kinds["clef"] == EditCounts(insertions=1)
    assert tally.tokens["tie"] == EditCounts(deletions=1, reference=1)
    assert EditCounts(insertions=1).error_rate is None


tallies = st.builds(tally_staff, tokens, tokens)


@given(tallies, tallies, tallies)
def test_merging_tallies_is_associative_and_has_a_zero(a: Tally, b: Tally, c: Tally) -> None:
    assert (a + b) + c == a + (b + c)
    assert a + Tally() == Tally() + a == a
    assert a + b == b + a
    assert merge_tallies([a, b, c]) == a + b + c
    assert merge_tallies([]) == Tally()


@given(staves)
def test_merged_tallies_agree_with_the_rates(pairs: list[tuple[list[str], list[str]]]) -> None:
    total = sum((tally_staff(a, b) for a, b in pairs), Tally())
    each = [count_edits(a, b) for a, b in pairs]
    assert total.counts == sum(each, EditCounts())
    assert sum((c for c in total.tokens.values()), EditCounts()) == total.counts
    assert sum(total.confusions.values()) == total.counts.errors
    assert total.wrong_staves / total.staves == sequence_error_rate(each)
    assert symbol_error_rate(each) * max(total.counts.reference, 1) == pytest.approx(
        total.counts.errors
    )


def test_rates_are_ratios_of_sums_not_means_of_ratios() -> None:
    each = [EditCounts(substitutions=1, reference=1), EditCounts(reference=99)]
    assert symbol_error_rate(each) == 0.01
    assert sequence_error_rate(each) == 0.5
    assert sequence_error_rate([]) == symbol_error_rate([]) == 0


def test_frequency_classes_follow_the_mass_of_symbols() -> None:
    table = {"a": 40, "b": 30, "c": 15, "d": 6, "e": 5, "f": 2, "g": 1, "h": 1}
    classify = frequency_classifier(table)
    assert [classify(t) for t in "ab"] == ["frequent"] * 2
    assert classify("c") == "middling"
    assert [classify(t) for t in "defgh"] == ["rare"] * 5
    assert classify("never seen") == "rare"


@given(st.dictionaries(st.text(max_size=2), st.integers(1, 50), min_size=1))
def test_frequency_classes_are_ordered_and_never_split_a_tie(table: dict[str, int]) -> None:
    classify = frequency_classifier(table)
    rank = {"frequent": 2, "middling": 1, "rare": 0}
    ordered = sorted(table.values())
    by_frequency = {n: {classify(t) for t in table if table[t] == n} for n in ordered}
    assert all(len(names) == 1 for names in by_frequency.values())
    ranks = [rank[next(iter(by_frequency[n]))] for n in ordered]
    assert ranks == sorted(ranks)
    assert ranks[-1] == 2


def test_frequency_groups_add_up_and_put_inventions_among_the_rare() -> None:
    tally = tally_staff(["a"] * 8 + ["b"], ["a"] * 8 + ["c"] + ["d"])
    frequent, middling, rare = group_by_frequency(tally.tokens)
    assert (frequent.name, frequent.tokens, frequent.counts.reference) == ("frequent", 1, 8)
    assert middling.counts == EditCounts()
    assert rare.counts.errors == 2
    by_table = group_by_frequency(tally.tokens, {"b": 1000})
    assert by_table[0].counts.reference == 1
    assert by_table[2].counts.reference == 8


@given(
    st.lists(
        st.builds(
            EditCounts, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(27, 90)
        ),
        min_size=1,
        max_size=12,
    )
)
def test_bootstrap_interval_holds_the_point_and_repeats(each: list[EditCounts]) -> None:
    for terms, point in (
        (symbol_counts(each), symbol_error_rate(each)),
        (sequence_counts(each), sequence_error_rate(each)),
    ):
        interval = bootstrap_interval(terms, resamples=200)
        assert interval.low <= point <= interval.high
        assert interval == bootstrap_interval(terms, resamples=200)


def test_bootstrap_interval_has_the_width_that_theory_gives() -> None:
    terms = [RateCounts(float(i % 2), 1) for i in range(400)]
    interval = bootstrap_interval(terms)
    assert interval.low == pytest.approx(0.5 - 1.96 * 0.025, abs=0.01)
    assert interval.high == pytest.approx(0.5 + 1.96 * 0.025, abs=0.01)


def test_paired_bootstrap_sees_a_small_steady_gain_that_single_intervals_hide() -> None:
    first = [RateCounts(5 + i % 7, 20) for i in range(40)]
    second = [RateCounts(staff.errors - 1, 20) for staff in first]
    result = paired_bootstrap(first, second)
    assert result.difference == pytest.approx(-0.05)
    assert result.interval.high < 0
    assert result.reversal_share == 0
    assert bootstrap_interval(first).low < bootstrap_interval(second).high
    same = paired_bootstrap(first, first)
    assert (same.difference, same.reversal_share) == (0, 1)


def test_nothing_to_resample_is_an_error() -> None:
    with pytest.raises(ValueError, match="no staff"):
        bootstrap_interval([])
    with pytest.raises(ValueError, match="paired"):
        paired_bootstrap([RateCounts(1, 1)], [RateCounts(1, 1)] * 2)
