"""`omr synth`: random and engraved music to samples with exact truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .failures import exit_on_error, require_packages, say
from .options import QuietOption, VerboseOption
from .progress import show_progress

OutDir = Annotated[
    Path,
    typer.Argument(
        metavar="OUTDIR", help="Folder for the samples; one that is there is completed."
    ),
]
Number = Annotated[int, typer.Option("-n", "--number", min=1, help="How many samples to make.")]
Corpora = Annotated[
    list[Path] | None,
    typer.Option(
        "--corpus",
        metavar="PATH",
        help="Music to engrave: RISM Plaine and Easie JSON, MusicXML, Humdrum, ABC or MEI; may be "
        "repeated. Default: the tunes that music21 ships.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option(help="The same seed gives the same files, to the byte.")]
Jobs = Annotated[int, typer.Option(min=0, help="Processes; 0 takes one for each core.")]
Degrade = Annotated[
    str,
    typer.Option(metavar="none|staff|scan|photo", help="How the images are worn after engraving."),
]
RandomShare = Annotated[
    float,
    typer.Option("--random", min=0, max=1, help="Share of samples that are random music."),
]
ClutterShare = Annotated[
    float,
    typer.Option("--clutter", min=0, max=1, help="Share of staves with slurs, words and the like."),
]
ClutterRate = Annotated[
    list[str] | None,
    typer.Option(
        "--clutter-rate",
        metavar="KIND=RATE",
        help="Share of those staves that show a kind, such as lyrics=0.3; may be repeated.",
        show_default=False,
    ),
]
RareShare = Annotated[
    float,
    typer.Option("--rare", min=0, max=1, help="Share of the random music around rare tokens."),
]
ChangedShare = Annotated[
    float,
    typer.Option(
        "--changes",
        min=0,
        max=1,
        help="Share of the excerpts of corpora with changes of clef, key or barline put in.",
    ),
]
EnrichedShare = Annotated[
    float,
    typer.Option(
        "--enrich",
        min=0,
        max=1,
        help="Share of the excerpts of corpora with chords, triplets, ties or grace notes put in.",
    ),
]
UncommonShare = Annotated[
    float,
    typer.Option(
        "--uncommon",
        min=0,
        max=1,
        help="Share of all staves with octave clefs, percussion clefs, measure repeats or slashes.",
    ),
]
Vocabulary = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Tokens of which the rare ones are composed. Default: those of the grammar.",
        show_default=False,
    ),
]
Sheet = Annotated[
    Path | None,
    typer.Option(
        metavar="PNG",
        help="Also show the first samples on one picture, with names and tokens.",
        show_default=False,
    ),
]
Engraver = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="verovio; musescore or lilypond (if installed); mixed (all that are installed), or "
        "shares such as verovio:3,musescore:1.",
    ),
]
MaxFiles = Annotated[int, typer.Option(min=1, help="Files read of each corpus, at most.")]


def synth(
    outdir: OutDir,
    number: Number = 100,
    corpus: Corpora = None,
    seed: Seed = 0,
    jobs: Jobs = 0,
    degrade: Degrade = "none",
    random_share: RandomShare = 0.35,
    max_files: MaxFiles = 400,
    clutter: ClutterShare = 0.75,
    clutter_rate: ClutterRate = None,
    rare_share: RareShare = 0.3,
    changed_share: ChangedShare = 0.15,
    enriched_share: EnrichedShare = 0.2,
    uncommon_share: UncommonShare = 0.1,
    vocabulary: Vocabulary = None,
    sheet: Sheet = None,
    engraver: Engraver = "verovio",
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Engrave samples with exact truth (needs the extra `synth`)."""
    with exit_on_error(verbose, quiet):
        require_packages("verovio", "resvg_py")
        from omrcli.synth.clutter import read_rates
        from omrcli.synth.dataset import SynthOptions, write_samples

        options = SynthOptions(
            count=number,
            seed=seed,
            jobs=jobs,
            corpora=tuple(corpus or ()),
            degrade=degrade,
            random_share=random_share,
            max_files=max_files,
            clutter=read_rates(clutter, clutter_rate or ()),
            rare_share=rare_share,
            changed_share=changed_share,
            enriched_share=enriched_share,
            uncommon_share=uncommon_share,
            vocabulary=vocabulary,
            engraver=engraver,
        )
        with show_progress("engraving", number) as advance:
            written = write_samples(outdir, options, advance)
        say(f"wrote {written} samples to {outdir}")
        if sheet:
            from omrcli.synth.sheet import write_sheet

            say(f"wrote a sheet of {write_sheet(sheet, outdir)} samples to {sheet}")
