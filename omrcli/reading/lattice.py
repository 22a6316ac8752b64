"""What a network may have read: the frames of a staff cut where the blank is all but sure, and the
likely readings of each piece.

CTC multiplies over frames, so where every likely path passes through the blank, what was read
before and what comes after do not depend on each other. A staff is then a row of short *islands*,
most of them with one reading only, and the few with several can be weighed against each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .decoding import BeamOptions, search_prefixes, settle

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Reading:
    """Class indices, perhaps none, and the natural log of their CTC probability."""

    labels: tuple[int, ...]
    log_probability: float


@dataclass(frozen=True)
class Island:
    """The frames [start, end) between sure blanks, and their likely readings, best first."""

    start: int
    end: int
    readings: tuple[Reading, ...]

    @property
    def is_sure(self) -> bool:
        """Whether there is one reading only."""
        return len(self.readings) == 1

    @property
    def mass(self) -> float:
        """Probability of all readings kept; the rest is that of those left out."""
        return min(1.0, sum(math.exp(reading.log_probability) for reading in self.readings))


@dataclass(frozen=True)
class LatticeOptions:
    """How widely to search an island.

    A reading is kept if its probability is at least `least_share` of that of the best one, and a
    frame is a sure blank if nothing else has that probability together. `readings` are kept of an
    island at most, out of a prefix beam `width` wide.
    """

    least_share: float = 0.01
    readings: int = 8
    width: int = 12
    least_probability: float = 2e-3


def find_islands(
    log_probs: Array, blank: int, options: LatticeOptions | None = None
) -> list[Island]:
    """The islands of (T, C) log-probabilities, from left to right; none on an empty staff."""
    options, log_probs = options or LatticeOptions(), settle(log_probs)
    may_be = log_probs > math.log(options.least_probability)
    may_be[:, blank] = False
    is_open = log_probs[:, blank] < math.log1p(-options.least_share)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], is_open, [False]))))
    found = []
    for start, end in edges.reshape(-1, 2).tolist():
        classes = np.flatnonzero(may_be[start:end].any(axis=0))
        readings = _read_island(log_probs[start:end], classes, blank, options)
        if readings != (Reading((), readings[0].log_probability),):
            found.append(Island(start, end, readings))
    return found


def _read_island(
    frames: Array, classes: NDArray[np.intp], blank: int, options: LatticeOptions
) -> tuple[Reading, ...]:
    """The likely readings of a few frames."""
    if len(classes) == 1:
        sure = _read_single(frames, int(classes[0]), blank, options.least_share)
        if sure is not None:
            return (sure,)
    columns = np.append(classes, blank)
    beam = BeamOptions(options.width, options.least_probability)
    ranked = search_prefixes(frames[:, columns], len(classes), beam)
    least = ranked[0][1] + math.log(options.least_share)
    return tuple(
        Reading(tuple(int(columns[label]) for label in labels), mass)
        for labels, mass in ranked[: options.readings]
        if mass >= least
    )


def _read_single(frames: Array, label: int, blank: int, least: float) -> Reading | None:
    """The reading of an island in which one class only is likely, unless it may be none or two."""
    present = frames[:, label]
    nothing = math.exp(float(frames[:, blank].sum()))
    # Two of the same class have a blank between them.
    middle = frames[1:-1, blank]
    twice = float(middle.max()) if len(middle) else -math.inf
    if nothing > least or math.exp(twice) > least * (1 - nothing) or not len(present):
        return None
    return Reading((label,), math.log1p(-nothing))
