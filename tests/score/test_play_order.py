"""The order of play: repeats twice, endings by their numbers, jumps, and nothing left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omrcli.score.play_order import MAX_PASSES, Flow, part_flows, play_order
from tests.scores import score

_SIGNS = {
    "(": {"starts": True},
    ")": {"ends": True},
    "C": {"jump": "capo"},
    "S": {"jump": "segno"},
    "s": {"is_segno": True},
    "f": {"is_fine": True},
    "t": {"to_coda": True},
}


def order(text: str) -> str:
    """The order of measures written as letters, each with its signs, such as "a (b1) c2 d"."""
    names, flows = [], []
    for word in text.split():
        (name,) = (sign for sign in word if sign in "abdegh")
        signs: dict[str, object] = {}
        for sign in word:
            signs |= _SIGNS.get(sign, {})
        numbers = frozenset(int(sign) for sign in word if sign.isdigit())
        flows.append(Flow(**signs, endings=numbers))  # type: ignore[arg-type]
        names.append(name)
    return "".join(names[place] for place in play_order(flows))


@pytest.mark.parametrize(
    ("text", "played"),
    [
        ("", ""),
        ("a b d", "abd"),
        ("a b) d", "ababd"),
        ("a (b d) e", "abdbde"),
        ("(a) b)", "aabb"),
        ("(a (b d) e)", "abdbdee"),  # an outer sign without an end begins nothing
        ("a) b) d)", "aabbdd"),
        ("(a b1) d2 e", "abade"),
        ("a b1 d1) e2 g2 h", "abdaegh"),
        ("(a b12) d3 e", "ababade"),
        ("(a b1) (d e1) g2", "abadedg"),
        ("(a b1) d", "abad"),  # a second ending that is not printed
        ("a b1 d2", "abad"),  # the sign that ends the first is not printed
        ("a b1 d", "abd"),
        ("(a b1) d2) e", "abade"),
        ("(a b1) d1) e", "abade"),
        ("a bf dC", "abdab"),
        ("(af) b)C", "aabba"),
        ("a b dC", "abdabd"),
        ("a sb dt eS g h", "abdebdgh"),
        ("a b dS e", "abde"),  # a jump that leads nowhere
        ("(a b1) d2C", "abadad"),
        ("a bf dC e g)", "abdabegeg"),
    ],
)
def test_order(text: str, played: str) -> None:
    assert order(text) == played


flows = st.builds(
    Flow,
    starts=st.booleans(),
    ends=st.booleans(),
    endings=st.one_of(st.just(frozenset()), st.frozensets(st.integers(1, 300), max_size=3)),
    jump=st.sampled_from([None, None, None, "capo", "segno"]),
    is_segno=st.booleans(),
    is_fine=st.booleans(),
    to_coda=st.booleans(),
)


@given(st.lists(flows, max_size=25))
def test_every_measure_is_played_whatever_the_signs_say(found: list[Flow]) -> None:
    played = play_order(found)
    assert set(played) == set(range(len(found)))
    assert len(played) <= (MAX_PASSES + 1) * len(found)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=25))
def test_without_endings_nothing_is_played_more_than_twice(signs: list[tuple[bool, bool]]) -> None:
    played = play_order([Flow(starts, ends) for starts, ends in signs])
    assert all(played.count(place) in (1, 2) for place in range(len(signs)))
    firsts = list(dict.fromkeys(played))
    assert firsts == sorted(firsts)


def test_a_repeat_counts_if_half_of_the_parts_have_it() -> None:
    plain = score("clef-G2 C4_whole barline D4_whole barline").parts[0]
    repeated = score("clef-G2 C4_whole barline repeat-start D4_whole repeat-end").parts[0]
    assert part_flows([plain, repeated]) == [Flow(), Flow(starts=True, ends=True)]
    assert part_flows([plain, plain, repeated]) == [Flow(), Flow()]
