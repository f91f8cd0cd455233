"""The base loss of every training, computed by ourselves.

transformers before 5.13 shifts Florence-2's labels twice, so that a model learns to predict the word after
next (huggingface/transformers#46897). Its logits are right.
"""

import torch
from torch.nn import functional

IGNORED = -100
"""Label of positions without a loss, such as padding."""


def answer_cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of the answers' tokens in nats, float32.

    `logits` [B, T, V] of any floating type predict `labels` [B, T], without a shift; `IGNORED` labels do
    not count. Every token weighs the same. Without labels the loss is 0 and still has a gradient.
    """
    total = functional.cross_entropy(
        logits.float().flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum"
    )
    return total / (labels != IGNORED).sum().clamp(min=1)
