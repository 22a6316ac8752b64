"""What else a token may be, from the readings that were not chosen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from omrcli.reading.alphabet import POSITIONAL_UNITS, PositionalCodec
from omrcli.reading.alternatives import (
    Alternative,
    Variant,
    find_music_variants,
    find_plain_variants,
    name_alternatives,
)
from omrcli.reading.decoding import Unit, decode_greedy
from omrcli.reading.rescoring import Alphabet, decode_music, spell_units, weigh_islands

BLANK = len(POSITIONAL_UNITS)
INDEX = {name: index for index, name in enumerate(POSITIONAL_UNITS)}
STAFF = ("clef-G2", "s", "note.quarter@1", "note.half@2", "barline")


def log_probs(*frames: dict[str, float]) -> np.ndarray:
    """Each frame's probabilities, blank taking the rest, with a sure blank after each."""
    table = np.full((2 * len(frames), BLANK + 1), 1e-9)
    table[1::2, BLANK] = 1.0
    for row, frame in zip(table[::2], frames, strict=True):
        for name, share in frame.items():
            row[INDEX[name]] = share
        row[BLANK] = max(1e-9, 1 - sum(frame.values()))
    return np.log(table).astype(np.float32)


def alternatives(
    units: Sequence[Unit], variants: Sequence[Variant], count: int = 4
) -> dict[str, tuple[Alternative, ...]]:
    codec = PositionalCodec()
    found = name_alternatives(units, variants, codec.decode, count)
    texts = [token.text for token in codec.decode(units)]
    return dict(zip(texts, found, strict=True))


def read_greedily(*frames: dict[str, float], count: int = 4) -> dict[str, tuple[Alternative, ...]]:
    table = log_probs(*frames)
    units = decode_greedy(table, BLANK)
    return alternatives(units, list(find_plain_variants(table, BLANK, units)), count)


def sure(name: str) -> dict[str, float]:
    return {name: 0.9999}


def test_the_second_likely_reading_is_an_alternative() -> None:
    unsure = {"note.half@2": 0.6, "note.half@3": 0.3, "note.quarter@2": 0.09}
    found = read_greedily(sure("clef-G2"), unsure, sure("barline"))
    assert [text for text, _ in found["note-G4_half"]] == ["note-A4_half", "note-G4_quarter", ""]
    assert [share for _, share in found["note-G4_half"]][:2] == pytest.approx([0.3, 0.09], abs=0.01)
    assert found["clef-G2"] == found["barline"] == ()


def test_no_more_than_are_asked_for() -> None:
    unsure = {"note.half@2": 0.6, "note.half@3": 0.3, "note.quarter@2": 0.09}
    found = read_greedily(sure("clef-G2"), unsure, count=1)
    assert [text for text, _ in found["note-G4_half"]] == ["note-A4_half"]


def test_an_accidental_belongs_to_its_note() -> None:
    found = read_greedily(sure("clef-G2"), {"s": 0.7}, sure("note.quarter@1"))
    assert found["note-F#4_quarter"] == (("note-F4_quarter", pytest.approx(0.3, abs=0.01)),)


def test_what_may_have_been_missed_follows_the_token_before() -> None:
    found = read_greedily(sure("clef-G2"), sure("note.half@2"), {"dot": 0.4}, {"barline": 0.2})
    texts = [text for text, _ in found["note-G4_half"]]
    assert texts == ["note-G4_half.", "note-G4_half barline"]


def test_a_token_may_be_none() -> None:
    found = read_greedily(sure("clef-G2"), {"note.half@2": 0.8}, sure("barline"))
    assert found["note-G4_half"] == (("", pytest.approx(0.2, abs=0.01)),)


def test_music_weighs_the_same_readings() -> None:
    unsure = {"note.half@2": 0.6, "note.half@3": 0.39}
    table = log_probs(sure("clef-G2"), unsure, sure("barline"))
    weighed = weigh_islands(table, Alphabet(POSITIONAL_UNITS, BLANK))
    units = spell_units(table, BLANK, weighed)
    assert units == decode_music(table, Alphabet(POSITIONAL_UNITS, BLANK))
    found = alternatives(units, list(find_music_variants(table, BLANK, weighed)))
    chosen, (other,) = next((text, rest) for text, rest in found.items() if rest)
    assert {chosen, other[0]} == {"note-G4_half", "note-A4_half"}
    unit = next(unit for unit in units if unit.confidence < 0.9)
    assert unit.confidence + other[1] == pytest.approx(1.0, abs=0.02)
