"""All that is shown of one model, one picture and one question."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image

from core.errors import InputError
from core.types import Answer
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
from models.vlm import TeacherForced, VisionLanguageModel, VisionTokens

Cells = NDArray[np.float32]


@dataclass(frozen=True)
class AttentionMap:
    """One map [rows, cols] over the picture; it sums to 1, but for those of a tower.

    `entropy` in [0, 1]: 1 looks everywhere alike. `mass` in [0, 1]: what of the attention is on the
    picture at all; None where that is no question.
    """

    title: str
    cells: Cells
    entropy: float
    mass: float | None = None


@dataclass(frozen=True)
class Looked:
    """A model's answer, and where it looked for it: `chosen` is what was asked for; then by words and layer,
    rollouts, and the tower's own.
    """

    model: str
    answer: Answer
    chosen: AttentionMap
    words: Sequence[AttentionMap]
    flows: Sequence[AttentionMap]
    tower: Sequence[AttentionMap]

    @property
    def panels(self) -> list[AttentionMap]:
        """All but the first."""
        return [*self.words, *self.flows, *self.tower]


def looked(
    vlm: VisionLanguageModel,
    picture: Image,
    question: str,
    layer: int | None = None,
    head: int | None = None,
    longest: int = 24,
) -> Looked:
    """Ask, then see where the words of the answer and of the question looked.

    `layer` and `head`, counted from 0, choose the first panel's map; None is the mean over all. Raises
    QuestionError, and InputError for a model without maps, a layer or a head that is not there, or a picture
    smaller than the grid.
    """
    tower = tower_of(vlm)
    with torch.inference_mode():
        if tower is None:
            vision, heard = vlm.encode_images([picture]), []
        else:
            with recording_maps(tower) as heard:
                vision = vlm.encode_images([picture])
        check_size(picture, vision, vlm.name)
        answer = vlm.answer(vision, question, longest)
        forced = teacher_forced_with_maps(vlm, vision, question, answer.text)
        every: dict[QueryTokens, AttentionMaps | None] = {
            "answer": attention_maps(forced, vision, "answer") if answer.text else None,
            "question": attention_maps(forced, vision, "question"),
        }
        if every["question"] is None:
            raise InputError(f"{vlm.name} reads no word in {question!r}. Ask in words.")
        return Looked(
            vlm.name, answer, _chosen(every, layer, head), list(_by_layer(every)),
            _flows(forced, vision), _towers(heard, vision),
        )  # fmt: skip


def _chosen(
    every: dict[QueryTokens, AttentionMaps | None], layer: int | None, head: int | None
) -> AttentionMap:
    """Of the answer's words; of the question's where nothing was said."""
    words: QueryTokens = "answer" if every["answer"] is not None else "question"
    looks = every[words]
    assert looks is not None  # the question has words
    cells = looks.select(layer, head)
    parts = [f"layer {layer + 1}" if layer is not None else "all layers"]
    parts += [f"head {head + 1}"] if head is not None else []
    mass = looks.mass.mean() if layer is None else looks.mass[layer]
    return _panel(f"{words}: {', '.join(parts)}", cells, float(mass))


def _by_layer(every: dict[QueryTokens, AttentionMaps | None]) -> list[AttentionMap]:
    """A panel a layer, the answer's and then the question's; entropies are of single heads and tokens."""
    found = []
    for words, looks in every.items():
        for layer in range(len(looks.cells) if looks is not None else 0):
            assert looks is not None
            cells, entropy = looks.select(layer), float(looks.entropy[layer])
            found.append(
                AttentionMap(f"{words}: layer {layer + 1}", _plain(cells), entropy, float(looks.mass[layer]))
            )
    return found


def _flows(forced: TeacherForced, vision: VisionTokens) -> list[AttentionMap]:
    """Rollouts through the stack that holds the picture: with the residual, and the plain product.

    Rows are the question's words and, in a single stack, the positions that wrote the answer.
    """
    rows = (forced.txt[0] | forced.ans[0].roll(-1)) if forced.ans.any() else forced.txt[0]
    found = []
    for residual in (True, False):
        last = rollouts(forced.attentions, residual)[-1][0]
        cells = on_grid(last[rows][:, forced.vis[0]].mean(dim=0), forced, vision)
        title = "rollout" if residual else "rollout, no residual"
        found.append(_panel(title, normalise_map(cells), float(cells.sum())))
    return found


def _towers(heard: Sequence[TowerMap], vision: VisionTokens) -> list[AttentionMap]:
    """The last map of the tower that is over places: from a class token where there is one."""
    over = [one for one in heard if one.kind != "channels"]
    if not over:
        return []
    last = over[-1]
    if last.kind == "windows":
        cells = received(last, last.grid)
        return [] if cells is None else [_panel("tower: windows", cells[0])]
    side = int(last.attention.shape[-1] ** 0.5)
    grid = (side, side)
    seen = cls_map(last, grid)
    if seen is not None:
        return [_panel("tower: class token", normalise_map(seen[0].mean(dim=0)))]
    whole = received(last, grid)
    return [] if whole is None else [_panel("tower: received", whole[0])]


def _panel(title: str, cells: torch.Tensor, mass: float | None = None) -> AttentionMap:
    share = cells.float() / cells.sum().clamp(min=1e-9)
    most = torch.tensor(float(max(2, share.numel()))).log()
    return AttentionMap(title, _plain(cells), float(torch.special.entr(share).sum() / most), mass)


def _plain(cells: torch.Tensor) -> Cells:
    return np.asarray(cells.cpu().numpy(), np.float32)
