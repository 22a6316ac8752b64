"""The networks: sizes, exactness under padding, and the factored output layer."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from omrcli.reading.alphabet import POSITIONAL_UNITS  # noqa: E402
from omrcli.training.network import NetworkSpec, build_network, factor_units  # noqa: E402

CLASSES = len(POSITIONAL_UNITS) + 1


def _spec(**changes: object) -> NetworkSpec:
    return NetworkSpec(**{"classes": CLASSES, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "spec",
    [
        _spec(),
        _spec(recurrent=0),
        _spec(factors=factor_units(POSITIONAL_UNITS)),
        _spec(kind="baseline", height=128),
    ],
    ids=["lean", "convolutional", "factored", "baseline"],
)
def test_a_wider_companion_changes_nothing(spec: NetworkSpec) -> None:
    torch.manual_seed(0)
    network = build_network(spec).eval()
    image = torch.rand(2, 1, spec.height, 211)
    image[1, :, :, 93:] = 0
    with torch.inference_mode():
        together = network(image, torch.tensor([211, 93]))
        alone = network(image[1:, :, :, :93], torch.tensor([93]))
    frames = 93 // spec.width_reduction
    assert together.shape == (2, 211 // spec.width_reduction, CLASSES)
    torch.testing.assert_close(together[1, :frames], alone[0, :frames], atol=1e-5, rtol=0)
    torch.testing.assert_close(together.exp().sum(2), torch.ones(together.shape[:2]))


def test_the_lean_network_is_small() -> None:
    count = sum(p.numel() for p in build_network(_spec()).parameters())
    assert count < 10_000_000


def test_factors_share_what_units_have_in_common() -> None:
    rows = factor_units(["note-Bb4_eighth", "note-Bb5_quarter", "note.half@-3", "note.half@3"])
    flat, other, low, high = (set(row) for row in rows[:4])
    assert len(flat & other) == 3  # note, B, b
    assert len(low & high) == 2  # note, half
    assert all(set(rows[-1]).isdisjoint(row) for row in rows[:-1])


def test_factored_weights_are_sums_of_embeddings() -> None:
    torch.manual_seed(0)
    rows = factor_units(["note-C4_half", "note-D4_half", "note-C4_quarter"])
    output = build_network(_spec(classes=4, factors=rows)).output
    matrix = output.fold()
    for weights, factors in zip(matrix, rows, strict=True):
        torch.testing.assert_close(weights, output.embeddings[list(factors)].sum(0))
    x = torch.rand(7, matrix.shape[1] - 1)
    expected = (x @ matrix[:, :-1].T + matrix[:, -1]).log_softmax(1)
    torch.testing.assert_close(output(x), expected)
