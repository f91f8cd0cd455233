"""New students of every shape that is compared, and their integers after training."""

import json
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from models.registry import load_model, model_folder
from models.scene.quantise import Range, insert, turn_on
from models.scene.student import SceneShape, SceneStudent
from models.weights import read_config

_INNATE = "builtin-student"
_STRIDES = (4, 2, 2, 1)


def swin_t(width: int) -> SceneShape:
    """Swin-T of 224 pixels (Liu et al., ICCV 2021): depths 2, 2, 6, 2."""
    return SceneShape("swin", 224, width, options={"image_size": 224})


def vit_s(width: int) -> SceneShape:
    """ViT-S/16 of 224 pixels (Touvron et al., ICML 2021): 12 layers of 384 in 6 heads."""
    sizes = {"hidden_size": 384, "num_attention_heads": 6, "intermediate_size": 1536, "image_size": 224}
    return SceneShape("vit", 224, width, norm=False, options=sizes)


def innate(width: int, side: int = 96) -> SceneShape:
    """The built-in student's tower at fewer pixels, with a smaller stride: its last grid stays as it is.

    No weight depends on either: they are taken over.
    """
    options = dict(read_config(model_folder(_INNATE))["vision_config"])
    return SceneShape("davit", side, width, options=options | {"patch_stride": list(_STRIDES)})


def new_student(shape: SceneShape, seed: int) -> SceneStudent:
    """A student with random weights; a tower like the built-in student's begins with that one's.

    The global random state is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        student = SceneStudent(shape)
    if _is_innate(shape):
        tower: Any = load_model(_INNATE).module
        student.backbone.load_state_dict(tower.model.vision_tower.float().state_dict())
    return student


def _is_innate(shape: SceneShape) -> bool:
    """Whether the built-in student's tower fits: all but its windows is the same."""
    if shape.backbone != "davit":
        return False
    return bool(json.loads(json.dumps(dict(shape.options))) == dict(innate(shape.width).options))


def quantise(module: nn.Module, calibration: Callable[[nn.Module], None]) -> nn.Module:
    """Give every linear layer and convolution inside `module` its integers, in place.

    `calibration` runs the module over frames like those of use; the ranges seen there hold from then on.
    """
    insert(module)
    for quantiser in _ranges(module):
        quantiser.mode = "observe"
    training = module.training
    module.eval()
    with torch.no_grad():
        calibration(module)
    module.train(training)
    turn_on(module)
    return module


def turn_off(module: nn.Module) -> None:
    """Compute in floating point from now on, with the same weights."""
    for quantiser in _ranges(module):
        quantiser.mode = "off"


def _ranges(module: nn.Module) -> list[Range]:
    return [part for part in module.modules() if isinstance(part, Range)]
