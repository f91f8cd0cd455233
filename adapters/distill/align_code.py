"""Align-KD's losses as one reads them in its released code, mistakes included.

For studies alone: what they teach says nothing of the method. Sequences [B, S, ...] are a causal model's.
Every mistake has a sentence. The projections are never given to its optimiser, so they stay random. Other
states of that code have another distance or focus under the same mask, and so nothing to learn either.
"""

import torch

_IMAGE_AT = 1
_OFF_BY = 2


def code_attention(ours: torch.Tensor, theirs: torch.Tensor, cells: int) -> torch.Tensor:
    """Mean squared difference of first-layer maps [B, H, S, S] over picture rows and text columns; a scalar.

    `theirs` went through the convolution over heads. The block is the wrong way round: a picture that
    comes first cannot see the text, both maps are 0 there, and what is left is the convolution's bias.
    The picture is taken to begin at place 1, whatever the prompt.
    """
    rows, cols = slice(_IMAGE_AT, _IMAGE_AT + cells), slice(_IMAGE_AT + cells, None)
    return ((theirs.float() - ours.float())[..., rows, cols] ** 2).mean()


def code_focus(theirs: torch.Tensor, cells: int, k: int) -> torch.Tensor:
    """Vision tokens taken to be in focus, int64 [B, k] below `cells`, of the expert's maps [B, H, S, S].

    Columns are added up over all rows and chosen among all columns, so under a causal mask early ones win;
    then 2 is taken off where 1 was due, and what becomes negative counts from the end. Places behind the
    picture, where that code would fail, count from the start here.
    """
    best = theirs.detach().float().mean(dim=1).sum(dim=1).topk(k, dim=-1).indices
    return (best - _OFF_BY) % cells


def code_outputs(logits: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the student [B, T, V] under the expert's probabilities, in half precision; a scalar.

    Forward, though the paper means reverse; over every place, also the prompt's and padding; and unlikely
    tokens become 0 in half precision. Only the sum is taken in float32.
    """
    shares = theirs.detach().softmax(dim=-1, dtype=torch.float16)
    logs = logits.log_softmax(dim=-1, dtype=torch.float16)
    products = (shares * logs).masked_fill(torch.isinf(logits), 0)
    return -products.float().sum(dim=-1).mean()
