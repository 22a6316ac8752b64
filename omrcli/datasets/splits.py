"""Which samples to take: those of a small vocabulary, and parts that share their rare tokens."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from omrcli.errors import InputError, UsageError

TokenSets = Mapping[str, Set[str]]  # sample id -> its different tokens

#: Of the parts that have none of a token, the one with the highest number gets it.
_FIRST_SERVED = {"train": 3, "test": 2, "validation": 1}


def draw_sample_ids(
    samples: TokenSets, number: int, max_vocabulary: int | None, seed: int = 0
) -> list[str]:
    """Draw samples that together have few different tokens; equal arguments give equal ids.

    This makes sets such as that of Shah, Padte and Ahirao (2019): 1,250 samples of PrIMuS with 60
    different tokens, some in nearly every sample and some in few. Their own way of choosing the 60
    is not written down. Here the vocabulary is narrowed as `narrow_vocabulary` says, and the
    samples are drawn from all that it can spell, each as likely as any other.

    Args:
        samples: sample id -> its tokens; the order does not matter.
        number: how many to draw.
        max_vocabulary: most different tokens of all drawn samples together; None for any number.
        seed: of the draw.

    Returns:
        Sample ids in random order, as tf-end-to-end's lists have them.

    Raises:
        UsageError: a number below 1.
        InputError: there are not so many samples.
    """
    if number < 1 or (max_vocabulary is not None and max_vocabulary < 1):
        raise UsageError("The number of samples and the vocabulary must be 1 or more.")
    fitting = sorted(samples)
    if max_vocabulary is not None:
        vocabulary = narrow_vocabulary(samples, max_vocabulary)
        fitting = [name for name in fitting if samples[name] <= vocabulary]
    if len(fitting) < number:
        limit = f" with at most {max_vocabulary} different tokens" if max_vocabulary else ""
        raise InputError(
            f"Only {len(fitting)} of {len(samples)} samples can be had{limit}; "
            "ask for fewer with -n or raise --max-vocabulary."
        )
    return random.Random(seed).sample(fitting, number)


def narrow_vocabulary(samples: TokenSets, size: int) -> set[str]:
    """At most `size` tokens that spell many of the samples.

    The best such set is too hard to find, so tokens are given up one by one: each time that token
    which the fewest of the remaining samples hold, together with these samples. Ties are given up
    in the order of the alphabet.
    """
    holders: dict[str, set[str]] = {}
    for name, tokens in samples.items():
        for token in tokens:
            holders.setdefault(token, set()).add(name)
    queue = [(len(names), token) for token, names in holders.items()]
    heapify(queue)
    while len(holders) > size:
        count, token = heappop(queue)
        if token not in holders or count != len(holders[token]):
            continue  # an entry that is out of date
        touched = set()
        for name in holders.pop(token):
            for other in samples[name] & holders.keys():
                holders[other].discard(name)
                touched.add(other)
        for other in touched:
            heappush(queue, (len(holders[other]), other))
    return set(holders)


@dataclass(frozen=True)
class SplitOptions:
    """Shares of the samples (0..1) for test and validation; the others are for training.

    Raises:
        UsageError: a share out of range, or nothing left for training.
    """

    test: float = 0.2
    validation: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.test, self.validation) < 0 or self.test + self.validation >= 1:
            raise UsageError(
                "The shares of test and validation must not be negative, and leave something for "
                "training."
            )

    @property
    def shares(self) -> dict[str, float]:
        """Share of each part that gets samples, the largest part first."""
        shares = {"train": 1 - self.test - self.validation}
        shares |= {"validation": self.validation, "test": self.test}
        return {name: share for name, share in shares.items() if share}


def split_samples(samples: TokenSets, options: SplitOptions | None = None) -> dict[str, list[str]]:
    """Divide samples so that every part has its share of each token, of rare ones above all.

    Iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011): the rarest token that is left
    is handled first; each sample that holds it goes to the part that lacks most of that token,
    then of samples. Parts that have none of it come before, first training and then test: a token
    of two samples or more so reaches both as far as the samples allow, which shares alone would
    deny to the rarest. Equal arguments give equal parts.

    Args:
        samples: sample id -> its tokens; the order does not matter.
        options: shares and seed.

    Returns:
        "train", "validation" and "test" as far as they were asked for -> sample ids in random
        order. The numbers of samples are the shares, rounded.

    Raises:
        InputError: a part would be empty.
    """
    options = options or SplitOptions()
    order = sorted(samples)
    random.Random(options.seed).shuffle(order)
    splitter = _Splitter(samples, _share_out(len(order), options.shares), order)
    parts = splitter.split()
    place = {name: index for index, name in enumerate(order)}
    return {part: sorted(names, key=lambda name: place[name]) for part, names in parts.items()}


def _share_out(total: int, shares: Mapping[str, float]) -> dict[str, int]:
    """Samples of each part; what rounding leaves over goes to training."""
    sizes = {name: round(share * total) for name, share in shares.items() if name != "train"}
    sizes = {"train": total - sum(sizes.values()), **sizes}
    empty = [name for name, size in sizes.items() if size < 1]
    if empty:
        raise InputError(
            f"{total} samples are too few: {' and '.join(empty)} would be empty; give more samples "
            "or other shares."
        )
    return sizes


class _Splitter:
    """The state of iterative stratification: who is left, and what each part still lacks."""

    def __init__(self, samples: TokenSets, sizes: Mapping[str, int], order: Sequence[str]) -> None:
        self.samples = samples
        self.room = dict(sizes)
        self.left = dict.fromkeys(order)
        self.parts: dict[str, list[str]] = {name: [] for name in sizes}
        self.counts = Counter(token for name in order for token in samples[name])
        self.holders: dict[str, list[str]] = {}
        for name in order:
            for token in samples[name]:
                self.holders.setdefault(token, []).append(name)
        self.held: dict[str, Counter[str]] = {name: Counter() for name in sizes}
        total = len(order)
        self.lacking = {
            part: {token: count * size / total for token, count in self.counts.items()}
            for part, size in sizes.items()
        }

    def split(self) -> dict[str, list[str]]:
        """All samples, shared out."""
        queue = [(count, token) for token, count in self.counts.items()]
        heapify(queue)
        while queue:
            count, token = heappop(queue)
            if count != self.counts[token]:
                if self.counts[token]:
                    heappush(queue, (self.counts[token], token))
                continue
            for name in self.holders[token]:
                if name in self.left:
                    self._place(name, self._choose(token))
        for name in list(self.left):  # samples without a token
            self._place(name, max(self.room, key=lambda part: self.room[part]))
        return self.parts

    def _choose(self, token: str) -> str:
        """The part that needs a token most, of those that have room."""
        open_parts = [part for part, room in self.room.items() if room]
        return max(open_parts, key=lambda part: self._need(part, token))

    def _need(self, part: str, token: str) -> tuple[int, float, int]:
        """Whether a part has none of a token, how much it lacks of it, and how many samples."""
        has_none = 0 if self.held[part][token] else _FIRST_SERVED[part]
        return has_none, self.lacking[part][token], self.room[part]

    def _place(self, name: str, part: str) -> None:
        del self.left[name]
        self.parts[part].append(name)
        self.room[part] -= 1
        for token in self.samples[name]:
            self.counts[token] -= 1
            self.held[part][token] += 1
            self.lacking[part][token] -= 1
