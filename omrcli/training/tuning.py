"""`python -m omrcli.training.tuning TUNE [--test TEST]`: the weights of rescoring.py, from samples.

The folders are those of `omr synth`: staves with exact truth, never a test set. Each staff is read
once; its likeliest hypotheses, found with the weights in force, are compared with the truth, and
the weights are moved so that the expected number of edits falls (minimum risk, Smith and Eisner
2006). Two rounds suffice: the second lists what the new weights bring up.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from omrcli.datasets.corpus import find_samples
from omrcli.errors import InputError, ModelError
from omrcli.metrics import EditCounts, count_edits, sequence_error_rate, symbol_error_rate
from omrcli.pages.image import load_pages
from omrcli.reading.alphabet import PositionalCodec
from omrcli.reading.decoding import Unit, decode_greedy
from omrcli.reading.language import Language, read_language
from omrcli.reading.lattice import Island, find_islands
from omrcli.reading.logits import Reader
from omrcli.reading.rescoring import (
    Alphabet,
    MusicOptions,
    Search,
    Weights,
    decode_music,
    trace_choices,
)
from omrcli.registry import find_model
from omrcli.staves.staff import StaffGeometry, find_staves, normalise_staff

Matrix = NDArray[np.float64]
_LISTED = 24  # hypotheses of a staff
_ROUNDS = 2
_SHARPNESS = 2.0  # of the shares: what counts in the end is the best hypothesis alone


@dataclass(frozen=True)
class ReadStaff:
    """Truth and log-probabilities (T, C) of a staff."""

    truth: tuple[str, ...]
    log_probs: NDArray[np.float32]


@dataclass(frozen=True)
class Candidates:
    """The N hypotheses of a staff: CTC log-probabilities (N,), features (N, F) of
    `music_track.FEATURES`, and edits to the truth (N,)."""

    ctc: Matrix
    features: Matrix
    errors: Matrix


def read_samples(folder: Path, model: str | None) -> tuple[list[ReadStaff], Alphabet]:
    """Read every sample of a folder on which exactly one staff is found.

    Raises:
        InputError: there is none.
        ModelError: the model does not speak the positional alphabet.
    """
    found = find_model(model)
    spec = found.spec
    if spec.alphabet != "positional":
        raise ModelError("Only a model of the positional alphabet can be tuned; name another.")
    reader = Reader(found, "cpu")
    geometry = StaffGeometry(spec.interline, spec.above, spec.below)
    staves = []
    for sample in find_samples(folder):
        page = load_pages(sample.image)[0]
        cut = find_staves(page)
        if len(cut) == 1:
            image = normalise_staff(page, cut[0], geometry)
            staves.append(ReadStaff(tuple(sample.tokens), reader.read([image])[0].values))
    if not staves:
        raise InputError(f"{folder} has no image of one staff; make some with `omr synth`.")
    return staves, Alphabet(spec.units, spec.blank)


def list_candidates(
    staff: ReadStaff, alphabet: Alphabet, weights: Weights, language: Language
) -> Candidates | None:
    """The best hypotheses of a staff; None if there is no choice."""
    islands = find_islands(staff.log_probs, alphabet.blank)
    if all(island.is_sure for island in islands):
        return None
    options = MusicOptions(weights, beam=_LISTED)
    layers = Search(alphabet.compile(), language, options, merge=False).run(islands)
    errors = [
        _count(staff, alphabet, _chosen(islands, trace_choices(layers, islands, rank)))
        for rank in range(len(layers[-1]))
    ]
    return Candidates(
        np.array([node.ctc for node in layers[-1]]),
        np.array([node.track.features for node in layers[-1]]),
        np.array([counts.errors for counts in errors], dtype=np.float64),
    )


def _chosen(islands: Sequence[Island], choices: Sequence[int]) -> list[Unit]:
    return [
        Unit(label, 1.0, island.start, island.end)
        for island, choice in zip(islands, choices, strict=True)
        for label in island.readings[choice].labels
    ]


def _count(staff: ReadStaff, alphabet: Alphabet, units: Sequence[Unit]) -> EditCounts:
    shown = [
        Unit(u.index - (u.index > alphabet.blank), u.confidence, u.start, u.end) for u in units
    ]
    tokens = PositionalCodec(alphabet.units).decode(shown)
    return count_edits(staff.truth, [token.text for token in tokens])


def minimise_risk(
    candidates: Sequence[Candidates], weights: Weights, steps: int = 600, pull: float = 0.02
) -> Weights:
    """The weights of the least expected number of edits, where a hypothesis has the share that its
    score gives it.

    `pull` draws them back to where they were: a few hundred staves say little of each.
    """
    start = np.array(astuple(weights))
    at, mean, square = start.copy(), np.zeros_like(start), np.zeros_like(start)
    size = np.maximum(np.abs(start), 0.1)
    for step in range(1, steps + 1):
        slope = pull * len(candidates) * (at - start) / size**2
        for staff in candidates:
            slope = slope + _risk_slope(staff, at)
        mean = 0.9 * mean + 0.1 * slope
        square = 0.99 * square + 0.01 * slope**2
        corrected = (mean / (1 - 0.9**step)) / np.sqrt(square / (1 - 0.99**step) + 1e-9)
        at = at - 0.03 * size * corrected
    return Weights(*(float(round(value, 3)) for value in at))


def _risk_slope(staff: Candidates, weights: Matrix) -> Matrix:
    score = _SHARPNESS * (staff.ctc + staff.features @ weights)
    share = np.exp(score - score.max())
    share /= share.sum()
    slope: Matrix = (share * (staff.errors - share @ staff.errors)) @ staff.features
    return slope


def tune_weights(staves: Sequence[ReadStaff], alphabet: Alphabet, weights: Weights) -> Weights:
    """Weights tuned on staves, from those given."""
    language = read_language()
    for _ in range(_ROUNDS):
        listed = [list_candidates(staff, alphabet, weights, language) for staff in staves]
        weights = minimise_risk([each for each in listed if each is not None], weights)
    return weights


def compare_decoders(
    staves: Sequence[ReadStaff], alphabet: Alphabet, weights: Weights
) -> list[str]:
    """A line of figures for each way to decode: greedy, beam without music, beam with music."""
    silent = Weights(*(0.0 for _ in astuple(weights)))
    ways: dict[str, Callable[[NDArray[np.float32]], list[Unit]]] = {
        "greedy": lambda log_probs: decode_greedy(log_probs, alphabet.blank),
        "beam": lambda log_probs: decode_music(log_probs, alphabet, MusicOptions(silent)),
        "music": lambda log_probs: decode_music(log_probs, alphabet, MusicOptions(weights)),
    }
    lines = []
    for name, decode in ways.items():
        started = perf_counter()
        units = [decode(staff.log_probs) for staff in staves]
        cost = 1000 * (perf_counter() - started) / len(staves)
        counts = [_count(staff, alphabet, u) for staff, u in zip(staves, units, strict=True)]
        lines.append(
            f"{name:8}SER {100 * symbol_error_rate(counts):6.2f} %   sequence error rate "
            f"{100 * sequence_error_rate(counts):6.2f} %   {cost:6.2f} ms a staff"
        )
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Tune on a folder, print the weights, and compare decoders on it and on a second one."""
    parser = argparse.ArgumentParser(prog="python -m omrcli.training.tuning", description=__doc__)
    parser.add_argument("tune", type=Path, help="folder of samples to tune on")
    parser.add_argument("--test", type=Path, help="folder of other samples to compare on")
    parser.add_argument("--model", help="model file or name; default: the model in the box")
    parser.add_argument("--keep", action="store_true", help="tune nothing, compare only")
    options = parser.parse_args(arguments)
    staves, alphabet = read_samples(options.tune, options.model)
    weights = Weights() if options.keep else tune_weights(staves, alphabet, Weights())
    print(weights)
    for folder in filter(None, (options.tune, options.test)):
        if folder != options.tune:
            staves, alphabet = read_samples(folder, options.model)
        print(
            f"{folder}: {len(staves)} staves",
            *compare_decoders(staves, alphabet, weights),
            sep="\n",
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
