"""The attention maps of one model for one picture and one question."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image

from core.config import Config
from core.errors import InputError
from core.text import check_question
from core.types import Answer
from models.images import load_image
from models.inside.attention import (
    AttentionMaps,
    QueryTokens,
    attention_maps,
    check_size,
    normalise_map,
    on_grid,
    rollouts,
    teacher_forced_with_maps,
)
from models.inside.towers import TowerMap, cls_map, received, recording_maps, tower_of
from models.registry import load_model
from models.vlm import TeacherForced, VisionLanguageModel, VisionTokens

Cells = NDArray[np.float32]


@dataclass(frozen=True)
class AttentionMap:
    """One map [rows, cols] over the picture; it sums to 1, except a tower's. `entropy` in [0, 1]: 1 is
    uniform. `mass` in [0, 1]: the share of attention on the picture; None for a tower.
    """

    title: str
    cells: Cells
    entropy: float
    mass: float | None = None


@dataclass(frozen=True)
class ModelAttention:
    """A model's answer and its maps: the `chosen` one, then by words and layer, rollouts, the tower's own."""

    model: str
    answer: Answer
    chosen: AttentionMap
    words: Sequence[AttentionMap]
    flows: Sequence[AttentionMap]
    tower: Sequence[AttentionMap]

    @property
    def panels(self) -> list[AttentionMap]:
        return [*self.words, *self.flows, *self.tower]


def map_attention(
    vlm: VisionLanguageModel,
    picture: Image,
    question: str,
    layer: int | None = None,
    head: int | None = None,
    max_tokens: int = 24,
) -> ModelAttention:
    """Ask, then map the attention of the answer's and the question's words. `layer` and `head`, from 0,
    choose the first panel's map; None is the mean. Raises QuestionError, and InputError for a model without
    maps, an unknown layer or head, or a picture smaller than the grid.
    """
    tower = tower_of(vlm)
    with torch.inference_mode():
        if tower is None:
            vision, tower_maps = vlm.encode_images([picture]), []
        else:
            with recording_maps(tower) as tower_maps:
                vision = vlm.encode_images([picture])
        check_size(picture, vision, vlm.name)
        answer = vlm.answer(vision, question, max_tokens)
        forced = teacher_forced_with_maps(vlm, vision, question, answer.text)
        looks_by_words: dict[QueryTokens, AttentionMaps | None] = {
            "answer": attention_maps(forced, vision, "answer") if answer.text else None,
            "question": attention_maps(forced, vision, "question"),
        }
        if looks_by_words["question"] is None:
            raise InputError(f"{vlm.name} reads no word in {question!r}. Ask in words.")
        return ModelAttention(
            vlm.name, answer, _chosen_map(looks_by_words, layer, head), list(_layer_maps(looks_by_words)),
            _rollout_maps(forced, vision), _tower_maps(tower_maps, vision),
        )  # fmt: skip


def map_file(
    image: Path, question: str, models: Sequence[str], layer: int | None, head: int | None, config: Config
) -> tuple[Image, list[ModelAttention]]:
    """The picture of a file and each model's attention; the input is checked before weights are loaded.
    Raises QuestionError, ImageError, UnknownModelError, WeightsError, InputError.
    """
    words, picture = check_question(question), load_image(image, config.images.max_pixels)
    limit = config.student.max_new_tokens
    return picture, [map_attention(load_model(name), picture, words, layer, head, limit) for name in models]


def _chosen_map(
    looks_by_words: dict[QueryTokens, AttentionMaps | None], layer: int | None, head: int | None
) -> AttentionMap:
    """Of the answer's words, or of the question's where nothing was said."""
    words: QueryTokens = "answer" if looks_by_words["answer"] is not None else "question"
    maps = looks_by_words[words]
    assert maps is not None  # the question has words
    cells = maps.select(layer, head)
    parts = [f"layer {layer + 1}" if layer is not None else "all layers"]
    parts += [f"head {head + 1}"] if head is not None else []
    mass = maps.mass.mean() if layer is None else maps.mass[layer]
    return _panel(f"{words}: {', '.join(parts)}", cells, float(mass))


def _layer_maps(looks_by_words: dict[QueryTokens, AttentionMaps | None]) -> list[AttentionMap]:
    """A panel a layer, the answer's, then the question's; entropies are of single heads and tokens."""
    panels = []
    for words, maps in looks_by_words.items():
        for layer in range(len(maps.cells) if maps is not None else 0):
            assert maps is not None
            cells, entropy = maps.select(layer), float(maps.entropy[layer])
            panels.append(
                AttentionMap(f"{words}: layer {layer + 1}", _plain(cells), entropy, float(maps.mass[layer]))
            )
    return panels


def _rollout_maps(forced: TeacherForced, vision: VisionTokens) -> list[AttentionMap]:
    """Rollouts through the stack that holds the picture, with and without the residual. Rows are the
    question's words and, in a single stack, the positions that wrote the answer.
    """
    rows = (forced.txt[0] | forced.ans[0].roll(-1)) if forced.ans.any() else forced.txt[0]
    panels = []
    for residual in (True, False):
        last = rollouts(forced.attentions, residual)[-1][0]
        cells = on_grid(last[rows][:, forced.vis[0]].mean(dim=0), forced, vision)
        title = "rollout" if residual else "rollout, no residual"
        panels.append(_panel(title, normalise_map(cells), float(cells.sum())))
    return panels


def _tower_maps(tower_maps: Sequence[TowerMap], vision: VisionTokens) -> list[AttentionMap]:
    """The tower's last spatial map: from a class token where there is one."""
    spatial = [tower_map for tower_map in tower_maps if tower_map.kind != "channels"]
    if not spatial:
        return []
    last = spatial[-1]
    if last.kind == "windows":
        cells = received(last, last.grid)
        return [] if cells is None else [_panel("tower: windows", cells[0])]
    side = int(last.attention.shape[-1] ** 0.5)
    grid = (side, side)
    class_map = cls_map(last, grid)
    if class_map is not None:
        return [_panel("tower: class token", normalise_map(class_map[0].mean(dim=0)))]
    mean_map = received(last, grid)
    return [] if mean_map is None else [_panel("tower: received", mean_map[0])]


def _panel(title: str, cells: torch.Tensor, mass: float | None = None) -> AttentionMap:
    share = cells.float() / cells.sum().clamp(min=1e-9)
    most = torch.tensor(float(max(2, share.numel()))).log()
    return AttentionMap(title, _plain(cells), float(torch.special.entr(share).sum() / most), mass)


def _plain(cells: torch.Tensor) -> Cells:
    return np.asarray(cells.cpu().numpy(), np.float32)
