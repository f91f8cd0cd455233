"""Attention maps with something to see in them, for tests: each looks at one place."""

import torch

from adapters.training.codes import Scale
from bench.studies.distill.autoencoder import new_autoencoder
from bench.studies.distill.transfer import MapStatistics, Pairing, Transfer

PICTURE = (8, 8)


def looks(count: int, seed: int, channels: int = 2, grid: tuple[int, int] = PICTURE) -> torch.Tensor:
    """`count` canonical maps [count, channels, rows, cols] that sum to 1, each around one random place."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.rand(count, 1, 2, generator=generator) + torch.linspace(0, 0.1, channels)[None, :, None]
    down = torch.linspace(0, 1, grid[0])[:, None] - places[..., 0, None, None]
    across = torch.linspace(0, 1, grid[1])[None, :] - places[..., 1, None, None]
    return _soft(-(down**2 + across**2) * 8)


def blurred(maps: torch.Tensor) -> torch.Tensor:
    """How another model might see the same: flatter, and less sure of it."""
    return _soft(0.7 * maps.add(1e-4).log())


def untrained(
    shape: tuple[int, int, int] = (2, *PICTURE), pairing: Pairing = "shared", variational: bool = False
) -> Transfer:
    """A transfer with random weights in all its parts."""
    first, second = (new_autoencoder(shape, 3, variational, seed) for seed in range(2))
    generator = torch.Generator().manual_seed(0)
    channels, around = shape[0], (3, 3 * (3 + 1), shape[0])
    variance, rest, spread = (torch.rand(size, generator=generator) + 0.5 for size in around)
    calibration = MapStatistics(
        variance,
        rest[:9].reshape(3, 3),
        rest[9:],
        torch.rand(channels, generator=generator),
        torch.rand(channels, generator=generator),
    )
    pair = (first, first if pairing == "shared" else second)
    return Transfer(pairing, pair, Scale(torch.zeros(channels), spread), calibration)


def _soft(scores: torch.Tensor) -> torch.Tensor:
    return scores.flatten(2).softmax(dim=-1).reshape(scores.shape)
