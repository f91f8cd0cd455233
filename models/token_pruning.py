"""Leave out the vision tokens that can be spared: how much each matters, which stay, and a model's `pruner`.

A token that goes is gone from the sequence: set to zero it would still take its share of every softmax, and
get its position and a normalisation all the same. Importance is told in float32:

t2v         what the question's words look at
colmean     what all queries look at
fused       half the rank in one, half in another
spread      what is least like the tokens chosen before it; needs no attention
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import InputError, ModelError
from models.maps import FirstLook
from models.vlm import VisionLanguageModel, VisionTokens


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


LEAST = 16
"""So many tokens of the grid stay whatever a rule says, or all where there are fewer."""


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


def count(rule: Rule, cells: int) -> int:
    """Of so many cells how many a share keeps; under a threshold that depends on the picture: all."""
    return cells if rule.share is None else min(cells, max(LEAST, round(rule.share * cells)))


def chosen(importance: torch.Tensor, rule: Rule) -> torch.Tensor:
    """Cells that stay, [B, K] int64, ascending; rows that keep fewer than others end with -1.

    `importance` [B, N], not negative. Of equally important cells the first stay. Raises ModelError where it
    tells nothing.
    """
    cells = importance.shape[1]
    order = checked(importance).argsort(dim=1, descending=True, stable=True)
    if rule.threshold is None:
        return order[:, : count(rule, cells)].sort(dim=1).values
    scores = importance.clamp(min=0) / importance.clamp(min=0).sum(dim=1, keepdim=True)
    passed = (scores >= rule.threshold / cells).sum(dim=1).clamp(min=min(LEAST, cells))
    places = torch.arange(cells, device=order.device)
    # Dropped ones are sorted to the end, past every real place.
    stay = order.masked_fill(places >= passed[:, None], cells).sort(dim=1).values[:, : int(passed.max())]
    return stay.masked_fill(stay == cells, -1)


def dropped(vision: VisionTokens, cells: torch.Tensor, merge: bool = False) -> VisionTokens:
    """Only these cells of the grid [B, K], ascending, -1 for none; the mean token always stays.

    Every token keeps its place: families count positions as if nothing had been left out. With `merge` a cell
    that goes is averaged into the one that stays and is most like it (by cosine). Of one picture and several
    rows of cells, one picture a row. Raises ValueError for tokens that were dropped from before.
    """
    if vision.kept is not None:
        raise ValueError("some of these vision tokens were dropped already")
    first = int(vision.mean_token)
    tokens = vision.for_questions(len(cells)) if len(vision) != len(cells) else vision.tokens
    places = torch.where(cells < 0, cells, cells + first)
    if first:
        places = torch.cat([torch.zeros_like(places[:, :1]), places], dim=1)
    there = (places >= 0).unsqueeze(-1)
    stay = tokens.gather(1, places.clamp(min=0).unsqueeze(-1).expand(-1, -1, tokens.shape[-1]))
    if merge:
        stay = _merged(tokens, stay, places, first)
    return VisionTokens(stay * there, vision.rows, vision.cols, vision.mean_token, places)


def _merged(tokens: torch.Tensor, stay: torch.Tensor, places: torch.Tensor, first: int) -> torch.Tensor:
    """Means of each token that stays with those that go and are most like it; [B, K, D]."""
    batch, whole, _ = tokens.shape
    goes = torch.ones(batch, whole + 1, dtype=torch.bool, device=tokens.device)
    goes.scatter_(1, torch.where(places < 0, whole, places), False)
    goes = goes[:, :whole]
    units = [torch.nn.functional.normalize(part.float(), dim=-1) for part in (tokens, stay)]
    alike = units[0] @ units[1].transpose(1, 2)
    alike = alike.masked_fill((places < 0).unsqueeze(1), -2.0)
    alike[:, :, :first] = -2.0  # the mean of all is no place to go to
    share = torch.nn.functional.one_hot(alike.argmax(dim=2), places.shape[1]).to(tokens.dtype)
    share = share * goes.unsqueeze(-1)
    sums = stay + share.transpose(1, 2) @ tokens
    return sums / (1 + share.sum(dim=1)).unsqueeze(-1)


By: TypeAlias = Literal["spread", "t2v", "colmean", "fused"]
WAYS: tuple[By, ...] = get_args(By)
BY: By = "spread"
"""What told best on rendered validation rooms which tokens can go; `roomwise study pruning` compares them."""


@dataclass(frozen=True)
class Pruning:
    """Keep a part of the vision tokens; with `merge` those that go are averaged into the most like them.

    `by`: spread, tokens unlike each other, whatever is asked; t2v, what the question's words look at in the
    first layer; colmean, what everything before the answer does; fused, half the rank in each. The last
    three cost queries and keys of one layer over all tokens once more: fused attention gives no maps.
    """

    rule: Rule
    by: By = BY
    merge: bool = True

    def __call__(
        self, vlm: VisionLanguageModel, vision: VisionTokens, questions: Sequence[str]
    ) -> VisionTokens:
        """Vision tokens for each question, or for each picture where questions do not matter.

        Which stay is a choice, through which no gradient flows.
        """
        first = int(vision.mean_token)
        with torch.no_grad():
            if self.by == "spread":
                cells = vision.tokens[:, first:]
                told = spread(cells, count(self.rule, cells.shape[1]))
            else:
                look = vlm.first_look(vision, questions, everything=self.by != "t2v")
                told = importance(look, self.by)[:, first:]
            stay = chosen(told, self.rule)
        return dropped(vision, stay, self.merge)


def importance(look: FirstLook, by: Literal["t2v", "colmean", "fused"]) -> torch.Tensor:
    """Of every vision token, [B, N]. All but t2v need a look of everything."""
    if by == "t2v":
        return row_mean(look.rows, look.words)
    every = row_mean(look.rows, look.there)
    return every if by == "colmean" else fused(row_mean(look.rows, look.words), every)


def pruner(share: float) -> Pruning | None:
    """What a configured share asks for; all of the tokens need nothing. Raises InputError as `Rule` does."""
    return None if share >= 1 else Pruning(Rule(share=share))


def keep_tokens(vlm: VisionLanguageModel, wish: float | Literal["auto"]) -> None:
    """Let a model serve as `student.keep_tokens` has it."""
    vlm.adapters_choose = wish == "auto"
    vlm.pruner = None if wish == "auto" else pruner(wish)
