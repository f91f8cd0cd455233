"""Leave out what can be spared of a picture: a model's `pruner`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch

from models.maps import FirstLook
from models.pruning.choice import Rule, chosen, count
from models.pruning.drop import dropped
from models.pruning.importance import fused, row_mean, spread
from models.vlm import VisionLanguageModel, VisionTokens

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
