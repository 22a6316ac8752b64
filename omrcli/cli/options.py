"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="PATH|NAME",
        help="Model file, or the name of an installed model. Default: the model in the box.",
    ),
]
DeviceOption = Annotated[
    str,
    typer.Option(
        "--device", metavar="auto|cpu|cuda", help="Where the network runs; auto takes a usable GPU."
    ),
]
BeamOption = Annotated[
    int,
    typer.Option(
        "--beam", min=1, help="Hypotheses kept when weighing readings as music; 1 is greedy."
    ),
]
BatchOption = Annotated[
    int, typer.Option("--batch-size", min=1, help="Staves read together by the network.")
]
ThreadsOption = Annotated[
    int, typer.Option("--threads", min=0, help="CPU threads of the network; 0 takes all cores.")
]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say more on stderr; show tracebacks of errors.")
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="Say nothing on stderr but errors.")
]
TempoOption = Annotated[
    float | None,
    typer.Option(
        "--tempo",
        min=10,
        max=1000,
        help="Tempo in quarter notes a minute. Default: that of the source; without one, none in "
        "MusicXML and 120 in MIDI.",
        show_default=False,
    ),
]
TitleOption = Annotated[
    str | None,
    typer.Option(
        "--title",
        help="Title in MusicXML, in MIDI and on pages. Default: what the source says of itself.",
        show_default=False,
    ),
]
ComposerOption = Annotated[
    str | None,
    typer.Option(
        "--composer",
        help="Composer in MusicXML and on pages. Default: what the source says of itself.",
        show_default=False,
    ),
]
NoLayoutOption = Annotated[
    bool, typer.Option("--no-layout", help="Leave line and page breaks out of what is written.")
]
