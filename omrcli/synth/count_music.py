"""`python -m omrcli.synth.count_music CORPUS ...`: corpora -> the tables of language.py.

A corpus is anything that `omr synth --corpus` takes, or a list of token lists as `.json.gz` whose
name ends in `.tokens.json.gz`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from omrcli.errors import InputError, TokenError
from omrcli.output import write_file
from omrcli.reading.alphabet import PositionalCodec, shown_accidentals
from omrcli.reading.language import (
    LANGUAGE_FILE,
    Counts,
    count_accidentals,
    count_units,
    counts_to_bytes,
)
from omrcli.tokens import parse_symbol

from .enrichment import enrich_excerpt
from .rhythm import Dice
from .sources import SourceOptions, load_excerpts

#: Excerpts counted of each corpus, so that none drowns the others.
_MOST_EXCERPTS = 10_000


def count_music(excerpts: Iterable[Sequence[str]]) -> Counts:
    """Count staves given as token texts; those that the positional alphabet cannot spell are left
    out."""
    counts = Counts()
    codec = PositionalCodec()
    for texts in excerpts:
        try:
            names = [codec.units[index] for index in codec.encode(texts)]
        except TokenError:
            continue
        count_units(names, counts)
        count_accidentals(texts, shown_accidentals([parse_symbol(text) for text in texts]), counts)
    return counts


def read_corpus(path: Path, held_out: float, max_files: int) -> list[Sequence[str]]:
    """The excerpts of a corpus, without the last `held_out` (0..1) of them.

    Raises:
        InputError: the corpus does not exist, or holds nothing readable.
    """
    if path.name.endswith(".tokens.json.gz"):
        try:
            found: list[Sequence[str]] = json.loads(gzip.decompress(path.read_bytes()))
        except (OSError, EOFError, ValueError) as error:
            raise InputError(f"Cannot read {path}: {error}.") from error
    else:
        found = list(load_excerpts(path, random.Random(0), SourceOptions(max_files=max_files)))
    kept = found[: round(len(found) * (1 - held_out))]
    random.Random(0).shuffle(kept)
    return kept[:_MOST_EXCERPTS]


def enrich_some(
    excerpts: Iterable[Sequence[str]], share: float, seed: int = 0
) -> Iterator[Sequence[str]]:
    """The excerpts, `share` (0..1) of them with chords, ties and grace notes put in."""
    dice = Dice(np.random.default_rng(seed))
    for texts in excerpts:
        yield enrich_excerpt(texts, dice) if dice.chance(share) else texts


def main(arguments: Sequence[str] | None = None) -> None:
    """Count the corpora named on the command line and write the file."""
    parser = argparse.ArgumentParser(prog="python -m omrcli.synth.count_music", description=__doc__)
    parser.add_argument("corpus", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=LANGUAGE_FILE, metavar="FILE")
    parser.add_argument(
        "--held-out",
        type=float,
        default=0.1,
        metavar="SHARE",
        help="last part of each corpus that is not counted, but left to tune and test on",
    )
    parser.add_argument(
        "--enrich",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of the excerpts with chords, ties and grace notes put in, as `omr synth` does",
    )
    parser.add_argument("--max-files", type=int, default=4000, help="files read of each corpus")
    options = parser.parse_args(arguments)
    excerpts = [
        texts
        for path in options.corpus
        for texts in read_corpus(path, options.held_out, options.max_files)
    ]
    counts = count_music(enrich_some(excerpts, options.enrich))
    content = counts_to_bytes(counts)
    write_file(options.output, content)
    units = sum(number for (context, _), number in counts.classes.items() if not context)
    size = f"{len(content) / 1000:.0f} KB"
    print(f"wrote {options.output}: {len(excerpts)} staves, {units} units, {size}")


if __name__ == "__main__":
    main()
