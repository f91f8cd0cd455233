"""What is in every cell of the tower's grid, from the renderer's object ids and depth."""

from dataclasses import dataclass

import numpy as np
import torch

from bench.pretrain.augment import Placement, placed
from bench.pretrain.common.dataset import Batch
from bench.pretrain.common.names import CATEGORIES

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


def dense_labels(batch: Batch, placement: Placement, grid: int) -> Labels:
    """Labels of a batch under this placement."""
    fine = grid * parts(grid)
    side = fine * _SAMPLES
    # Ids fit into float32 exactly.
    maps = torch.from_numpy(np.stack([batch.ids.astype(np.float32), batch.depth], axis=1))
    ids, depth = placed(maps, placement, side, "nearest").unbind(1)
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
