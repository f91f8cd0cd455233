"""The loss every training here starts from, computed by ourselves.

Versions of transformers before 5.13 shift Florence-2's labels twice, so that a model learns to predict
the word after next (huggingface/transformers#46897). Logits are right in all of them.
"""

import torch
from torch.nn import functional

IGNORED = -100
"""Label of positions that are not learnt from, such as padding."""


def answer_cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of the answers' tokens in nats, as one float32 number.

    `logits` [B, T, V] in any floating type; `labels` [B, T] with `IGNORED` where nothing is learnt.
    `logits[b, t]` is the prediction of `labels[b, t]`: nothing is shifted here. Every token counts
    the same, so long answers weigh more. Without any label the loss is 0 and still has a gradient.
    """
    total = functional.cross_entropy(
        logits.float().flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum"
    )
    return total / (labels != IGNORED).sum().clamp(min=1)
