"""`omr settings`, and settings as defaults of all commands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omrcli.errors import OmrError

from .failures import exit_on_error, say, show_text
from .options import QuietOption, VerboseOption

if TYPE_CHECKING:
    from omrcli.settings.commands import Command, Option
    from omrcli.settings.values import Setting, Settings
    from omrcli.tables import Table

#: Commands that work whatever the settings are: they tell what is wrong with them.
TOLERANT = ("settings", "doctor")

Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[COMMAND]...", help="Show every option of this command, such as: models list."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def apply_settings(ctx: typer.Context) -> None:
    """Make the settings the defaults of the command that is called."""
    if ctx.resilient_parsing:
        return
    with exit_on_error():
        from omrcli.settings.files import is_anything_set

        try:
            if not is_anything_set():
                return
            from omrcli.settings.values import load_settings

            found = load_settings(list_lazily)
        except OmrError:
            if ctx.invoked_subcommand in TOLERANT:
                return
            raise
        ctx.default_map = found.tree()
        if ctx.invoked_subcommand not in TOLERANT:
            for notice in found.notices:
                say(notice)


def settings(
    command: Words = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Show the defaults in force, and where each is from.

    An option on the command line counts most, then environment variables, then omr.toml of the
    project, then that of the user: see docs/settings.md.
    """
    with exit_on_error(verbose, quiet):
        from omrcli.settings.values import load_settings

        commands = list_lazily()
        found = load_settings(lambda: commands)
        chosen = _choose(commands, tuple(command or ()))
        for notice in found.notices:
            say(notice)
        if as_json:
            print(json.dumps(_record(found, chosen), indent=2, ensure_ascii=False))
            return
        _print_files(found)
        _print_values(found, chosen)


def list_lazily() -> Sequence[Command]:
    """List all commands; that takes some milliseconds, so it is called only where it must."""
    from .app import app
    from .commands import list_commands

    return list_commands(app)


def _choose(commands: Sequence[Command], words: tuple[str, ...]) -> list[Command]:
    """The command that the words call, or those of a group; none for no words.

    Raises:
        UsageError: there is none.
    """
    from omrcli.errors import UsageError

    chosen = [each for each in commands if words and each.path[: len(words)] == words]
    if words and not chosen:
        raise UsageError(f"There is no command {' '.join(words)!r}; `omr --help` lists them.")
    return chosen


def _record(found: Settings, chosen: Sequence[Command]) -> dict[str, Any]:
    return {
        "files": [{"path": str(file.path), "role": file.role} for file in found.files],
        "values": [
            {"command": command, "option": option, "value": value, "source": source}
            for command, option, value, source in _rows(found, chosen)
        ],
    }


def _rows(found: Settings, chosen: Sequence[Command]) -> list[tuple[str, str, Any, str]]:
    """Command, option, value, source: of what is set, or of all options of the chosen."""
    if not chosen:
        return [_set_row(setting) for setting in found.values]
    known = {(each.command, each.option.name): each for each in found.values}
    rows = []
    for command in chosen:
        for option in command.options:
            setting = known.get((command.path, option.name))
            rows.append(_set_row(setting) if setting else _default_row(command, option))
    return rows


def _set_row(setting: Setting) -> tuple[str, str, Any, str]:
    return " ".join(setting.command), setting.option.key, setting.value, setting.source


def _default_row(command: Command, option: Option) -> tuple[str, str, Any, str]:
    default = option.default
    plain = default if isinstance(default, (bool, int, float, str, type(None))) else str(default)
    return command.title, option.key, plain, "default"


def _print_files(found: Settings) -> None:
    from omrcli.settings.files import user_file

    for file in found.files:
        print(show_text(f"{file.role} file: {file.path}"))
    if not found.files:
        print(f"no file of settings; one may be ./omr.toml or {user_file()}")


def _print_values(found: Settings, chosen: Sequence[Command]) -> None:
    from .progress import make_console, print_table

    rows = _rows(found, chosen)
    if rows:
        print_table(make_console(), _tabulate(rows))
    else:
        print("nothing is set")


def _tabulate(rows: Sequence[tuple[str, str, Any, str]]) -> Table:
    from omrcli.tables import Table

    shown = tuple(
        (command, option, _show(value), source) for command, option, value, source in rows
    )
    return Table("Settings", ("command", "option", "value", "from"), shown)


def _show(value: Any) -> str:
    """A value as omr.toml has it; nothing of an option without one."""
    return "" if value is None else json.dumps(value, ensure_ascii=False)
