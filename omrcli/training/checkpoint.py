"""Checkpoints: everything that a run needs to go on, in one file that is whole or absent."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch

from omrcli.errors import ModelError
from omrcli.output import write_file

from .network import NETWORKS, NetworkSpec, build_network

_FORMAT = 1
#: Far beyond any network of this kind; building one takes memory before a weight is compared.
_MOST_CHANNELS, _MOST_BLOCKS, _MOST_HEIGHT, _MOST_CLASSES = 4096, 64, 4096, 100_000


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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch remarks on pickles that are not its own
            content = torch.load(path, map_location="cpu", weights_only=True)
        if content.pop("format") != _FORMAT:
            raise ModelError(f"{path} is a checkpoint of another version; train it again.")
        network = content.pop("network")
        network["channels"] = tuple(network["channels"])
        network["factors"] = tuple(tuple(row) for row in network["factors"])
        content["units"] = tuple(content["units"])
        checkpoint = Checkpoint(network=NetworkSpec(**network), **content)
        _check(checkpoint)
        return checkpoint
    except ModelError:
        raise
    except FileNotFoundError:
        raise ModelError(f"There is no checkpoint {path}; train one with 'omr train'.") from None
    except Exception as error:  # torch raises many kinds for a damaged file
        first = (str(error).splitlines() or [""])[0]
        raise ModelError(f"{path} is no checkpoint of omr ({first}); train it again.") from error


def _check(checkpoint: Checkpoint) -> None:
    """Raise ValueError for values that no run writes, and weights that do not fit the network."""
    spec, units = checkpoint.network, checkpoint.units
    sizes = (*spec.channels, spec.features, spec.recurrent)
    possible = (
        spec.kind in {network.kind for network in NETWORKS.values()}
        and all(type(size) is int and 0 < size <= _MOST_CHANNELS for size in sizes)
        and 0 <= spec.temporal_blocks <= _MOST_BLOCKS
        and 0 < spec.height <= _MOST_HEIGHT
        and len(spec.channels) <= _MOST_BLOCKS
        and spec.classes == len(units) + 1 <= _MOST_CLASSES
        and all(isinstance(unit, str) for unit in units)
        and all(0 <= factor <= _MOST_CLASSES for row in spec.factors for factor in row)
        and isinstance(checkpoint.step, int)
    )
    mappings = (checkpoint.weights, checkpoint.recipe, checkpoint.scores, checkpoint.state)
    if not possible or not all(isinstance(values, Mapping) for values in mappings):
        raise ValueError("it has impossible values")
    with torch.device("meta"):  # shapes without memory
        shapes = {name: value.shape for name, value in build_network(spec).state_dict().items()}
    if shapes != {name: value.shape for name, value in checkpoint.weights.items()}:
        raise ValueError("its weights are not those of its network")
