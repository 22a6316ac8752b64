"""The networks: pure modules from staff images to log-probabilities of units.

Shapes: B staves, H rows, W columns (px), T = W // width_reduction frames, C units and the blank
(last). Both networks are exact under padding: what stands right of a staff's true width never
changes its frames.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class NetworkSpec:
    """What builds a network again: its kind, sizes and output.

    `classes` counts the blank. `channels`, `features`, `temporal_blocks` and `recurrent` are of
    the lean network. `factors` gives, for each class, the indices of the factors whose embeddings
    are summed to its output weights; empty for a plain output layer.
    """

    kind: str = "lean"
    height: int = 112
    classes: int = 2
    channels: tuple[int, ...] = (16, 32, 64, 96)
    features: int = 256
    temporal_blocks: int = 3
    recurrent: int = 96
    dropout: float = 0.1
    factors: tuple[tuple[int, ...], ...] = field(default=(), repr=False)

    @property
    def width_reduction(self) -> int:
        """Columns of the image to a frame."""
        return 2 if self.kind == "baseline" else 4


#: Networks by name; `small` is the lean one at a fraction of its cost, to compare recipes with.
NETWORKS: dict[str, NetworkSpec] = {
    "lean": NetworkSpec(),
    "small": NetworkSpec(channels=(8, 16, 32, 64), features=128, temporal_blocks=2, recurrent=48),
    "baseline": NetworkSpec(kind="baseline", height=128),
}


def build_network(spec: NetworkSpec) -> nn.Module:
    """The module that a spec describes: forward(image (B, 1, H, W), widths (B,)) -> log_probs (B,
    T, C)."""
    return Baseline(spec) if spec.kind == "baseline" else Lean(spec)


def factor_units(units: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """For each unit (and the blank after them) the factors of its name, and one factor of its own.

    `note-Bb4_eighth.` has the factors note, B, b, 4, eighth and a dot; the own factor lets a
    common unit differ from the sum, and is what a unit never seen lacks.
    """
    index: dict[str, int] = {}
    rows = []
    for unit in [*units, "<blank>"]:
        names = {f"{match.lastgroup}:{match[0]}" for match in _FACTOR.finditer(unit)} | {f"={unit}"}
        rows.append(tuple(sorted(index.setdefault(name, len(index)) for name in sorted(names))))
    return tuple(rows)


_FACTOR = re.compile(
    r"(?P<word>[a-z][a-z_]+)|(?P<step>[A-G])|(?P<alter>##|bb|#|b)|(?P<number>@?-?\d+)|(?P<mark>[:/|]|\.+(?=_|$))"
)


class _Output(nn.Module):
    """Linear output layer, plain or with weights that are sums of factor embeddings."""

    def __init__(self, features: int, spec: NetworkSpec) -> None:
        super().__init__()
        self.plain = nn.Linear(features, spec.classes) if not spec.factors else None
        if spec.factors:
            count = 1 + max(max(row) for row in spec.factors)
            incidence = torch.zeros(spec.classes, count)
            for row, factors in enumerate(spec.factors):
                incidence[row, list(factors)] = 1.0
            self.register_buffer("incidence", incidence)
            self.embeddings = nn.Parameter(torch.randn(count, features + 1) * 0.02)

    def forward(self, x: Tensor) -> Tensor:
        if self.plain is not None:
            logits: Tensor = self.plain(x)
        else:
            matrix = self.fold()
            logits = functional.linear(x, matrix[:, :-1], matrix[:, -1])
        return functional.log_softmax(logits, dim=-1)

    def fold(self) -> Tensor:
        """Weights of all classes with the bias last, (C, features + 1), of a factored layer."""
        return cast(Tensor, self.incidence) @ self.embeddings


def _mask(widths: Tensor, length: int, masked: Tensor) -> Tensor:
    """(B, length) mask: 1 in columns before each width, else 0.

    Of the type of what it masks: a mask in float32 would widen all that follows it.
    """
    columns = torch.arange(length, device=widths.device)
    return (columns.unsqueeze(0) < widths.unsqueeze(1)).to(masked.dtype)


class _Stage(nn.Module):
    """Convolution 3x3, batch norm, ReLU; columns past the true width are set back to paper."""

    def __init__(self, inputs: int, outputs: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.stride = stride
        self.convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        x = functional.relu(self.norm(self.convolution(x)))
        widths = torch.div(widths + self.stride[1] - 1, self.stride[1], rounding_mode="floor")
        return x * _mask(widths, x.shape[3], x)[:, None, None, :], widths


class _TemporalBlock(nn.Module):
    """Residual depthwise-separable convolution along the frames, (B, D, T)."""

    def __init__(self, features: int, size: int = 5) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(
            features, features, size, padding=size // 2, groups=features, bias=False
        )
        self.pointwise = nn.Conv1d(features, features, 1, bias=False)
        self.norm = nn.BatchNorm1d(features)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return (x + functional.relu(self.norm(self.pointwise(self.depthwise(x))))) * mask


class _BiLstm(nn.Module):
    """A bidirectional LSTM that reverses every staff by its own length, so padding is never read
    first."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.ahead = nn.LSTM(inputs, hidden, batch_first=True)
        self.back = nn.LSTM(inputs, hidden, batch_first=True)

    def forward(self, x: Tensor, frames: Tensor) -> Tensor:
        order = torch.arange(x.shape[1], device=x.device).unsqueeze(0)
        order = (frames.unsqueeze(1) - 1 - order).clamp(min=0).unsqueeze(2)
        reverse = torch.gather(x, 1, order.expand(-1, -1, x.shape[2]))
        ahead, _ = self.ahead(x)
        back, _ = self.back(reverse)
        back = torch.gather(back, 1, order.expand(-1, -1, back.shape[2]))
        return torch.cat((ahead, back), dim=2)


class Lean(nn.Module):
    """The shipped CRNN: five strided convolutions, temporal convolutions, one narrow BiLSTM.

    The convolutions before the BiLSTM see far enough along the staff that it may be narrow:
    on a CPU a wide BiLSTM takes most of the time, step by step.
    """

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        a, b, c, d = spec.channels
        plan = [(1, a, (2, 2)), (a, b, (2, 2)), (b, c, (2, 1)), (c, c, (1, 1)), (c, d, (2, 1))]
        self.stages = nn.ModuleList(_Stage(i, o, stride) for i, o, stride in plan)
        self.collapse = nn.Linear(d * (spec.height // 16), spec.features, bias=False)
        self.norm = nn.BatchNorm1d(spec.features)
        self.temporal = nn.ModuleList(
            _TemporalBlock(spec.features) for _ in range(spec.temporal_blocks)
        )
        self.recurrent = _BiLstm(spec.features, spec.recurrent) if spec.recurrent else None
        self.dropout = nn.Dropout(spec.dropout)
        self.output = _Output(2 * spec.recurrent or spec.features, spec)

    def forward(self, image: Tensor, widths: Tensor) -> Tensor:
        """(B, 1, H, W) ink in 0..1 and true widths (B,) in px -> (B, W // 4, C)
        log-probabilities."""
        frames = torch.div(widths, 4, rounding_mode="floor")
        length = image.shape[3] // 4
        x, at = image, widths
        for stage in self.stages:
            x, at = stage(x, at)
        x = x[:, :, :, :length].permute(0, 3, 1, 2).flatten(2)
        x = self.collapse(x).transpose(1, 2)
        mask = _mask(frames, length, x)
        x = functional.relu(self.norm(x)) * mask[:, None, :]
        for block in self.temporal:
            x = block(x, mask[:, None, :])
        x = x.transpose(1, 2)
        if self.recurrent is not None:
            x = self.recurrent(self.dropout(x), frames)
        log_probs: Tensor = self.output(self.dropout(x))
        return log_probs


class Baseline(nn.Module):
    """The network of Calvo-Zaragoza and Rizo (2018, table 1), for comparison.

    Four blocks of 32, 64, 128 and 256 filters 3x3 with max pooling 2x2, 2x1, 2x1, 2x1, then two
    BiLSTMs of 512 units a side (dropout 0.5): one frame every 2 px at height 128.
    """

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        sizes = [1, 32, 64, 128, 256]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(sizes[k], sizes[k + 1], 3, padding=1) for k in range(4)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(size) for size in sizes[1:])
        self.recurrent = nn.ModuleList(
            [_BiLstm(256 * (spec.height // 16), 512), _BiLstm(1024, 512)]
        )
        self.dropout = nn.Dropout(0.5)
        self.output = _Output(1024, spec)

    def forward(self, image: Tensor, widths: Tensor) -> Tensor:
        """(B, 1, 128, W) ink in 0..1 and true widths (B,) in px -> (B, W // 2, C)
        log-probabilities."""
        x, at = image, widths
        for number, (convolution, norm) in enumerate(
            zip(self.convolutions, self.norms, strict=True)
        ):
            x = functional.leaky_relu(norm(convolution(x)), 0.2)
            x = functional.max_pool2d(x, (2, 2) if number == 0 else (2, 1))
            at = torch.div(at, 2, rounding_mode="floor") if number == 0 else at
            x = x * _mask(at, x.shape[3], x)[:, None, None, :]
        x = x.permute(0, 3, 1, 2).flatten(2)
        for layer in self.recurrent:
            x = self.dropout(layer(x, at))
        log_probs: Tensor = self.output(x)
        return log_probs
