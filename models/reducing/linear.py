"""Vision tokens of D numbers as k and back: R^{B x N x D} -> R^{B x N x k}, and `lift`. All float32.

What saves is what is sent or stored; the language model reads D numbers again.
"""

from dataclasses import dataclass, replace

import torch

from core.errors import InputError

_FLAT = 1e-6
"""A channel that varies less is not scaled up."""


@dataclass(frozen=True)
class TokenReducer:
    """`mean` and `scale` [D] standardise each channel; `down` [D, k] and `up` [k, D] go there and back.

    Standardising comes first: a few channels of large scale would otherwise be all that is kept.
    """

    mean: torch.Tensor
    scale: torch.Tensor
    down: torch.Tensor
    up: torch.Tensor

    @property
    def width(self) -> int:
        """k."""
        return int(self.down.shape[1])

    def reduce(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens [..., D] as [..., k]."""
        return (tokens - self.mean) / self.scale @ self.down

    def lift(self, reduced: torch.Tensor) -> torch.Tensor:
        """[..., k] back as [..., D], at the scale that the language model knows."""
        return reduced @ self.up * self.scale + self.mean

    def there_and_back(self, tokens: torch.Tensor) -> torch.Tensor:
        """What is left of tokens [..., D]."""
        return self.lift(self.reduce(tokens))

    def narrowed(self, width: int) -> "TokenReducer":
        """The first `width` of the k numbers alone: nested, one reducer serves every width."""
        return replace(self, down=self.down[:, :width], up=self.up[:width])


def pca(tokens: torch.Tensor, width: int) -> TokenReducer:
    """The directions along which standardised tokens [n, D] vary most, in order.

    Raises InputError when there are too few tokens to tell, or for a width outside 1 to D.
    """
    channels = tokens.shape[1]
    _check(width, channels)
    if len(tokens) < 2 * channels:
        raise InputError(f"{len(tokens)} tokens do not tell {channels} directions apart. Give more rooms.")
    mean, scale = tokens.mean(dim=0), tokens.std(dim=0).clamp(min=_FLAT)
    standard = (tokens - mean) / scale
    covariance = standard.T.double() @ standard.double() / len(tokens)
    axes = torch.linalg.eigh(covariance).eigenvectors.flip(1)[:, :width].float()
    return TokenReducer(mean, scale, axes, axes.T)


def random_projection(tokens: torch.Tensor, width: int, seed: int) -> TokenReducer:
    """As many orthogonal directions drawn at random: what any reducer has to beat. Raises InputError."""
    channels = tokens.shape[1]
    _check(width, channels)
    generator = torch.Generator().manual_seed(seed)
    axes = torch.linalg.qr(torch.randn(channels, channels, generator=generator)).Q[:, :width]
    mean, scale = tokens.mean(dim=0), tokens.std(dim=0).clamp(min=_FLAT)
    return TokenReducer(mean, scale, axes, axes.T)


def retained(reducer: TokenReducer, tokens: torch.Tensor) -> float:
    """Share of the standardised tokens' variance that is left, tokens [n, D]; 1 is all."""
    lost = (tokens - reducer.there_and_back(tokens)) / reducer.scale
    kept = (tokens - reducer.mean) / reducer.scale
    return float(1 - lost.square().sum() / kept.square().sum())


def linear_cka(first: torch.Tensor, second: torch.Tensor) -> float:
    """Likeness of two sets of features of the same tokens, [n, D1] and [n, D2]: 1 up to rotation and scale.

    Kornblith et al. 2019, Similarity of neural network representations revisited, equation for the linear
    kernel: |Y^T X|_F^2 / (|X^T X|_F |Y^T Y|_F), columns centred.
    """
    x, y = (part.double() - part.double().mean(dim=0) for part in (first, second))
    shared = (y.T @ x).square().sum()
    return float(shared / ((x.T @ x).norm() * (y.T @ y).norm()).clamp(min=1e-30))


def _check(width: int, channels: int) -> None:
    if not 1 <= width <= channels:
        raise InputError(f"A width of {width} is not within 1 to {channels}. Choose another.")
