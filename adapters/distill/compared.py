"""Two models' readings of the same questions side by side, and what is learned between them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import torch

from adapters.distill.canonical import heat_maps
from adapters.distill.layers import paired_layers
from adapters.distill.projections import MixedHeads, PointwiseHeads, PointwiseTokens
from adapters.distill.reading import Reading
from adapters.distill.rollout import rollouts
from adapters.distill.transfer import Transfer, transfer_loss
from adapters.distill.variational import Distance

Part = TypeVar("Part")
CodeLoss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""From canonical maps of the student and of the expert, [B, K, rows, cols] each, to a scalar."""


@dataclass(frozen=True)
class Bridge:
    """What is learned beside the student; a term that goes through a part needs it."""

    mixed: MixedHeads | None = None
    pointwise: PointwiseHeads | None = None
    width: PointwiseTokens | None = None


@dataclass(frozen=True)
class Compared:
    """Two readings, what is learned between them, and the losses of autoencoders by their terms' names.

    `sides` is the grid (rows, columns) of canonical maps.
    """

    student: Reading
    teacher: Reading
    bridge: Bridge = field(default_factory=Bridge)
    codes: Mapping[str, CodeLoss] = field(default_factory=dict)
    sides: tuple[int, int] = (24, 24)


def code_loss(transfer: Transfer, distance: Distance = "mean") -> CodeLoss:
    """What fitted autoencoders hold against the student's canonical maps; see `transfer_loss`."""
    return lambda ours, theirs: transfer_loss(transfer, ours, transfer.teacher_code(theirs), distance)


def canonical(one: Reading, compared: Compared, rolled: bool = False) -> torch.Tensor:
    """Canonical maps of either reading, a channel for each of the student's layers: [B, K, rows, cols]."""
    layers = list(one.forced.attentions)
    layers = rollouts(layers) if rolled else layers
    pairs = paired_layers(len(compared.student.forced.attentions), len(layers))
    chosen = [layers[other] for _, other in pairs]
    return heat_maps(chosen, one.forced.vis, one.forced.txt, one.grid, one.mean_token, compared.sides).maps


def needed(part: Part | None, what: str) -> Part:
    """The part, or ValueError that a projection of `what` is missing."""
    if part is None:
        raise ValueError(f"this term needs a learned projection of {what}")
    return part
