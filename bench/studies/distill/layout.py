"""One order for every model's map, the picture's tokens first and then the text's, and its four blocks.

A map is post-softmax attention: rows are queries, columns are keys. Where a model puts its picture is told
by masks, never by a fixed place in the sequence. Pure functions, float32.
"""

from typing import Literal

import torch

Block = Literal["v2v", "v2t", "t2v", "t2t"]
"""Which tokens look (first letter) at which: `t2v` is how the text's tokens look at the picture's."""


def arranged(attention: torch.Tensor, vis: torch.Tensor, txt: torch.Tensor) -> torch.Tensor:
    """One example's map [H, S, S] in the common order: [H, N + W, N + W], N picture tokens, W text tokens.

    `vis`, `txt` [S] bool. What is neither, such as markers and padding, is left out: padded rows of a
    softmax still sum to 1. Rows keep their raw mass, so they sum to at most 1.
    """
    order = torch.cat([vis.nonzero()[:, 0], txt.nonzero()[:, 0]])
    return attention.float()[:, order][:, :, order]


def block(maps: torch.Tensor, cells: int, which: Block) -> torch.Tensor:
    """One block of arranged maps [..., N + W, N + W] whose first `cells` = N places are the picture's."""
    rows = maps[..., :cells, :] if which[0] == "v" else maps[..., cells:, :]
    return rows[..., :cells] if which[2] == "v" else rows[..., cells:]


def mean_heads(attention: torch.Tensor) -> torch.Tensor:
    """[..., H, Q, K] as [..., Q, K]: rows that summed to 1 still do (HD-mean)."""
    return attention.float().mean(dim=-3)
