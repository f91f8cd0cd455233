"""Maps of towers that attend over patches (CLIP, SigLIP), and features zeroed by them as the post does.

No token goes when features are set to zero: the language model reads as many, with positions and norms. The
post numbers "heads" 1 to 24: CLIP ViT-L has 24 layers of 16 heads each, so layers are meant. LLaVA reads
hidden state -2, so layer 24 is off the path; pass layers up to 23 instead.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import torch
from PIL.Image import Image
from torch import nn

from bench.measure.alike import entropy
from bench.measure.intervals import bootstrap_mean
from bench.measure.report import Row, Value, measured
from bench.studies.pruning.published import BELOW, THRESHOLDS, TOKENS
from core.errors import ModelError
from models.inside.towers import recording_maps, tower_of
from models.vlm import VisionLanguageModel


@torch.no_grad()
def tower_maps(vlm: VisionLanguageModel, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Of every layer [B, H, T, T] float32, rows sum to 1; the class token, where there is one, comes first.

    Raises ModelError for towers without such maps.
    """
    tower = tower_of(vlm)
    _attentions(vlm)
    assert tower is not None  # it has attention
    with recording_maps(tower) as maps:
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


def class_scores(maps: Sequence[torch.Tensor]) -> torch.Tensor:
    """a[l, b, h, p], what the class token gives each patch: maps [B, H, 1 + P, 1 + P] -> [L, B, H, P]."""
    return torch.stack([layer[:, :, 0, 1:].float() for layer in maps])


def patch_scores(scores: torch.Tensor, last: int) -> torch.Tensor:
    """Mean over the `last` layers and all heads: [L, B, H, P] -> [B, P]."""
    return scores[-last:].mean(dim=(0, 2))


def segment_scores(scores: torch.Tensor, last: int) -> torch.Tensor:
    """One score a segment, of each of the last layers: [L, B, H, P] -> [B, P, last]."""
    return scores[-last:].mean(dim=2).permute(1, 2, 0)


def patch_wise(features: torch.Tensor, scores: torch.Tensor, threshold: float) -> torch.Tensor:
    """Features [B, P, D] with those of patches that score below the threshold [B, P] set to zero."""
    return features * (scores >= threshold).unsqueeze(-1)


def layer_wise(features: torch.Tensor, scores: torch.Tensor, threshold: float) -> torch.Tensor:
    """D cut into as many segments as there are scores [B, P, N], the last with the rest; each set to zero
    where its own score is below the threshold.
    """
    width, count = features.shape[-1], scores.shape[-1]
    segment = (torch.arange(width, device=features.device) // max(1, width // count)).clamp(max=count - 1)
    return features * (scores >= threshold)[:, :, segment]


def share_below(scores: torch.Tensor, thresholds: Sequence[float]) -> list[float]:
    """Of all single scores the share below each threshold."""
    return [float((scores < threshold).float().mean()) for threshold in thresholds]


def tower_rows(vlm: VisionLanguageModel, pictures: Sequence[Image], seed: int) -> Iterator[Row]:
    """Rows of a tower over patches. Thresholds are the post's for 577 tokens, else as many times the uniform
    score. `published`: the post's per cent at that layer of 24. Raises ModelError for other towers.
    """
    maps = tower_maps(vlm, vlm.prepare(pictures))
    first = has_class_token(vlm)
    for number, layer in enumerate(maps, start=1):
        rows = {"class token": layer[:, :, 0]} if first else {}
        rows["all rows"] = layer.flatten(1, 2)
        yield from _entropies(vlm.name, "tower", number, rows, seed)
        scores = layer[:, :, 0, 1:] if first else layer.mean(dim=2)
        yield from _below(vlm.name, "tower", number, scores, layer.shape[-1], seed)


@torch.no_grad()
def language_rows(
    vlm: VisionLanguageModel, pictures: Sequence[Image], question: str, seed: int
) -> Iterator[Row]:
    """Of the first stack's layers: what the question's words see of the vision tokens, rows summing to 1.

    `vlm` must be loaded with attention="eager".
    """
    vision = vlm.encode_images(pictures)
    questions = [question] * len(pictures)
    forced = vlm.teacher_forced(vision, questions, ["yes"] * len(pictures), attentions=True)
    for number, layer in enumerate(forced.attentions, start=1):
        attention = torch.stack([
            rows[:, forced.txt[place]][:, :, forced.vis[place]] for place, rows in enumerate(layer)
        ])
        attention = attention / attention.sum(dim=-1, keepdim=True)
        yield from _entropies(vlm.name, "language", number, {"words": attention.flatten(1, 2)}, seed)
        yield from _below(vlm.name, "language", number, attention, attention.shape[-1], seed)


def _entropies(model: str, stack: str, layer: int, rows: dict[str, torch.Tensor], seed: int) -> Iterator[Row]:
    """Mean entropy of rows [B, R, N] by what they are, 1 for uniform ones; intervals over pictures."""
    for name, maps in rows.items():
        each = entropy(maps.cpu()).mean(axis=1).tolist()
        about: dict[str, Value] = {"model": model, "stack": stack, "layer": layer, "rows": name}
        yield measured(bootstrap_mean(each, seed=seed), metric="entropy", **about)


def _below(model: str, stack: str, layer: int, scores: torch.Tensor, tokens: int, seed: int) -> Iterator[Row]:
    """Per cent of single scores [B, ...] below each threshold, intervals over pictures."""
    scaled = [threshold * TOKENS / tokens for threshold in THRESHOLDS]
    each = [share_below(picture, scaled) for picture in scores]
    for place, threshold in enumerate(THRESHOLDS):
        values = [100 * shares[place] for shares in each]
        about: dict[str, Value] = {"model": model, "stack": stack, "layer": layer, "threshold": threshold}
        if stack == "tower" and layer in BELOW:
            about["published"] = BELOW[layer][place]
        yield measured(bootstrap_mean(values, seed=seed), metric="percent below", **about)


def drop_layer(rows: Sequence[Row], rows_of: str) -> tuple[int, float]:
    """After which layer entropy falls most from one layer to the next, and by how much."""
    values = [
        float(row["mean"] or 0) for row in rows if row["metric"] == "entropy" and row["rows"] == rows_of
    ]
    falls = [before - after for before, after in pairwise(values)]
    if not falls:
        return 0, 0.0
    most = max(range(len(falls)), key=lambda place: falls[place])
    return most + 1, falls[most]
