"""From importance to the places that stay. Pure."""

from dataclasses import dataclass

import torch

from core.errors import InputError
from models.pruning.importance import checked

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
