"""The first attention layer's map, as the model itself computes it, and nothing after it."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch

from models.maps import eager


class _Seen(Exception):
    """Ends a pass early."""


def first_layer_weights(model: Any, suffix: str, run: Callable[[], object]) -> torch.Tensor:
    """Attention [B, H, S, S] of the language model's first layer of that name, while `run` makes a pass.

    Whatever implementation the model was loaded with.
    """
    layers = model.model.language_model.named_modules()
    attention = next(part for name, part in layers if name.endswith(suffix))
    seen: list[torch.Tensor] = []

    def hook(module: Any, args: Any, output: Any) -> None:
        seen.append(output[1])
        raise _Seen

    handle = attention.register_forward_hook(hook)
    try:
        with eager(model), suppress(_Seen):
            run()
    finally:
        handle.remove()
    return seen[0]
