"""The autoencoder between two models' attention maps: what a map says, in a few numbers.

The encoder of `adapters.training.codes`, and the same back. The study that proposed the transfer (slides of
28-05-2025, SF2 to SF7) gives no architecture; this one is ours. With `variational` a code is a normal
distribution with independent dimensions (SF7; Kingma and Welling 2013, appendix B, for the divergence).
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from adapters.training.codes import FIRST, SECOND, Encoder

# exp of it is a deviation of 5e-5 or 150: outside lies nothing but overflow.
_LARGEST_LOGVAR = 10.0


@dataclass(frozen=True)
class Code:
    """Codes of maps: `mean` [B, z] float32, and the logarithm of the variance [B, z] of variational ones."""

    mean: torch.Tensor
    logvar: torch.Tensor | None = None

    def sample(self, generator: torch.Generator) -> torch.Tensor:
        """One draw of each code, [B, z], through which gradients reach mean and variance."""
        if self.logvar is None:
            return self.mean
        noise = torch.randn(self.mean.shape, generator=generator).to(self.mean)
        return self.mean + noise * (self.logvar / 2).exp()


class Autoencoder(Encoder):
    """Maps [B, channels, rows, cols], standardised, to codes of `width` numbers and back. Float32."""

    def __init__(
        self, channels: int, rows: int, cols: int, width: int = 64, variational: bool = False
    ) -> None:
        super().__init__(channels, rows, cols, width, variational)
        self.from_code = nn.Linear(width, SECOND * self.quartered[0] * self.quartered[1])
        self.wide = nn.ConvTranspose2d(SECOND, FIRST, 3, stride=2, padding=1)
        self.wider = nn.ConvTranspose2d(FIRST, channels, 3, stride=2, padding=1)

    def encode(self, maps: torch.Tensor) -> Code:
        """The codes of standardised maps [B, channels, rows, cols]. Raises ValueError for another shape."""
        codes = self.raw_codes(maps)
        if not self.variational:
            return Code(codes)
        mean, logvar = codes.chunk(2, dim=1)
        return Code(mean, logvar.clamp(-_LARGEST_LOGVAR, _LARGEST_LOGVAR))

    def decode(self, codes: torch.Tensor) -> torch.Tensor:
        """Standardised maps [B, channels, rows, cols] of codes [B, width]."""
        inner = self.from_code(codes).unflatten(1, (SECOND, *self.quartered))
        inner = functional.gelu(self.wide(functional.gelu(inner), output_size=self.halved))
        maps: torch.Tensor = self.wider(inner, output_size=self.shape[1:])
        return maps

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Maps decoded from the means of their codes; same shape."""
        return self.decode(self.encode(maps).mean)


def new_autoencoder(shape: tuple[int, int, int], width: int, variational: bool, seed: int) -> Autoencoder:
    """A fresh autoencoder for maps [channels, rows, cols]: equal seeds give equal weights.

    The global random state is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Autoencoder(*shape, width, variational)


def freeze(autoencoder: Autoencoder) -> Autoencoder:
    """Fix its weights for good: a trainable encoder would satisfy the loss by making all codes equal."""
    return autoencoder.requires_grad_(False).eval()


def prior_divergence(code: Code) -> torch.Tensor:
    """KL(code || N(0, 1)) of each dimension, mean over the batch, in nats: [z]; 0 without variances."""
    if code.logvar is None:
        return torch.zeros_like(code.mean[0])
    divergence: torch.Tensor = (code.mean**2 + code.logvar.exp() - code.logvar - 1) / 2
    return divergence.mean(dim=0)


def beta(step: int, steps: int, largest: float) -> float:
    """Weight of the prior at a step from 0: rises from 0 to `largest` over the first third of `steps`."""
    return largest * min(1.0, 3 * step / max(1, steps))
