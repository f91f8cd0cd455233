"""The vision tokens that the language model is fed: all of them, and those that the question looks at.

Align-KD (CVPR 2025, arXiv 2412.01282). `theirs` are the expert's tokens, already of our width
and grid: see `adapters.distill.projections` and `adapters.distill.tokens`. Gradients reach the projection
that brought them there. Pure functions, float32.
"""

import torch


def all_tokens(ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    """Mean squared difference of all vision tokens [B, N, D]; a scalar."""
    return ((theirs.float() - ours.float()) ** 2).mean()


def focus(looks: torch.Tensor, k: int) -> torch.Tensor:
    """The k picture tokens that the question's words look at most, int64 [B, k], the most looked-at first.

    `looks` [B, H, W, N] are the expert's first-layer text-to-vision maps, rows of 0 for padding: heads are
    averaged and words added up. Raises ValueError for more tokens than there are.
    """
    scores = looks.detach().float().mean(dim=1).sum(dim=1)
    if not 0 < k <= scores.shape[-1]:
        raise ValueError(f"{k} of {scores.shape[-1]} vision tokens cannot be in focus")
    return scores.topk(k, dim=-1).indices


def focus_size(cells: int) -> int:
    """How many of N tokens are in focus: a ninth, as the paper's 16 of 144, but 4 at least if there are."""
    return min(cells, max(4, round(cells / 9)))


def focused_tokens(ours: torch.Tensor, theirs: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Mean squared difference of the vision tokens [B, N, D] at `places` [B, k]; a scalar."""
    at = places[..., None]
    picked = (one.gather(1, at.expand(-1, -1, one.shape[-1])) for one in (ours, theirs))
    return all_tokens(*picked)


def vision_loss(
    ours: torch.Tensor, theirs: torch.Tensor, places: torch.Tensor, focus_weight: float = 0.1
) -> torch.Tensor:
    """L_v = L_all + 0.1 L_focus of tokens [B, N, D]; 0.1 because, says the paper, the focus is unsteady."""
    return all_tokens(ours, theirs) + focus_weight * focused_tokens(ours, theirs, places)


def turned_tokens(ours: torch.Tensor, theirs: torch.Tensor, distance_weight: float = 0.1) -> torch.Tensor:
    """Mean of 1 - cosine over tokens [B, N, D], and a tenth of the squared difference; a scalar.

    For models whose tokens differ in norm (ours).
    """
    turned = 1 - torch.cosine_similarity(ours.float(), theirs.float(), dim=-1)
    return turned.mean() + distance_weight * all_tokens(ours, theirs)


def scaled(tokens: torch.Tensor) -> torch.Tensor:
    """Tokens [B, N, D] divided by the root of their mean square over the batch, a constant."""
    size = tokens.detach().float().pow(2).mean().sqrt()
    return tokens.float() / size.clamp(min=1e-6)
