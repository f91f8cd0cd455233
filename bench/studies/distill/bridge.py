"""What is learned beside the student so that the expert's tensors take its shape: heads and widths.

They belong into the optimiser, in a group of their own. Released code left them out of it, so they stayed
random.
"""

from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import nn

from bench.studies.distill.reading import ModelReading
from bench.studies.distill.terms import TERMS


class MixedHeads(nn.Module):
    """Each of our heads as a weighted mean of theirs: rows that sum to 1 still do (HD-conv+).

    Maps [..., H', Q, K] become [..., H, Q, K]. `weights` [H, H'] are shares by softmax of what is learned,
    which starts near the plain mean.
    """

    def __init__(self, theirs: int, ours: int, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.learned = nn.Parameter(0.01 * torch.randn(ours, theirs, generator=generator))

    @property
    def weights(self) -> torch.Tensor:
        """Shares [H, H'] that sum to 1 for each of our heads."""
        return self.learned.softmax(dim=-1)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Maps [..., H', Q, K], a constant, as [..., H, Q, K] float32."""
        return torch.einsum("gh,...hqk->...gqk", self.weights, maps.detach().float())


class _Pointwise(nn.Module):
    """Weights [ours, theirs] and a bias [ours], uniform in plus or minus 1 / sqrt(theirs) as torch's own."""

    def __init__(self, theirs: int, ours: int, seed: int = 0) -> None:
        super().__init__()
        generator, bound = torch.Generator().manual_seed(seed), theirs**-0.5
        self.weight = nn.Parameter((2 * torch.rand(ours, theirs, generator=generator) - 1) * bound)
        self.bias = nn.Parameter((2 * torch.rand(ours, generator=generator) - 1) * bound)


class PointwiseHeads(_Pointwise):
    """Any linear mixture of heads and a constant: a convolution of kernel 1 (HD-conv).

    The form of Align-KD (arXiv 2412.01282), which makes 16 heads of 32. Rows need not sum to 1, so it may
    explain the expert away; compare with frozen weights.
    """

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Maps [..., H', Q, K], a constant, as [..., H, Q, K] float32."""
        mixed = torch.einsum("gh,...hqk->...gqk", self.weight, maps.detach().float())
        return mixed + self.bias[:, None, None]


class PointwiseTokens(_Pointwise):
    """Vision tokens of their width in ours: the same linear map for each token (DM-conv)."""

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens [..., N, D'], a constant, as [..., N, D] float32."""
        return tokens.detach().float() @ self.weight.T + self.bias


@dataclass(frozen=True)
class Bridge:
    """What is learned beside the student; a term that goes through a part needs it."""

    mixed: MixedHeads | None = None
    pointwise: PointwiseHeads | None = None
    width: PointwiseTokens | None = None

    def parameters(self) -> list[nn.Parameter]:
        """What goes into the optimiser, in a group of its own."""
        parts = [part for part in (self.mixed, self.pointwise, self.width) if part is not None]
        return [parameter for part in parts for parameter in part.parameters()]


def new_bridge(names: Collection[str], student: ModelReading, teacher: ModelReading, seed: int = 0) -> Bridge:
    """The parts that these terms go through, of the two models' sizes. Same seed, same weights."""
    through = {TERMS[name].through for name in names}
    mixed = pointwise = None
    if through & {"mixed", "pointwise"}:
        heads = teacher.forced.attentions[0].shape[1], student.forced.attentions[0].shape[1]
        mixed = MixedHeads(*heads, seed=seed) if "mixed" in through else None
        pointwise = PointwiseHeads(*heads, seed=seed) if "pointwise" in through else None
    widths = teacher.tokens.shape[-1], student.tokens.shape[-1]
    return Bridge(mixed, pointwise, PointwiseTokens(*widths, seed=seed) if "width" in through else None)
