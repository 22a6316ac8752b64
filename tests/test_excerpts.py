"""Cutting parts: every excerpt can be engraved alone, and nothing but its opening is made up."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from omrcli.synth.excerpts import ExcerptOptions, excerpts, join_measures, split_measures

PITCHES = [f"note-{step}4_quarter" for step in "CDEFGAB"]
OPENING = ["clef-G2", "keySignature-DM", "timeSignature-4/4"]


def make_part(measures: int = 40, seed: int = 0) -> list[str]:
    """A part of 4/4 measures of quarters."""
    rng = random.Random(seed)
    body = [[*rng.choices(PITCHES, k=4), "barline"] for _ in range(measures)]
    return OPENING + [text for measure in body for text in measure]


def cut(sequence: list[str], seed: int = 1, **options: float) -> list[list[str]]:
    """Excerpts as a list."""
    return list(excerpts(sequence, random.Random(seed), ExcerptOptions(**options)))  # type: ignore[arg-type]


def test_excerpts_cover_the_part_in_order() -> None:
    part = make_part()
    notes = [text for excerpt in cut(part) for text in excerpt if text.startswith("note")]
    missing = [text for text in part if text.startswith("note")][len(notes) :]
    assert len(missing) <= 4  # a last measure alone is too short to be an excerpt
    assert notes + missing == [text for text in part if text.startswith("note")]


def test_lengths_and_openings() -> None:
    # The rest of a part may be a single measure.
    found = [excerpt for seed in range(8) for excerpt in cut(make_part(), seed)[:-1]]
    for excerpt in found:
        assert excerpt[:2] == OPENING[:2]
        assert 8 <= len(excerpt) <= 45 + 3
        assert 2 <= excerpt.count("barline") <= 7
    assert len({len(excerpt) for excerpt in found}) > 4


def test_time_signature_at_the_start_and_in_half_of_the_rest() -> None:
    shown = []
    for seed in range(20):
        first, *rest = ["timeSignature-4/4" in excerpt for excerpt in cut(make_part(), seed)]
        assert first
        shown += rest
    assert 0.3 < sum(shown) / len(shown) < 0.7
    assert not any("timeSignature-4/4" in one for one in cut(make_part(), time_rate=0)[1:])


def test_same_seed_same_cuts() -> None:
    assert cut(make_part(), 3) == cut(make_part(), 3)
    assert cut(make_part(), 3) != cut(make_part(), 4)


def test_changed_signs_open_what_follows() -> None:
    part = [
        *make_part(8), "clef-F4", "keySignature-CM", "timeSignature-3/4",
        *[*PITCHES[:3], "barline"] * 8,
    ]  # fmt: skip
    last = cut(part, max_measures=3)[-1]
    assert last[0] == "clef-F4"
    assert not any(text.startswith("keySignature") for text in last)
    texts = [text for excerpt in cut(part, time_rate=0) for text in excerpt]
    assert texts.count("timeSignature-3/4") == 1  # a change is printed even in mid-piece


def test_ties_out_of_an_excerpt_are_dropped() -> None:
    measure = [*PITCHES[:4], "tie", "barline"]
    for excerpt in cut(OPENING + measure * 20):
        assert excerpt[-2:] == [PITCHES[3], "barline"]
        assert excerpt.count("tie") == excerpt.count("barline") - 1


def test_runs_of_empty_measures_become_multirests() -> None:
    part = OPENING + PITCHES[:4] + ["barline"] + ["rest-whole", "barline"] * 9 + PITCHES * 2
    texts = [text for excerpt in cut(part) for text in excerpt]
    assert "multirest-9" in texts
    assert "rest-whole" not in texts


def test_excerpts_without_notes_are_left_out() -> None:
    assert cut(["clef-G2", *["rest-half", "rest-half", "barline"] * 10]) == []
    assert cut(["note-C4_half"]) == []


def test_a_repeat_between_two_excerpts_is_drawn_in_both() -> None:
    measure = [*PITCHES[:4], "barline"]
    part = [*OPENING, *measure, *PITCHES[:4], "repeat-both", *PITCHES[:4], "repeat-end"]
    first, second = cut(part, max_measures=2, max_tokens=14, min_tokens=6)
    assert first[-1] == "repeat-end"
    assert "repeat-start" in second[2:4]


@given(
    st.lists(
        st.sampled_from(["note-C4_half", "barline", "repeat-both", "repeat-end", "barline-double"]),
        max_size=20,
    )
)
def test_split_and_join_are_inverse(body: list[str]) -> None:
    sequence = ["clef-G2", *body]
    assert join_measures(split_measures(sequence)) == sequence
