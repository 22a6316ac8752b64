"""Checkpoints: everything that a run needs to go on, in one file that is whole or absent."""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch

from ..errors import ModelError
from ..output import write_file
from .network import NetworkSpec

_FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run after `step` steps.

    `weights` are the averaged weights, the ones to use; `state` holds what only a resumed run needs
    (raw weights, optimiser, random generator), and is empty in a checkpoint meant for use alone.
    `recipe` says how it was trained, in texts.
    """

    step: int
    network: NetworkSpec
    alphabet: str
    units: tuple[str, ...]
    weights: dict[str, torch.Tensor]
    recipe: dict[str, str]
    scores: dict[str, float]
    state: dict[str, Any]


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    content = {f.name: getattr(checkpoint, f.name) for f in fields(Checkpoint)}
    content["network"] = asdict(checkpoint.network)
    buffer = io.BytesIO()
    torch.save({"format": _FORMAT, **content}, buffer)
    write_file(path, buffer.getvalue())


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; only tensors and plain values are unpickled.

    Raises:
        ModelError: the file is missing, damaged, or not a checkpoint of this version.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if content.pop("format") != _FORMAT:
            raise ModelError(f"{path} is a checkpoint of another version; train it again.")
        network = content.pop("network")
        network["channels"] = tuple(network["channels"])
        network["factors"] = tuple(tuple(row) for row in network["factors"])
        content["units"] = tuple(content["units"])
        return Checkpoint(network=NetworkSpec(**network), **content)
    except ModelError:
        raise
    except FileNotFoundError:
        raise ModelError(f"There is no checkpoint {path}; train one with 'omr train'.") from None
    except Exception as error:  # torch raises many kinds for a damaged file
        first = (str(error).splitlines() or [""])[0]
        raise ModelError(f"{path} is no checkpoint of omr ({first}); train it again.") from error
