"""What is in every cell of the tower's grid, from the renderer's object ids and depth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from transformers import PreTrainedTokenizerBase

from bench.pretrain.augment import apply_placement
from bench.pretrain.common.dataset import Batch
from bench.pretrain.common.names import CATEGORIES, COLOURS

_FINEST = 18  # parts along one side of a picture
_SAMPLES = 4  # looked at along one side of a part
_PRESENT = 0.08


@dataclass(frozen=True)
class Labels:
    """`kinds` int64 [4, B, G, G], G = grid x parts(grid): category, colour, material, pattern, -1 unknown;
    `log_depth` float32 [B, G, G], nan where unknown; `present` float32 [B, K, grid, grid]: the categories
    that fill a twelfth of a cell.
    """

    kinds: torch.Tensor
    log_depth: torch.Tensor
    present: torch.Tensor


def parts(grid: int) -> int:
    """Into how many parts a side a cell is divided; pictures are labelled equally finely on any grid."""
    return max(1, _FINEST // grid)


def dense_labels(batch: Batch, placement: torch.Tensor, grid: int) -> Labels:
    """Labels of a batch under this placement."""
    fine = grid * parts(grid)
    side = fine * _SAMPLES
    # Ids fit into float32 exactly.
    maps = torch.from_numpy(np.stack([batch.ids.astype(np.float32), batch.depth], axis=1))
    ids, depth = apply_placement(maps, placement, side, "nearest").unbind(1)
    tables = torch.from_numpy(batch.tables.astype(np.int64))
    ids = ids.long().clamp_(max=tables.shape[1] - 1)
    count = len(ids)
    samples = _blocks(ids, _SAMPLES)
    # The commonest of the samples: the one that equals most of the others.
    winner = (samples.unsqueeze(-1) == samples.unsqueeze(-2)).sum(-1).argmax(-1, keepdim=True)
    majority = samples.gather(-1, winner).flatten(1)
    kinds = tables.gather(1, majority.unsqueeze(-1).expand(-1, -1, tables.shape[2]))
    kinds = kinds.permute(2, 0, 1).reshape(-1, count, fine, fine)
    distance = _blocks(depth, _SAMPLES).median(-1).values
    log_depth = torch.where(distance > 0, distance.clamp(min=0.05).log(), torch.nan)
    return Labels(kinds, log_depth, _present(tables[..., 0].gather(1, ids.flatten(1)), count, grid))


def _present(categories: torch.Tensor, count: int, grid: int) -> torch.Tensor:
    """`categories` [B, side * side], -1 unknown."""
    samples = parts(grid) * _SAMPLES
    cells = _blocks(categories.view(count, grid * samples, grid * samples), samples).reshape(
        count * grid * grid, -1
    )
    classes = len(CATEGORIES)
    tally = torch.zeros(len(cells), classes + 1)
    tally.scatter_add_(1, torch.where(cells < 0, classes, cells), torch.ones(cells.shape))
    present = (tally[:, :classes] >= _PRESENT * samples**2).float()
    return present.view(count, grid, grid, classes).permute(0, 3, 1, 2)


def _blocks(maps: torch.Tensor, samples: int) -> torch.Tensor:
    """[B, n * samples, n * samples] -> [B, n, n, samples * samples]."""
    count, side, _ = maps.shape
    cells = side // samples
    split = maps.view(count, cells, samples, cells, samples).transpose(2, 3)
    return split.reshape(count, cells, cells, samples * samples)


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
            log_probabilities = _log_probabilities(cells, mix, embedding)
            targets = self._by_cell(labels)
            weight = weights[targets.clamp(min=0)] * (targets >= 0)
            hits = log_probabilities.gather(-1, targets.clamp(min=0))
            total = total - (weight * hits).sum() / weight.sum().clamp(min=1)
        places = _log_probabilities(cells, self._places, embedding).flatten(0, 1)
        return total + functional.nll_loss(places, self._column.repeat(len(cells)))

    def _by_cell(self, labels: torch.Tensor) -> torch.Tensor:
        """[B, G, G] -> [B, g * g, parts * parts]."""
        count, split = len(labels), parts(self._grid)
        blocks = labels.view(count, self._grid, split, self._grid, split).transpose(2, 3)
        return blocks.reshape(count, self._grid**2, split**2)


def _log_probabilities(cells: torch.Tensor, mix: torch.Tensor, embedding: nn.Embedding) -> torch.Tensor:
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
