"""Keep a term from drowning the answers: no auxiliary gradient is longer than theirs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Balanced:
    """What to descend along, and why.

    `gradients` float32, shaped and ordered as the parameters, zeros where no term reaches; `norms` the length
    of each weighted term's gradient before, `factors` in [0, 1] what it was multiplied by.
    """

    gradients: list[torch.Tensor]
    norms: dict[str, float]
    factors: dict[str, float]


def balanced(
    terms: Mapping[str, torch.Tensor],
    weights: Mapping[str, float],
    parameters: Sequence[torch.Tensor],
    others: Sequence[torch.Tensor] = (),
    reference: str = "ce",
) -> Balanced:
    """Gradients of the weighted terms' sum, each cut to at most the reference's length over `parameters`.

    `terms` are scalars with one graph, which stays alive; terms of weight 0 are left out, as are those that
    have no gradient. `others`, such as projections, get gradients but their lengths do not count. Without a
    reference nothing is cut; with one whose gradient is 0, all is. One backward pass a term.
    """
    every = [*parameters, *others]
    found = {
        name: _gradients(weights[name] * term, every)
        for name, term in terms.items()
        if weights.get(name, 0.0) and term.requires_grad
    }
    norms = {name: _norm(gradients[: len(parameters)]) for name, gradients in found.items()}
    limit = norms.get(reference, float("inf"))
    factors = {name: 1.0 if norm <= limit else limit / norm for name, norm in norms.items()}
    total = [torch.zeros_like(one, dtype=torch.float32) for one in every]
    for name, gradients in found.items():
        total = [sum_ + factors[name] * one for sum_, one in zip(total, gradients, strict=True)]
    return Balanced(total, norms, factors)


def _gradients(loss: torch.Tensor, parameters: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    return [
        torch.zeros_like(parameter, dtype=torch.float32) if one is None else one.float()
        for one, parameter in zip(found, parameters, strict=True)
    ]


def _norm(gradients: Sequence[torch.Tensor]) -> float:
    """The length of all of them as one vector."""
    squares = [one.pow(2).sum() for one in gradients]
    return float(torch.stack(squares).sum().sqrt()) if squares else 0.0
