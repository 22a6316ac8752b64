"""CTC and focal CTC as pure functions.

Focal CTC (Shah, Padte and Ahirao 2019; after Lin et al. 2017): `alpha * (1 - p)^gamma * ctc`, `p =
exp(-ctc)`. For a long staff p is about 0 and the weight is alpha whatever the staff; the
per-symbol variant takes the geometric mean of p over the symbols, which still tells easy staves
from hard ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

#: Least value of (1 - p): keeps the gradient of (1 - p)^gamma finite for gamma < 1 at p = 1.
_LEAST_MISS = 1e-6


@dataclass(frozen=True)
class Targets:
    """Unit indices of a batch: (B, L) padded, frames (B,) of each staff, lengths (B,) of each
    target."""

    indices: Tensor
    frames: Tensor
    lengths: Tensor

    def to(self, device: torch.device) -> Targets:
        """The same targets on a device."""
        return Targets(*(part.to(device) for part in (self.indices, self.frames, self.lengths)))


def ctc(log_probs: Tensor, targets: Targets, blank: int) -> Tensor:
    """Negative log-likelihood of each staff, (B,), from (B, T, C) log-probabilities.

    A staff with fewer frames than its target needs has likelihood 0; it counts as 0 here, with no
    gradient.
    """
    return functional.ctc_loss(
        log_probs.transpose(0, 1),
        targets.indices,
        targets.frames,
        targets.lengths,
        blank=blank,
        reduction="none",
        zero_infinity=True,
    )


def focal_weight(nll: Tensor, alpha: float, gamma: float) -> Tensor:
    """`alpha * (1 - exp(-nll))^gamma`, elementwise; `-expm1(-nll)` keeps digits where nll is
    small."""
    miss = (-torch.expm1(-nll)).clamp(min=_LEAST_MISS, max=1.0)
    return alpha * miss**gamma


def focal_ctc(nll: Tensor, alpha: float = 0.5, gamma: float = 2.0) -> Tensor:
    """Focal CTC of each staff, (B,), from its negative log-likelihood, as in the paper.

    gamma 0 and alpha 1 give the CTC loss itself.
    """
    return focal_weight(nll, alpha, gamma) * nll


def focal_ctc_per_symbol(
    nll: Tensor, lengths: Tensor, alpha: float = 0.5, gamma: float = 2.0
) -> Tensor:
    """Focal CTC with p = exp(-nll / length), the geometric mean over the symbols of the staff."""
    return focal_weight(nll / lengths.clamp(min=1), alpha, gamma) * nll
