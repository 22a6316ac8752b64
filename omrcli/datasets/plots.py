"""Statistics of samples -> PNG plots: frequencies, lengths, kinds, a word cloud, the long tail.

The only module that imports wordcloud, and only when a word cloud is drawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from omrcli.errors import MissingDependencyError
from omrcli.output import make_folder
from omrcli.plots import new_figure, save_figure

from .statistics import KINDS, DatasetStatistics, kind_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Colour of each kind; those that are drawn side by side differ in lightness too.
_COLOURS = dict(
    zip(
        KINDS,
        ("#882255", "#aa4499", "#cc6677", "#2166ac", "#44aa99", "#88ccee", "#ddaa33", "#997700",
         "#117733", "#999999", "#222222"),
        strict=True,
    )
)  # fmt: skip
_CURVES = ("#2166ac", "#c2570c", "#117733", "#882255", "#997700", "#44aa99")
_BARS, _WORDS = 40, 300
_SQUARES, _ROWS = 400, 10
_MOST_RANKS = 1.15  # room on the right of the long tail


def plot_statistics(statistics: DatasetStatistics, folder: Path) -> list[Path]:
    """Write frequencies.png, lengths.png, kinds.png and words.png into a folder, made if missing.

    Raises:
        MissingDependencyError: matplotlib or wordcloud is not installed.
        OutputError: the folder or a plot cannot be written.
    """
    make_folder(folder)
    drawings = (
        ("frequencies.png", plot_frequencies),
        ("lengths.png", plot_lengths),
        ("kinds.png", plot_kinds),
        ("words.png", plot_words),
    )
    for name, draw in drawings:
        draw(statistics, folder / name)
    return [folder / name for name, _ in drawings]


def plot_frequencies(statistics: DatasetStatistics, path: Path) -> None:
    """Draw the most frequent tokens as bars, coloured by kind."""
    shown = statistics.ranked[:_BARS]
    figure = new_figure(8.0, 1.6 + 0.2 * len(shown))
    axes = figure.subplots()
    names = [text for text, _ in shown]
    kinds = [kind_of(text) for text in names]
    bars = axes.barh(names, [n for _, n in shown], color=[_COLOURS[kind] for kind in kinds])
    axes.bar_label(bars, padding=3, fontsize=7)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0, labelsize=8)
    axes.margins(x=0.1, y=0.01)
    axes.set_xlabel("occurrences")
    axes.set_title(f"The {len(shown)} most frequent of {len(statistics.counts)} tokens", loc="left")
    _explain_colours(axes, kinds)
    save_figure(figure, path)


def _explain_colours(axes: Axes, kinds: Sequence[str]) -> None:
    for kind in KINDS:
        if kind in kinds:
            axes.scatter([], [], marker="s", color=_COLOURS[kind], label=kind)
    axes.legend(frameon=False, fontsize=8, loc="lower right")


def plot_lengths(statistics: DatasetStatistics, path: Path) -> None:
    """Draw the sequence lengths as a box plot over their histogram."""
    figure = new_figure(8.0, 4.2)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2.4))
    lengths = statistics.lengths
    upper.boxplot(
        lengths,
        orientation="horizontal",
        widths=0.6,
        patch_artist=True,
        boxprops={"facecolor": "#cfe0f0", "edgecolor": _CURVES[0]},
        medianprops={"color": _CURVES[1], "linewidth": 2},
        flierprops={"marker": ".", "markersize": 4, "alpha": 0.4},
    )
    upper.set_yticks([])
    upper.set_title(f"Tokens in each of {len(lengths)} samples", loc="left")
    width = max(1, (max(lengths) - min(lengths)) // 60)
    edges = range(min(lengths), max(lengths) + width + 1, width)
    lower.hist(lengths, bins=list(edges), color=_CURVES[0], align="left")
    lower.set_ylabel("samples")
    lower.set_xlabel("tokens")
    save_figure(figure, path)


def plot_kinds(statistics: DatasetStatistics, path: Path) -> None:
    """Draw the share of each kind as a waffle chart: 400 squares, each 0.25 % of all tokens."""
    shares = {kind: one.occurrences for kind, one in statistics.kinds.items()}
    squares = share_squares(shares, _SQUARES)
    figure = new_figure(9.0, 3.3)
    axes = figure.subplots()
    place = 0
    for kind, number in squares.items():
        cells = range(place, place + number)
        place += number
        percent = 100 * shares[kind] / statistics.tokens
        axes.scatter(
            [cell // _ROWS for cell in cells],
            [-(cell % _ROWS) for cell in cells],
            marker="s",
            s=110,
            color=_COLOURS[kind],
            linewidths=0,
            label=f"{kind} {percent:.{1 if percent >= 0.1 else 2}f} %",
        )
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_title("Kinds of tokens: a square is 0.25 % of all tokens", loc="left")
    axes.legend(frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, 0.02), ncols=5)
    save_figure(figure, path)


def share_squares(shares: Mapping[str, int], squares: int) -> dict[str, int]:
    """Share out squares in proportion, by largest remainders; what occurs gets one at least."""
    total = sum(shares.values())
    exact = {name: squares * share / total for name, share in shares.items() if share}
    given = {name: max(1, int(value)) for name, value in exact.items()}
    while (left := squares - sum(given.values())) != 0:
        step = 1 if left > 0 else -1
        name = max(exact, key=lambda one: step * (exact[one] - given[one]))
        given[name] += step
    return given


def plot_words(statistics: DatasetStatistics, path: Path) -> None:
    """Draw a word cloud: the more frequent a token, the larger.

    Raises:
        MissingDependencyError: wordcloud or matplotlib is not installed.
        OutputError: the plot cannot be written.
    """
    try:
        from wordcloud import WordCloud
    except ImportError as error:
        raise MissingDependencyError(
            "Word clouds need wordcloud; install it with: pip install 'omrcli[plots]'"
        ) from error
    cloud = WordCloud(
        width=1080,
        height=600,
        background_color="white",
        max_words=_WORDS,
        prefer_horizontal=0.9,
        color_func=lambda word, **_: _COLOURS[kind_of(word)],
        random_state=0,  # the same counts give the same picture
    ).generate_from_frequencies(Counter(statistics.counts))
    figure = new_figure(9.0, 5.0)
    axes = figure.subplots()
    axes.imshow(cloud.to_array(), interpolation="bilinear")
    axes.set_axis_off()
    save_figure(figure, path)


def plot_tail(
    sources: Mapping[str, DatasetStatistics], vocabulary: Sequence[str], path: Path
) -> None:
    """Draw how often each source shows the tokens of a vocabulary, by rank on two log axes.

    Each curve ends where its tokens do: what never occurs has no place on a log axis.

    Raises:
        MissingDependencyError: matplotlib is not installed.
        OutputError: the plot cannot be written.
    """
    figure = new_figure(8.0, 5.2)
    axes = figure.subplots()
    size = len(set(vocabulary))
    for number, (name, source) in enumerate(sources.items()):
        seen = sorted((source.counts.get(text, 0) for text in set(vocabulary)), reverse=True)
        seen = [count for count in seen if count]
        label = f"{name}: {len(source.lengths)} staves, {len(seen)} of {size} tokens seen"
        colour = _CURVES[number % len(_CURVES)]
        axes.plot(range(1, len(seen) + 1), seen, color=colour, linewidth=1.8, label=label)
        if seen:
            axes.plot(len(seen), seen[-1], marker="o", markersize=4, color=colour)
    axes.axvline(size, color="#8a8a8a", linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(0.9, size * _MOST_RANKS)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel("rank of the token in its source")
    axes.set_ylabel("occurrences")
    axes.set_title(f"The long tail of {size} tokens", loc="left")
    axes.legend(frameon=False, fontsize=8, loc="lower left")
    save_figure(figure, path)
