"""Train autoencoders on cached maps: seeded, with some pictures held out, stopped when those gain no more."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from bench.studies.distill.autoencoder import Autoencoder, Code, beta, prior_divergence

Loss = Callable[[torch.Tensor, float, torch.Generator | None], torch.Tensor]
"""The loss of some rows, int64, with this weight of the prior; codes are drawn if there is a generator."""

_SMALLEST_SPREAD = 1e-6


@dataclass(frozen=True)
class FitSettings:
    """How an autoencoder is made and trained."""

    width: int = 64
    """Numbers in a code."""
    variational: bool = False
    """Codes are distributions (SF7)."""
    beta: float = 1e-2
    """Weight of the prior at last, per dimension; a larger one collapses on maps that hardly differ."""
    crossing: float = 1.0
    """`joint` alone: weight of decoding one model's codes as the other's maps."""
    pulling: float = 0.1
    """`joint` alone: weight of the squared distance between codes."""
    ridge: float = 1e-2
    """`map` alone: penalty of the regression, in mean variances of the student's codes."""
    epochs: int = 30
    patience: int = 5
    """Epochs without gain on the held-out pictures before it ends."""
    batch: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    held_out: float = 0.1
    """Share of the pictures that only say when to stop and how good it is."""
    seed: int = 0


def split_by_picture(images: torch.Tensor, settings: FitSettings) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows to train on and rows held out, int64; `images` int64 [B] says which picture a row is of.

    Questions about one picture stay together. At least one picture is on either side; raises ValueError
    when there is but one.
    """
    known, places = torch.unique(images, return_inverse=True)
    if len(known) < 2:
        raise ValueError("an autoencoder needs maps of two pictures at least")
    generator = torch.Generator().manual_seed(settings.seed)
    count = min(len(known) - 1, max(1, round(settings.held_out * len(known))))
    aside = torch.zeros(len(known), dtype=torch.bool)
    aside[torch.randperm(len(known), generator=generator)[:count]] = True
    return (~aside[places]).nonzero().flatten(), aside[places].nonzero().flatten()


def descend(
    module: nn.Module, loss: Loss, rows: tuple[torch.Tensor, torch.Tensor], settings: FitSettings
) -> None:
    """Train all of `module` in place and leave it as it was best on the held-out rows."""
    fitted, held = rows
    optimiser = torch.optim.AdamW(
        module.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    generator = torch.Generator().manual_seed(settings.seed)
    steps = settings.epochs * -(-len(fitted) // settings.batch)
    lowest, best, waited, step = float("inf"), copy.deepcopy(module.state_dict()), 0, 0
    for _ in range(settings.epochs):
        order = fitted[torch.randperm(len(fitted), generator=generator)]
        for batch in order.split(settings.batch):
            optimiser.zero_grad()
            loss(batch, beta(step, steps, settings.beta), generator).backward()
            optimiser.step()
            step += 1
        with torch.no_grad():
            now = float(loss(held, settings.beta, None))
        waited = waited + 1
        if now < lowest:
            lowest, best, waited = now, copy.deepcopy(module.state_dict()), 0
        # Not before the prior has its whole weight, by which epochs are compared.
        if waited >= settings.patience and 3 * step >= steps:
            break
    module.load_state_dict(best)


def fit_alone(
    autoencoder: Autoencoder,
    maps: torch.Tensor,
    rows: tuple[torch.Tensor, torch.Tensor],
    settings: FitSettings,
) -> None:
    """Train one autoencoder on standardised maps [B, K, rows, cols] of one model or several."""

    def loss(batch: torch.Tensor, prior: float, generator: torch.Generator | None) -> torch.Tensor:
        code = autoencoder.encode(maps[batch])
        found = autoencoder.decode(drawn(code, generator))
        rec = functional.mse_loss(found, maps[batch])
        return rec + prior * prior_divergence(code).mean()

    descend(autoencoder, loss, rows, settings)


def drawn(code: Code, generator: torch.Generator | None) -> torch.Tensor:
    """A draw of the codes, [B, z], or their means without a generator."""
    return code.mean if generator is None else code.sample(generator)


def explained(found: torch.Tensor, wanted: torch.Tensor, usual: torch.Tensor) -> torch.Tensor:
    """R² of each channel, [K]: 1 when decoded maps are the maps, 0 when `usual` would have done as well.

    `usual` [K, rows, cols] is the mean map, so that an autoencoder that has learnt it and nothing else
    gets 0. 0 where maps do not differ.
    """
    left = ((found - wanted) ** 2).mean(dim=(0, 2, 3))
    spread = ((wanted - usual) ** 2).mean(dim=(0, 2, 3))
    return torch.where(
        spread > _SMALLEST_SPREAD, 1 - left / spread.clamp(min=_SMALLEST_SPREAD), torch.zeros_like(left)
    )
