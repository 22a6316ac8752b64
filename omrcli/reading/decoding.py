"""CTC decoding: log-probabilities of frames to units with confidence and frame span.

Shapes: T frames, C classes. The blank's index comes from the model's spec.
Greedy (best path) and prefix beam search follow Graves et al. 2006 and Hannun et al. 2014.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Unit:
    """One decoded class: index, confidence in 0..1, and the frames [start, end) it was read
    from."""

    index: int
    confidence: float
    start: int
    end: int


@dataclass(frozen=True)
class BeamOptions:
    """Prefix beam search: number of prefixes kept, and the least probability of a class that
    extends one."""

    width: int = 8
    least_probability: float = 1e-3


def decode_units(log_probs: Array, blank: int, beam: int = 1) -> list[Unit]:
    """Decode (T, C) log-probabilities; `beam` 1 is greedy, more is a prefix beam of that width."""
    log_probs = settle(log_probs)
    if beam <= 1:
        return decode_greedy(log_probs, blank)
    return decode_beam(log_probs, blank, BeamOptions(width=beam))


def settle(log_probs: Array) -> Array:
    """The same values, with what is no logarithm of a probability set to one: 0 at most, no NaN."""
    largest = log_probs.max(initial=-math.inf)
    if largest <= 0:  # false of NaN
        return log_probs
    return np.minimum(np.nan_to_num(log_probs, nan=-math.inf, posinf=0.0, neginf=-math.inf), 0.0)


def decode_greedy(log_probs: Array, blank: int) -> list[Unit]:
    """Best path decoding of (T, C) log-probabilities: the best class of each frame, runs merged,
    blanks dropped.

    A unit's confidence is the highest probability that its class reaches inside its run: the edges
    of a run share their frames with the neighbours and say little about the symbol.
    """
    if not len(log_probs):
        return []
    best = log_probs.argmax(axis=1)
    edges = np.flatnonzero(np.diff(best)) + 1
    starts = np.concatenate(([0], edges))
    ends = np.concatenate((edges, [len(best)]))
    return [
        _unit(log_probs, int(best[start]), int(start), int(end))
        for start, end in zip(starts, ends, strict=True)
        if best[start] != blank
    ]


def _unit(log_probs: Array, index: int, start: int, end: int) -> Unit:
    peak = float(np.exp(log_probs[start:end, index].max()))
    return Unit(index, min(1.0, peak), start, end)


def decode_beam(log_probs: Array, blank: int, options: BeamOptions) -> list[Unit]:
    """Prefix beam search over (T, C) log-probabilities, then the best alignment of the winner for
    its spans."""
    labels = search_prefixes(log_probs, blank, options)[0][0]
    spans = align_labels(log_probs, labels, blank)
    return [
        _unit(log_probs, index, start, end)
        for index, (start, end) in zip(labels, spans, strict=True)
    ]


def search_prefixes(
    log_probs: Array, blank: int, options: BeamOptions
) -> list[tuple[tuple[int, ...], float]]:
    """The `options.width` most probable labellings with their log-probabilities, best first.

    Each prefix carries two masses: of the paths that end in blank, and of those that end in its
    last label.
    """
    beam: dict[tuple[int, ...], tuple[float, float]] = {(): (1.0, 0.0)}
    log_scale = 0.0
    for frame in np.exp(log_probs.astype(np.float64)):
        extending = [
            (int(label), float(frame[label]))
            for label in np.flatnonzero(frame > options.least_probability)
            if label != blank
        ]
        masses = _extend_prefixes(beam, frame, blank, extending)
        ranked = sorted(masses.items(), key=lambda item: -(item[1][0] + item[1][1]))
        scale = sum(ranked[0][1])  # or the masses of a long staff vanish
        if scale == 0.0:  # a frame that allows none of these classes says nothing of them
            continue
        log_scale += math.log(scale)
        beam = {
            prefix: (mass[0] / scale, mass[1] / scale) for prefix, mass in ranked[: options.width]
        }
    return [
        (prefix, log_scale + math.log(sum(mass))) for prefix, mass in beam.items() if sum(mass) > 0
    ]


def _extend_prefixes(
    beam: dict[tuple[int, ...], tuple[float, float]],
    frame: NDArray[np.float64],
    blank: int,
    extending: list[tuple[int, float]],
) -> dict[tuple[int, ...], list[float]]:
    """The masses of all prefixes after one more frame; `extending` are classes with their
    probability."""
    masses: defaultdict[tuple[int, ...], list[float]] = defaultdict(lambda: [0.0, 0.0])
    sure_blank = float(frame[blank])
    for prefix, (ends_blank, ends_label) in beam.items():
        total = ends_blank + ends_label
        last = prefix[-1] if prefix else blank
        entry = masses[prefix]
        entry[0] += total * sure_blank
        if prefix:
            entry[1] += ends_label * float(frame[last])
        for label, probability in extending:
            longer = (*prefix, label)
            masses[longer][1] += probability * (ends_blank if last == label else total)
    return masses


def align_labels(log_probs: Array, labels: tuple[int, ...], blank: int) -> list[tuple[int, int]]:
    """The frames [start, end) of each label on the best path that spells `labels` (Viterbi).

    Needs at least as many frames as labels plus one for each repeated neighbour.
    """
    if not labels:
        return []
    states = np.full(2 * len(labels) + 1, blank)
    states[1::2] = labels
    emissions = log_probs[:, states].astype(np.float64)
    may_skip = np.zeros(len(states), dtype=bool)
    may_skip[3::2] = states[3::2] != states[1:-2:2]
    score = np.full(len(states), -np.inf)
    score[:2] = emissions[0, :2]
    back = np.zeros((len(log_probs), len(states)), dtype=np.int8)
    for t in range(1, len(log_probs)):
        stay, step = score, np.concatenate(([-np.inf], score[:-1]))
        skip = np.where(may_skip, np.concatenate(([-np.inf, -np.inf], score[:-2])), -np.inf)
        options = np.stack((stay, step, skip))
        back[t] = options.argmax(axis=0)
        score = options.max(axis=0) + emissions[t]
    return _trace_spans(back, int(len(states) - 2 + (score[-1] > score[-2])), len(labels))


def _trace_spans(back: NDArray[np.int8], state: int, count: int) -> list[tuple[int, int]]:
    spans = [(0, 0)] * count
    for t in range(len(back) - 1, -1, -1):
        if state % 2:
            end = spans[state // 2][1] or t + 1
            spans[state // 2] = (t, end)
        state -= int(back[t, state])
    return spans
