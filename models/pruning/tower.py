"""Maps of towers that attend over patches (CLIP, SigLIP), computed by ourselves under any attention."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from core.errors import ModelError
from models.pruning.importance import class_rows, column_mean, pooled
from models.vlm import VisionLanguageModel

_TOWERS = ("model.vision_tower", "model.vision_model")


@torch.no_grad()
def tower_maps(vlm: VisionLanguageModel, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Of every layer [B, H, T, T] float32, rows sum to 1; the class token, where there is one, comes first.

    Raises ModelError for towers without such maps.
    """
    layers = _attentions(vlm)
    maps: list[torch.Tensor] = []

    def watch(part: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        hidden = args[0] if args else kwargs["hidden_states"]
        queries, keys = (_heads(part, project(hidden)) for project in (part.q_proj, part.k_proj))
        maps.append((queries @ keys.transpose(2, 3) * part.scale).float().softmax(dim=-1))

    hooks = [layer.register_forward_pre_hook(watch, with_kwargs=True) for layer in layers]
    try:
        vlm.constant_features(pixels)
    finally:
        for hook in hooks:
            hook.remove()
    return tuple(maps)


def has_class_token(vlm: VisionLanguageModel) -> bool:
    """Whether a token before the patches stands for the whole picture."""
    return any(name.endswith("class_embedding") for name, _ in vlm.module.named_parameters())


def used_layers(vlm: VisionLanguageModel) -> range:
    """Layers whose output reaches the language model: LLaVA reads hidden state -2, so not the last.

    Hidden state 0 is what enters the first layer, so state -2 of 24 layers is the output of layer 23.
    """
    count = len(_attentions(vlm))
    config: Any = vlm.module.config
    read = getattr(config, "vision_feature_layer", -1)
    last = max(
        count + 1 + layer if layer < 0 else layer for layer in ([read] if isinstance(read, int) else read)
    )
    return range(last)


def tower_importance(vlm: VisionLanguageModel, pixels: torch.Tensor, by: str) -> torch.Tensor:
    """Of each cell of the vision tokens' grid [B, rows * cols], from the last layer that is read.

    `by`: cls or colmean. Raises ModelError where the tower has no such map.
    """
    maps = tower_maps(vlm, pixels)[used_layers(vlm)[-1]]
    vision = vlm.encode_constant(pixels[:1])
    first = has_class_token(vlm)
    if by == "cls" and not first:
        raise ModelError(f"The tower of {vlm.name} has no class token. Choose the importance colmean or t2v.")
    told = class_rows(maps).mean(dim=1) if by == "cls" else column_mean(maps[..., int(first) :])
    return pooled(told, vision.rows, vision.cols)


def _attentions(vlm: VisionLanguageModel) -> list[nn.Module]:
    parts = dict(vlm.module.named_modules())
    tower = next((parts[name] for name in _TOWERS if name in parts), None)
    layers = [] if tower is None else [p for n, p in tower.named_modules() if n.endswith("self_attn")]
    usable = [layer for layer in layers if hasattr(layer, "q_proj") and hasattr(layer, "scale")]
    if not usable:
        raise ModelError(
            f"The tower of {vlm.name} has no maps over patches. Choose the importance t2v or colmean of the "
            "language model, or a model over CLIP or SigLIP."
        )
    return usable


def _heads(part: Any, projected: torch.Tensor) -> torch.Tensor:
    split: Callable[..., torch.Tensor] = projected.unflatten
    return split(2, (part.num_heads, -1)).transpose(1, 2)
