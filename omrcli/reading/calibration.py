"""Confidence: how often tokens of each confidence are wrong, and the map that sets it right.

A network that has learnt to be right is surer than it should be. What it says is measured on
staves with truth (`Outcome`, `Reliability`) and mended by a monotone map of few parameters
(`Calibration`) that travels in the model's spec. Needs nothing but the standard library.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from omrcli.errors import InputError
from omrcli.metrics import align

#: Edges of the reliability table: wide where tokens are few, narrow where nearly all of them are.
EDGES = (0.0, 0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)
#: What confidence is asked to mean: (from, to, least share wrong, largest share wrong).
PROMISES = ((0.0, 0.5, 1 / 3, 1.0), (0.99, 1.0, 0.0, 0.002))


@dataclass(frozen=True)
class Outcome:
    """One token that a model read: its confidence in 0..1, and whether it is right."""

    confidence: float
    correct: bool


def judge_tokens(
    truth: Sequence[str], prediction: Sequence[str], confidences: Sequence[float | None]
) -> list[Outcome]:
    """Judge each token that was read: one that the alignment substitutes or inserts is wrong.

    Tokens of unknown confidence (None) are left out. Tokens that were missed have no confidence
    and cannot be judged. Without any confidence nothing is judged.
    """
    if not confidences:
        return []
    known = iter(confidences)
    judged = []
    for pair in align(truth, prediction):
        if pair.prediction is None:
            continue
        confidence = next(known)
        if confidence is not None:
            judged.append(Outcome(confidence, pair.reference == pair.prediction))
    return judged


# --- reliability ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReliabilityBin:
    """The tokens of confidence [low, high); the last bin of a table has 1.0 too."""

    low: float
    high: float
    tokens: int = 0
    wrong: int = 0
    confidence: float = 0.0  # sum over the tokens

    @property
    def wrong_share(self) -> float | None:
        """Share of the tokens that are wrong; None without a token."""
        return self.wrong / self.tokens if self.tokens else None

    @property
    def mean_confidence(self) -> float | None:
        """Mean confidence of the tokens; None without a token."""
        return self.confidence / self.tokens if self.tokens else None

    def __add__(self, other: ReliabilityBin) -> ReliabilityBin:
        """Both together, from the lower end to the higher."""
        return ReliabilityBin(
            min(self.low, other.low),
            max(self.high, other.high),
            self.tokens + other.tokens,
            self.wrong + other.wrong,
            self.confidence + other.confidence,
        )

    def to_json(self) -> dict[str, Any]:
        """The bin as JSON values."""
        return {
            "from": self.low,
            "to": self.high,
            "tokens": self.tokens,
            "wrong": self.wrong,
            "wrong_share": self.wrong_share,
            "mean_confidence": self.mean_confidence,
        }


@dataclass(frozen=True)
class Reliability:
    """How often tokens are wrong, by confidence; `bins` lie between neighbours of EDGES."""

    bins: tuple[ReliabilityBin, ...]

    @property
    def tokens(self) -> int:
        """Number of tokens judged."""
        return sum(item.tokens for item in self.bins)

    @property
    def unsure(self) -> ReliabilityBin:
        """All tokens of confidence under 0.5."""
        return self._between(0.0, 0.5)

    @property
    def sure(self) -> ReliabilityBin:
        """All tokens of confidence from 0.99."""
        return self._between(0.99, 1.0)

    @property
    def calibration_error(self) -> float:
        """Mean distance of confidence and share right over the bins, weighted by their tokens."""
        gaps = (abs(item.tokens - item.wrong - item.confidence) for item in self.bins)
        return sum(gaps) / max(self.tokens, 1)

    def _between(self, low: float, high: float) -> ReliabilityBin:
        inside = [item for item in self.bins if low <= item.low and item.high <= high]
        return sum(inside[1:], inside[0])

    def to_json(self) -> dict[str, Any]:
        """The table as JSON values."""
        return {
            "tokens": self.tokens,
            "calibration_error": self.calibration_error,
            "unsure": self.unsure.to_json(),
            "sure": self.sure.to_json(),
            "bins": [item.to_json() for item in self.bins],
        }


def measure_reliability(outcomes: Iterable[Outcome]) -> Reliability:
    """Sort judged tokens into bins of confidence."""
    bins = [ReliabilityBin(low, high) for low, high in itertools.pairwise(EDGES)]
    for outcome in outcomes:
        place = min(bisect.bisect_right(EDGES, outcome.confidence), len(bins)) - 1
        low, high = bins[place].low, bins[place].high
        bins[place] += ReliabilityBin(low, high, 1, int(not outcome.correct), outcome.confidence)
    return Reliability(tuple(bins))


def recalibrate(outcomes: Iterable[Outcome], calibration: Calibration) -> list[Outcome]:
    """The same tokens with the confidence that a map gives them."""
    return [Outcome(calibration.apply(outcome.confidence), outcome.correct) for outcome in outcomes]


# --- the map --------------------------------------------------------------------------------------

#: Confidences are kept this far from 0 and 1: log-odds are then finite.
_EDGE = 1e-6
_CEILINGS = (1.0, 0.9999, 0.9997, 0.9995, 0.999, 0.998, 0.997, 0.995, 0.99, 0.98, 0.96, 0.93, 0.9)
_STEPS_PER_ODD = 10  # log-odds are counted in steps of a tenth while fitting
_ROUNDS = 50
_FEWEST_WRONG = 20  # below that, three parameters follow chance
_SLOPES = (0.05, 5.0)  # no fit leaves this range


@dataclass(frozen=True)
class Calibration:
    """A monotone map of confidence: ceiling * sigmoid(slope * log-odds + offset).

    Platt's map (1999) of what the network says, under a ceiling: a few symbols are misread
    whatever the confidence. The default changes nothing.
    """

    slope: float = 1.0
    offset: float = 0.0
    ceiling: float = 1.0

    def __post_init__(self) -> None:
        if not (self.slope > 0 and 0 < self.ceiling <= 1 and math.isfinite(self.offset)):
            raise ValueError(f"{self} is no rising map into 0..1")

    def apply(self, confidence: float) -> float:
        """The calibrated value of a raw confidence in 0..1."""
        if self == _IDENTITY:
            return confidence
        return self.ceiling * _sigmoid(self.slope * _log_odds(confidence) + self.offset)


_IDENTITY = Calibration()


def fit_calibration(outcomes: Iterable[Outcome]) -> Calibration:
    """The map under which what happened is most likely (maximum likelihood).

    Raises:
        InputError: too few of the tokens are wrong, or right, to fit anything.
    """
    counts = _count_outcomes(outcomes)
    wrong = sum(item.wrong for item in counts)
    right = sum(item.tokens for item in counts) - wrong
    if min(wrong, right) < _FEWEST_WRONG:
        raise InputError(
            f"{right} right and {wrong} wrong tokens are too few to calibrate on "
            f"(at least {_FEWEST_WRONG} of each); give more staves, or worn ones."
        )
    fits = [_fit_under(ceiling, counts) for ceiling in _CEILINGS]
    return min(fits, key=lambda fit: _surprise(fit, counts))


@dataclass(frozen=True)
class _Odds:
    """Tokens that share their log-odds of being right."""

    odds: float
    tokens: int
    wrong: int


def _count_outcomes(outcomes: Iterable[Outcome]) -> list[_Odds]:
    tokens: Counter[int] = Counter()
    wrong: Counter[int] = Counter()
    for outcome in outcomes:
        step = round(_log_odds(outcome.confidence) * _STEPS_PER_ODD)
        tokens[step] += 1
        wrong[step] += not outcome.correct
    return [_Odds(step / _STEPS_PER_ODD, tokens[step], wrong[step]) for step in sorted(tokens)]


def _fit_under(ceiling: float, counts: Sequence[_Odds]) -> Calibration:
    """Slope and offset by Fisher scoring; steps that do not help are halved."""
    best = Calibration(ceiling=ceiling)
    surprise = _surprise(best, counts)
    for _ in range(_ROUNDS):
        slope_step, offset_step = _scoring_step(best, counts)
        for halving in range(20):
            slope = min(max(best.slope + slope_step / 2**halving, _SLOPES[0]), _SLOPES[1])
            tried = Calibration(slope, best.offset + offset_step / 2**halving, ceiling)
            value = _surprise(tried, counts)
            if value < surprise:
                break
        else:
            return best
        gained, best, surprise = surprise - value, tried, value
        if gained < 1e-9 * surprise:
            return best
    return best


def _scoring_step(fit: Calibration, counts: Sequence[_Odds]) -> tuple[float, float]:
    """Inverse Fisher information times the gradient of the likelihood, for slope and offset."""
    g0 = g1 = h00 = h01 = h11 = 0.0
    for item in counts:
        s = _sigmoid(fit.slope * item.odds + fit.offset)
        rate = fit.ceiling * s * (1 - s)  # of the probability, by slope * odds + offset
        q = min(max(fit.ceiling * s, _EDGE), 1 - _EDGE)
        pull = rate * ((item.tokens - item.wrong) / q - item.wrong / (1 - q))
        weight = item.tokens * rate * rate / (q * (1 - q))
        g0 += pull * item.odds
        g1 += pull
        h00 += weight * item.odds * item.odds
        h01 += weight * item.odds
        h11 += weight
    # A little is added on the diagonal: tokens of a single confidence determine no slope.
    h00, h11 = h00 + 1e-6, h11 + 1e-6
    determinant = h00 * h11 - h01 * h01
    return (h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant


def _surprise(fit: Calibration, counts: Sequence[_Odds]) -> float:
    """Negative log-likelihood of the tokens in nats."""
    total = 0.0
    for item in counts:
        q = fit.ceiling * _sigmoid(fit.slope * item.odds + fit.offset)
        q = min(max(q, _EDGE), 1 - _EDGE)
        total -= (item.tokens - item.wrong) * math.log(q) + item.wrong * math.log(1 - q)
    return total


def _log_odds(probability: float) -> float:
    inside = min(max(probability, _EDGE), 1 - _EDGE)
    return math.log(inside / (1 - inside))


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value > -700 else 0.0
