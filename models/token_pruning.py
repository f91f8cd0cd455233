"""Drop vision tokens that a question does not need: score them, choose which stay, and a model's `pruner`.

A dropped token leaves the sequence: set to zero it would still take its share of every softmax. Importance
is float32:

t2v         attention of the question's words
colmean     attention of all queries
fused       the mean of both ranks
spread      distance from the tokens chosen before; needs no attention
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import InputError, ModelError
from models.maps import FirstLayerAttention
from models.vlm import VisionLanguageModel, VisionTokens


def row_mean(rows: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Mean over the queries that count: attention [B, Q, N] and bool [B, Q] -> [B, N] float32.

    In a row where none counts, such as a question without words, all do.
    """
    counting = counts | ~counts.any(dim=1, keepdim=True)
    weights = counting.float() / counting.sum(dim=1, keepdim=True)
    return torch.einsum("bq,bqn->bn", weights, rows.float())


def ranks(importance: torch.Tensor) -> torch.Tensor:
    """Ranks [B, N] -> [B, N] from 0 for the least to 1 for the most important."""
    places = importance.argsort(dim=1).argsort(dim=1).float()
    return places / max(1, importance.shape[1] - 1)


def fused(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """The mean of the ranks in both, [B, N]: scales do not matter."""
    return 0.5 * ranks(first) + 0.5 * ranks(second)


def spread(tokens: torch.Tensor, count: int) -> torch.Tensor:
    """Each token's distance from those chosen before it, [B, N, D] -> [B, N], `count` chosen in turn.

    Farthest-point sampling (Gonzalez 1985, Clustering to minimize the maximum intercluster distance) by
    1 - cosine, after subtracting the mean token, which says nothing about differences. The first is the
    token least like all others and gets 2, the greatest distance; later ones never get more than earlier
    ones, and those not chosen get their distance from the chosen ones.
    """
    units = torch.nn.functional.normalize(tokens.float() - tokens.float().mean(dim=1, keepdim=True), dim=-1)
    # Always float32: numpy has no bfloat16.
    apart = (1 - units @ units.transpose(1, 2)).clamp(min=0).float().cpu().numpy()
    distances = np.stack([_farthest(row, min(count, len(row))) for row in apart])
    return torch.from_numpy(distances).to(tokens.device)


def _farthest(apart: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """`spread` for one picture's distances [N, N], in numpy: the steps are many and small."""
    importance, left = np.zeros(len(apart), np.float32), np.full(len(apart), 2.0, np.float32)
    chosen = int(apart.mean(axis=1).argmax())
    for _ in range(count):
        importance[chosen] = max(left[chosen], 1e-6)
        left = np.minimum(left, apart[chosen])
        left[chosen] = -1.0  # never again
        chosen = int(left.argmax())
    return np.where(importance > 0, importance, left)


def check_importance(importance: torch.Tensor) -> torch.Tensor:
    """The importance itself. Raises ModelError when it is empty, not finite, or 0 for all of a row."""
    usable = importance.isfinite().all() and bool((importance.clamp(min=0).sum(dim=1) > 0).all())
    if not importance.numel() or not usable:
        raise ModelError(
            "The maps are empty or not finite: they tell of no vision token that matters. "
            "Set student.keep_tokens to 1, or choose another importance."
        )
    return importance


LEAST = 16
"""Tokens of the grid that always stay, or all where there are fewer."""


@dataclass(frozen=True)
class Rule:
    """How many stay: the `share` most important, or all with at least `threshold` times the uniform score.

    Both are free of scale: half of 36 tokens or of 576, and a threshold of 1 is 1/N whatever N is. Under a
    threshold that would leave fewer than `LEAST`, the `LEAST` most important stay.
    Raises InputError unless exactly one is given and makes sense.
    """

    share: float | None = None
    threshold: float | None = None

    def __post_init__(self) -> None:
        if (self.share is None) == (self.threshold is None):
            raise InputError("Give either a share of the vision tokens to keep or a threshold.")
        if self.share is not None and not 0 < self.share <= 1:
            raise InputError(f"A share of {self.share} cannot be kept. Give one above 0 and at most 1.")
        if self.threshold is not None and not self.threshold >= 0:
            raise InputError(f"{self.threshold} is no threshold. Give 0 or more; 1 is the uniform score.")


def cells_kept(rule: Rule, cells: int) -> int:
    """How many of `cells` a share keeps; all under a threshold, where that depends on the picture."""
    return cells if rule.share is None else min(cells, max(LEAST, round(rule.share * cells)))


def choose_cells(importance: torch.Tensor, rule: Rule) -> torch.Tensor:
    """Cells that stay, [B, K] int64, ascending; rows that keep fewer than others end with -1.

    `importance` [B, N], not negative. Of equally important cells the first stay. Raises ModelError, see
    `check_importance`.
    """
    cells = importance.shape[1]
    order = check_importance(importance).argsort(dim=1, descending=True, stable=True)
    if rule.threshold is None:
        return order[:, : cells_kept(rule, cells)].sort(dim=1).values
    scores = importance.clamp(min=0) / importance.clamp(min=0).sum(dim=1, keepdim=True)
    kept = (scores >= rule.threshold / cells).sum(dim=1).clamp(min=min(LEAST, cells))
    places = torch.arange(cells, device=order.device)
    # Dropped ones are sorted to the end, past every real place.
    stay = order.masked_fill(places >= kept[:, None], cells).sort(dim=1).values[:, : int(kept.max())]
    return stay.masked_fill(stay == cells, -1)


def drop_cells(vision: VisionTokens, cells: torch.Tensor, merge: bool = False) -> VisionTokens:
    """Keep only these cells of the grid [B, K], ascending, -1 for none; the mean token always stays.

    Every token keeps its position. `merge` averages a dropped cell into the kept one most like it (by
    cosine). One picture with several rows of cells gives one picture per row. Raises ValueError for tokens
    that were pruned before.
    """
    if vision.kept is not None:
        raise ValueError("some of these vision tokens were dropped already")
    first = int(vision.mean_token)
    tokens = vision.for_questions(len(cells)) if len(vision) != len(cells) else vision.tokens
    places = torch.where(cells < 0, cells, cells + first)
    if first:
        places = torch.cat([torch.zeros_like(places[:, :1]), places], dim=1)
    present = (places >= 0).unsqueeze(-1)
    kept = tokens.gather(1, places.clamp(min=0).unsqueeze(-1).expand(-1, -1, tokens.shape[-1]))
    if merge:
        kept = _merge_dropped(tokens, kept, places, first)
    return VisionTokens(kept * present, vision.rows, vision.cols, vision.mean_token, places)


def _merge_dropped(
    tokens: torch.Tensor, kept: torch.Tensor, places: torch.Tensor, first: int
) -> torch.Tensor:
    """Each kept token averaged with the dropped ones most like it; [B, K, D]."""
    batch, whole, _ = tokens.shape
    goes = torch.ones(batch, whole + 1, dtype=torch.bool, device=tokens.device)
    goes.scatter_(1, torch.where(places < 0, whole, places), False)
    goes = goes[:, :whole]
    units = [torch.nn.functional.normalize(part.float(), dim=-1) for part in (tokens, kept)]
    similarity = units[0] @ units[1].transpose(1, 2)
    similarity = similarity.masked_fill((places < 0).unsqueeze(1), -2.0)
    similarity[:, :, :first] = -2.0  # the mean of all is no place to go to
    assignment = torch.nn.functional.one_hot(similarity.argmax(dim=2), places.shape[1]).to(tokens.dtype)
    assignment = assignment * goes.unsqueeze(-1)
    sums = kept + assignment.transpose(1, 2) @ tokens
    return sums / (1 + assignment.sum(dim=1)).unsqueeze(-1)


By: TypeAlias = Literal["spread", "t2v", "colmean", "fused"]
WAYS: tuple[By, ...] = get_args(By)
BY: By = "spread"
"""The best on rendered validation rooms; `roomwise study pruning` compares them."""


@dataclass(frozen=True)
class Pruning:
    """Keep some of the vision tokens; `merge` averages the others into those most like them.

    `by`: spread, tokens unlike each other, whatever the question; t2v, first-layer attention of the
    question's words; colmean, of everything before the answer; fused, both. The last three compute queries
    and keys of one layer once more: fused attention gives no maps.
    """

    rule: Rule
    by: By = BY
    merge: bool = True

    def __call__(
        self, vlm: VisionLanguageModel, vision: VisionTokens, questions: Sequence[str]
    ) -> VisionTokens:
        """Vision tokens per question, or per picture where questions do not matter; no gradient chooses."""
        first = int(vision.mean_token)
        with torch.no_grad():
            if self.by == "spread":
                cells = vision.tokens[:, first:]
                scores = spread(cells, cells_kept(self.rule, cells.shape[1]))
            else:
                attention = vlm.first_layer_attention(vision, questions, everything=self.by != "t2v")
                scores = importance(attention, self.by)[:, first:]
            kept = choose_cells(scores, self.rule)
        return drop_cells(vision, kept, self.merge)


def importance(attention: FirstLayerAttention, by: Literal["t2v", "colmean", "fused"]) -> torch.Tensor:
    """Importance of every vision token, [B, N]. All but t2v need attention with `everything`."""
    if by == "t2v":
        return row_mean(attention.rows, attention.words)
    by_all = row_mean(attention.rows, attention.present)
    return by_all if by == "colmean" else fused(row_mean(attention.rows, attention.words), by_all)


def pruner(share: float) -> Pruning | None:
    """The pruner for a configured share; None for all tokens. Raises InputError as `Rule` does."""
    return None if share >= 1 else Pruning(Rule(share=share))


def keep_tokens(vlm: VisionLanguageModel, share: float | Literal["auto"]) -> None:
    """Apply `student.keep_tokens` to a model."""
    vlm.adapters_choose = share == "auto"
    vlm.pruner = None if share == "auto" else pruner(share)
