"""Token sequences -> what they are made of: frequencies, lengths, kinds, and the long tail.

All of it is counted from the sequences alone; where they come from (samples, composed music, a
vocabulary) is for the caller to say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, quantiles

from omrcli.errors import TokenError
from omrcli.tables import Table
from omrcli.tokens import (
    Barline,
    Clef,
    KeySignature,
    Multirest,
    Note,
    Rest,
    Tie,
    TimeSignature,
    parse_symbol,
)

#: A token is rare that occurs fewer times than this.
RARE = 10
#: Lower ends of the classes of the long tail: never, 1 to 9, 10 to 99, 100 and more times.
TAIL_CLASSES = (0, 1, 10, 100)
_TAIL_NAMES = ("never", "1-9", "10-99", "100 or more")
#: Kinds in the order in which a staff shows them.
KINDS = (
    "clef", "key signature", "time signature", "note", "chord", "grace note", "rest", "multirest",
    "tie", "barline", "other",
)  # fmt: skip
_TOP, _RARE_SHOWN = 20, 15
_NAMES = {
    Clef: "clef",
    KeySignature: "key signature",
    TimeSignature: "time signature",
    Rest: "rest",
    Multirest: "multirest",
    Tie: "tie",
    Barline: "barline",
}


def kind_of(text: str) -> str:
    """The kind of a token, one of KINDS; "other" for texts that are not of the semantic
    encoding."""
    try:
        symbol = parse_symbol(text)
    except TokenError:
        return "other"
    if isinstance(symbol, Note):
        return "grace note" if symbol.grace else "chord" if len(symbol.pitches) > 1 else "note"
    return _NAMES[type(symbol)]


@dataclass(frozen=True)
class DatasetStatistics:
    """How often each token occurs, and the lengths of the sequences in tokens."""

    counts: Mapping[str, int]
    lengths: tuple[int, ...]

    @property
    def tokens(self) -> int:
        """Number of tokens in all sequences together."""
        return sum(self.counts.values())

    @property
    def ranked(self) -> list[tuple[str, int]]:
        """Tokens with their counts, the most frequent first; ties by text."""
        return sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))

    @property
    def rare(self) -> list[str]:
        """Tokens that occur fewer than RARE times, the rarest first."""
        return sorted(
            (text for text, count in self.counts.items() if count < RARE),
            key=lambda text: (self.counts[text], text),
        )

    @property
    def kinds(self) -> dict[str, KindStatistics]:
        """Occurrences and different tokens of each kind that occurs, in the order of KINDS."""
        found: dict[str, list[int]] = {}
        for text, count in self.counts.items():
            found.setdefault(kind_of(text), []).append(count)
        return {k: KindStatistics(sum(found[k]), len(found[k])) for k in KINDS if k in found}


@dataclass(frozen=True)
class KindStatistics:
    """How often tokens of one kind occur, and how many different ones do."""

    occurrences: int
    vocabulary: int


def count_tokens(sequences: Iterable[Sequence[str]]) -> DatasetStatistics:
    """Count the tokens of some sequences."""
    counts: Counter[str] = Counter()
    lengths = []
    for texts in sequences:
        counts.update(texts)
        lengths.append(len(texts))
    return DatasetStatistics(dict(counts), tuple(lengths))


def measure_tail(counts: Mapping[str, int], vocabulary: Iterable[str]) -> tuple[int, ...]:
    """How many tokens of a vocabulary occur never, 1 to 9, 10 to 99, and 100 or more times."""
    classes = [0] * len(TAIL_CLASSES)
    for text in set(vocabulary):
        classes[sum(counts.get(text, 0) >= low for low in TAIL_CLASSES) - 1] += 1
    return tuple(classes)


# --- tables ---------------------------------------------------------------------------------------


def statistics_tables(statistics: DatasetStatistics) -> list[Table]:
    """Summary, kinds, most frequent tokens and rare tokens."""
    tables = [
        _tabulate_summary(statistics),
        _tabulate_kinds(statistics),
        _tabulate_tokens("Most frequent tokens", statistics, statistics.ranked[:_TOP]),
    ]
    rare = [(text, statistics.counts[text]) for text in statistics.rare]
    if rare:
        title = f"Rare tokens: {len(rare)} occur fewer than {RARE} times"
        note = f"The {_RARE_SHOWN} rarest are shown." if len(rare) > _RARE_SHOWN else ""
        tables.append(_tabulate_tokens(title, statistics, rare[:_RARE_SHOWN], note))
    return tables


def _tabulate_summary(statistics: DatasetStatistics) -> Table:
    lengths = statistics.lengths
    low, middle, high = quantiles([*lengths, *lengths], n=4) if lengths else (0.0, 0.0, 0.0)
    rows = (
        ("samples", str(len(lengths))),
        ("tokens", str(statistics.tokens)),
        ("vocabulary (different tokens)", str(len(statistics.counts))),
        (f"rare tokens (fewer than {RARE} times)", str(len(statistics.rare))),
        ("sequence length, mean", f"{mean(lengths):.1f}" if lengths else "-"),
        ("sequence length, quartiles", f"{low:g}, {middle:g}, {high:g}"),
        ("sequence length, range", f"{min(lengths)} to {max(lengths)}" if lengths else "-"),
    )
    return Table("Samples", ("measure", "value"), rows)


def _tabulate_kinds(statistics: DatasetStatistics) -> Table:
    rows = tuple(
        (kind, str(one.occurrences), _percent(one.occurrences, statistics), str(one.vocabulary))
        for kind, one in statistics.kinds.items()
    )
    return Table("Kinds of tokens", ("kind", "occurrences", "share", "different"), rows)


def _tabulate_tokens(
    title: str,
    statistics: DatasetStatistics,
    tokens: Sequence[tuple[str, int]],
    note: str = "",
) -> Table:
    rows = tuple((text, str(count), _percent(count, statistics)) for text, count in tokens)
    return Table(title, ("token", "occurrences", "share"), rows, note)


def _percent(count: int, statistics: DatasetStatistics) -> str:
    return f"{100 * count / statistics.tokens:.2f} %"


def tail_table(sources: Mapping[str, DatasetStatistics], vocabulary: Sequence[str]) -> Table:
    """How often each source shows the tokens of a vocabulary."""
    rows = []
    for name, source in sources.items():
        classes = measure_tail(source.counts, vocabulary)
        known = sum(source.counts.get(text, 0) for text in set(vocabulary))
        covered = f"{100 * known / source.tokens:.1f} %" if source.tokens else "-"
        numbers = (len(source.lengths), source.tokens, *classes)
        rows.append((name, *map(str, numbers), covered))
    return Table(
        f"The long tail: {len(set(vocabulary))} tokens of the vocabulary, by how often they occur",
        ("source", "staves", "tokens", *_TAIL_NAMES, "covered"),
        tuple(rows),
        "Covered is the share of all tokens of the source that are in the vocabulary.",
    )


def statistics_to_json(statistics: DatasetStatistics) -> dict[str, object]:
    """All counts, for `json.dumps`."""
    return {
        "samples": len(statistics.lengths),
        "tokens": statistics.tokens,
        "vocabulary": len(statistics.counts),
        "rare": len(statistics.rare),
        "lengths": list(statistics.lengths),
        "kinds": {
            kind: {"occurrences": one.occurrences, "vocabulary": one.vocabulary}
            for kind, one in statistics.kinds.items()
        },
        "counts": dict(statistics.ranked),
    }


def tail_to_json(
    sources: Mapping[str, DatasetStatistics], vocabulary: Sequence[str]
) -> dict[str, object]:
    """The classes of the long tail and all counts of each source, for `json.dumps`."""
    return {
        name: {
            "staves": len(source.lengths),
            "tokens": source.tokens,
            "classes": dict(zip(_TAIL_NAMES, measure_tail(source.counts, vocabulary), strict=True)),
            "counts": {text: source.counts.get(text, 0) for text in sorted(set(vocabulary))},
        }
        for name, source in sources.items()
    }
