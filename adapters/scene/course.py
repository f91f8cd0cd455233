"""The training loop of scene students: AdamW, cosine schedule, clipped gradients."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn


@dataclass(frozen=True)
class Course:
    """Steps and rates. `rate` falls along a cosine to `last`; a tenth of the steps warm up.

    `code_faithful` reproduces EdgeVL's released stage 2, for its study alone: gradients are never cleared, so
    that every step follows their clipped running sum, and the student stays in evaluation mode.
    """

    steps: int
    batch: int
    rate: float
    last: float
    weight_decay: float = 1e-3
    code_faithful: bool = False

    def at(self, step: int) -> float:
        """The rate of a step."""
        warm = max(1, self.steps // 10)
        if step < warm:
            return self.rate * (step + 1) / warm
        progress = (step - warm) / max(1, self.steps - warm)
        return self.last + (self.rate - self.last) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


_BETAS = (0.9, 0.999)
_CLIP = 5.0
Moments = dict[int, dict[str, torch.Tensor]]


def optimiser_of(module: nn.Module, course: Course, moments: Moments) -> torch.optim.AdamW:
    """AdamW over all trainable parameters, with the moments of an interrupted training."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": course.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=course.rate, betas=_BETAS)
    if moments:
        optimiser.load_state_dict(optimiser.state_dict() | {"state": moments})
    return optimiser


def steps(
    module: nn.Module,
    loss: Callable[[np.random.Generator], torch.Tensor | None],
    course: Course,
    seed: int,
    optimiser: torch.optim.AdamW,
    start: int = 0,
) -> Iterator[tuple[int, float]]:
    """Train from step `start` on; yields the number of steps done and the loss (NaN where there was none).

    Randomness depends on (seed, step) alone, so an interrupted training can go on. The caller may stop at
    any step. After the last one the module is in evaluation mode.
    """
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    module.train(not course.code_faithful)
    for step in range(start, course.steps):
        for group in optimiser.param_groups:
            group["lr"] = course.at(step)
        value = loss(np.random.default_rng([seed, step]))
        if value is not None:
            if not course.code_faithful:
                optimiser.zero_grad(set_to_none=True)
            value.backward()
            nn.utils.clip_grad_norm_(parameters, _CLIP)
            optimiser.step()
        yield step + 1, float("nan") if value is None else value.item()
    module.eval()
