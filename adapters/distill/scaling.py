"""Bring canonical maps to numbers that an autoencoder can learn from.

Raw attention over N cells is about 1/N a cell: a mean squared error of it sees next to nothing, and what is
trained by it learns the mean map. So maps become densities, or their logarithms, and each channel is
standardised by what it is over the expert's maps; both models are measured by that one yardstick.
Pure functions, float32.
"""

from typing import Literal, NamedTuple

import torch

Form = Literal["log", "density"]
"""Learn the logarithm of the attention's density, or the density itself."""

_SMALLEST_DENSITY = 1e-3
# A channel that never changes tells nothing; dividing by its deviation would make noise of rounding.
_SMALLEST_SPREAD = 1e-3


class Scale(NamedTuple):
    """Mean and standard deviation of each channel over the expert's maps, [K] float32 both."""

    mean: torch.Tensor
    spread: torch.Tensor


def contrast(maps: torch.Tensor, form: Form = "log") -> torch.Tensor:
    """Attention [..., rows, cols] that sums to 1, free of the number of cells: A · N, or log(A · N + 0.001).

    A cell with just its share has 1, or 0 nats. The floor keeps what nobody looks at from counting more
    than what somebody does.
    """
    dense = maps.float() * (maps.shape[-2] * maps.shape[-1])
    return dense if form == "density" else (dense + _SMALLEST_DENSITY).log()


def fitted_scale(teacher: torch.Tensor) -> Scale:
    """The scale of the expert's maps [B, K, rows, cols] in the form they are learnt in; a constant.

    Raises ValueError when there is no map.
    """
    if teacher.ndim != 4 or not teacher.numel():
        raise ValueError(f"canonical maps are [B, K, rows, cols] and some, not {tuple(teacher.shape)}")
    spread, mean = torch.std_mean(teacher.detach().float(), dim=(0, 2, 3), correction=0)
    return Scale(mean, spread.clamp(min=_SMALLEST_SPREAD))


def standardised(maps: torch.Tensor, scale: Scale) -> torch.Tensor:
    """Maps [B, K, rows, cols] of either model in the expert's standard deviations, float32."""
    mean, spread = (part.to(maps.device)[:, None, None] for part in scale)
    return (maps.float() - mean) / spread
