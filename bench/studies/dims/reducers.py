"""Vision tokens of D numbers as k and back: R^{B x N x D} -> R^{B x N x k}, and `lift`. All float32.

Directions are drawn, found by PCA or learnt. What saves is what is sent or stored; the language model reads D
numbers again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from core.errors import InputError
from models.loss import IGNORED
from models.vlm import VisionLanguageModel, VisionTokens

_FLAT = 1e-6
"""A channel that varies less is not scaled up."""
_BATCH = 24
"""Questions in a step of what is learnt."""


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
    mean, scale = _moments(tokens)
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
    return TokenReducer(*_moments(tokens), axes, axes.T)


def retained(reducer: TokenReducer, tokens: torch.Tensor) -> float:
    """Share of the standardised tokens' variance that is left, tokens [n, D]; 1 is all."""
    lost = (tokens - reducer.there_and_back(tokens)) / reducer.scale
    kept = (tokens - reducer.mean) / reducer.scale
    return float(1 - lost.square().sum() / kept.square().sum())


def _moments(tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return tokens.mean(dim=0), tokens.std(dim=0).clamp(min=_FLAT)


def _check(width: int, channels: int) -> None:
    if not 1 <= width <= channels:
        raise InputError(f"A width of {width} is not within 1 to {channels}. Choose another.")


@dataclass(frozen=True)
class Lessons:
    """Questions with their answers, and which picture of `vision` each is about."""

    vision: VisionTokens
    pictures: Sequence[int]
    questions: Sequence[str]
    answers: Sequence[str]


def learn_reducer(
    vlm: VisionLanguageModel,
    start: TokenReducer,
    widths: Sequence[int],
    lessons: Lessons,
    steps: int,
    rate: float,
    seed: int,
    on_step: Callable[[], None],
) -> TokenReducer:
    """From `start` on, down and up free: sum over `widths` of |Z - lift|^2 / Var + KL(logits), equal weights.

    One width is a learned projection; several nested ones are a matryoshka (Kusupati et al. 2022, Matryoshka
    representation learning): the first m numbers serve by themselves. The KL is from all D numbers to k, over
    the answers' tokens.
    """
    vlm.module.requires_grad_(False)
    down, up = start.down.clone().requires_grad_(), start.up.clone().requires_grad_()
    optimiser = torch.optim.Adam([down, up], lr=rate)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        drawn = torch.randperm(len(lessons.questions), generator=generator)[:_BATCH].tolist()
        vision = lessons.vision.select([lessons.pictures[place] for place in drawn])
        words = [lessons.questions[place] for place in drawn], [lessons.answers[place] for place in drawn]
        with torch.no_grad():
            target = vlm.teacher_forced(vision, *words)
        loss = torch.zeros(())
        for width in widths:
            reducer = replace(start, down=down, up=up).narrowed(width)
            loss = loss + _loss(vlm, reducer, vision, words, target.logits, target.labels != IGNORED)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        on_step()
    return replace(start, down=down.detach(), up=up.detach())


def _loss(
    vlm: VisionLanguageModel,
    reducer: TokenReducer,
    vision: VisionTokens,
    words: tuple[Sequence[str], Sequence[str]],
    target: torch.Tensor,
    counts: torch.Tensor,
) -> torch.Tensor:
    tokens = reducer.there_and_back(vision.tokens)
    lost = ((tokens - vision.tokens) / reducer.scale).square().mean()
    now = vlm.teacher_forced(replace(vision, tokens=tokens), *words).logits[counts].log_softmax(dim=-1)
    before = target[counts].log_softmax(dim=-1)
    return lost + (before.exp() * (before - now)).sum() / counts.sum().clamp(min=1)
