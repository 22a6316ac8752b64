"""Error rates of recognised staves, as counts that can be added up and are divided once at the end.

Tokens are plain texts of the semantic encoding. Needs nothing but the standard library.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

GAP = ""  # stands for "no token" in a confusion: missed on the right, invented on the left
FREQUENCY_CLASSES = ("frequent", "middling", "rare")
FREQUENT_SHARE = 0.5  # the commonest tokens that make up the first half of all symbols
RARE_SHARE = 0.1  # the least common tokens that make up the last tenth of all symbols

_EDIT = 1 << 20  # cost of one edit; what is below it only breaks ties between alignments
_FAR = 1 << 60
_FERMATA = "_fermata"
_KINDS = {
    "note": "note",
    "gracenote": "grace note",
    "rest": "rest",
    "multirest": "multirest",
    "barline": "barline",
    "repeat": "barline",
    "clef": "clef",
    "keySignature": "key signature",
    "timeSignature": "time signature",
    "tie": "tie",
}


# --- counts ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EditCounts:
    """Edits that turn a reference into a prediction, with the number of reference symbols."""

    substitutions: int = 0
    insertions: int = 0  # symbols of the prediction that the reference lacks
    deletions: int = 0  # symbols of the reference that the prediction lacks
    reference: int = 0

    def __add__(self, other: EditCounts) -> EditCounts:
        return EditCounts(
            self.substitutions + other.substitutions,
            self.insertions + other.insertions,
            self.deletions + other.deletions,
            self.reference + other.reference,
        )

    @property
    def errors(self) -> int:
        """All edits together."""
        return self.substitutions + self.insertions + self.deletions

    @property
    def error_rate(self) -> float | None:
        """Edits per reference symbol (above 1 is possible); None where there is no reference."""
        return self.errors / self.reference if self.reference else None


_MATCH = EditCounts(reference=1)
_SUBSTITUTION = EditCounts(substitutions=1, reference=1)
_DELETION = EditCounts(deletions=1, reference=1)
_INSERTION = EditCounts(insertions=1)


def symbol_error_rate(staves: Iterable[EditCounts]) -> float:
    """Edits of all staves divided by the reference symbols of all staves (at least one)."""
    total = sum(staves, EditCounts())
    return total.errors / max(total.reference, 1)


def sequence_error_rate(staves: Iterable[EditCounts]) -> float:
    """Share of staves with at least one edit; 0 without any staff."""
    wrong = [counts.errors > 0 for counts in staves]
    return sum(wrong) / max(len(wrong), 1)


# --- alignment ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AlignedPair:
    """One step of an alignment: a reference token, a predicted token, or both."""

    reference: str | None
    prediction: str | None

    @property
    def counts(self) -> EditCounts:
        """This step as counts: a match, a substitution, a deletion or an insertion."""
        if self.reference is None:
            return _INSERTION
        if self.prediction is None:
            return _DELETION
        return _MATCH if self.reference == self.prediction else _SUBSTITUTION


def align(reference: Sequence[str], prediction: Sequence[str]) -> list[AlignedPair]:
    """Align two sequences with the fewest edits; deterministic.

    Among the alignments with the fewest edits, one that pairs tokens of the same kind, and notes
    of the same pitch or duration, is taken, so that confusions and rates by kind mean something.
    """
    shared = min(len(reference), len(prediction))
    head = 0
    while head < shared and reference[head] == prediction[head]:
        head += 1
    tail = 0
    while tail < shared - head and reference[-1 - tail] == prediction[-1 - tail]:
        tail += 1
    # Matching equal ends never costs more than any other alignment, so only the middle is searched.
    middle = _align_middle(
        reference[head : len(reference) - tail], prediction[head : len(prediction) - tail]
    )
    same_tail = reference[len(reference) - tail :]
    return [*_matches(reference[:head]), *middle, *_matches(same_tail)]


def count_edits(reference: Sequence[str], prediction: Sequence[str]) -> EditCounts:
    """The edits between one reference and one prediction."""
    return _count_pairs(align(reference, prediction))


def _count_pairs(pairs: Iterable[AlignedPair]) -> EditCounts:
    return sum((pair.counts for pair in pairs), EditCounts())


def _matches(tokens: Iterable[str]) -> list[AlignedPair]:
    return [AlignedPair(token, token) for token in tokens]


def _align_middle(reference: Sequence[str], prediction: Sequence[str]) -> list[AlignedPair]:
    difference = abs(len(reference) - len(prediction))
    slack = 4
    while True:
        table = _cost_table(reference, prediction, slack)
        # A path that leaves the band has at least difference + 2 * slack + 2 edits.
        if table[-1][-1] // _EDIT <= difference + 2 * slack + 1:
            return _trace_back(table, reference, prediction)
        slack *= 4


def _cost_table(reference: Sequence[str], prediction: Sequence[str], slack: int) -> list[list[int]]:
    """Costs (R + 1, P + 1) of aligning prefixes, in a band `slack` wider than the corner needs."""
    columns = len(prediction)
    low = min(0, columns - len(reference)) - slack
    high = max(0, columns - len(reference)) + slack
    above = [_EDIT * column if column <= high else _FAR for column in range(columns + 1)]
    table = [above]
    for index, token in enumerate(reference, 1):
        row = [_FAR] * (columns + 1)
        left = row[0] = _EDIT * index if index + low <= 0 else _FAR
        first = max(1, index + low)
        for column in range(first, min(columns, index + high) + 1):
            best = above[column - 1] + _substitution_cost(token, prediction[column - 1])
            left = min(best, above[column] + _EDIT, left + _EDIT)
            row[column] = left
        table.append(row)
        above = row
    return table


def _trace_back(
    table: list[list[int]], reference: Sequence[str], prediction: Sequence[str]
) -> list[AlignedPair]:
    row, column = len(reference), len(prediction)
    pairs: list[AlignedPair] = []
    while row or column:
        cost = table[row][column]
        if row and column:
            old, new = reference[row - 1], prediction[column - 1]
            if cost == table[row - 1][column - 1] + _substitution_cost(old, new):
                pairs.append(AlignedPair(old, new))
                row, column = row - 1, column - 1
                continue
        if row and cost == table[row - 1][column] + _EDIT:
            pairs.append(AlignedPair(reference[row - 1], None))
            row -= 1
        else:
            pairs.append(AlignedPair(None, prediction[column - 1]))
            column -= 1
    return pairs[::-1]


@lru_cache(maxsize=1 << 17)
def _substitution_cost(reference: str, prediction: str) -> int:
    if reference == prediction:
        return 0
    if kind_of(reference) != kind_of(prediction):
        return _EDIT + 2
    old, new = _note_fields(reference), _note_fields(prediction)
    if old and new and (old.pitches == new.pitches or old.duration == new.duration):
        return _EDIT
    return _EDIT + 1


# --- kinds ----------------------------------------------------------------------------------------


@lru_cache(maxsize=1 << 16)
def kind_of(token: str) -> str:
    """The kind of a token: "note", "chord", "grace note", "rest", "barline", "clef", "tie" ..."""
    match = re.match(r"[A-Za-z]+", token)
    head = match.group() if match else "other"
    if head == "note" and "|" in token:
        return "chord"
    return _KINDS.get(head, head)


@dataclass(frozen=True)
class _NoteFields:
    pitches: tuple[str, ...]
    naturals: tuple[str, ...]  # the pitches without their accidentals
    duration: str


@lru_cache(maxsize=1 << 16)
def _note_fields(token: str) -> _NoteFields | None:
    """Pitches and duration of a note or chord (no grace note); None for anything else."""
    if not token.startswith("note-"):
        return None
    members = [member[len("note-") :].partition("_") for member in token.split("|")]
    pitches = tuple(pitch for pitch, _, _ in members)
    duration = members[0][2]
    if duration.endswith(_FERMATA):
        duration = duration[: -len(_FERMATA)]
    return _NoteFields(pitches, tuple(re.sub("[#b]", "", p) for p in pitches), duration)


def _kind_counts(pair: AlignedPair) -> list[tuple[str, EditCounts]]:
    """The kinds and fields a pair counts for: those of the reference, or of an invented token."""
    token = pair.reference if pair.reference is not None else pair.prediction
    assert token is not None
    found = [(kind_of(token), pair.counts)]
    fields = _note_fields(token)
    if fields is not None:
        found += _field_counts(fields, pair)
    had = pair.reference is not None and pair.reference.endswith(_FERMATA)
    has = pair.prediction is not None and pair.prediction.endswith(_FERMATA)
    if had:
        found.append(("fermata", _MATCH if has else _DELETION))
    elif has:
        found.append(("fermata", _INSERTION))
    return found


def _field_counts(fields: _NoteFields, pair: AlignedPair) -> list[tuple[str, EditCounts]]:
    if pair.reference is None or pair.prediction is None:
        return [("note pitch", pair.counts), ("note duration", pair.counts)]
    other = _note_fields(pair.prediction)
    same_pitch = other is not None and other.pitches == fields.pitches
    same_natural = other is not None and other.naturals == fields.naturals
    same_duration = other is not None and other.duration == fields.duration
    found = [
        ("note pitch", _MATCH if same_pitch else _SUBSTITUTION),
        ("note duration", _MATCH if same_duration else _SUBSTITUTION),
    ]
    if same_natural:
        found.append(("note accidental", _MATCH if same_pitch else _SUBSTITUTION))
    return found


# --- tallies --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tally:
    """What is counted over staves; `+` merges two tallies.

    `kinds` is keyed by kind of token and has three more views of notes and chords: "note pitch"
    and "note duration" (a note of the right pitch and the wrong length is an error of the second
    alone), and "note accidental" (sharps and flats, among notes of the right step and octave);
    "fermata" counts the sign wherever it stands. A substitution counts for the kind
    of its reference token, an insertion for the kind of the invented token. `tokens` does the same
    for each token. `confusions` maps (reference, prediction) to a number, GAP where one is missing.
    """

    staves: int = 0
    wrong_staves: int = 0
    counts: EditCounts = EditCounts()
    kinds: Mapping[str, EditCounts] = field(default_factory=dict)
    tokens: Mapping[str, EditCounts] = field(default_factory=dict)
    confusions: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def __add__(self, other: Tally) -> Tally:
        return merge_tallies([self, other])


def merge_tallies(tallies: Sequence[Tally]) -> Tally:
    """Add up any number of tallies: the same as `+`, and much faster for many."""
    confusions: Counter[tuple[str, str]] = Counter()
    for tally in tallies:
        confusions.update(tally.confusions)
    return Tally(
        staves=sum(tally.staves for tally in tallies),
        wrong_staves=sum(tally.wrong_staves for tally in tallies),
        counts=sum((tally.counts for tally in tallies), EditCounts()),
        kinds=_merge_counts(entry for tally in tallies for entry in tally.kinds.items()),
        tokens=_merge_counts(entry for tally in tallies for entry in tally.tokens.items()),
        confusions=confusions,
    )


def tally_staff(reference: Sequence[str], prediction: Sequence[str]) -> Tally:
    """Count one staff."""
    pairs = align(reference, prediction)
    counts = _count_pairs(pairs)
    wrong = [pair for pair in pairs if pair.reference != pair.prediction]
    return Tally(
        staves=1,
        wrong_staves=int(counts.errors > 0),
        counts=counts,
        kinds=_merge_counts(entry for pair in pairs for entry in _kind_counts(pair)),
        tokens=_merge_counts(
            (pair.reference or pair.prediction or GAP, pair.counts) for pair in pairs
        ),
        confusions=Counter((pair.reference or GAP, pair.prediction or GAP) for pair in wrong),
    )


def _merge_counts(entries: Iterable[tuple[str, EditCounts]]) -> dict[str, EditCounts]:
    merged: dict[str, EditCounts] = {}
    for key, value in entries:
        merged[key] = merged[key] + value if key in merged else value
    return merged


# --- frequency ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FrequencyGroup:
    """The counts of all tokens of one frequency class; `tokens` is how many different ones."""

    name: str
    tokens: int
    counts: EditCounts


def frequency_classifier(table: Mapping[str, int]) -> Callable[[str], str]:
    """A function that names the frequency class of a token, from how often each token occurs.

    A token is "frequent" if the tokens more frequent than it make up less than half of all symbols,
    else "rare" if the tokens less frequent than it make up less than a tenth (so tokens seen once,
    or never, are rare in any but a tiny table), else "middling". Tokens of one frequency thus
    always share a class.
    """
    total = max(sum(table.values()), 1)
    names: dict[int, str] = {}
    seen = 0
    for frequency, tokens in sorted(Counter(table.values()).items(), reverse=True):
        after = total - seen - frequency * tokens
        if seen < FREQUENT_SHARE * total:
            names[frequency] = "frequent"
        else:
            names[frequency] = "rare" if after < RARE_SHARE * total else "middling"
        seen += frequency * tokens
    return lambda token: names[table[token]] if table.get(token) else "rare"


def group_by_frequency(
    tokens: Mapping[str, EditCounts], table: Mapping[str, int] | None = None
) -> list[FrequencyGroup]:
    """Counts by frequency class: the class-imbalance view.

    `tokens` is `Tally.tokens`; `table` maps a token to its occurrences, for example in the training
    data. Without it the reference tokens of the tally itself are the table.
    """
    if table is None:
        table = {token: counts.reference for token, counts in tokens.items() if counts.reference}
    classify = frequency_classifier(table)
    groups: dict[str, list[EditCounts]] = {name: [] for name in FREQUENCY_CLASSES}
    for token, counts in tokens.items():
        groups[classify(token)].append(counts)
    return [
        FrequencyGroup(name, sum(c.reference > 0 for c in members), sum(members, EditCounts()))
        for name, members in groups.items()
    ]


# --- uncertainty ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Interval:
    """A range that holds 95 % of the resampled rates, unless said otherwise."""

    low: float
    high: float


@dataclass(frozen=True)
class RateCounts:
    """Errors and size of one staff: the two sums whose ratio is a rate."""

    errors: float
    size: float


@dataclass(frozen=True)
class PairedDifference:
    """How much higher the second model's rate is than the first's, on the same staves.

    `reversal_share` is the share of resamples in which the difference vanishes or changes sign:
    small means that the sign can be trusted, much as a one-sided p-value does.
    """

    difference: float
    interval: Interval
    reversal_share: float


def symbol_counts(staves: Iterable[EditCounts]) -> list[RateCounts]:
    """Staves as terms of the symbol error rate."""
    return [RateCounts(counts.errors, counts.reference) for counts in staves]


def sequence_counts(staves: Iterable[EditCounts]) -> list[RateCounts]:
    """Staves as terms of the sequence error rate."""
    return [RateCounts(float(counts.errors > 0), 1) for counts in staves]


def bootstrap_interval(
    staves: Sequence[RateCounts], resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> Interval:
    """Percentile bootstrap over staves of a ratio of sums.

    Raises ValueError without any staff.
    """
    _require_staves(staves)
    draw = random.Random(seed)
    rates = [_ratio(draw.choices(staves, k=len(staves))) for _ in range(resamples)]
    return _percentiles(rates, level)


def paired_bootstrap(
    first: Sequence[RateCounts],
    second: Sequence[RateCounts],
    resamples: int = 1000,
    seed: int = 0,
) -> PairedDifference:
    """Compare two models on the same staves in the same order, both resampled together.

    Raises ValueError without any staff, or if the two have different lengths.
    """
    _require_staves(first)
    if len(first) != len(second):
        raise ValueError(f"{len(first)} staves cannot be paired with {len(second)}")
    draw = random.Random(seed)
    difference = _ratio(second) - _ratio(first)
    resampled = []
    for _ in range(resamples):
        drawn = draw.choices(range(len(first)), k=len(first))
        resampled.append(_ratio([second[i] for i in drawn]) - _ratio([first[i] for i in drawn]))
    reversed_signs = sum(value * difference <= 0 for value in resampled)
    return PairedDifference(difference, _percentiles(resampled, 0.95), reversed_signs / resamples)


def _require_staves(staves: Sequence[RateCounts]) -> None:
    if not staves:
        raise ValueError("there is no staff to resample")


def _ratio(staves: Sequence[RateCounts]) -> float:
    return sum(staff.errors for staff in staves) / max(sum(staff.size for staff in staves), 1)


def _percentiles(values: list[float], level: float) -> Interval:
    ordered = sorted(values)
    cut = int(len(ordered) * (1 - level) / 2)
    return Interval(ordered[cut], ordered[len(ordered) - 1 - cut])
