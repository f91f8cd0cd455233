"""One loop for every training of a scene student: AdamW, a cosine, clipped gradients."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn

from adapters.scene.pace import Course

_BETAS = (0.9, 0.999)
_CLIP = 5.0


Moments = dict[int, dict[str, torch.Tensor]]


def optimiser_of(module: nn.Module, course: Course, moments: Moments) -> torch.optim.AdamW:
    """AdamW over all that can be trained, with the moments it had when it was interrupted."""
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
    """Steps from `start` on; each yields how many are done and its loss (NaN where nothing was to be learnt).

    Chance comes from (seed, step) alone, so a training goes on as if it had not been interrupted. Whoever
    iterates may stop at any step. The module is left in evaluation mode once all are done.
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
