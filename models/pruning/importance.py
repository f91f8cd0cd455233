"""How much each vision token matters, told from attention or from the tokens themselves. Pure, in float32.

t2v         what the question's words look at
colmean     what all queries look at
expert_t2v  t2v of the expert's cached map
fused       half the rank in one, half in another
spread      what is least like the tokens chosen before it; needs no attention
"""

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import ModelError


def row_mean(rows: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Mean over the queries that count: attention [B, Q, N] and bool [B, Q] -> [B, N] float32.

    Where no query of a row counts, as of a question without words of its own, all of them do.
    """
    counted = counts | ~counts.any(dim=1, keepdim=True)
    weights = counted.float() / counted.sum(dim=1, keepdim=True)
    return torch.einsum("bq,bqn->bn", weights, rows.float())


def ranks(importance: torch.Tensor) -> torch.Tensor:
    """Places in ascending order, [B, N] -> [B, N] from 0 for the least to 1 for the most important."""
    places = importance.argsort(dim=1).argsort(dim=1).float()
    return places / max(1, importance.shape[1] - 1)


def fused(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Half the rank in one and half that in the other, both [B, N]: scales do not matter."""
    return 0.5 * ranks(first) + 0.5 * ranks(second)


def spread(tokens: torch.Tensor, count: int) -> torch.Tensor:
    """How far each token is from all that were chosen before it, [B, N, D] -> [B, N], `count` chosen in turn.

    Farthest-point sampling (Gonzalez 1985, Clustering to minimize the maximum intercluster distance) by
    1 - cosine, tokens less their mean: what is shared by the whole picture tells no two apart. The first is
    the least like all others and has 2, the greatest distance there is; later ones never have more than
    earlier ones, and those that were not chosen have what is left.
    """
    units = torch.nn.functional.normalize(tokens.float() - tokens.float().mean(dim=1, keepdim=True), dim=-1)
    # In float32 also where training computes in half of that, which numpy does not know.
    apart = (1 - units @ units.transpose(1, 2)).clamp(min=0).float().cpu().numpy()
    told = np.stack([_farthest(one, min(count, len(one))) for one in apart])
    return torch.from_numpy(told).to(tokens.device)


def _farthest(apart: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """The same of one picture's distances [N, N], in numpy: the steps are many and small."""
    importance, left = np.zeros(len(apart), np.float32), np.full(len(apart), 2.0, np.float32)
    chosen = int(apart.mean(axis=1).argmax())
    for _ in range(count):
        importance[chosen] = max(left[chosen], 1e-6)
        left = np.minimum(left, apart[chosen])
        left[chosen] = -1.0  # never again
        chosen = int(left.argmax())
    return np.where(importance > 0, importance, left)


def checked(importance: torch.Tensor) -> torch.Tensor:
    """The same, once every row has something in it. Raises ModelError for numbers that tell nothing."""
    told = importance.isfinite().all() and bool((importance.clamp(min=0).sum(dim=1) > 0).all())
    if not importance.numel() or not told:
        raise ModelError(
            "The maps are empty or not finite: they tell of no vision token that matters. "
            "Set student.keep_tokens to 1, or choose another importance."
        )
    return importance
