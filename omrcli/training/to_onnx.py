"""Checkpoint -> ONNX file with its spec inside, checked against torch before it is written."""

from __future__ import annotations

import copy
import io
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from omrcli import __version__
from omrcli.errors import MissingDependencyError, ModelError
from omrcli.onnx_file import set_metadata
from omrcli.output import write_file
from omrcli.registry import SPEC_KEY, ModelSpec
from omrcli.staves.staff import StaffGeometry

from .checkpoint import Checkpoint
from .network import NetworkSpec, _Output, build_network
from .precision import TOLERANCES, change_precision, check_precision

_OPSET = 17
#: Largest difference of log-probabilities between torch and the ONNX runtime.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class ExportOptions:
    """Name of the model, the geometry it was trained with, and the precision of its weights."""

    name: str
    geometry: StaffGeometry
    tolerance: float = TOLERANCE
    precision: str = "float32"


def export_checkpoint(checkpoint: Checkpoint, out: Path, options: ExportOptions) -> ModelSpec:
    """Write the averaged weights of a checkpoint as ONNX to `out`, whole or not at all.

    Other precisions than float32 are compared with torch too, by the tolerances of `precision`.

    Raises:
        UsageError: the precision is unknown.
        ModelError: the exported network differs from torch by more than the tolerance.
        MissingDependencyError: the onnx package is missing.
    """
    check_precision(options.precision)
    network = build_network(checkpoint.network)
    network.load_state_dict(checkpoint.weights)
    network = _fold_output(network.eval(), checkpoint.network)
    spec = _describe(checkpoint, options)
    content = _convert(network, checkpoint.network.height)
    content = set_metadata(content, SPEC_KEY, spec.to_json())
    difference = measure_difference(network, content, checkpoint.network)
    if not difference <= options.tolerance:
        raise ModelError(
            f"The exported network differs from torch by {difference:.2g} "
            f"(at most {options.tolerance:g} is allowed); nothing was written."
        )
    if options.precision != "float32":
        content = _reduce(network, content, checkpoint.network, options.precision)
        content = set_metadata(content, SPEC_KEY, spec.to_json())
    write_file(out, content)
    return spec


def _reduce(network: nn.Module, content: bytes, spec: NetworkSpec, precision: str) -> bytes:
    """The content in another precision, if its probabilities stay near those of torch."""
    reduced = change_precision(content, precision)
    difference = measure_difference(network, reduced, spec, probabilities=True)
    if not difference <= TOLERANCES[precision]:
        raise ModelError(
            f"In {precision} the probabilities differ from torch by {difference:.2g} "
            f"(at most {TOLERANCES[precision]:g} is allowed); nothing was written."
        )
    return reduced


def _describe(checkpoint: Checkpoint, options: ExportOptions) -> ModelSpec:
    geometry, network = options.geometry, checkpoint.network
    recipe = dict(checkpoint.recipe)
    scores = {f"validation_{name}": f"{value:.5f}" for name, value in checkpoint.scores.items()}
    return ModelSpec(
        name=options.name,
        version=__version__,
        alphabet=checkpoint.alphabet,
        units=checkpoint.units,
        blank=network.classes - 1,
        interline=geometry.interline,
        above=geometry.above,
        below=geometry.below,
        width_reduction=network.width_reduction,
        network=network.kind,
        loss=recipe.get("loss", "ctc"),
        training={**recipe, **scores},
    )


def _fold_output(network: nn.Module, spec: NetworkSpec) -> nn.Module:
    """Replace a factored output layer by the one matrix it amounts to."""
    if not spec.factors:
        return network
    folded = copy.deepcopy(network)
    factored = folded.output
    assert isinstance(factored, _Output)
    matrix = factored.fold().detach()
    plain = _Output(matrix.shape[1] - 1, replace(spec, factors=()))
    assert plain.plain is not None
    plain.plain.weight.data, plain.plain.bias.data = matrix[:, :-1].clone(), matrix[:, -1].clone()
    folded.output = plain
    return folded.eval()


def _convert(network: nn.Module, height: int) -> bytes:
    example = (torch.rand(2, 1, height, 160), torch.tensor([160, 123]))
    buffer = io.BytesIO()
    try:
        with warnings.catch_warnings():
            # The exporter warns of batch sizes baked into LSTMs; measure_difference tries other
            # sizes.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network,
                example,
                buffer,  # type: ignore[arg-type]  # the annotation forgets streams
                input_names=["image", "widths"],
                output_names=["log_probs"],
                dynamic_axes={
                    "image": {0: "batch", 3: "width"},
                    "widths": {0: "batch"},
                    "log_probs": {0: "batch", 1: "frames"},
                },
                opset_version=_OPSET,
                dynamo=False,
            )
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"Exporting needs the package '{error.name}'; run pip install 'omrcli[train]'."
        ) from error
    return buffer.getvalue()


def measure_difference(
    network: nn.Module, content: bytes, spec: NetworkSpec, probabilities: bool = False
) -> float:
    """Largest difference of log-probabilities (or of probabilities), torch against the ONNX
    runtime, on batches of several sizes."""
    from omrcli.reading.logits import open_bytes

    session = open_bytes(content)
    worst = 0.0
    generator = torch.Generator().manual_seed(0)
    for widths in ([97], [240, 180], [301, 64, 33, 150]):
        image = torch.rand(len(widths), 1, spec.height, max(widths), generator=generator)
        for row, width in enumerate(widths):
            image[row, :, :, width:] = 0
        true_widths = torch.tensor(widths)
        with torch.inference_mode():
            expected = network(image, true_widths).numpy()
        found = session(image.numpy(), true_widths.numpy())
        for row, width in enumerate(widths):
            frames = width // spec.width_reduction
            pair = (expected[row, :frames], found[row, :frames])
            one, other = map(np.exp, pair) if probabilities else pair
            difference = np.abs(one - other).max()
            worst = max(worst, float(difference))
    return worst
