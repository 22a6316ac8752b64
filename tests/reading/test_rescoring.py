"""Readings weighed by the music they make."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from omrcli.reading.alphabet import POSITIONAL_UNITS, PositionalCodec
from omrcli.reading.decoding import decode_greedy
from omrcli.reading.rescoring import Alphabet, MusicOptions, Weights, decode_music

INDEX = {name: index for index, name in enumerate(POSITIONAL_UNITS)}
BLANK = len(POSITIONAL_UNITS)
ALPHABET = Alphabet(POSITIONAL_UNITS, BLANK)
SILENT = Weights(*[0.0] * 8)
MEASURE = Weights(*[0.0] * 4, -3.0, -1.0, -2.0, -3.0)


def staff(*readings: str | dict[str, float]) -> NDArray[np.float32]:
    """Log-probabilities in which each unit is read in one frame, with a sure blank after it."""
    table = np.full((2 * len(readings), BLANK + 1), 1e-8)
    for number, reading in enumerate(readings):
        each = {reading: 0.999} if isinstance(reading, str) else reading
        for name, probability in each.items():
            table[2 * number, INDEX[name] if name else BLANK] = probability
        table[2 * number + 1, BLANK] = 1
    return np.log(table / table.sum(axis=1, keepdims=True)).astype(np.float32)


def texts(log_probs: NDArray[np.float32], weights: Weights) -> list[str]:
    units = decode_music(log_probs, ALPHABET, MusicOptions(weights))
    return [token.text for token in PositionalCodec().decode(units)]


HEAD = ("clef-G2", "time-C", "note.whole@2", "barline")
TAIL = ("barline", "note.whole@2", "barline")


def around(*readings: str | dict[str, float]) -> NDArray[np.float32]:
    return staff(*HEAD, *readings, *TAIL)


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        (["note.half@2", {"note.half@2": 0.3, "note.quarter@2": 0.7}], "half half"),
        (["note.half@2", {"dot": 0.3, "": 0.7}, "note.quarter@2"], "half. quarter"),
        (["note.half@2", {"dot": 0.7, "": 0.3}, "note.half@2"], "half half"),
        (["note.half@2", {"note.half@2": 0.995, "note.quarter@2": 0.005}], "half half"),
    ],
)
def test_the_reading_that_fills_the_measure_wins(
    readings: Sequence[str | dict[str, float]], expected: str
) -> None:
    found = texts(around(*readings), MEASURE)
    assert [text[8:] for text in found[4:-3]] == expected.split()


def test_nothing_is_invented_to_fill_a_measure() -> None:
    log_probs = around("note.half@2", {"note.quarter@2": 0.996, "note.half@2": 0.004})
    assert texts(log_probs, MEASURE)[4:-3] == ["note-G4_half", "note-G4_quarter"]


def test_a_tie_between_different_notes_is_a_slur() -> None:
    log_probs = around("note.half@2", {"tie": 0.7, "": 0.3}, "note.half@4")
    assert "tie" in texts(log_probs, SILENT)
    assert "tie" not in texts(log_probs, MEASURE)


def test_later_measures_tell_which_meter_it_is() -> None:
    measures = ["note.half@2", "dot", "barline"] * 4
    head = ["clef-G2", {"over-3": 0.4, "over-2": 0.6}, "under-4"]
    assert texts(staff(*head, *measures), SILENT)[1] == "timeSignature-2/4"
    assert texts(staff(*head, *measures), MEASURE)[1] == "timeSignature-3/4"


def test_without_weights_it_reads_what_is_most_probable_and_a_sure_staff_as_greedy() -> None:
    log_probs = around("note.half@2", {"note.half@2": 0.4, "note.quarter@2": 0.6})
    greedy = decode_greedy(log_probs, BLANK)
    found = decode_music(log_probs, ALPHABET, MusicOptions(SILENT))
    assert [(u.index, u.start, u.end) for u in found] == [(u.index, u.start, u.end) for u in greedy]
    sure = staff(*HEAD)
    assert [u.index for u in decode_music(sure, ALPHABET)] == [INDEX[name] for name in HEAD]
    assert all(u.confidence > 0.99 for u in decode_music(sure, ALPHABET))


def test_confidence_is_the_posterior_under_network_and_music() -> None:
    log_probs = around("note.half@2", {"note.half@2": 0.4, "note.quarter@2": 0.6})
    plain = decode_music(log_probs, ALPHABET, MusicOptions(SILENT))[5]
    assert plain.confidence == pytest.approx(0.6, abs=0.01)
    weighed = decode_music(log_probs, ALPHABET, MusicOptions(MEASURE))[5]
    odds = 0.4 / (0.6 * math.exp(-3))
    assert weighed.index == INDEX["note.half@2"]
    assert weighed.confidence == pytest.approx(odds / (1 + odds), abs=0.01)


def test_a_wide_beam_finds_nothing_better_than_a_narrow_one_by_much() -> None:
    """Measures are chosen one by one: hypotheses are merged where the next measure begins."""
    unsure = {"note.half@2": 0.45, "note.quarter@2": 0.55}
    measures = ["note.half@2", unsure, "barline"] * 12
    log_probs = staff(*HEAD, *measures)
    for beam in (4, 200):
        units = decode_music(log_probs, ALPHABET, MusicOptions(MEASURE, beam))
        halves = [u for u in units if u.index == INDEX["note.half@2"]]
        assert len(halves) == 24


def test_no_frames_and_a_blank_staff_read_nothing() -> None:
    assert decode_music(np.zeros((0, BLANK + 1), np.float32), ALPHABET) == []
    blank = np.full((5, BLANK + 1), -30, np.float32)
    blank[:, BLANK] = 0
    assert decode_music(blank, ALPHABET) == []


def test_a_blank_that_comes_first_is_left_out() -> None:
    log_probs = around("note.half@2", {"note.half@2": 0.4, "note.quarter@2": 0.6})
    rolled = np.roll(log_probs, 1, axis=1)
    first = decode_music(rolled, Alphabet(POSITIONAL_UNITS, 0), MusicOptions(MEASURE))
    last = decode_music(log_probs, ALPHABET, MusicOptions(MEASURE))
    assert [unit.index - 1 for unit in first] == [unit.index for unit in last]
