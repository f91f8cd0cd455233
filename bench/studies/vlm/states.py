"""What each layer of a model makes of a picture and a question: heard by hooks, in any family."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from models.inside.towers import tower_of
from models.vlm import TeacherForced, VisionLanguageModel, VisionTokens

_LAYER = re.compile(r"(^|\.)(layers?|blocks)\.\d+(\.\d+)?$")
_LANGUAGES = ("model.language_model.encoder", "model.language_model", "model.text_model")


@contextmanager
def record_layers(part: nn.Module) -> Iterator[list[torch.Tensor]]:
    """Inside, every pass through a part adds the output of each of its layers, in order of computation."""
    outputs: list[torch.Tensor] = []

    def hook(module: nn.Module, args: Any, output: Any) -> None:
        outputs.append((output[0] if isinstance(output, tuple) else output).detach().float())

    layers = [module for name, module in part.named_modules() if _LAYER.search(name)]
    handles = [layer.register_forward_hook(hook) for layer in layers]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def tower_states(vlm: VisionLanguageModel, pixels: torch.Tensor) -> tuple[VisionTokens, list[torch.Tensor]]:
    """Vision tokens of one prepared picture, and the layers of the tower, [rows, cols, D] each.

    A tower that goes by no known name has none.
    """
    tower = tower_of(vlm)
    if tower is None:
        return vlm.encode_constant(pixels), []
    with record_layers(tower) as outputs:
        vision = vlm.encode_constant(pixels)
    return vision, [_grid(output) for output in outputs]


def read_states(
    vlm: VisionLanguageModel, vision: VisionTokens, question: str, answer: str
) -> tuple[TeacherForced, list[torch.Tensor], list[torch.Tensor]]:
    """A pass over a known answer, and the layers of the stack that reads picture and question, float32.

    Of the picture's cells [rows, cols, D], without a mean token; of the question's own words [W, D].
    """
    with torch.inference_mode(), record_layers(_language(vlm)) as outputs:
        forced = vlm.teacher_forced(vision, [question], [answer])
    cells = forced.vis[0].nonzero()[int(vision.mean_token) :, 0]
    grid = (vision.rows, vision.cols)
    picture = [output[0][cells].unflatten(0, grid) for output in outputs]
    return forced, picture, [output[0][forced.txt[0]] for output in outputs]


def _language(vlm: VisionLanguageModel) -> nn.Module:
    for name in _LANGUAGES:
        try:
            return vlm.module.get_submodule(name)
        except AttributeError:
            continue
    raise AttributeError(f"{vlm.name} has none of the parts {', '.join(_LANGUAGES)}")


def _grid(output: torch.Tensor) -> torch.Tensor:
    """[1, C, rows, cols] or [1, N, C] as [rows, cols, C]; tokens in front of the patches are left out."""
    if output.ndim == 4:
        return output[0].permute(1, 2, 0)
    side = math.isqrt(output.shape[1])
    patches: torch.Tensor = output[0, output.shape[1] - side * side :].unflatten(0, (side, side))
    return patches
