"""The typer application -> plain data on its commands, by what typer itself is told."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Union, get_args, get_origin

import typer
from typer.models import ArgumentInfo, OptionInfo

from omrcli.settings.commands import Argument, Command, Option

Call = Callable[..., Any]


def list_commands(app: typer.Typer) -> list[Command]:
    """Every command of an application, those of groups too, in the order of its help."""
    return [describe_command(path, call) for path, call in walk_commands(app)]


def walk_commands(app: typer.Typer) -> Iterator[tuple[tuple[str, ...], Call]]:
    """Yield the words that call each command, and its function."""
    for command in app.registered_commands:
        if command.callback is not None and not command.hidden:
            yield (command.name or _spell(command.callback.__name__),), command.callback
    for group in app.registered_groups:
        if group.typer_instance is not None:
            for path, call in walk_commands(group.typer_instance):
                yield (str(group.name), *path), call


def describe_command(path: tuple[str, ...], call: Call) -> Command:
    """What a command's function says of its arguments and options."""
    arguments: list[Argument] = []
    options: list[Option] = []
    for parameter, kind, info in walk_parameters(call):
        if isinstance(info, ArgumentInfo):
            arguments.append(_describe_argument(parameter, kind, info))
        elif not info.hidden:
            options.append(_describe_option(parameter, kind, info))
    return Command(path, inspect.getdoc(call) or "", tuple(arguments), tuple(options))


def walk_parameters(
    call: Call,
) -> Iterator[tuple[inspect.Parameter, Any, ArgumentInfo | OptionInfo]]:
    """Yield each parameter of a command's function, its type, and what typer is told of it."""
    for parameter in inspect.signature(call, eval_str=True).parameters.values():
        if get_origin(parameter.annotation) is not Annotated:
            continue
        kind, *notes = get_args(parameter.annotation)
        for info in notes:
            if isinstance(info, (ArgumentInfo, OptionInfo)):
                yield parameter, kind, info


def _describe_option(parameter: inspect.Parameter, annotation: Any, info: OptionInfo) -> Option:
    kind, multiple = _unwrap(annotation)
    # Within Annotated the first spelling stands where a default would.
    given = (info.default, *(info.param_decls or ()))
    spellings = tuple(text for text in given if isinstance(text, str) and text.startswith("-"))
    return Option(
        name=parameter.name,
        spellings=spellings or (f"--{_spell(parameter.name)}",),
        kind=kind,
        default=None if parameter.default is parameter.empty else parameter.default,
        multiple=multiple,
        required=parameter.default is parameter.empty,
        metavar=str(info.metavar or ""),
        help=info.help or "",
        minimum=info.min,
        maximum=info.max,
    )


def _describe_argument(
    parameter: inspect.Parameter, annotation: Any, info: ArgumentInfo
) -> Argument:
    metavar = str(info.metavar or parameter.name.upper())
    if _unwrap(annotation)[1] and "..." not in metavar:
        metavar += "..."
    required = parameter.default is parameter.empty
    return Argument(parameter.name, metavar, info.help or "", required)


def _unwrap(annotation: Any) -> tuple[type, bool]:
    """The plain type within an optional or a list, and whether it was in a list."""
    if get_origin(annotation) in (Union, types.UnionType):
        (annotation,) = (part for part in get_args(annotation) if part is not type(None))
    if get_origin(annotation) is list:
        return get_args(annotation)[0], True
    return annotation, False


def _spell(name: str) -> str:
    """A Python name as typer spells it."""
    return name.replace("_", "-")
