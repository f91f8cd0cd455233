"""Attention maps, or an error where the library silently gives none."""

from collections.abc import Sequence

import torch

from core.errors import ModelError


def checked_maps(maps: Sequence[torch.Tensor | None] | None, layers: int) -> tuple[torch.Tensor, ...]:
    """One map a layer. Raises ModelError when there are none.

    Fused attention never builds its maps: asked for them, transformers returns empty tuples (5.x) or a
    None for each layer (4.x) and no error (huggingface/transformers#38750).
    """
    found = tuple(item for item in maps or () if item is not None)
    if len(found) != layers:
        raise ModelError(
            f"The model gives attention maps for {len(found)} of {layers} layers. "
            'Load it with attention="eager" to get them.'
        )
    return found
