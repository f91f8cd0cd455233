"""Vision tokens in the space of words: a cell with a red sofa should look like "red" and like "sofa".

Without it the language model must find out from answers alone which direction of a vision token means
what. With it a word of the question finds its cells, and what a cell holds can be said, from the start.
So can where it is: left, in the middle or on the right.
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional
from transformers import PreTrainedTokenizerBase

from bench.pretrain.common.names import CATEGORIES, COLOURS
from bench.pretrain.labels import parts

PLACES = ("left", "middle", "right")
NAMED: tuple[Sequence[str], ...] = (CATEGORIES, COLOURS)
"""What is named, in the order of `labels.Labels.kinds`."""


class Naming:
    """The loss between vision tokens [B, 1 + g * g, D] and the embeddings of names; no weights of its own."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, weights: Sequence[torch.Tensor], grid: int
    ) -> None:
        self._weights = weights  # of the classes of each kind
        self._grid = grid
        self._mixes = [_mix(tokenizer, names) for names in NAMED]
        self._places = _mix(tokenizer, PLACES)
        columns = (torch.arange(grid) + 0.5) / grid * len(PLACES)
        self._column = columns.long().repeat(grid)  # of each cell, row by row: [g * g]

    def loss(self, vision: torch.Tensor, embedding: nn.Embedding, kinds: torch.Tensor) -> torch.Tensor:
        """Cross-entropy of each cell's parts [kinds, B, G, G] (-1 unknown), and of which third it is in."""
        cells = vision[:, 1:]
        total = vision.new_zeros((), dtype=torch.float32)
        for mix, weights, labels in zip(self._mixes, self._weights, kinds, strict=True):
            guesses = _guesses(cells, mix, embedding)
            wanted = self._by_cell(labels)
            weight = weights[wanted.clamp(min=0)] * (wanted >= 0)
            hits = guesses.gather(-1, wanted.clamp(min=0))
            total = total - (weight * hits).sum() / weight.sum().clamp(min=1)
        places = _guesses(cells, self._places, embedding).flatten(0, 1)
        return total + functional.nll_loss(places, self._column.repeat(len(cells)))

    def _by_cell(self, labels: torch.Tensor) -> torch.Tensor:
        """[B, G, G] -> [B, g * g, parts * parts]."""
        count, split = len(labels), parts(self._grid)
        blocks = labels.view(count, self._grid, split, self._grid, split).transpose(2, 3)
        return blocks.reshape(count, self._grid**2, split**2)


def _guesses(cells: torch.Tensor, mix: torch.Tensor, embedding: nn.Embedding) -> torch.Tensor:
    """Log probabilities [B, cells, names] of each name for each cell."""
    names = mix.to(embedding.weight.dtype) @ embedding.weight  # [names, D]
    return torch.log_softmax((cells @ names.T.to(cells.dtype)).float(), dim=-1)


def _mix(tokenizer: PreTrainedTokenizerBase, names: Sequence[str]) -> torch.Tensor:
    """[names, vocabulary]: a name's embedding is the mean of its tokens'."""
    mix = torch.zeros(len(names), len(tokenizer))
    for row, name in enumerate(names):
        ids = tokenizer(name, add_special_tokens=False)["input_ids"]
        for token in ids:
            mix[row, token] += 1 / len(ids)
    return mix
