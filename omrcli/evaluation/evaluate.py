"""Test set -> error rates: images go through the pipeline of `omr transcribe`, then are counted."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from omrcli.errors import InputError, NothingRecognisedError, TokenError, UsageError
from omrcli.metrics import (
    EditCounts,
    FrequencyGroup,
    Interval,
    PairedDifference,
    Tally,
    bootstrap_interval,
    count_edits,
    group_by_frequency,
    kind_of,
    merge_tallies,
    paired_bootstrap,
    sequence_counts,
    symbol_counts,
    tally_staff,
)
from omrcli.pipeline import StaffReading, TranscribeOptions, Transcriber, Transcription
from omrcli.reading.calibration import Outcome, Reliability, judge_tokens, measure_reliability
from omrcli.score.score import score_tokens
from omrcli.tokens import Note, parse_symbol, project_primus, unfold_multirests

from .error_classes import Mistake, count_classes, find_mistakes
from .readings import Mark, Marks, Reading, StaffBox, carry_marks, mark_confidences

if TYPE_CHECKING:
    from omrcli.datasets.corpus import Sample

    _Truth = tuple[Sample, tuple[str, ...]]

PROJECTIONS = ("auto", "primus", "none")
#: What `--ignore` may name, and the kind of token it removes; "fermata" removes only the sign.
IGNORABLE: dict[str, str] = {
    "barline": "barline",
    "chord": "chord",
    "clef": "clef",
    "fermata": "fermata",
    "grace": "grace note",
    "key": "key signature",
    "multirest": "multirest",
    "rest": "rest",
    "tie": "tie",
    "time": "time signature",
}
WORST = 10
_FERMATA = "_fermata"
_CONFUSIONS_IN_JSON = 100


@dataclass(frozen=True)
class EvalOptions:
    """What is compared, and how.

    `ignore` names what is removed from both truth and prediction (see IGNORABLE).
    `projection` "primus" compares plain PrIMuS sequences, as published figures do; "none" compares
    everything; "auto" is "primus" if every truth is plain PrIMuS (which cannot tell more), else
    "none". `limit` takes the first samples only. `frequency` maps tokens to occurrences, for
    example in training data; by default those in the test set count.
    """

    ignore: tuple[str, ...] = ()
    projection: str = "auto"
    limit: int | None = None
    frequency: Mapping[str, int] | None = None
    resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        for name in self.ignore:
            _require_known(name, tuple(IGNORABLE), "one can ignore")
        _require_known(self.projection, PROJECTIONS, "a projection is one of")
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"The limit must be at least 1 sample, not {self.limit}.")


@dataclass(frozen=True)
class EvalModel:
    """A model under test. `read` raises OmrError where an image cannot be read."""

    name: str
    sha256: str
    read: Callable[[Path], Reading]


@dataclass(frozen=True)
class SampleRow:
    """One sample as it was compared. `seconds` is the wall time from file to tokens.

    `marks` stand beside the tokens of `prediction`, or are empty where a model gives none.
    """

    id: str
    image: Path
    truth: tuple[str, ...]
    prediction: tuple[str, ...]
    counts: EditCounts
    staves: int
    seconds: float
    marks: Marks = ()
    boxes: tuple[StaffBox, ...] = ()

    @property
    def outcomes(self) -> list[Outcome]:
        """Each token that was read, with its confidence and whether it is right."""
        return judge_tokens(self.truth, self.prediction, mark_confidences(self.marks))

    @property
    def notes(self) -> EditCounts:
        """Edits to pitch and length of notes."""
        return count_edits(list_notes(self.truth), list_notes(self.prediction))

    @property
    def mistakes(self) -> list[Mistake]:
        """Each edit with its class; none in a sample read perfectly."""
        return find_mistakes(self.truth, self.prediction)

    def to_json(self) -> dict[str, Any]:
        """The row with its texts separated by spaces."""
        return {
            "id": self.id,
            "image": str(self.image),
            "symbol_error_rate": self.counts.error_rate,
            **_counts_json(self.counts),
            "note_error_rate": self.notes.error_rate,
            "staves": self.staves,
            "seconds": round(self.seconds, 4),
            "truth": " ".join(self.truth),
            "prediction": " ".join(self.prediction),
            "confidences": [
                None if value is None else round(value, 5) for value in mark_confidences(self.marks)
            ],
            "error_classes": dict(sorted(count_classes(self.mistakes).items())),
        }


@dataclass(frozen=True)
class Failure:
    """A sample that could not be compared, and why. It counts in no rate."""

    id: str
    message: str


@dataclass(frozen=True)
class EvalResult:
    """Everything measured for one model. `projection` is the one that "auto" chose."""

    model: str
    sha256: str
    options: EvalOptions
    projection: str
    rows: tuple[SampleRow, ...]
    failures: tuple[Failure, ...]
    tally: Tally
    frequency: tuple[FrequencyGroup, ...]
    symbol_error_interval: Interval
    sequence_error_interval: Interval
    notes: EditCounts

    @property
    def note_error_rate(self) -> float | None:
        """Edits to pitch and length of notes, per note of the truth; None where it has none."""
        return self.notes.error_rate

    @property
    def symbol_error_rate(self) -> float:
        """Edits per reference symbol, over all samples."""
        return self.tally.counts.error_rate or 0.0

    @property
    def sequence_error_rate(self) -> float:
        """Share of samples with at least one edit."""
        return self.tally.wrong_staves / self.tally.staves

    @property
    def confusions(self) -> Mapping[tuple[str, str], int]:
        """(reference, prediction) to a number; GAP where one is missing."""
        return self.tally.confusions

    @property
    def tokens(self) -> Mapping[str, EditCounts]:
        """Counts of each token."""
        return self.tally.tokens

    @property
    def not_recognised(self) -> tuple[SampleRow, ...]:
        """Samples on which nothing was recognised; each of their symbols counts as a deletion."""
        return tuple(row for row in self.rows if not row.staves)

    @property
    def staves_per_second(self) -> float:
        """Staves by wall time from file to tokens, without the time to load the model."""
        seconds = sum(row.seconds for row in self.rows)
        return sum(row.staves for row in self.rows) / seconds if seconds else 0.0

    @property
    def reliability(self) -> Reliability:
        """How often tokens are wrong, by confidence; empty where the model gives none."""
        return measure_reliability(outcome for row in self.rows for outcome in row.outcomes)

    @property
    def error_classes(self) -> Mapping[str, int]:
        """Number of edits of each class, the most frequent class first."""
        return count_classes(mistake for row in self.rows for mistake in row.mistakes)

    def find_worst(self, number: int = WORST) -> list[SampleRow]:
        """The samples with the highest symbol error rate, worst first; none without an edit."""
        wrong = [row for row in self.rows if row.counts.errors]
        wrong.sort(key=lambda row: (-(row.counts.error_rate or 0), row.id))
        return wrong[:number]

    def list_confusions(self, number: int) -> list[tuple[str, str, int]]:
        """The most frequent confusions as (reference, prediction, number)."""
        ordered = sorted(self.confusions.items(), key=lambda item: (-item[1], item[0]))
        return [(*pair, count) for pair, count in ordered[:number]]

    def to_json(self) -> dict[str, Any]:
        """The result as JSON values, under keys that stay the same."""
        return {
            "model": {"name": self.model, "sha256": self.sha256},
            "options": self._options_json(),
            "samples": len(self.rows),
            "symbol_error_rate": self.symbol_error_rate,
            "symbol_error_interval": _interval_json(self.symbol_error_interval),
            "sequence_error_rate": self.sequence_error_rate,
            "sequence_error_interval": _interval_json(self.sequence_error_interval),
            "note_error_rate": self.note_error_rate,
            "counts": _counts_json(self.tally.counts),
            "kinds": {kind: _rate_json(c) for kind, c in sorted(self.tally.kinds.items())},
            "error_classes": dict(self.error_classes),
            "reliability": self.reliability.to_json(),
            "frequency": {
                g.name: {"tokens": g.tokens, **_rate_json(g.counts)} for g in self.frequency
            },
            "staves_per_second": round(self.staves_per_second, 3),
            "worst": [row.id for row in self.find_worst()],
            "confusions": [
                {"reference": old or None, "prediction": new or None, "count": count}
                for old, new, count in self.list_confusions(_CONFUSIONS_IN_JSON)
            ],
            "not_recognised": [row.id for row in self.not_recognised],
            "failures": [asdict(failure) for failure in self.failures],
            "tokens": {token: _rate_json(c) for token, c in sorted(self.tokens.items())},
            "rows": [row.to_json() for row in self.rows],
        }

    def _options_json(self) -> dict[str, Any]:
        return {
            "ignore": list(self.options.ignore),
            "projection": self.projection,
            "limit": self.options.limit,
            "frequency": "test set" if self.options.frequency is None else "given table",
            "resamples": self.options.resamples,
            "seed": self.options.seed,
        }


@dataclass(frozen=True)
class Comparison:
    """How two models differ on the samples that both could read; positive: `model` is worse."""

    baseline: str
    model: str
    samples: int
    symbol_error_rate: PairedDifference
    sequence_error_rate: PairedDifference

    def to_json(self) -> dict[str, Any]:
        """The comparison as JSON values."""
        return asdict(self)


# --- models ---------------------------------------------------------------------------------------


def load_model(options: TranscribeOptions, calibrated: bool = True) -> EvalModel:
    """Load a model once, to read any number of images exactly as `omr transcribe` does.

    Without `calibrated` the confidences are those of the network itself.

    Raises:
        ModelError: there is no such model, or it is damaged.
        MissingDependencyError: the device asked for is not usable.
    """
    transcriber = Transcriber(options, calibrated)
    model = transcriber.model
    return EvalModel(model.name, model.sha256, lambda image: _read(transcriber, image))


def _read(transcriber: Transcriber, image: Path) -> Reading:
    found = transcriber.transcribe(image)
    texts = tuple(token.text for token in found.tokens)
    joined = _join_tokens(found, texts)
    marks = carry_marks(texts, tuple(_mark_tokens(found)), joined)
    return Reading(joined, len(found.staves), marks, tuple(map(_box, found.staves)))


def _join_tokens(found: Transcription, texts: tuple[str, ...]) -> tuple[str, ...]:
    """One staff as it was read; several joined, part after part, without the clef and key that each
    line repeats."""
    if len(found.staves) == 1 or found.score is None:
        return texts
    parts = (score_tokens(found.score, part) for part in range(len(found.score.parts)))
    return tuple(text for part in parts for text in join_repeats(part))


def join_repeats(tokens: Sequence[str]) -> list[str]:
    """A repeat that ends with one staff and begins with the next is one sign in the truth."""
    joined: list[str] = []
    for text in tokens:
        if text == "repeat-start" and joined[-1:] == ["repeat-end"]:
            joined[-1] = "repeat-both"
        else:
            joined.append(text)
    return joined


def _mark_tokens(found: Transcription) -> Iterator[Mark]:
    for place, staff in enumerate(found.staves):
        for token, (left, right) in zip(staff.tokens, staff.spans, strict=True):
            yield Mark(token.confidence, place, left, right)


def _box(reading: StaffReading) -> StaffBox:
    staff = reading.staff
    return StaffBox(reading.page, staff.x0, staff.y0, staff.x1, staff.y1, staff.interline)


# --- evaluation -----------------------------------------------------------------------------------


def evaluate(
    samples: Sequence[Sample],
    models: Sequence[EvalModel],
    options: EvalOptions | None = None,
    on_sample: Callable[[], None] | None = None,
) -> list[EvalResult]:
    """Read every sample with every model and count the errors; one result for each model.

    An image on which nothing is recognised counts as all deletions; an image or a truth that cannot
    be read is listed under `failures`. `on_sample` is called after each sample of each model.

    Raises:
        InputError: there is no sample, or none that could be compared.
        OmrError: a model or device fails.
    """
    options = options or EvalOptions()
    truths, failures = _load_truths(samples[: options.limit])
    projection = _choose_projection(options.projection, [truth for _, truth in truths])
    cleaner = _Cleaner(frozenset(options.ignore), projection)
    results = []
    for model in models:
        rows, unread = _read_samples(model, truths, cleaner, on_sample)
        results.append(_summarise(model, cleaner, options, (rows, [*failures, *unread])))
    return results


def compare_results(results: Sequence[EvalResult]) -> list[Comparison]:
    """Compare each model with the first one, by a bootstrap over the samples that both read."""
    return [_compare(results[0], other) for other in results[1:]]


def evaluation_json(results: Sequence[EvalResult]) -> dict[str, Any]:
    """All results and their comparisons as JSON values."""
    return {
        "results": [result.to_json() for result in results],
        "comparisons": [comparison.to_json() for comparison in compare_results(results)],
    }


@dataclass(frozen=True)
class _Cleaner:
    """Applies projection and `ignore` to truth and prediction alike."""

    ignore: frozenset[str]
    projection: str

    def clean(self, tokens: Sequence[str]) -> tuple[str, ...]:
        texts = project_primus(tokens) if self.projection == "primus" else list(tokens)
        kinds = {IGNORABLE[name] for name in self.ignore}
        if "fermata" in kinds:
            texts = [text.replace(_FERMATA, "") for text in texts]
        return tuple(text for text in texts if kind_of(text) not in kinds)

    def clean_table(self, table: Mapping[str, int]) -> Counter[str]:
        cleaned: Counter[str] = Counter()
        for token, number in table.items():
            for text in self.clean([token]):
                cleaned[text] += number
        return cleaned


def _load_truths(samples: Sequence[Sample]) -> tuple[list[_Truth], list[Failure]]:
    truths, failures = [], []
    for sample in samples:
        try:
            truths.append((sample, tuple(sample.tokens)))
        except InputError as error:
            failures.append(Failure(sample.id, str(error)))
    if not truths:
        reason = f" The first: {failures[0].message}" if failures else ""
        raise InputError(
            f"There is no sample to evaluate; give a folder of images with truth.{reason}"
        )
    return truths, failures


def _choose_projection(asked: str, truths: Sequence[Sequence[str]]) -> str:
    if asked != "auto":
        return asked
    plain = all(project_primus(truth) == list(truth) for truth in truths)
    return "primus" if plain else "none"


def _read_samples(
    model: EvalModel,
    truths: Sequence[_Truth],
    cleaner: _Cleaner,
    on_sample: Callable[[], None] | None,
) -> tuple[list[SampleRow], list[Failure]]:
    rows: list[SampleRow] = []
    failures: list[Failure] = []
    for sample, truth in truths:
        try:
            rows.append(_read_sample(model, sample, cleaner, truth))
        except InputError as error:
            failures.append(Failure(sample.id, str(error)))
        if on_sample:
            on_sample()
    if not rows:
        raise InputError(f"None of {len(truths)} samples could be read. {failures[0].message}")
    return rows, failures


def _read_sample(
    model: EvalModel, sample: Sample, cleaner: _Cleaner, truth: Sequence[str]
) -> SampleRow:
    started = perf_counter()
    try:
        reading = model.read(sample.image)
    except NothingRecognisedError:
        reading = Reading((), 0)
    seconds = perf_counter() - started
    # A score as a file may write out the measures that a page shows as a multirest.
    plain = unfold_multirests if sample.is_score else list
    wanted, got = cleaner.clean(plain(truth)), cleaner.clean(plain(reading.tokens))
    return SampleRow(
        id=sample.id,
        image=sample.image,
        truth=wanted,
        prediction=got,
        counts=count_edits(wanted, got),
        staves=reading.staves,
        seconds=seconds,
        marks=carry_marks(reading.tokens, reading.marks, got),
        boxes=reading.boxes,
    )


def _summarise(
    model: EvalModel,
    cleaner: _Cleaner,
    options: EvalOptions,
    read: tuple[Sequence[SampleRow], Sequence[Failure]],
) -> EvalResult:
    rows, failures = read
    tally = merge_tallies([tally_staff(row.truth, row.prediction) for row in rows])
    table = None if options.frequency is None else cleaner.clean_table(options.frequency)
    each = [row.counts for row in rows]
    return EvalResult(
        model=model.name,
        sha256=model.sha256,
        options=options,
        projection=cleaner.projection,
        rows=tuple(rows),
        failures=tuple(failures),
        tally=tally,
        frequency=tuple(group_by_frequency(tally.tokens, table)),
        symbol_error_interval=bootstrap_interval(
            symbol_counts(each), options.resamples, options.seed
        ),
        sequence_error_interval=bootstrap_interval(
            sequence_counts(each), options.resamples, options.seed
        ),
        notes=sum((row.notes for row in rows), EditCounts()),
    )


def list_notes(tokens: Sequence[str]) -> list[str]:
    """What sounds: pitch and length in quarters of each note, chord members low to high.

    Grace notes, rests and ties are left out, and so is how a length is spelled.
    """
    return [text for token in tokens for text in _notes_of(token)]


def _notes_of(token: str) -> list[str]:
    try:
        symbol = parse_symbol(token)
    except TokenError:  # of another encoding
        return []
    if not isinstance(symbol, Note) or symbol.grace:
        return []
    return [f"{pitch}_{symbol.duration.quarters}" for pitch in symbol.pitches]


def _compare(baseline: EvalResult, other: EvalResult) -> Comparison:
    second = {row.image: row for row in other.rows}
    pairs = [(row.counts, second[row.image].counts) for row in baseline.rows if row.image in second]
    if not pairs:
        raise InputError(
            f"{baseline.model} and {other.model} read no sample in common; compare them on more."
        )
    old, new = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    how = (baseline.options.resamples, baseline.options.seed)
    return Comparison(
        baseline.model,
        other.model,
        len(pairs),
        paired_bootstrap(symbol_counts(old), symbol_counts(new), *how),
        paired_bootstrap(sequence_counts(old), sequence_counts(new), *how),
    )


def _require_known(name: str, known: Sequence[str], what: str) -> None:
    if name in known:
        return
    near = difflib.get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise UsageError(f"{name!r} is unknown: {what} {', '.join(known)}{hint}")


def _counts_json(counts: EditCounts) -> dict[str, Any]:
    return {"errors": counts.errors, **asdict(counts)}


def _rate_json(counts: EditCounts) -> dict[str, Any]:
    return {"error_rate": counts.error_rate, **_counts_json(counts)}


def _interval_json(interval: Interval) -> list[float]:
    return [interval.low, interval.high]
