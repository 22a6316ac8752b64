"""Files and environment variables -> a value for each option that has one, and where it is from.

Of several the strongest counts: environment, project file, user file. The command line, which is
stronger than all, and the defaults of the program, which are weaker, are not looked at here.
"""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omrcli.errors import UsageError

from .commands import Command, Option
from .files import FILE_VARIABLE, PREFIX, SettingsFile, find_files, read_file

#: Options that mean the same in every command that has them, and can be set for all at once.
SHARED = ("model", "device", "beam", "batch-size", "threads", "quiet", "verbose")

_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")
_KINDS = {bool: "true or false", int: "a whole number", float: "a number"}


@dataclass(frozen=True)
class Setting:
    """An option's value; `source` is a variable's name or a file's path."""

    command: tuple[str, ...]
    option: Option
    value: Any
    source: str


@dataclass(frozen=True)
class Settings:
    """All values in force, the files they may be from, and sentences on what was left alone."""

    values: tuple[Setting, ...] = ()
    files: tuple[SettingsFile, ...] = ()
    notices: tuple[str, ...] = ()

    def tree(self) -> dict[str, Any]:
        """The values as nested dictionaries: words of the command, then name of the parameter."""
        tree: dict[str, Any] = {}
        for setting in self.values:
            branch = tree
            for word in setting.command:
                branch = branch.setdefault(word, {})
            branch[setting.option.name] = setting.value
        return tree


@dataclass(frozen=True)
class _Given:
    """A value as it was found, for one option of one command."""

    command: Command
    option: Option
    value: Any
    source: str
    base: Path | None  # where relative paths start; None: the current folder


def load_settings(
    commands: Callable[[], Sequence[Command]],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Settings:
    """Find and check all settings; `commands` is called only where there are any.

    Raises:
        UsageError: a key or a variable is unknown, or a value does not fit its option.
        InputError: a file cannot be read.
    """
    environment = os.environ if environment is None else environment
    found = find_files(environment, folder)
    variables = {
        name: text
        for name, text in environment.items()
        if name.startswith(PREFIX) and name != FILE_VARIABLE
    }
    if not found.files and not variables:
        return Settings((), (), found.notices)
    known = commands()
    given = [*_from_environment(variables, known)]
    for file in found.files:
        given += _from_file(file.path, known)
    strongest: dict[tuple[tuple[str, ...], str], Setting] = {}
    for item in given:
        setting = Setting(item.command.path, item.option, _check(item), item.source)
        strongest.setdefault((item.command.path, item.option.name), setting)
    return Settings(tuple(strongest.values()), found.files, found.notices)


def variable_names(commands: Sequence[Command]) -> dict[str, tuple[Command | None, str]]:
    """Every variable -> the command it is for (None: all that have the option) and the key."""
    names: dict[str, tuple[Command | None, str]] = {
        _variable((), key): (None, key) for key in SHARED
    }
    for command in commands:
        for option in command.options:
            names[_variable(command.path, option.key)] = (command, option.key)
    return names


def _variable(path: Sequence[str], key: str) -> str:
    return PREFIX + "_".join((*path, key)).upper().replace("-", "_")


def _from_environment(
    variables: Mapping[str, str], commands: Sequence[Command]
) -> Iterator[_Given]:
    """Those for one command first: they are stronger than those for all."""
    names = variable_names(commands)
    for name in variables:
        close = difflib.get_close_matches(name, names, n=1, cutoff=0.85)
        if name not in names and close:  # what is like nothing of ours is somebody else's
            raise UsageError(
                f"The environment variable {name} is unknown; did you mean {close[0]}?"
            )
    ordered = sorted(names.keys() & variables.keys(), key=lambda name: names[name][0] is None)
    for name in ordered:
        command, key = names[name]
        for each in commands if command is None else (command,):
            for option in each.options:
                if option.key == key:
                    value = _parse(option, variables[name], name)
                    yield _Given(each, option, value, name, None)


def _from_file(path: Path, commands: Sequence[Command]) -> Iterator[_Given]:
    """What a file says: tables for one command first, then the keys for all."""
    content = read_file(path)
    words = {command.path[0] for command in commands}
    for name, value in content.items():
        if name in words and isinstance(value, dict):
            yield from _from_table(path, (name,), value, commands)
        elif name not in SHARED:
            choices = sorted({*SHARED, *words})
            place = "at its top" if not isinstance(value, dict) else "as a table"
            raise UsageError(_unknown(str(path), name, choices, place))
    for key in SHARED:
        for command in commands if key in content else ():
            for option in command.options:
                if option.key == key:
                    yield _Given(command, option, content[key], str(path), path.parent)


def _from_table(
    path: Path, words: tuple[str, ...], table: Mapping[str, Any], commands: Sequence[Command]
) -> Iterator[_Given]:
    """What a file's table says of a command, or of the commands of a group."""
    command = next((each for each in commands if each.path == words), None)
    options = {option.key: option for option in command.options} if command else {}
    below = {c.path[len(words)] for c in commands if c.path[: len(words)] == words != c.path}
    for name, value in table.items():
        key = name.replace("_", "-")
        if name in below and isinstance(value, dict):
            yield from _from_table(path, (*words, name), value, commands)
        elif command is not None and key in options:
            yield _Given(command, options[key], value, str(path), path.parent)
        else:
            place = f"in [{'.'.join(words)}]"
            raise UsageError(_unknown(str(path), name, sorted({*options, *below}), place))


def _unknown(source: str, name: str, known: Sequence[str], place: str) -> str:
    close = difflib.get_close_matches(name.replace("_", "-"), known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"choose from {', '.join(known)}."
    return f"{source}: {name!r} is unknown {place}; {hint}"


def _parse(option: Option, text: str, source: str) -> Any:
    """A variable's text as the values that TOML would give; what does not fit stays text."""
    try:
        words = shlex.split(text) if option.multiple else [text]
    except ValueError as error:
        raise UsageError(f"{source}: {text!r} cannot be split ({error}); mend it.") from None
    values = [_parse_word(option, word) for word in words]
    return values if option.multiple else values[0]


def _parse_word(option: Option, word: str) -> Any:
    if option.kind is bool and word.lower() in (*_YES, *_NO):
        return word.lower() in _YES
    if option.kind in (int, float):
        try:
            return option.kind(word)
        except ValueError:
            return word
    return word


def _check(given: _Given) -> Any:
    """The value as its option takes it.

    Raises:
        UsageError: it does not fit.
    """
    option, value = given.option, given.value
    if not option.multiple:
        return _check_one(given, value)
    values = value if isinstance(value, list) else [value]
    return [_check_one(given, each) for each in values]


def _check_one(given: _Given, value: Any) -> Any:
    option = given.option
    if not _is_kind(value, option.kind):
        raise UsageError(
            f"{given.source}: {option.key} of omr {given.command.title} is "
            f"{_KINDS.get(option.kind, 'a text')}, not {value!r}."
        )
    if option.choices and value not in option.choices:
        raise UsageError(_unknown(given.source, value, option.choices, f"as {option.key}"))
    low, high = option.minimum, option.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        limit = f"at least {low:g}" if high is None else f"from {low or 0:g} to {high:g}"
        raise UsageError(f"{given.source}: {option.key} must be {limit}, not {value:g}.")
    return _place(given, value) if option.takes_path else value


def _is_kind(value: Any, kind: type) -> bool:
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    if kind is float:
        return isinstance(value, (int, float))
    return isinstance(value, int if kind is int else str)


def _place(given: _Given, text: str) -> str:
    """A path in a file starts where that file is; a bare name may be a model's and stays."""
    name_or_path = "NAME" in given.option.metavar
    if text == "-" or (name_or_path and "/" not in text and not text.endswith(".onnx")):
        return text
    path = Path(text).expanduser()
    slash = "/" if text.endswith("/") else ""  # says that a folder is meant
    return f"{path if given.base is None else given.base / path}{slash}"
