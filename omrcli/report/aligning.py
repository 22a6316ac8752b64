"""The marks of an engraved staff moved so that each token stands under the place where it was read.

Tokens move as they are; what joins them (beams, brackets, ties) is stretched with them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from .marks import Engraving, Glyph, Mark, Shape, mark_box

#: Parts of a note that do not count for its place: an accidental stands before it, dots behind.
_ADDED = frozenset({"accid", "dots", "dot", "stem", "flag", "fermata", "tie", "slur"})
#: Tokens may come as much closer than Verovio sets them, and the least distance in interlines.
_CLOSER, _LEAST = 0.55, 0.5
#: Outlines and strokes of these follow their token; others are stretched between tokens.
_STRETCHED = frozenset({"tie", "slur", "beam", "tuplet", "tupletBracket", "ledgerLines"})
#: These begin behind a token and end before another, with barlines perhaps between.
_SPANNING = frozenset({"tie", "slur"})


def align_tokens(engraving: Engraving, wanted: Mapping[int, float], left: float) -> Engraving:
    """Move the marks so that the middle of each token comes as near as may be to the x in `wanted`.

    Tokens without a place keep theirs on a staff that begins at `left`. Where the places are too
    close to each other, or in another order than the tokens, these are set apart with the least
    moves (least squares).
    """
    extents = measure_tokens(engraving)
    order = sorted(extents, key=lambda token: extents[token][0])
    if not order:
        return engraving
    middles = [sum(extents[token]) / 2 for token in order]
    asked = [wanted.get(t, left + middle) for t, middle in zip(order, middles, strict=True)]
    places = _keep_apart(middles, asked, engraving.interline)
    moves = {t: place - middle for t, place, middle in zip(order, places, middles, strict=True)}
    knots = sorted((x, moves[token]) for token in order for x in extents[token])
    move = _Move([x for x, _ in knots], [by for _, by in knots])
    marks = tuple(_move(mark, moves, move) for mark in engraving.marks)
    return replace(engraving, marks=marks, end=engraving.end + move.at(engraving.end))


def measure_tokens(engraving: Engraving) -> dict[int, tuple[float, float]]:
    """The (left, right) of each token: of its heads if it is a note, else of all its marks."""
    boxes: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for mark in engraving.marks:
        if mark.token is not None and mark.part not in _ADDED:
            left, _, right, _ = mark_box(mark, engraving)
            boxes[mark.token].append((left, right))
    return {
        token: (min(left for left, _ in found), max(right for _, right in found))
        for token, found in boxes.items()
    }


class _Move:
    """How far to move what is at some x: known at the edges of tokens, linear between them."""

    def __init__(self, xs: Sequence[float], moves: Sequence[float]) -> None:
        self._xs, self._moves = xs, moves

    def at(self, x: float) -> float:
        after = bisect_right(self._xs, x)
        if after == 0:
            return self._moves[0]
        if after == len(self._xs):
            return self._moves[-1]
        (x0, x1), (m0, m1) = self._xs[after - 1 : after + 1], self._moves[after - 1 : after + 1]
        return m0 + (m1 - m0) * (x - x0) / (x1 - x0) if x1 > x0 else m0

    def span(self, left: float, right: float) -> _Move:
        """How far to move what leads from one token to another: its ends go with these."""
        before = self._moves[max(0, bisect_right(self._xs, left) - 1)]
        after = self._moves[min(len(self._xs) - 1, bisect_left(self._xs, right))]
        return _Move([left, right], [before, after])


def _move(mark: Mark, moves: Mapping[int, float], move: _Move) -> Mark:
    if isinstance(mark, Glyph):
        by = moves.get(mark.token, None) if mark.token is not None else None
        return replace(mark, x=mark.x + (move.at(mark.x) if by is None else by))
    if mark.token in moves and mark.part not in _STRETCHED:
        by = moves[mark.token]  # type: ignore[index]
        return replace(mark, points=tuple((x + by, y) for x, y in mark.points))
    if mark.part == "ledgerLines":
        by = move.at((mark.points[0][0] + mark.points[-1][0]) / 2)
        return replace(mark, points=tuple((x + by, y) for x, y in mark.points))
    if mark.part in _SPANNING:
        xs = [x for x, _ in mark.points]
        return _stretch(mark, move.span(min(xs), max(xs)))
    return _stretch(mark, move)


def _stretch(mark: Shape, move: _Move) -> Shape:
    return replace(mark, points=tuple((x + move.at(x), y) for x, y in mark.points))


def _keep_apart(middles: Sequence[float], wanted: Sequence[float], interline: float) -> list[float]:
    """Places as near to those wanted as the least distances allow."""
    needed = [0.0]
    for one, two in pairwise(middles):
        needed.append(needed[-1] + max(_CLOSER * (two - one), _LEAST * interline))
    free = _rising([place - need for place, need in zip(wanted, needed, strict=True)])
    return [place + need for place, need in zip(free, needed, strict=True)]


def _rising(values: Sequence[float]) -> list[float]:
    """The rising sequence next to the values in the mean square (pool adjacent violators)."""
    pools: list[tuple[float, int]] = []  # sum and count
    for value in values:
        total, count = value, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            before = pools.pop()
            total, count = total + before[0], count + before[1]
        pools.append((total, count))
    return [total / count for total, count in pools for _ in range(count)]
