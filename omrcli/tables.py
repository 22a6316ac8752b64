"""EvalResult -> plain tables of text, which a terminal or a report may draw as it likes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from omrcli.metrics import EditCounts, Interval, PairedDifference, align

if TYPE_CHECKING:
    from omrcli.evaluation.evaluate import Comparison, EvalResult, SampleRow
    from omrcli.reading.calibration import Reliability, ReliabilityBin

NOTHING = "(nothing)"
_CONFUSIONS = 15
_DIFFERENCES = 3
_COUNT_COLUMNS = ("error rate", "symbols", "substituted", "inserted", "deleted")
#: Kinds in the order of a staff; any other kind comes after them.
_KIND_ORDER = (
    "clef",
    "key signature",
    "time signature",
    "note",
    "note pitch",
    "note accidental",
    "note duration",
    "chord",
    "grace note",
    "rest",
    "multirest",
    "fermata",
    "tie",
    "barline",
)


@dataclass(frozen=True)
class Table:
    """A title, column heads and rows of text. The first column holds names, the others figures.

    `note` is a sentence to stand under the table.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def result_tables(result: EvalResult) -> list[Table]:
    """Summary, kinds, frequency classes, worst samples, top confusions, failures; none empty."""
    makers: tuple[Callable[[EvalResult], Table], ...] = (
        _tabulate_summary,
        _tabulate_kinds,
        _tabulate_classes,
        _tabulate_reliability,
        _tabulate_frequency,
        _tabulate_worst,
        _tabulate_confusions,
        _tabulate_failures,
    )
    return [table for make in makers if (table := make(result)).rows]


def comparison_table(results: Sequence[EvalResult], comparisons: Sequence[Comparison]) -> Table:
    """All models side by side; differences are to the first one, on the same samples."""
    rows = [
        (
            result.model,
            format_rate(result.symbol_error_rate, result.symbol_error_interval),
            format_rate(result.sequence_error_rate, result.sequence_error_interval),
            "" if comparison is None else _format_difference(comparison.symbol_error_rate),
            "" if comparison is None else _format_difference(comparison.sequence_error_rate),
            f"{result.staves_per_second:.1f}",
        )
        for result, comparison in zip(results, [None, *comparisons], strict=True)
    ]
    return Table(
        "Models",
        (
            "model",
            "symbol error rate",
            "sequence error rate",
            "symbol difference",
            "sequence difference",
            "staves/s",
        ),
        tuple(rows),
        "Differences are percentage points to the first model with 95 % intervals from a paired "
        "bootstrap; p is the share of resamples in which the difference vanishes or reverses.",
    )


# --- formats --------------------------------------------------------------------------------------


def format_rate(rate: float | None, interval: Interval | None = None) -> str:
    """A rate in percent, with its 95 % interval: "2.31 % [1.80, 2.92]"; "-" for None."""
    if rate is None:
        return "-"
    text = f"{100 * rate:.2f} %"
    return f"{text} [{100 * interval.low:.2f}, {100 * interval.high:.2f}]" if interval else text


def _format_difference(difference: PairedDifference) -> str:
    low, high = 100 * difference.interval.low, 100 * difference.interval.high
    share = difference.reversal_share
    chance = "p < 0.001" if share < 0.001 else f"p = {share:.3f}"
    return f"{100 * difference.difference:+.2f} [{low:+.2f}, {high:+.2f}] {chance}"


def _format_counts(counts: EditCounts) -> tuple[str, ...]:
    numbers = (counts.reference, counts.substitutions, counts.insertions, counts.deletions)
    return (format_rate(counts.error_rate), *map(str, numbers))


# --- tables ---------------------------------------------------------------------------------------


def _tabulate_summary(result: EvalResult) -> Table:
    counts = result.tally.counts
    rows = [
        ("symbol error rate", format_rate(result.symbol_error_rate, result.symbol_error_interval)),
        (
            "sequence error rate",
            format_rate(result.sequence_error_rate, result.sequence_error_interval),
        ),
        ("note error rate", format_rate(result.note_error_rate)),
        ("substitutions", str(counts.substitutions)),
        ("insertions", str(counts.insertions)),
        ("deletions", str(counts.deletions)),
        ("symbols in the truth", str(counts.reference)),
        ("samples", str(len(result.rows))),
        ("nothing recognised", str(len(result.not_recognised))),
        ("could not be compared", str(len(result.failures))),
        ("staves per second", f"{result.staves_per_second:.1f}"),
    ]
    return Table(f"{result.model}", ("measure", "value"), tuple(rows), _describe_options(result))


def _describe_options(result: EvalResult) -> str:
    compared = {"primus": "Plain PrIMuS tokens are compared", "none": "All tokens are compared"}
    ignored = ", ".join(result.options.ignore)
    without = f" without {ignored}" if ignored else ""
    return f"{compared[result.projection]}{without}; brackets hold 95 % bootstrap intervals."


def _tabulate_kinds(result: EvalResult) -> Table:
    kinds = result.tally.kinds
    known = [kind for kind in _KIND_ORDER if kind in kinds]
    others = sorted(set(kinds) - set(_KIND_ORDER))
    rows = [(kind, *_format_counts(kinds[kind])) for kind in known + others]
    return Table("By kind of token", ("kind", *_COUNT_COLUMNS), tuple(rows))


def _tabulate_classes(result: EvalResult) -> Table:
    total = sum(result.error_classes.values())
    rows = [
        (name, str(number), format_rate(number / total))
        for name, number in result.error_classes.items()
    ]
    return Table(
        "By class of error",
        ("class", "errors", "share"),
        tuple(rows),
        "Errors that follow from a misread clef, key or accidental are counted apart from it.",
    )


def _tabulate_reliability(result: EvalResult) -> Table:
    return reliability_table(result.reliability)


def reliability_table(reliability: Reliability, title: str = "By confidence") -> Table:
    """How often tokens of each confidence are wrong; no rows where none has a confidence."""
    groups = [("under 0.5", reliability.unsure), ("from 0.99", reliability.sure)]
    names = [f"{item.low:g} to {item.high:g}" for item in reliability.bins]
    groups += zip(names, reliability.bins, strict=True)
    rows = [(name, *_format_bin(item)) for name, item in groups if item.tokens or name[0] in "uf"]
    return Table(
        title,
        ("confidence", "tokens", "wrong", "share wrong", "mean confidence"),
        tuple(rows) if reliability.tokens else (),
        f"Confidence is off by {100 * reliability.calibration_error:.2f} points on average; "
        "tokens that were missed have none.",
    )


def _format_bin(item: ReliabilityBin) -> tuple[str, ...]:
    mean = item.mean_confidence
    shown = "-" if mean is None else f"{mean:.4f}"
    return str(item.tokens), str(item.wrong), format_rate(item.wrong_share), shown


def _tabulate_frequency(result: EvalResult) -> Table:
    rows = [
        (group.name, str(group.tokens), *_format_counts(group.counts)) for group in result.frequency
    ]
    return Table(
        "By frequency of the token",
        ("class", "tokens", *_COUNT_COLUMNS),
        tuple(rows),
        "Frequent tokens make up the first half of all symbols, rare ones the last tenth.",
    )


def _tabulate_worst(result: EvalResult) -> Table:
    rows = [
        (
            row.id,
            format_rate(row.counts.error_rate),
            str(row.counts.errors),
            format_rate(row.notes.error_rate),
            _differences(row),
        )
        for row in result.find_worst()
    ]
    columns = ("sample", "error rate", "errors", "note error rate", "first differences")
    return Table("Worst samples", columns, tuple(rows))


def _differences(row: SampleRow) -> str:
    if not row.staves:
        return "nothing recognised"
    shown = list(islice(_wrong_pairs(row), _DIFFERENCES + 1))
    more = ["..."] if len(shown) > _DIFFERENCES else []
    return "; ".join(shown[:_DIFFERENCES] + more)


def _wrong_pairs(row: SampleRow) -> Iterator[str]:
    for pair in align(row.truth, row.prediction):
        if pair.reference != pair.prediction:
            yield f"{pair.reference or NOTHING} > {pair.prediction or NOTHING}"


def _tabulate_confusions(result: EvalResult) -> Table:
    rows: Iterable[tuple[str, ...]] = (
        (old or NOTHING, new or NOTHING, str(count))
        for old, new, count in result.list_confusions(_CONFUSIONS)
    )
    return Table("Top confusions", ("truth", "read as", "times"), tuple(rows))


def _tabulate_failures(result: EvalResult) -> Table:
    rows = [(failure.id, failure.message) for failure in result.failures]
    return Table("Could not be compared", ("sample", "reason"), tuple(rows))
