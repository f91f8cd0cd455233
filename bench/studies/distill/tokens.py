"""What one of our tokens has to do with each of theirs: another grid of the picture, other tokens of a text.

Always theirs is brought to ours: the student learns to look, the expert is a constant. There are two sets
of weights, since a query's row is a mean over queries while a key's column is mass that must not be lost.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import torch

from models.alignment import query_weights, resample_keys


class Weights(NamedTuple):
    """How their tokens make ours, float32 [ours, theirs] each.

    `queries`: rows sum to 1, or to 0 where none of theirs is at that place. `keys`: columns sum to 1, or
    to 0 where what theirs sees has no place with us.
    """

    queries: torch.Tensor
    keys: torch.Tensor


@lru_cache(maxsize=16)  # asked for with every example of every step
def grid_weights(
    ours: tuple[int, int], theirs: tuple[int, int], ours_mean: bool = False, theirs_mean: bool = False
) -> Weights:
    """Weights between two grids (rows, columns) of the same picture, by shared area.

    A mean token in front of the cells goes with a mean token; without one on the other side it goes
    with nothing. Equal grids give the identity. The tensors are shared: do not write to them.
    """
    with torch.inference_mode(False):  # what was made inside could not be trained with later
        return _grid_weights(ours, theirs, ours_mean, theirs_mean)


def _grid_weights(
    ours: tuple[int, int], theirs: tuple[int, int], ours_mean: bool, theirs_mean: bool
) -> Weights:
    down, across = (_along_one_side(mine, other) for mine, other in zip(ours, theirs, strict=True))
    keys = torch.zeros(ours[0] * ours[1] + ours_mean, theirs[0] * theirs[1] + theirs_mean)
    both = torch.einsum("ir,jc->ijrc", down, across)
    keys[int(ours_mean) :, int(theirs_mean) :] = both.flatten(2).flatten(0, 1)
    if ours_mean and theirs_mean:
        keys[0, 0] = 1
    return Weights(keys / keys.sum(dim=1, keepdim=True).clamp(min=1e-9), keys)


def _along_one_side(ours: int, theirs: int) -> torch.Tensor:
    """Share of each of their stretches of a side that lies in each of ours, [ours, theirs]."""
    return resample_keys(torch.eye(theirs)[..., None], ours, 1)[..., 0].T


def text_weights(ours: Sequence[tuple[int, int]], theirs: Sequence[tuple[int, int]]) -> Weights:
    """Weights between two tokenisations of the same text, by shared characters; spans are (from, to).

    The same spans give the identity, also where several tokens spell one character together.
    """
    if list(ours) == list(theirs):
        return Weights(torch.eye(len(ours)), torch.eye(len(ours)))
    return Weights(query_weights(ours, theirs), query_weights(theirs, ours).T)


def joined(picture: Weights, text: Weights) -> Weights:
    """Weights over arranged maps: the picture's tokens, then the text's; neither tells about the other."""
    return Weights(torch.block_diag(picture.queries, text.queries), torch.block_diag(picture.keys, text.keys))


def carried(maps: torch.Tensor, queries: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
    """Their maps [..., Q, K] in our shape, float32 [..., Q', K'].

    `queries` [Q', Q] averages rows, `keys` [K', K] adds columns up: a row's mass stays what it was.
    """
    return queries.to(maps.device) @ maps.float() @ keys.T.to(maps.device)
