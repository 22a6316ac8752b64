"""`omr models`: the installed models and what they say about themselves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from .failures import exit_on_error, show_text
from .options import QuietOption, VerboseOption

if TYPE_CHECKING:
    from omrcli.registry import Model, ModelEntry

models_app = typer.Typer(help="List, show and verify the installed models.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@models_app.command("list")
def list_installed(
    as_json: JsonOption = False, quiet: QuietOption = False, verbose: VerboseOption = False
) -> None:
    """List the models that --model finds by name; * marks the default."""
    with exit_on_error(verbose, quiet):
        from omrcli.registry import list_models

        entries = list_models()
        if as_json:
            print(json.dumps([_entry_row(entry) for entry in entries], indent=2))
            return
        for entry in entries:
            mark = "*" if entry.default else " "
            size = f"{entry.size / 1e6:.1f} MB"
            name, path = show_text(entry.name), show_text(str(entry.path))
            print(f"{mark} {name:24} {size:>9}  {entry.sha256[:12]}  {path}")


@models_app.command()
def show(
    model: Annotated[
        str | None, typer.Argument(metavar="[NAME|PATH]", help="Default: the default model.")
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Show what a model says about itself: alphabet, geometry, network, training, licence."""
    with exit_on_error(verbose, quiet):
        from omrcli.registry import find_model

        found = find_model(model)
        if as_json:
            print(json.dumps(_model_row(found), indent=2, ensure_ascii=False))
            return
        for key, value in _model_lines(found):
            print(show_text(f"{key:16} {value}"))


@models_app.command()
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Default: every model.")
    ] = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Compare model files with the SHA-256 in their manifest."""
    with exit_on_error(verbose, quiet):
        from omrcli.registry import find_entry, list_models, verify_model

        entries = [find_entry(name) for name in names] if names else list_models()
        for entry in entries or [find_entry()]:
            print(show_text(f"{entry.name}: ok, SHA-256 {verify_model(entry).sha256}"))


def _entry_row(entry: ModelEntry) -> dict[str, object]:
    return {
        "name": entry.name,
        "default": entry.default,
        "path": str(entry.path),
        "bytes": entry.size,
        "sha256": entry.sha256,
    }


def _model_row(model: Model) -> dict[str, object]:
    spec: dict[str, object] = json.loads(model.spec.to_json())
    return {"path": str(model.path), "sha256": model.sha256, **spec}


def _model_lines(model: Model) -> list[tuple[str, object]]:
    spec = model.spec
    lines: list[tuple[str, object]] = [
        ("name", spec.name),
        ("version", spec.version),
        ("path", model.path),
        ("sha256", model.sha256),
        ("alphabet", f"{spec.alphabet}, {len(spec.units)} units"),
        ("staff image", f"{spec.height} px high, interline {spec.interline} px"),
        ("frame", f"{spec.width_reduction} px"),
        ("network", spec.network),
        ("loss", spec.loss),
        ("licence", spec.licence),
    ]
    return lines + [(f"training {key}", value) for key, value in sorted(spec.training.items())]
