"""Two models' readings of the same questions side by side, and what is learned between them."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from torch import nn

from adapters.distill.canonical import heat_maps
from adapters.distill.layers import paired_layers
from adapters.distill.projections import MixedHeads, PointwiseHeads, PointwiseTokens
from adapters.distill.reading import Reading
from adapters.distill.registry import TERMS
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

    def parameters(self) -> list[nn.Parameter]:
        """What goes into the optimiser, in a group of its own."""
        parts = [part for part in (self.mixed, self.pointwise, self.width) if part is not None]
        return [one for part in parts for one in part.parameters()]


def new_bridge(names: Collection[str], student: Reading, teacher: Reading, seed: int = 0) -> Bridge:
    """The parts that these terms go through, of the two models' sizes. Same seed, same weights."""
    through = {TERMS[name].through for name in names}
    mixed = pointwise = None
    if through & {"mixed", "pointwise"}:
        first = teacher.looks[0].shape[0] if teacher.looks else teacher.forced.attentions[0].shape[1]
        heads = first, student.forced.attentions[0].shape[1]
        mixed = MixedHeads(*heads, seed=seed) if "mixed" in through else None
        pointwise = PointwiseHeads(*heads, seed=seed) if "pointwise" in through else None
    widths = teacher.tokens.shape[-1], student.tokens.shape[-1]
    return Bridge(mixed, pointwise, PointwiseTokens(*widths, seed=seed) if "width" in through else None)


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
