"""ONNX file in float32 -> the same network in fewer bytes: weights in float16, or in int8.

float16 is how weights are *stored*: the runtime widens them as it loads the file, so speed and
arithmetic stay those of float32. int8 is dynamic quantisation (Jacob et al. 2018) of the matrix
products and LSTMs, where most weights are; convolutions stay in float32, for on a CPU the runtime's
integer ones are slower unless the ranges of activations are measured beforehand.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from omrcli.errors import MissingDependencyError, UsageError
from omrcli.scratch import scratch_folder

PRECISIONS = ("float32", "float16", "int8")
#: Largest difference of probabilities (0..1) to torch that a variant may show on random images, on
#: which a network is never sure and a small error moves much: on music it is far smaller.
TOLERANCES = {"float16": 0.02, "int8": 0.25}

_FEWEST = 256  # weights; shorter tensors (biases) stay as they are


def check_precision(name: str) -> None:
    """Raise UsageError for an unknown precision."""
    if name not in PRECISIONS:
        raise UsageError(f"The precision {name!r} is unknown; choose {', '.join(PRECISIONS)}.")


def change_precision(content: bytes, precision: str) -> bytes:
    """An ONNX file's content with its weights in another precision.

    Raises:
        UsageError: the precision is unknown.
        MissingDependencyError: the onnx package is missing.
    """
    check_precision(precision)
    if precision == "float32":
        return content
    try:
        return _halve_weights(content) if precision == "float16" else _quantise(content)
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"Precision {precision} needs the package '{error.name}'; "
            "run pip install 'omrcli[train]'."
        ) from error


def _halve_weights(content: bytes) -> bytes:
    """Store large tensors as float16, each widened by a Cast that the runtime folds on loading."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load_from_string(content)
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or numpy_helper.to_array(tensor).size < _FEWEST:
            continue
        name, half = tensor.name, f"{tensor.name}.float16"
        values = numpy_helper.to_array(tensor).astype("float16")
        tensor.CopyFrom(numpy_helper.from_array(values, half))
        casts.append(helper.make_node("Cast", [half], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return bytes(model.SerializeToString())


def _quantise(content: bytes) -> bytes:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with scratch_folder("quantise") as folder, _without_warnings():
        out = folder / "int8.onnx"
        quantize_dynamic(
            onnx.load_from_string(content),
            out,
            op_types_to_quantize=["MatMul", "LSTM"],
            weight_type=QuantType.QInt8,
        )
        return out.read_bytes()


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Keep the quantiser from advising a preparation that changes nothing here."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
