"""The tiny model of the tests: whatever staff it is shown, it reads the same tune.

`python -m tests.tiny` (needs onnx) writes it anew to tests/data/tiny.onnx.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from omrcli.registry import SPEC_KEY, ModelSpec
from tests.drawn import write_page

PATH = Path(__file__).parent / "data" / "tiny.onnx"
TUNE = (
    *("clef-G2", "keySignature-GM", "timeSignature-4/4"),
    *("note-G4_quarter", "note-A4_quarter", "note-B4_half", "barline"),
    *("note-F#5_eighth", "note-G5_eighth", "rest-quarter", "note-D5_half", "barline"),
)
CONFIDENCE = 0.9
SPEC = ModelSpec(
    name="tiny",
    version="1",
    alphabet="semantic",
    units=tuple(sorted(set(TUNE))),
    blank=len(set(TUNE)),
    interline=8,
    above=5,
    below=5,
    width_reduction=4,
    network="constant",
    loss="none",
    training={"data": "none"},
)


def tune_log_probs() -> np.ndarray:
    """(T, C): two frames of each token and one of blank, in turn."""
    frames = [index for text in TUNE for index in [SPEC.units.index(text)] * 2 + [SPEC.blank]]
    rest = (1 - CONFIDENCE) / (SPEC.classes - 1)
    table = np.full((len(frames), SPEC.classes), np.log(rest), dtype=np.float32)
    table[np.arange(len(frames)), frames] = np.log(CONFIDENCE)
    return table


def make_model(path: Path, spec: ModelSpec | None = SPEC, classes: int = SPEC.classes) -> Path:
    """Write an ONNX file that gives `tune_log_probs`, then blanks, for every staff of a batch."""
    from onnx import TensorProto, checker, helper, numpy_helper, save

    table = np.zeros((len(tune_log_probs()), classes), dtype=np.float32)
    table[:, : SPEC.classes] = tune_log_probs()[:, :classes]
    blank = table[2:3]
    constants = {
        "tune": table[None],
        "blank": blank[None],
        "reduction": np.array([SPEC.width_reduction], dtype=np.int64),
        "one": np.array([1], dtype=np.int64),
        "classes": np.array([classes], dtype=np.int64),
        "start": np.array([0], dtype=np.int64),
    }
    nodes = [
        helper.make_node("Shape", ["image"], ["batch"], start=0, end=1),
        helper.make_node("Shape", ["image"], ["columns"], start=3, end=4),
        helper.make_node("Div", ["columns", "reduction"], ["frames"]),
        helper.make_node("Concat", ["one", "frames", "classes"], ["tail_shape"], axis=0),
        helper.make_node("Expand", ["blank", "tail_shape"], ["tail"]),
        helper.make_node("Concat", ["tune", "tail"], ["long"], axis=1),
        helper.make_node("Slice", ["long", "start", "frames", "one"], ["staff"]),
        helper.make_node("Concat", ["batch", "frames", "classes"], ["shape"], axis=0),
        helper.make_node("Expand", ["staff", "shape"], ["log_probs"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info("image", TensorProto.FLOAT, ["B", 1, SPEC.height, "W"]),
            helper.make_tensor_value_info("widths", TensorProto.INT64, ["B"]),
        ],
        [helper.make_tensor_value_info("log_probs", TensorProto.FLOAT, ["B", "T", classes])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if spec is not None:
        entry = model.metadata_props.add()
        entry.key, entry.value = SPEC_KEY, spec.to_json()
    checker.check_model(model)
    save(model, path)
    return path


def write_samples(folder: Path) -> Path:
    """Four PrIMuS-style samples of the tune: s0/s0.png, s0/s0.semantic and so on."""
    for number in range(4):
        own = folder / f"s{number}"
        own.mkdir(parents=True)
        write_page(own / f"s{number}.png")
        (own / f"s{number}.semantic").write_text("\t".join(TUNE))
    return folder


if __name__ == "__main__":
    make_model(PATH)
