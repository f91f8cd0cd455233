"""The scene student: a transformers backbone, the mean of its cells, a linear layer to the teacher's space.

Backbones: EdgeVL's Swin-T and ViT-S (as named in the paper; its configuration files hold larger ones), and
the built-in student's vision tower, pretrained on rendered rooms.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn
from torch.nn import functional
from transformers import SwinConfig, SwinModel, ViTConfig, ViTModel
from transformers.models.florence2.configuration_florence2 import Florence2VisionConfig
from transformers.models.florence2.modeling_florence2 import Florence2VisionBackbone

from core.errors import WeightsError
from core.files import atomic_directory, atomic_write_bytes, atomic_write_text
from models.scene.quantise import QuantisedLinear, insert, pack, turn_on, unpack
from models.weights import DIGEST_FILE, check_digest, check_files, digest, read_config

Backbone = Literal["davit", "swin", "vit"]
KIND = "roomwise-scene"


@dataclass(frozen=True)
class SceneShape:
    """What determines a student's tensors. `options` go to the backbone's configuration class.

    `side`: pixels along each side of the square picture; `width`: numbers in a row; `norm`: a LayerNorm
    follows the projection (EdgeVL: Swin yes, ViT no).
    """

    backbone: Backbone
    side: int
    width: int
    norm: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)


class SceneStudent(nn.Module):
    """Pixels [B, 3, side, side] in [-1, 1], of pictures or of depth, to unit rows [B, width]."""

    def __init__(self, shape: SceneShape) -> None:
        super().__init__()
        self.shape = shape
        self.backbone, cells = _backbone(shape)
        self.project = nn.Linear(cells, shape.width)
        self.norm = nn.LayerNorm(shape.width) if shape.norm else nn.Identity()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.embed(self.pool(pixels))

    def pool(self, pixels: torch.Tensor) -> torch.Tensor:
        """The mean [B, C] of the backbone's cells."""
        cells = self.backbone(pixels).last_hidden_state
        mean: torch.Tensor = cells.mean((2, 3)) if cells.ndim == 4 else cells.mean(1)
        return mean

    def embed(self, pooled: torch.Tensor) -> torch.Tensor:
        """Unit rows [B, width] of the backbone's mean."""
        return functional.normalize(self.norm(self.project(pooled)), dim=-1)


def has_integers(student: SceneStudent) -> bool:
    """Whether its layers are quantised."""
    return isinstance(student.project, QuantisedLinear)


def save_student(student: SceneStudent, about: Mapping[str, Any], folder: Path) -> None:
    """Write config.json and model.safetensors, whole or not at all. Raises StorageError.

    Quantised weights are stored as integers, the rest in full; a student without integers in half precision.
    """
    integers = has_integers(student)
    tensors = pack(student) if integers else {n: t.half() for n, t in student.state_dict().items()}
    shape = asdict(student.shape)
    config = {"model_type": KIND, "shape": shape, "integers": integers, "about": dict(about)}
    with atomic_directory(folder, replace=True) as temporary:
        atomic_write_text(temporary / "config.json", json.dumps(config, indent=1) + "\n")
        atomic_write_bytes(
            temporary / "model.safetensors", save({n: t.contiguous() for n, t in tensors.items()})
        )
        atomic_write_text(temporary / DIGEST_FILE, digest(temporary) + "\n")


def load_student(folder: Path) -> SceneStudent:
    """A saved student in float32, in evaluation mode. Raises WeightsError for damage and for other models."""
    config = scene_config(folder)
    check_digest(folder)
    try:
        student = SceneStudent(SceneShape(**config["shape"]))
        if config["integers"]:
            insert(student)
            turn_on(student)
        (path,) = check_files(folder)
        tensors = load_file(path)
        student.load_state_dict({n: t.float() for n, t in unpack(tensors).items()})
    except (SafetensorError, RuntimeError, TypeError, ValueError, KeyError) as error:
        raise WeightsError(f"The scene encoder in {folder} is damaged. Get it again.") from error
    return student.eval()


def scene_config(folder: Path) -> dict[str, Any]:
    """The config.json of a saved student. Raises WeightsError for other models."""
    config = read_config(folder)
    if config.get("model_type") != KIND:
        raise WeightsError(f"{folder} holds no scene encoder. Give a folder of `roomwise pretrain scene`.")
    return config


def _backbone(shape: SceneShape) -> tuple[Any, int]:
    """The backbone and the channels of its cells."""
    options: dict[str, Any] = dict(shape.options)
    if shape.backbone == "swin":
        swin = SwinModel(SwinConfig(**options), add_pooling_layer=False)
        return swin, int(swin.num_features)
    if shape.backbone == "vit":
        vit = ViTModel(ViTConfig(**options), add_pooling_layer=False)
        return vit, int(vit.config.hidden_size)
    davit = Florence2VisionBackbone._from_config(
        Florence2VisionConfig(**options), attn_implementation="eager"
    )
    return davit, int(davit.config.embed_dim[-1])
