"""What a shell offers as values of options and arguments when the tab key is pressed."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import typer

from omrcli.settings.commands import read_choices

from .commands import Call, walk_commands, walk_parameters

Offer = Callable[[str], list[str]]


def add_values(app: typer.Typer) -> None:
    """Let every option and argument offer its values; metavars tell which.

    This takes longer than typer may at every start, so it is done only where a shell asks.
    """
    for path, call in walk_commands(app):
        _add_to_command(path, call)


def _add_to_command(path: tuple[str, ...], call: Call) -> None:
    # Annotations are text; once they are evaluated here, typer takes these very objects.
    signature = inspect.signature(call, eval_str=True)
    call.__annotations__ = {
        name: parameter.annotation for name, parameter in signature.parameters.items()
    }
    for parameter, _, info in walk_parameters(call):
        offer = _find_offer(path, parameter.name, str(info.metavar or ""))
        if offer is not None and info.autocompletion is None:
            info.autocompletion = _make_completer(offer)


def _make_completer(offer: Offer) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        try:
            return [text for text in offer(incomplete) if text.startswith(incomplete)]
        except Exception:  # a traceback amid what one types helps nobody
            return []

    return complete


def _find_offer(path: tuple[str, ...], name: str, metavar: str) -> Offer | None:
    """What offers the values of a parameter; None leaves them to the shell, which offers files."""
    choices = read_choices(metavar)
    if choices:
        return lambda incomplete: list(choices)
    if name in ("model", "names"):
        return offer_models if "PATH" in metavar else lambda incomplete: list_models()
    offers: dict[str, Offer] = {"format": offer_formats, "engraver": offer_engravers}
    if path == ("settings",):
        return offer_commands
    return offers.get(name)


def list_models() -> list[str]:
    """The names of the installed models."""
    from omrcli.registry import list_models

    return [entry.name for entry in list_models()]


def offer_models(incomplete: str) -> list[str]:
    """Installed models by name, and model files."""
    return [*list_models(), *offer_paths(incomplete, ".onnx")]


def offer_formats(incomplete: str) -> list[str]:
    """What -f takes."""
    from omrcli.formats.destinations import FORMATS

    return list(FORMATS)


def offer_engravers(incomplete: str) -> list[str]:
    """What --engraver takes."""
    from omrcli.synth.engravers import ENGRAVERS

    return [*ENGRAVERS, "mixed"]


def offer_commands(incomplete: str) -> list[str]:
    """The words that call commands."""
    from .app import app

    return sorted({word for path, _ in walk_commands(app) for word in path})


def offer_paths(incomplete: str, suffix: str) -> Iterator[str]:
    """Yield folders, and files with a suffix, that begin with what was typed."""
    folder, _, start = incomplete.rpartition("/")
    lead = f"{folder}/" if "/" in incomplete else ""
    with os.scandir(Path(lead).expanduser() if lead else ".") as entries:
        for entry in entries:
            if entry.name.startswith(start) and (start or not entry.name.startswith(".")):
                if entry.is_dir():
                    yield f"{lead}{entry.name}/"
                elif entry.name.endswith(suffix):
                    yield f"{lead}{entry.name}"
