"""Write docs/cli.md: every command with its arguments and options, as the code has them.

`python -m docs.make_cli`
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from omrcli.cli.app import app
from omrcli.cli.commands import list_commands
from omrcli.settings.commands import Argument, Command, Option
from omrcli.settings.values import SHARED

TARGET = Path(__file__).parent / "cli.md"
COMMAND = "python -m docs.make_cli"

INTRODUCTION = f"""\
# Commands

This page is made from the commands themselves: `{COMMAND}`. `omr COMMAND --help` says the same.

Results go to standard output or to files; notes and errors go to standard error. Every command has
`--quiet` (only errors are said) and `--verbose` (more is said, and an error tells where in the
code; it is the stronger of the two). Colours and bars are for terminals: a pipe gets plain text,
`NO_COLOR` takes colours away, `FORCE_COLOR` gives them to a pipe, `TERM=dumb` gets no escape codes.

Exit status: 0 done, 1 internal error, 2 usage, 3 input, 4 nothing recognised, 5 model, 6 missing
dependency, 7 output, 8 some inputs of several failed, 130 interrupted: [errors.md](errors.md).
Where nobody reads standard output to its end (`| head`), a result meant for it ends the command
with 7 and no message, after all that goes to files is written; messages that nobody reads are
dropped, and change no status.

Each option can have a default of your own: its name without the dashes is a key in a file
`omr.toml`, and the variables in the last column do the same. Which of them counts:
[settings.md](settings.md).

`omr --install-completion` makes the tab key complete commands, options and their values, in bash,
zsh, fish and PowerShell; `omr --show-completion` prints the script.
"""


def main() -> None:
    """Write the page."""
    TARGET.write_text(make_page(), encoding="utf-8")


def make_page() -> str:
    """The whole page as Markdown."""
    commands = list_commands(app)
    parts = [INTRODUCTION, "\n".join(_list(commands)), *map(_describe, commands)]
    return "\n".join(parts)


def _list(commands: list[Command]) -> Iterator[str]:
    yield "| command | what it does |"
    yield "| --- | --- |"
    for command in commands:
        anchor = f"omr-{'-'.join(command.path)}"
        yield f"| [`omr {command.title}`](#{anchor}) | {_first_line(command)} |"
    yield ""


def _describe(command: Command) -> str:
    """A section: how the command is called, what it does, a table of arguments and of options."""
    words = [f"omr {command.title}", "[OPTIONS]", *(each.metavar for each in command.arguments)]
    lines = [f"## omr {command.title}", "", "```", " ".join(words), "```", "", command.help, ""]
    if command.arguments:
        lines += ["| argument | |", "| --- | --- |", *map(_argument_row, command.arguments), ""]
    lines += ["| option | | variable |", "| --- | --- | --- |"]
    lines += [_option_row(command, option) for option in command.options]
    return "\n".join([*lines, ""])


def _first_line(command: Command) -> str:
    return command.help.splitlines()[0] if command.help else ""


def _argument_row(argument: Argument) -> str:
    return f"| {_code(argument.metavar)} | {_cell(argument.help)} |"


def _option_row(command: Command, option: Option) -> str:
    spelled = ", ".join(_code(text) for text in sorted(option.spellings, key=len))
    value = "" if option.kind is bool else " " + _code(option.metavar or _kind(option))
    notes = [option.help, *_limits(option), *_default(option)]
    names = f"`OMR_{_variable((*command.path, option.key))}`"
    if option.key in SHARED:
        names += f" `OMR_{_variable((option.key,))}`"
    return f"| {spelled}{value} | {_cell(' '.join(filter(None, notes)))} | {names} |"


def _kind(option: Option) -> str:
    return {int: "INTEGER", float: "NUMBER"}.get(option.kind, "TEXT")


def _limits(option: Option) -> Iterator[str]:
    low, high = option.minimum, option.maximum
    if low is not None and high is not None:
        yield f"From {low:g} to {high:g}."
    elif low is not None and low > 0:
        yield f"At least {low:g}."


def _default(option: Option) -> Iterator[str]:
    if option.required:
        yield "Required."
    elif option.default not in (None, False) and "Default:" not in option.help:
        yield f"Default: {_code(str(option.default))}."


def _variable(words: tuple[str, ...]) -> str:
    return "_".join(words).upper().replace("-", "_")


def _code(text: str) -> str:
    return f"`{_cell(text)}`"


def _cell(text: str) -> str:
    """Text that can stand in a cell of a table."""
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


if __name__ == "__main__":
    main()
