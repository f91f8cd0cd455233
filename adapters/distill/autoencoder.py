"""The autoencoder between two models' attention maps: what a map says, in a few numbers.

Two convolutions of stride 2 and one linear layer to the code, and the same back; about a third of a million
weights for six maps of 24 x 24. The study that proposed the transfer (slides of 28-05-2025, SF2 to SF7)
gives no architecture; this one is ours. With `variational` a code is a normal distribution (SF7).
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

_FIRST, _SECOND = 32, 64
# exp of it is a deviation of 5e-5 or 150: outside lies nothing but overflow.
_LARGEST_LOGVAR = 10.0


@dataclass(frozen=True)
class Code:
    """What an encoder makes of maps: `mean` [B, z] float32.

    `logvar` [B, z], the logarithm of the variance, is there when the autoencoder is variational.
    """

    mean: torch.Tensor
    logvar: torch.Tensor | None = None

    def sample(self, generator: torch.Generator) -> torch.Tensor:
        """One draw of each code, [B, z], through which gradients reach mean and variance."""
        if self.logvar is None:
            return self.mean
        noise = torch.randn(self.mean.shape, generator=generator).to(self.mean)
        return self.mean + noise * (self.logvar / 2).exp()


class Autoencoder(nn.Module):
    """Maps [B, channels, rows, cols], standardised, to codes of `width` numbers and back. Float32."""

    def __init__(
        self, channels: int, rows: int, cols: int, width: int = 64, variational: bool = False
    ) -> None:
        super().__init__()
        self.shape = (channels, rows, cols)
        self.width, self.variational = width, variational
        self._half = (_halved(rows), _halved(cols))
        self._quarter = (_halved(self._half[0]), _halved(self._half[1]))
        flat = _SECOND * self._quarter[0] * self._quarter[1]
        self.narrow = nn.Conv2d(channels, _FIRST, 3, stride=2, padding=1)
        self.narrower = nn.Conv2d(_FIRST, _SECOND, 3, stride=2, padding=1)
        self.to_code = nn.Linear(flat, 2 * width if variational else width)
        self.from_code = nn.Linear(width, flat)
        self.wide = nn.ConvTranspose2d(_SECOND, _FIRST, 3, stride=2, padding=1)
        self.wider = nn.ConvTranspose2d(_FIRST, channels, 3, stride=2, padding=1)

    def encode(self, maps: torch.Tensor) -> Code:
        """The codes of standardised maps [B, channels, rows, cols]. Raises ValueError for another shape."""
        if maps.shape[1:] != self.shape:
            raise ValueError(f"maps of shape {tuple(maps.shape[1:])}, not {self.shape}")
        inner = functional.gelu(self.narrower(functional.gelu(self.narrow(maps.float()))))
        found = self.to_code(inner.flatten(1))
        if not self.variational:
            return Code(found)
        mean, logvar = found.chunk(2, dim=1)
        return Code(mean, logvar.clamp(-_LARGEST_LOGVAR, _LARGEST_LOGVAR))

    def decode(self, codes: torch.Tensor) -> torch.Tensor:
        """Standardised maps [B, channels, rows, cols] of codes [B, width]."""
        inner = self.from_code(codes).unflatten(1, (_SECOND, *self._quarter))
        inner = functional.gelu(self.wide(functional.gelu(inner), output_size=self._half))
        maps: torch.Tensor = self.wider(inner, output_size=self.shape[1:])
        return maps

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """What is left of maps after code and back, without a draw; same shape."""
        return self.decode(self.encode(maps).mean)


def new_autoencoder(shape: tuple[int, int, int], width: int, variational: bool, seed: int) -> Autoencoder:
    """A fresh autoencoder for maps [channels, rows, cols]: equal seeds give equal weights.

    The global random state is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Autoencoder(*shape, width, variational)


def frozen(autoencoder: Autoencoder) -> Autoencoder:
    """The same module, for good: a trainable encoder would make all codes equal and be content."""
    return autoencoder.requires_grad_(False).eval()


def _halved(cells: int) -> int:
    return (cells + 1) // 2
