"""Focal CTC: pinned to plain CTC, finite everywhere, and the paper's formula in between."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from omrcli.training.losses import (  # noqa: E402
    Targets,
    ctc,
    focal_ctc,
    focal_ctc_per_symbol,
    focal_weight,
)

BLANK = 4


def _batch() -> tuple[torch.Tensor, Targets]:
    logits = torch.randn(3, 12, 5, generator=torch.Generator().manual_seed(1)) * 3
    targets = Targets(
        torch.tensor([[0, 1, 1, 2], [3, 0, 0, 0], [2, 3, 0, 0]]),
        torch.tensor([12, 7, 9]),
        torch.tensor([4, 1, 2]),
    )
    return logits.requires_grad_(), targets


def test_gamma_zero_alpha_one_is_ctc_in_value_and_gradient() -> None:
    logits, targets = _batch()
    plain = torch.nn.functional.ctc_loss(
        logits.log_softmax(2).transpose(0, 1),
        targets.indices,
        targets.frames,
        targets.lengths,
        blank=BLANK,
        reduction="sum",
    )
    (expected,) = torch.autograd.grad(plain, logits)
    for focal in (focal_ctc, lambda nll, **k: focal_ctc_per_symbol(nll, targets.lengths, **k)):
        nll = ctc(logits.log_softmax(2), targets, BLANK)
        loss = focal(nll, alpha=1.0, gamma=0.0).sum()
        (gradient,) = torch.autograd.grad(loss, logits)
        torch.testing.assert_close(loss, plain)
        torch.testing.assert_close(gradient, expected)


def test_the_formula_of_the_paper() -> None:
    nll = torch.tensor([0.1, 1.0, 5.0], dtype=torch.float64)
    expected = [0.5 * (1 - math.exp(-x)) ** 2 * x for x in nll.tolist()]
    torch.testing.assert_close(focal_ctc(nll), torch.tensor(expected, dtype=torch.float64))


def test_long_staves_make_the_paper_s_focal_ctc_a_constant_times_ctc() -> None:
    nll = torch.tensor([40.0, 80.0])
    torch.testing.assert_close(focal_ctc(nll), 0.5 * nll)
    weights = focal_ctc_per_symbol(nll, torch.tensor([80, 80])) / nll
    assert weights[0] < 0.6 * weights[1]


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
def test_value_and_gradient_are_finite_at_both_ends(gamma: float) -> None:
    nll = torch.tensor([0.0, 1e-12, 1e-6, 1.0, 1e3, 1e6], requires_grad=True)
    loss = focal_ctc(nll, 0.5, gamma)
    (gradient,) = torch.autograd.grad(loss.sum(), nll)
    assert torch.isfinite(loss).all()
    assert torch.isfinite(gradient).all()
    weights = focal_weight(nll, 0.5, gamma)
    assert (weights.diff() >= 0).all()


def test_a_target_longer_than_its_frames_has_no_gradient() -> None:
    logits, _ = _batch()
    targets = Targets(
        torch.zeros((3, 9), dtype=torch.long), torch.tensor([3, 3, 3]), torch.tensor([9, 9, 9])
    )
    nll = ctc(logits.log_softmax(2), targets, BLANK)
    (gradient,) = torch.autograd.grad(nll.sum(), logits)
    assert nll.tolist() == [0.0, 0.0, 0.0]
    assert not gradient.any()
