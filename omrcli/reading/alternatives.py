"""What else a token may be: other likely readings of its frames, spelled out as token texts.

The frames of a staff fall into islands (`lattice.py`). Where an island has several readings, each
one that was not chosen is a `Variant`: put in place of the units that were read there, it changes a
token or a few, makes one vanish or adds one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

from omrcli.tokens import Token

from .decoding import Unit, align_labels
from .lattice import Island, find_islands
from .rescoring import Weighed

Array = NDArray[np.float32]
#: Another text and its probability. Several tokens stand with spaces between them; a text without
#: any says that there is nothing.
Alternative = tuple[str, float]
#: The tokens of a staff's units, as the codec of a model spells them.
Spell = Callable[[Sequence[Unit]], Sequence[Token]]

#: Readings less probable than this are of no use to a reader.
_LEAST = 2e-3


@dataclass(frozen=True)
class Variant:
    """Units (class indices, as those read) that the frames [start, end) may say instead."""

    start: int
    end: int
    units: tuple[Unit, ...]
    probability: float


def find_music_variants(
    log_probs: Array, blank: int, weighed: Sequence[Weighed]
) -> Iterator[Variant]:
    """The readings that a search among music did not choose, with their posterior."""
    for item in weighed:
        chosen = item.island.readings[item.choice].labels
        shares = [share * item.island.mass for share in item.posterior]
        yield from _vary(log_probs, blank, item.island, chosen, shares)


def find_plain_variants(log_probs: Array, blank: int, units: Sequence[Unit]) -> Iterator[Variant]:
    """The readings other than `units` of (T, C) log-probabilities, by the network alone."""
    for island in find_islands(log_probs, blank):
        inside = (unit for unit in units if island.start <= unit.start and unit.end <= island.end)
        shares = [math.exp(reading.log_probability) for reading in island.readings]
        yield from _vary(log_probs, blank, island, tuple(u.index for u in inside), shares)


def _vary(
    log_probs: Array, blank: int, island: Island, chosen: tuple[int, ...], shares: Sequence[float]
) -> Iterator[Variant]:
    for reading, share in zip(island.readings, shares, strict=True):
        if reading.labels == chosen or share < _LEAST:
            continue
        spans = align_labels(log_probs[island.start : island.end], reading.labels, blank)
        units = tuple(
            Unit(label, share, island.start + start, island.start + end)
            for label, (start, end) in zip(reading.labels, spans, strict=True)
        )
        yield Variant(island.start, island.end, units, share)


def name_alternatives(
    units: Sequence[Unit], variants: Iterable[Variant], spell: Spell, count: int
) -> tuple[tuple[Alternative, ...], ...]:
    """For each token of the units its best alternatives, best first, `count` at most.

    What a variant adds where nothing was read is an alternative of the token before: its text with
    more behind it.
    """
    read = spell(units)
    found: list[dict[str, float]] = [{} for _ in read]
    for variant in variants:
        other = spell(_put(units, variant))
        for place, text in _compare(read, other, variant):
            found[place][text] = found[place].get(text, 0.0) + variant.probability
    return tuple(tuple(_rank(texts, count)) for texts in found)


def _put(units: Sequence[Unit], variant: Variant) -> list[Unit]:
    """The units with a variant in place of those in its frames."""
    before = [unit for unit in units if unit.end <= variant.start]
    after = [unit for unit in units if unit.start >= variant.end]
    return [*before, *variant.units, *after]


def _compare(
    read: Sequence[Token], other: Sequence[Token], variant: Variant
) -> Iterator[tuple[int, str]]:
    """Indices of `read` whose tokens a variant changes, and the texts that it gives them.

    Pitches that change further on, because a sign did, are left to that sign.
    """
    first = _same_start(read, other, variant)
    last = _same_end(read[first:], other[first:], variant)
    mine = [token.text for token in read[first : len(read) - last]]
    texts = [token.text for token in other[first : len(other) - last]]
    for kind, i, j, k, m in SequenceMatcher(None, mine, texts, autojunk=False).get_opcodes():
        if kind == "insert" and first + i:
            yield first + i - 1, " ".join([read[first + i - 1].text, *texts[k:m]])
        elif kind in ("replace", "delete"):
            yield from enumerate(_share_out(texts[k:m], j - i), first + i)


def _share_out(texts: Sequence[str], places: int) -> list[str]:
    """One text for each place; the last one takes what is left over, and "" is nothing."""
    if len(texts) > places:
        return [*texts[: places - 1], " ".join(texts[places - 1 :])]
    return [*texts, *[""] * (places - len(texts))]


def _same_start(read: Sequence[Token], other: Sequence[Token], variant: Variant) -> int:
    """How many tokens at the start a variant cannot have touched."""
    count = 0
    for one, two in zip(read, other, strict=False):
        if one.end > variant.start or (one.start, one.end) != (two.start, two.end):
            break
        count += 1
    return count


def _same_end(read: Sequence[Token], other: Sequence[Token], variant: Variant) -> int:
    """How many tokens at the end a variant cannot have touched."""
    count = 0
    for one, two in zip(reversed(read), reversed(other), strict=False):
        if one.start < variant.end or (one.start, one.end) != (two.start, two.end):
            break
        count += 1
    return count


def _rank(texts: dict[str, float], count: int) -> list[Alternative]:
    ranked = sorted(texts.items(), key=lambda item: (-item[1], item[0]))
    return [(text, min(1.0, probability)) for text, probability in ranked[:count]]
