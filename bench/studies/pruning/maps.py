"""The post's tables of maps: entropy by layer, and the share of scores below thresholds."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from PIL.Image import Image

from bench.measure.alike import entropy
from bench.measure.intervals import bootstrap_mean
from bench.measure.report import Row, Value, measured
from bench.studies.pruning.published import BELOW, THRESHOLDS, TOKENS
from bench.studies.pruning.tower import has_class_token, tower_maps
from bench.studies.pruning.zeroing import share_below
from models.vlm import VisionLanguageModel


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
