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
    pictures, places = torch.unique(images, return_inverse=True)
    if len(pictures) < 2:
        raise ValueError("an autoencoder needs maps of two pictures at least")
    generator = torch.Generator().manual_seed(settings.seed)
    count = min(len(pictures) - 1, max(1, round(settings.held_out * len(pictures))))
    held_out = torch.zeros(len(pictures), dtype=torch.bool)
    held_out[torch.randperm(len(pictures), generator=generator)[:count]] = True
    return (~held_out[places]).nonzero().flatten(), held_out[places].nonzero().flatten()


def descend(
    module: nn.Module, loss: Loss, rows: tuple[torch.Tensor, torch.Tensor], settings: FitSettings
) -> None:
    """Train all of `module` in place and leave it as it was best on the held-out rows."""
    train, held_out = rows
    optimiser = torch.optim.AdamW(
        module.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    generator = torch.Generator().manual_seed(settings.seed)
    steps = settings.epochs * -(-len(train) // settings.batch)
    lowest, best, waited, step = float("inf"), copy.deepcopy(module.state_dict()), 0, 0
    for _ in range(settings.epochs):
        order = train[torch.randperm(len(train), generator=generator)]
        for batch in order.split(settings.batch):
            optimiser.zero_grad()
            loss(batch, beta(step, steps, settings.beta), generator).backward()
            optimiser.step()
            step += 1
        with torch.no_grad():
            current = float(loss(held_out, settings.beta, None))
        waited = waited + 1
        if current < lowest:
            lowest, best, waited = current, copy.deepcopy(module.state_dict()), 0
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
        decoded = autoencoder.decode(sample_or_mean(code, generator))
        return functional.mse_loss(decoded, maps[batch]) + prior * prior_divergence(code).mean()

    descend(autoencoder, loss, rows, settings)


def sample_or_mean(code: Code, generator: torch.Generator | None) -> torch.Tensor:
    """A draw of the codes, [B, z], or their means without a generator."""
    return code.mean if generator is None else code.sample(generator)


def explained_variance(decoded: torch.Tensor, maps: torch.Tensor, usual: torch.Tensor) -> torch.Tensor:
    """R² of each channel, [K]: 1 when decoded maps are the maps, 0 when the mean map `usual` [K, rows, cols]
    would have done as well, and where maps do not differ.
    """
    error = ((decoded - maps) ** 2).mean(dim=(0, 2, 3))
    spread = ((maps - usual) ** 2).mean(dim=(0, 2, 3))
    r2 = 1 - error / spread.clamp(min=_SMALLEST_SPREAD)
    return torch.where(spread > _SMALLEST_SPREAD, r2, torch.zeros_like(error))
