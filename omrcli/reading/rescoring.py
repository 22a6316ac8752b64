"""Beam search that knows music: among the readings that a network itself finds likely, the one that
makes the best music.

The islands of `lattice.py` are gone through from left to right. A hypothesis is a choice at each
island so far and the music that this makes (`music_track.py`); of hypotheses whose music goes on
alike the best one counts, and the `beam` best are kept. Since measures begin alike, this is,
measure by measure, a choice among all combinations.

Nothing is invented: a reading must have `LatticeOptions.least_share` of the probability of the best
one of its island, and a measure that fits no choice stays as the network read it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import mul

import numpy as np
from numpy.typing import NDArray

from .decoding import Unit, align_labels, settle
from .language import Language, read_language
from .lattice import Island, LatticeOptions, Reading, find_islands
from .music_track import FEATURES, CompiledUnit, Track, compile_units

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Weights:
    """What each feature of `music_track.FEATURES` adds to the CTC log-probability of a reading.

    Tuned on synthetic staves alone; docs/decoding.md has the command.
    """

    classes: float = 0.123
    moves: float = 0.104
    keys: float = 0.184
    units: float = 1.514
    misfits: float = -2.91
    uneven: float = -1.189
    fractions: float = -2.032
    ties: float = -5.297

    def of(self, features: Sequence[float]) -> float:
        """The weighted sum of the features of a track."""
        return float(sum(map(mul, self.values, features)))

    @cached_property
    def values(self) -> tuple[float, ...]:
        """The weights in the order of FEATURES."""
        return tuple(getattr(self, name) for name in FEATURES)


@dataclass(frozen=True)
class MusicOptions:
    """Weights, the number of hypotheses kept and how far one may fall behind the best (natural
    log), and how the lattice is made."""

    weights: Weights = field(default_factory=Weights)
    beam: int = 8
    margin: float = 9.0
    lattice: LatticeOptions = field(default_factory=LatticeOptions)


@dataclass(frozen=True)
class Alphabet:
    """The units of a network's classes: `blank` is a class index, `units` leave it out."""

    units: tuple[str, ...]
    blank: int

    def compile(self) -> tuple[CompiledUnit, ...]:
        """One compiled unit for each class; the blank's is never used."""
        units = compile_units(self.units)
        return (*units[: self.blank], units[0], *units[self.blank :])


@dataclass
class Node:
    """A hypothesis after some islands.

    `score` is that of the best way here, over `before` and reading `choice`; `ways` are all ways
    here, each with the node before, the reading chosen and what the step added.
    """

    track: Track
    score: float
    ctc: float = 0.0
    before: Node | None = None
    choice: int = 0
    ways: list[tuple[Node, int, float]] = field(default_factory=list)
    forward: float = 0.0  # log of the sum over all ways from the start
    backward: float = -math.inf  # and to the end


def decode_music(
    log_probs: Array,
    alphabet: Alphabet,
    options: MusicOptions | None = None,
    language: Language | None = None,
) -> list[Unit]:
    """Decode (T, C) log-probabilities of positional units.

    A unit's confidence is the share, among all hypotheses kept, of those that have it in its
    island: a marginal posterior under network and music together, times the share of the network's
    own probability that the readings kept have.
    """
    log_probs = settle(log_probs)
    return spell_units(
        log_probs, alphabet.blank, weigh_islands(log_probs, alphabet, options, language)
    )


@dataclass(frozen=True)
class Weighed:
    """An island, the reading chosen, and the share of each reading among all hypotheses."""

    island: Island
    choice: int
    posterior: Sequence[float]


def weigh_islands(
    log_probs: Array,
    alphabet: Alphabet,
    options: MusicOptions | None = None,
    language: Language | None = None,
) -> list[Weighed]:
    """The islands of (T, C) log-probabilities of positional units, weighed as `decode_music`
    does."""
    options = options or MusicOptions()
    islands = find_islands(log_probs, alphabet.blank, options.lattice)
    if all(island.is_sure for island in islands):
        return [Weighed(island, 0, (1.0,)) for island in islands]
    search = Search(alphabet.compile(), language or read_language(), options)
    layers = search.run(islands)
    choices = trace_choices(layers, islands)
    return list(map(Weighed, islands, choices, measure_posteriors(layers, islands)))


def spell_units(log_probs: Array, blank: int, weighed: Sequence[Weighed]) -> list[Unit]:
    """The units of the readings chosen, with their confidence."""
    return [
        unit
        for item in weighed
        for unit in _units(log_probs, blank, item.island, item.choice, item.posterior)
    ]


@dataclass(frozen=True)
class Search:
    """A search over islands. `merge` False keeps hypotheses apart that go on alike, to list
    many."""

    units: Sequence[CompiledUnit]
    language: Language
    options: MusicOptions
    merge: bool = True

    def run(self, islands: Sequence[Island]) -> list[list[Node]]:
        """The nodes after each unsure island, and last, after the end of the staff."""
        track = Track()
        layers = [[Node(track, 0.0)]]
        for number, island in enumerate(islands):
            if island.is_sure:
                for node in layers[-1]:
                    self._pass(node, island.readings[0])
                continue
            if number:
                layers[-1] = self._prune(layers[-1])
            layers.append([n for node in layers[-1] for n in self._branch(node, island)])
        for node in layers[-1]:
            node.track.finish()
            self._rate(node)
        layers[-1] = self._prune(layers[-1])
        return layers

    def _branch(self, node: Node, island: Island) -> list[Node]:
        found = []
        for choice, reading in enumerate(island.readings):
            last = choice == len(island.readings) - 1
            track = node.track if last and self.merge else node.track.copy()
            after = Node(track, 0.0, node.ctc, node, choice)
            self._pass(after, reading)
            found.append(after)
        return found

    def _pass(self, node: Node, reading: Reading) -> None:
        track, language = node.track, self.language
        for label in reading.labels:
            track.take(self.units[label], language)
        node.ctc += reading.log_probability

    def _rate(self, node: Node) -> None:
        node.score = node.ctc + self.options.weights.of(node.track.features)

    def _prune(self, nodes: list[Node]) -> list[Node]:
        """The best nodes, those that go on alike made one."""
        merged: dict[object, Node] = {}
        for number, node in enumerate(nodes):
            self._rate(node)
            before = node.before
            if before is None:
                continue
            step = node.score - before.score
            node.forward = before.forward + step
            node.ways = [(before, node.choice, step)]
            key = node.track.state if self.merge else number
            other = merged.get(key)
            merged[key] = node if other is None else _join(node, other)
        if not merged:
            return nodes
        ranked = sorted(merged.values(), key=lambda node: -node.score)[: self.options.beam]
        least = ranked[0].score - self.options.margin
        return [node for node in ranked if node.score >= least]


def _join(one: Node, other: Node) -> Node:
    """The better of two nodes, with the ways of both."""
    best, second = (one, other) if one.score > other.score else (other, one)
    # What comes next adds the same to both: the ways of the second lead on from the first.
    best.ways += second.ways
    best.forward = float(np.logaddexp(best.forward, second.forward))
    return best


def trace_choices(layers: list[list[Node]], islands: Sequence[Island], rank: int = 0) -> list[int]:
    """The reading chosen at each island on the way to the best hypothesis, or the one at `rank`."""
    node: Node = layers[-1][rank]
    choices = []
    for island in reversed(islands):
        if island.is_sure:
            choices.append(0)
        else:
            choices.append(node.choice)
            assert node.before is not None
            node = node.before
    return choices[::-1]


def measure_posteriors(layers: list[list[Node]], islands: Sequence[Island]) -> list[list[float]]:
    """The share of each reading of each island among all hypotheses kept."""
    whole = float(np.logaddexp.reduce([node.forward for node in layers[-1]]))
    for node in layers[-1]:
        node.backward = 0.0
    shares: list[list[float]] = []
    unsure = [island for island in islands if not island.is_sure]
    for layer, island in zip(reversed(layers[1:]), reversed(unsure), strict=True):
        share = [0.0] * len(island.readings)
        for node in layer:
            for before, choice, step in node.ways:
                beyond = step + node.backward
                share[choice] += math.exp(min(0.0, before.forward + beyond - whole))
                before.backward = float(np.logaddexp(before.backward, beyond))
        shares.append(share)
    found = iter(reversed(shares))
    return [[1.0] if island.is_sure else next(found) for island in islands]


def _units(
    log_probs: Array, blank: int, island: Island, choice: int, posterior: Sequence[float]
) -> list[Unit]:
    labels = island.readings[choice].labels
    if not labels:
        return []
    spans = align_labels(log_probs[island.start : island.end], labels, blank)
    mass = island.mass
    units = []
    for place, (label, (start, end)) in enumerate(zip(labels, spans, strict=True)):
        nth = labels[: place + 1].count(label)
        share = sum(
            probability
            for reading, probability in zip(island.readings, posterior, strict=True)
            if reading.labels.count(label) >= nth
        )
        confidence = min(1.0, share * mass)
        units.append(Unit(label, confidence, island.start + start, island.start + end))
    return units


assert tuple(Weights.__dataclass_fields__) == FEATURES  # they are matched by place
