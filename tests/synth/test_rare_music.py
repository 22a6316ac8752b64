"""Music around rare tokens holds them, fills its meters and depends on nothing but its seed."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omrcli.errors import InputError, TokenError, UsageError
from omrcli.reading.alphabet import PositionalCodec
from omrcli.reading.decoding import Unit
from omrcli.synth.compose import ComposeOptions
from omrcli.synth.dataset import SynthOptions, compose_staff
from omrcli.synth.excerpts import split_measures
from omrcli.synth.rare_music import compose_rare_tokens
from omrcli.synth.rarity import RareTokens, find_rare_tokens, list_grammar
from omrcli.synth.rhythm import Dice, can_fill
from omrcli.tokens import Barline, Clef, Multirest, Note, Rest, Tie, TimeSignature, parse_symbol

seeds = st.integers(0, 2**32)
PLAIN = ComposeOptions(free=0, pickups=0, continued=0, max_tokens=200)


def compose(
    seed: int, wanted: list[str] | None = None, options: ComposeOptions | None = None
) -> list[str]:
    rare = RareTokens(dict.fromkeys(wanted, 1.0), {}) if wanted else None
    return compose_rare_tokens(np.random.default_rng(seed), rare, options)


def length_of(measure: list[str]) -> Fraction | None:
    timed = [s for s in map(parse_symbol, measure) if isinstance(s, (Note, Rest, Multirest))]
    if any(isinstance(s, Multirest) for s in timed) or timed == [parse_symbol("rest-whole")]:
        return None
    return sum(
        (s.duration.quarters for s in timed if not (isinstance(s, Note) and s.grace)), Fraction(0)
    )


@settings(deadline=None, max_examples=25)
@given(seeds)
def test_staves_are_grammatical(seed: int) -> None:
    texts = compose(seed)
    symbols = [parse_symbol(text) for text in texts]
    assert [str(symbol) for symbol in symbols] == texts
    assert isinstance(symbols[0], Clef)
    assert isinstance(symbols[-1], (Note, Rest, Multirest, Barline))
    assert len(texts) <= ComposeOptions().max_tokens
    for index, symbol in enumerate(symbols):
        if isinstance(symbol, Tie):
            start = symbols[index - 1]
            end = next(s for s in symbols[index + 1 :] if not isinstance(s, Barline))
            assert isinstance(start, Note)
            assert isinstance(end, Note)
            assert start.pitches == end.pitches


@settings(deadline=None, max_examples=25)
@given(seeds)
def test_measures_fill_their_meter(seed: int) -> None:
    texts = compose(seed, options=PLAIN)
    timed = [s for s in map(parse_symbol, texts) if isinstance(s, (Note, Rest))]
    if max((s.duration.quarters for s in timed), default=0) > 16:
        return  # no meter holds it, so that its staff is free
    meter = None
    measures = split_measures(texts)
    for measure in measures if isinstance(parse_symbol(texts[-1]), Barline) else measures[:-1]:
        for symbol in map(parse_symbol, measure):
            meter = symbol if isinstance(symbol, TimeSignature) else meter
        length = length_of(measure)
        if meter and length and can_fill(meter.quarters):
            assert length == meter.quarters


@pytest.mark.parametrize(
    "text",
    [
        "note-Gb2_thirty_second.", "note-E#6_quarter.._fermata", "note-A4_hundred_twenty_eighth",
        "gracenote-C#3_half", "note-B3_quadruple_whole.", "rest-sixty_fourth", "rest-half_fermata",
        "multirest-417", "timeSignature-24/16", "keySignature-CbM", "clef-F5",
    ],
)  # fmt: skip
def test_what_is_wanted_is_placed(text: str) -> None:
    kept = sum(text in compose(seed, [text]) for seed in range(20))
    assert kept >= 18  # a short staff may be cut off before


def test_a_rare_note_stands_where_its_clef_can_show_it() -> None:
    for seed in range(30):
        texts = compose(seed, ["note-D2_half"])
        clef = parse_symbol(texts[0])
        assert isinstance(clef, Clef)
        assert -9 <= 15 - clef.bottom_line <= 17


def test_what_was_seen_is_wanted_less() -> None:
    wanted = {"clef-G2": 1.0, "clef-F5": 1.0}
    rare = RareTokens(wanted, {"clef-G2": 99})
    dice = Dice(np.random.default_rng(0))
    drawn = Counter(str(rare.draw(dice)) for _ in range(500))
    assert drawn["clef-F5"] > 470


def test_what_no_composer_places_is_left_out() -> None:
    texts = ["note-C4_eighth_3:2", "note-C4_half|note-E4_half", "barline", "tie", "clef-G2"]
    assert list(RareTokens(dict.fromkeys(texts, 1.0), {}).weights) == ["clef-G2"]


def test_the_grammar_is_of_the_encoding() -> None:
    grammar = list_grammar()
    assert len(grammar) > 5000
    assert all(str(parse_symbol(text)) == text for text in grammar)
    assert all(0 < weight <= 1 for weight in grammar.values())


def test_a_vocabulary_file_says_what_is_wanted(tmp_path: Path) -> None:
    file = tmp_path / "vocabulary.txt"
    file.write_text("note-C4_half\nclef-G2\n", encoding="utf-8")
    assert set(find_rare_tokens(file).weights) == {"note-C4_half", "clef-G2"}
    file = tmp_path / "agnostic.txt"
    file.write_text("note.eighth-L4\n", encoding="utf-8")
    with pytest.raises(TokenError):
        find_rare_tokens(file)
    with pytest.raises(InputError):
        find_rare_tokens(tmp_path / "none.txt")


def test_the_positional_alphabet_spells_and_reads_them_all() -> None:
    codec = PositionalCodec()
    for seed in range(60):
        texts = compose(seed)
        units = [Unit(index, 1.0, 0, 0) for index in codec.encode(texts)]
        assert [token.text for token in codec.decode(units)] == texts


def test_equal_seeds_give_equal_staves() -> None:
    assert [compose(seed) for seed in range(5)] == [compose(seed) for seed in range(5)]


def test_the_share_of_rare_music() -> None:
    def texts(share: float) -> list[str]:
        return compose_staff(SynthOptions(rare_share=share), np.random.default_rng(7))

    rng = np.random.default_rng(7)
    rng.random()
    assert texts(1) == compose_rare_tokens(rng)
    assert texts(0) != texts(1)
    with pytest.raises(UsageError):
        SynthOptions(rare_share=1.5)


def test_rare_music_reaches_more_of_the_grammar() -> None:
    def reached(share: float) -> int:
        options = SynthOptions(rare_share=share)
        staves = (compose_staff(options, np.random.default_rng((1, k))) for k in range(150))
        return len({text for staff in staves for text in staff} & list_grammar().keys())

    assert reached(1) > 1.3 * reached(0)
