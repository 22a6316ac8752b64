"""`omr data`: what a folder of samples holds, smaller sets, and lists for training and test."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from .failures import exit_on_error, require_packages, say, write_stdout
from .options import QuietOption, VerboseOption
from .progress import make_console, print_table, show_progress

if TYPE_CHECKING:
    from omrcli.datasets import corpus
    from omrcli.datasets.statistics import DatasetStatistics

data_app = typer.Typer(
    help="Describe folders of samples, draw smaller sets and split them.", no_args_is_help=True
)

Folders = Annotated[
    list[Path],
    typer.Argument(metavar="DIR...", help="Folders of samples.", show_default=False),
]
Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="Folder of samples.", show_default=False)
]
Sources = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[PATH]...",
        help="Folders of samples, or corpora of music as omr synth reads them.",
        show_default=False,
    ),
]
Encoding = Annotated[
    str, typer.Option(metavar="semantic|agnostic", help="Which truth files to count.")
]
JsonFile = Annotated[
    str | None, typer.Option("--json", metavar="FILE|-", help="Write all figures as JSON.")
]
Plots = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Draw the figures as PNG (needs the extra `plots`)."),
]
Seed = Annotated[int, typer.Option(help="The same seed gives the same result.")]
Number = Annotated[int, typer.Option("-n", "--number", min=1, help="How many samples to draw.")]
MaxVocabulary = Annotated[
    int | None,
    typer.Option(min=1, help="Most different tokens of all drawn samples together. Default: any."),
]
ListFile = Annotated[
    Path | None,
    typer.Option(
        "--list", metavar="FILE", help="Write the ids to a file. Default: standard output."
    ),
]
CopyTo = Annotated[
    Path | None,
    typer.Option("-o", "--out", metavar="FOLDER", help="Copy the samples to a folder."),
]
Only = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Take the samples of this list only, one id a line."),
]
Test = Annotated[float, typer.Option(min=0, max=1, help="Share of the samples for test.")]
Validation = Annotated[
    float, typer.Option(min=0, max=1, help="Share of the samples for validation.")
]
Out = Annotated[
    Path,
    typer.Option("-o", "--out", metavar="FOLDER", help="Folder for train.txt, test.txt ..."),
]
Vocabulary = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Tokens to look for, such as the vocabulary of PrIMuS. Default: those of the grammar.",
        show_default=False,
    ),
]
Composed = Annotated[
    int, typer.Option(min=0, help="Random staves to compose and count, without and with --rare.")
]
RareShare = Annotated[
    float, typer.Option("--rare", min=0, max=1, help="Share composed around rare tokens.")
]
MaxFiles = Annotated[int, typer.Option(min=1, help="Files read of each corpus, at most.")]


@data_app.command()
def stats(
    folders: Folders,
    json_file: JsonFile = None,
    plots: Plots = None,
    encoding: Encoding = "semantic",
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Count the tokens of samples: frequencies, lengths, kinds, rare tokens."""
    with exit_on_error(verbose, quiet):
        from omrcli.datasets.statistics import count_tokens, statistics_tables, statistics_to_json

        if plots:
            require_packages("matplotlib", "wordcloud")
        samples = [one for folder in folders for one in _find_samples(folder, encoding)]
        statistics = count_tokens(sample.tokens for sample in samples)
        _give_json(statistics_to_json(statistics), json_file)
        if json_file != "-":
            console = make_console()
            for table in statistics_tables(statistics):
                print_table(console, table)
        if plots:
            from omrcli.datasets.plots import plot_statistics

            for path in plot_statistics(statistics, plots):
                say(f"wrote {path}")


@data_app.command()
def sample(
    folder: Folder,
    number: Number = 1250,
    max_vocabulary: MaxVocabulary = None,
    out: CopyTo = None,
    list_file: ListFile = None,
    seed: Seed = 0,
    encoding: Encoding = "semantic",
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Draw samples at random, with few different tokens if wanted, as a list or a copy."""
    with exit_on_error(verbose, quiet):
        from omrcli.datasets.splits import draw_sample_ids
        from omrcli.datasets.statistics import count_tokens

        samples = {one.id: one for one in _find_samples(folder, encoding)}
        tokens = {name: frozenset(one.tokens) for name, one in samples.items()}
        ids = draw_sample_ids(tokens, number, max_vocabulary, seed)
        if out:
            _copy_samples([samples[name] for name in ids], out)
        if list_file:
            _write_list(list_file, ids)
        if not out and not list_file:
            write_stdout(_format_list(ids))
        drawn = count_tokens(samples[name].tokens for name in ids)
        say(f"drew {number} of {len(samples)} samples with {len(drawn.counts)} different tokens")


@data_app.command()
def split(
    folder: Folder,
    out: Out,
    test: Test = 0.2,
    validation: Validation = 0.0,
    only: Only = None,
    seed: Seed = 0,
    encoding: Encoding = "semantic",
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Divide samples into lists for training and test that share their rare tokens."""
    with exit_on_error(verbose, quiet):
        from omrcli.datasets.corpus import read_split, select_samples
        from omrcli.datasets.splits import SplitOptions, split_samples
        from omrcli.output import make_folder

        options = SplitOptions(test, validation, seed)
        samples = _find_samples(folder, encoding)
        if only:
            samples = select_samples(samples, read_split(only))
        parts = split_samples({one.id: frozenset(one.tokens) for one in samples}, options)
        make_folder(out)
        for name, ids in parts.items():
            _write_list(out / f"{name}.txt", ids)


@data_app.command()
def tail(
    sources: Sources = None,
    vocabulary: Vocabulary = None,
    composed: Composed = 5000,
    rare_share: RareShare = 0.3,
    json_file: JsonFile = None,
    plots: Plots = None,
    seed: Seed = 0,
    max_files: MaxFiles = 400,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Compare how often samples, corpora and composed music show the tokens of a vocabulary."""
    with exit_on_error(verbose, quiet):
        from omrcli.datasets.statistics import tail_table, tail_to_json
        from omrcli.synth.rarity import list_grammar
        from omrcli.tokens import read_semantic

        if plots:
            require_packages("matplotlib")
        wanted = read_semantic(vocabulary) if vocabulary else list(list_grammar())
        counted = {str(path): _count_source(path, max_files) for path in sources or ()}
        mixes: dict[str, tuple[float, Path | None]] = {"composed": (0.0, None)}
        if rare_share:
            mixes[f"composed, {100 * rare_share:g} % rare"] = (rare_share, None)
            if vocabulary:
                mixes[f"composed, {100 * rare_share:g} % by --vocabulary"] = (
                    rare_share,
                    vocabulary,
                )
        for name, (share, file) in mixes.items() if composed else ():
            counted[name] = _count_composed(composed, share, seed, file)
        _give_json(tail_to_json(counted, wanted), json_file)
        if json_file != "-":
            print_table(make_console(), tail_table(counted, wanted))
        if plots:
            _plot_tail(counted, wanted, plots)


def _count_source(path: Path, max_files: int) -> DatasetStatistics:
    """Count samples, or excerpts where a path holds music and no samples."""
    import random

    from omrcli.datasets.corpus import find_samples
    from omrcli.datasets.statistics import count_tokens
    from omrcli.errors import InputError
    from omrcli.tokens import project_primus

    try:
        return count_tokens(project_primus(one.tokens) for one in find_samples(path))
    except InputError:
        if not path.exists():
            raise
    from omrcli.synth.sources import SourceOptions, load_excerpts

    excerpts = load_excerpts(path, random.Random(0), SourceOptions(max_files=max_files))
    return count_tokens(project_primus(texts) for texts in excerpts)


def _count_composed(
    number: int, share: float, seed: int, vocabulary: Path | None
) -> DatasetStatistics:
    """Count what omr synth composes; sample k is drawn from the seed and k alone."""
    import numpy as np

    from omrcli.datasets.statistics import count_tokens
    from omrcli.synth.dataset import SynthOptions, compose_staff
    from omrcli.tokens import project_primus

    options = SynthOptions(seed=seed, rare_share=share, vocabulary=vocabulary)
    staves = []
    with show_progress("composing", number) as advance:
        for index in range(number):
            texts = compose_staff(options, np.random.default_rng((seed, index)))
            staves.append(project_primus(texts))
            advance()
    return count_tokens(staves)


def _plot_tail(
    counted: Mapping[str, DatasetStatistics], wanted: Sequence[str], folder: Path
) -> None:
    from omrcli.datasets.plots import plot_tail
    from omrcli.output import make_folder

    make_folder(folder)
    plot_tail(counted, wanted, folder / "tail.png")
    say(f"wrote {folder / 'tail.png'}")


def _find_samples(folder: Path, encoding: str) -> list[corpus.Sample]:
    from omrcli.datasets.corpus import find_samples

    return find_samples(folder, cast("corpus.Encoding", encoding))


def _give_json(content: Mapping[str, object], json_file: str | None) -> None:
    if json_file is None:
        return
    encoded = (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
    if json_file == "-":
        write_stdout(encoded)
        return
    from omrcli.output import write_file

    write_file(Path(json_file), encoded)


def _format_list(ids: Sequence[str]) -> bytes:
    return "".join(f"{name}\n" for name in ids).encode()


def _write_list(path: Path, ids: Sequence[str]) -> None:
    from omrcli.output import write_file

    write_file(path, _format_list(ids))
    say(f"wrote {len(ids)} samples to {path}")


def _copy_samples(samples: Sequence[corpus.Sample], out: Path) -> None:
    """Copy image and truth of each sample to FOLDER/ID/."""
    from omrcli.errors import InputError
    from omrcli.output import make_folder, write_file

    for one in samples:
        make_folder(out / one.id)
        for file in (one.image, one.truth):
            try:
                content = file.read_bytes()
            except OSError as error:
                raise InputError(f"Cannot read {file}: {error}; check the folder.") from error
            write_file(out / one.id / file.name, content)
    say(f"copied {len(samples)} samples to {out}")
