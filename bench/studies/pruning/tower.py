"""Maps of towers that attend over patches (CLIP, SigLIP), computed by ourselves under any attention."""

from typing import Any

import torch
from torch import nn

from core.errors import ModelError
from models.inside.towers import hearing, tower_of
from models.vlm import VisionLanguageModel


@torch.no_grad()
def tower_maps(vlm: VisionLanguageModel, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Of every layer [B, H, T, T] float32, rows sum to 1; the class token, where there is one, comes first.

    Raises ModelError for towers without such maps.
    """
    tower = tower_of(vlm)
    _attentions(vlm)
    assert tower is not None  # it has attention
    with hearing(tower) as maps:
        vlm.constant_features(pixels)
    return tuple(layer.attention for layer in maps if layer.kind == "tokens")


def has_class_token(vlm: VisionLanguageModel) -> bool:
    """Whether a token before the patches stands for the whole picture."""
    return any(name.endswith("class_embedding") for name, _ in vlm.module.named_parameters())


def used_layers(vlm: VisionLanguageModel) -> range:
    """Layers whose output reaches the language model: LLaVA reads hidden state -2, so not the last.

    Hidden state 0 is what enters the first layer, so state -2 of 24 layers is the output of layer 23.
    """
    count = len(_attentions(vlm))
    config: Any = vlm.module.config
    layers_read = getattr(config, "vision_feature_layer", -1)
    last = max(
        count + 1 + layer if layer < 0 else layer
        for layer in ([layers_read] if isinstance(layers_read, int) else layers_read)
    )
    return range(last)


def _attentions(vlm: VisionLanguageModel) -> list[nn.Module]:
    tower = tower_of(vlm)
    parts = [] if tower is None else [part for _, part in tower.named_modules()]
    usable = [part for part in parts if hasattr(part, "q_proj") and hasattr(part, "k_proj")]
    if not usable:
        raise ModelError(
            f"The tower of {vlm.name} has no maps over patches. Choose a model over CLIP or SigLIP."
        )
    return usable
