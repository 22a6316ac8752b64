"""The command `omr`: parses, calls, prints, exits; what is heavy is imported inside commands."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from omrcli import __version__
from omrcli.errors import ExitCode

from .ablation import ablate
from .calibrate import calibrate
from .convert import convert, view
from .data import data_app
from .doctor import doctor
from .eval import evaluate
from .failures import leave_pipe, open_streams, say
from .models import models_app
from .settings import apply_settings, settings
from .synth import synth
from .training import export, train
from .transcribe import transcribe

#: The variable by which a shell asks typer for completions.
COMPLETION_VARIABLE = "_OMR_COMPLETE"

app = typer.Typer(
    name="omr",
    help="Read sheet music: from the image of a staff to MusicXML and MIDI.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich help costs 0.1 s more at every start
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(transcribe)
app.command()(synth)
app.command()(train)
app.command()(export)
app.command("eval")(evaluate)
app.command()(calibrate)
app.command()(convert)
app.command()(view)
app.command()(ablate)
app.command()(doctor)
app.command()(settings)
app.add_typer(models_app, name="models")
app.add_typer(data_app, name="data")


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"omr {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    ctx: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    apply_settings(ctx)


def main() -> None:
    """Run the command line and end the process with its exit status."""
    open_streams()
    if COMPLETION_VARIABLE in os.environ:  # a shell asks; it takes longer than a usual start
        from .completion import add_values

        add_values(app)
    try:
        app(prog_name="omr")
    except KeyboardInterrupt:  # outside the body of any command
        say("Interrupted.")
        sys.exit(ExitCode.INTERRUPT)
    except BrokenPipeError:
        leave_pipe()
        sys.exit(ExitCode.OUTPUT)


if __name__ == "__main__":
    main()
