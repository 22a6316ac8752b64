"""Results -> PNG plots: confusions, error rate against token frequency, training curves.

The only module that imports matplotlib, and only when a plot is drawn.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from omrcli.errors import InputError, MissingDependencyError
from omrcli.metrics import GAP, EditCounts
from omrcli.output import make_folder, write_file
from omrcli.reading.calibration import PROMISES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from omrcli.evaluation.evaluate import EvalResult
    from omrcli.reading.calibration import Reliability, ReliabilityBin

_INK = "#222222"
_MUTED = "#8a8a8a"
_BLUE = "#2166ac"
_ORANGE = "#c2570c"
_DOTS_PER_INCH = 120
_LOG_COLUMNS = {
    "step",
    "loss",
    "validation_symbol_error_rate",
    "validation_sequence_error_rate",
}


@dataclass(frozen=True)
class TrainingLog:
    """The columns of a training log; validation columns hold only the steps that were validated."""

    steps: tuple[int, ...]
    losses: tuple[float, ...]
    validated_steps: tuple[int, ...]
    symbol_error_rates: tuple[float, ...]
    sequence_error_rates: tuple[float, ...]


def plot_evaluation(result: EvalResult, folder: Path) -> list[Path]:
    """Write `confusions.png`, `frequency.png` and, where the model gives confidences,
    `reliability.png` into a folder, which is made if missing.

    Raises:
        MissingDependencyError: matplotlib is not installed.
        OutputError: the folder or a plot cannot be written.
    """
    make_folder(folder)
    confusions, frequency = folder / "confusions.png", folder / "frequency.png"
    plot_confusions(result.confusions, confusions)
    plot_frequency(result.tokens, frequency)
    if not result.reliability.tokens:
        return [confusions, frequency]
    plot_reliability(result.reliability, folder / "reliability.png")
    return [confusions, frequency, folder / "reliability.png"]


# --- confusions -----------------------------------------------------------------------------------


def plot_confusions(confusions: Mapping[tuple[str, str], int], path: Path, top: int = 25) -> None:
    """Draw the `top` most frequent confusions as a heatmap: truth down, prediction across.

    Raises:
        MissingDependencyError: matplotlib is not installed.
        OutputError: the plot cannot be written.
    """
    shown = dict(sorted(confusions.items(), key=lambda item: (-item[1], item[0]))[:top])
    rows = _by_weight(shown, 0)
    columns = _by_weight(shown, 1)
    width, height = 3.2 + 0.42 * len(columns), 2.8 + 0.32 * len(rows)
    figure = new_figure(max(width, 6.0), max(height, 3.5))
    axes = figure.subplots()
    axes.set_title(f"The {len(shown)} most frequent of {len(confusions)} confusions", loc="left")
    if shown:
        _draw_heatmap(axes, rows, columns, shown)
    else:
        _say_nothing(axes, "No token was confused")
    save_figure(figure, path)


def _by_weight(confusions: Mapping[tuple[str, str], int], side: int) -> list[str]:
    weights: Counter[str] = Counter()
    for pair, number in confusions.items():
        weights[pair[side]] += number
    return sorted(weights, key=lambda token: (-weights[token], token))


def _draw_heatmap(
    axes: Axes, rows: list[str], columns: list[str], confusions: Mapping[tuple[str, str], int]
) -> None:
    values = [[confusions.get((row, column), 0) for column in columns] for row in rows]
    highest = max(confusions.values())
    axes.imshow(values, cmap="Blues", vmin=0, vmax=highest, aspect="auto")
    for y, row in enumerate(values):
        for x, number in enumerate(row):
            if number:
                colour = "white" if number > 0.6 * highest else _INK
                axes.text(x, y, str(number), ha="center", va="center", color=colour, fontsize=8)
    axes.set_yticks(range(len(rows)), [token or "(nothing)" for token in rows], fontsize=8)
    names = [token or "(missed)" for token in columns]
    axes.set_xticks(
        range(len(columns)), names, fontsize=8, rotation=55, ha="right", rotation_mode="anchor"
    )
    axes.set_xticks([x - 0.5 for x in range(1, len(columns))], minor=True)
    axes.set_yticks([y - 0.5 for y in range(1, len(rows))], minor=True)
    axes.grid(which="minor", color="#eeeeee", linewidth=0.8)
    axes.spines[:].set_visible(False)
    axes.tick_params(which="both", length=0)
    axes.set_xlabel("read as")
    axes.set_ylabel("truth")


# --- frequency ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Bin:
    """All tokens that occur [low, 2 * low) times: their mean frequency, and their counts."""

    frequency: float
    tokens: int
    counts: EditCounts


def plot_frequency(tokens: Mapping[str, EditCounts], path: Path) -> None:
    """Draw the error rate of each reference token against how often it occurs (log scale).

    A line joins the rates of tokens that occur equally often within a factor of two. Tokens that
    were only invented have no rate and are left out.

    Raises:
        MissingDependencyError: matplotlib is not installed.
        OutputError: the plot cannot be written.
    """
    known = [counts for token, counts in tokens.items() if token != GAP and counts.reference]
    figure = new_figure(8.0, 4.8)
    axes = figure.subplots()
    axes.set_title("Symbol error rate by token frequency", loc="left")
    if known:
        _draw_frequency(axes, known)
    else:
        _say_nothing(axes, "There are no reference tokens")
    save_figure(figure, path)


def _draw_frequency(axes: Axes, known: Sequence[EditCounts]) -> None:
    bins = _bin_by_octave(known)
    # One wrong of one is 100 %: such tokens are many, and would press the line to the floor.
    top = max(10.0, 2.5 * max(_percent(group.counts) for group in bins))
    _draw_dots(axes, Counter((counts.reference, _percent(counts)) for counts in known), top)
    frequencies = [group.frequency for group in bins]
    rates = [_percent(group.counts) for group in bins]
    label = "all tokens as frequent as that, within a factor of two"
    axes.plot(frequencies, rates, color=_BLUE, marker="o", linewidth=2, label=label)
    for group, x, y in zip(bins, frequencies, rates, strict=True):
        axes.annotate(
            f"{y:.1f} %\n{group.tokens} token{'s' if group.tokens > 1 else ''}",
            (x, y),
            xytext=(0, 9),
            textcoords="offset points",
            ha="center",
            fontsize=7,
            bbox={"boxstyle": "round,pad=0.1", "color": "white", "alpha": 0.75},
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(_format_plain)
    axes.set_ylim(-0.03 * top, 1.03 * top)
    axes.set_xlabel("occurrences in the truth (log scale)")
    axes.set_ylabel("symbol error rate (%)")
    axes.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3)


def _draw_dots(axes: Axes, dots: Mapping[tuple[int, float], int], top: float) -> None:
    """Draw tokens at (frequency, percent); those with the same counts share a larger dot."""
    styles = (
        ([dot for dot in dots if dot[1] <= top], "o", "one token (larger: several)"),
        ([dot for dot in dots if dot[1] > top], "^", "one token, off the scale"),
    )
    for shown, marker, label in styles:
        if shown:
            axes.scatter(
                [x for x, _ in shown],
                [min(y, top) for _, y in shown],
                s=[14 + 6 * dots[dot] for dot in shown],
                marker=marker,
                color=_MUTED,
                alpha=0.45,
                linewidths=0,
                label=label,
            )


def _percent(counts: EditCounts) -> float:
    return 100 * (counts.error_rate or 0)


def _format_plain(value: float, position: float | None = None) -> str:
    """Ticks of a log axis as 0.1, 1, 10 and not as powers of ten."""
    return f"{value:g}"


def _bin_by_octave(known: Sequence[EditCounts]) -> list[_Bin]:
    members: dict[int, list[EditCounts]] = {}
    for counts in known:
        members.setdefault(counts.reference.bit_length(), []).append(counts)
    bins = []
    for _, group in sorted(members.items()):
        total = sum(group, EditCounts())
        bins.append(_Bin(total.reference / len(group), len(group), total))
    return bins


# --- reliability ----------------------------------------------------------------------------------


def plot_reliability(reliability: Reliability, path: Path) -> None:
    """Draw the share of wrong tokens against their doubt (1 - confidence), both on log scales, over
    the number of tokens of each bin.

    Nearly all tokens are almost certain: only in doubt on a log scale can one see them apart.

    Raises:
        MissingDependencyError: matplotlib is not installed.
        OutputError: the plot cannot be written.
    """
    figure = new_figure(7.0, 6.4)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.set_title("Reliability of confidence", loc="left")
    filled = [item for item in reliability.bins if item.tokens]
    if filled:
        _draw_reliability(upper, filled)
        _draw_bins(lower, filled)
    else:
        _say_nothing(upper, "No token has a confidence")
    save_figure(figure, path)


_LEAST_DOUBT = 1e-4


def _draw_reliability(axes: Axes, bins: Sequence[ReliabilityBin]) -> None:
    axes.plot(
        [_LEAST_DOUBT, 1], [_LEAST_DOUBT, 1], color=_MUTED, linestyle="--", label="well calibrated"
    )
    for low, high, least, most in PROMISES:
        left, right = max(1 - high, _LEAST_DOUBT), 1 - low
        axes.fill_between(
            [left, right], max(least, _LEAST_DOUBT / 2), most, color=_BLUE, alpha=0.12, linewidth=0
        )
    doubts = [max(1 - (item.mean_confidence or 0), _LEAST_DOUBT) for item in bins]
    shares = [max(item.wrong_share or 0, _LEAST_DOUBT) for item in bins]
    axes.plot(doubts, shares, color=_ORANGE, marker="o", linewidth=2, label="tokens of a bin")
    for item, x, y in zip(bins, doubts, shares, strict=True):
        axes.annotate(
            f"{100 * (item.wrong_share or 0):.3g} %",
            (x, y),
            xytext=(0, 8),
            textcoords="offset points",
            ha="center",
            fontsize=7,
        )
    for scale in (axes.set_xscale, axes.set_yscale):
        scale("log")
    axes.yaxis.set_major_formatter(_format_plain)
    axes.set_ylabel("share of wrong tokens")
    axes.legend(frameon=False, fontsize=8, loc="upper left", title="shaded: what is asked for")


def _draw_bins(axes: Axes, bins: Sequence[ReliabilityBin]) -> None:
    lefts = [max(1 - item.high, _LEAST_DOUBT / 2) for item in bins]
    widths = [1 - item.low - left for item, left in zip(bins, lefts, strict=True)]
    axes.bar(lefts, [item.tokens for item in bins], widths, align="edge", color=_BLUE, alpha=0.6)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(_format_plain)
    axes.xaxis.set_major_formatter(_format_plain)
    axes.set_ylabel("tokens")
    axes.set_xlabel("doubt: 1 - confidence")


# --- training -------------------------------------------------------------------------------------


def plot_training(log: Path, path: Path) -> None:
    """Draw loss, and symbol and sequence error rate on validation, from a training log (CSV).

    Raises:
        InputError: the log cannot be read or lacks a column.
        MissingDependencyError: matplotlib is not installed.
        OutputError: the plot cannot be written.
    """
    training = read_training_log(log)
    figure = new_figure(8.0, 6.4)
    upper, lower = figure.subplots(2, 1, sharex=True)
    _draw_loss(upper, training)
    _draw_rates(lower, training)
    lower.set_xlabel("training step")
    save_figure(figure, path)


def plot_runs(logs: Mapping[str, Path], path: Path) -> None:
    """Draw symbol error rate on validation against the step, a curve for each run's log.

    Runs of one recipe with several seeds, named alike, share a colour.

    Raises:
        InputError, MissingDependencyError, OutputError: as `plot_training`.
    """
    figure = new_figure(8.0, 4.8)
    axes = figure.subplots()
    axes.set_title("Symbol error rate on validation", loc="left")
    names = list(dict.fromkeys(name.rpartition("-")[0] for name in logs))
    for name, log in logs.items():
        training, group = read_training_log(log), name.rpartition("-")[0]
        percent = [100 * rate for rate in training.symbol_error_rates]
        label = group if name == next(n for n in logs if n.startswith(f"{group}-")) else None
        colour = f"C{names.index(group) % 10}"
        axes.plot(training.validated_steps, percent, color=colour, linewidth=1.2, label=label)
    axes.set_xlabel("training step")
    axes.set_ylabel("%")
    axes.legend(frameon=False, fontsize=8)
    save_figure(figure, path)


def read_training_log(path: Path) -> TrainingLog:
    """Read the columns step, loss and validation_* of a training log; empty cells are skipped.

    Raises:
        InputError: the log cannot be read or lacks a column.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            rows = list(reader)
        missing = _LOG_COLUMNS.difference(reader.fieldnames or ())
        if missing:
            raise ValueError(f"no column {', '.join(sorted(missing))}")
        if any(None in row.values() for row in rows):
            raise ValueError("a line is cut off")
        losses = [(int(row["step"]), float(row["loss"])) for row in rows if row["loss"]]
        validated = [row for row in rows if row["validation_symbol_error_rate"]]
        return TrainingLog(
            tuple(step for step, _ in losses),
            tuple(loss for _, loss in losses),
            tuple(int(row["step"]) for row in validated),
            tuple(float(row["validation_symbol_error_rate"]) for row in validated),
            tuple(float(row["validation_sequence_error_rate"]) for row in validated),
        )
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(
            f"Cannot read the training log {path} ({error}); "
            "check that it is a whole log.csv written by omr train."
        ) from error


def _draw_loss(axes: Axes, training: TrainingLog) -> None:
    axes.set_title("Training loss", loc="left")
    if not training.steps:
        _say_nothing(axes, "No loss was logged yet")
        return
    axes.plot(training.steps, training.losses, color=_MUTED, linewidth=1.2)
    if min(training.losses) > 0:  # focal loss with a gamma above 0 may reach 0
        _use_log_scale(axes)
    axes.set_ylabel("loss")


def _draw_rates(axes: Axes, training: TrainingLog) -> None:
    axes.set_title("Error rate on validation", loc="left")
    if not training.validated_steps:
        _say_nothing(axes, "Nothing was validated yet")
        return
    curves = (
        ("symbol error rate", _BLUE, training.symbol_error_rates),
        ("sequence error rate", _ORANGE, training.sequence_error_rates),
    )
    for name, colour, rates in curves:
        percent = [100 * rate for rate in rates]
        label = f"{name}, last {percent[-1]:.1f} %"
        axes.plot(
            training.validated_steps, percent, color=colour, marker="o", markersize=3, label=label
        )
    if min(training.symbol_error_rates + training.sequence_error_rates) > 0:
        _use_log_scale(axes)
    axes.set_ylabel("%")
    axes.legend(frameon=False, fontsize=8, loc="lower left")


def _use_log_scale(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(_format_plain)


# --- figures --------------------------------------------------------------------------------------


def new_figure(width: float, height: float) -> Figure:
    """A figure of width x height inches that needs no display.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError(
            "Plots need matplotlib; install it with: pip install 'omrcli[plots]'"
        ) from error
    return Figure(figsize=(width, height), dpi=_DOTS_PER_INCH, layout="constrained")


def _say_nothing(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, color=_MUTED)
    axes.set_xticks([])
    axes.set_yticks([])


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, with light grids where data are drawn.

    Raises:
        OutputError: the file cannot be written.
    """
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        if not axes.images and axes.has_data():
            axes.grid(color="#e6e6e6", linewidth=0.6)
            axes.set_axisbelow(True)
    content = io.BytesIO()
    # Without the software entry the same data give the same bytes.
    figure.savefig(content, format="png", metadata={"Software": None})
    write_file(path, content.getvalue())
