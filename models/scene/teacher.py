"""Encoders of pictures and words in one space, which teach a scene student.

Either any CLIP in the hub's layout, or the built-in teacher: the expert's vision tower with a small head
trained into MiniLM's space.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from torch import nn
from torch.nn import functional
from transformers import AutoTokenizer, CLIPImageProcessorPil, CLIPModel

from core.errors import WeightsError
from core.files import sha256_file, storage_errors
from core.ports import Rows
from models.embedder import load_minilm
from models.registry import load_model, model_folder, no_progress_bars
from models.scene.names import CentredText
from models.weights import check_files, check_loading, digest, others_files

BUILTIN = "builtin-teacher"
HEAD_FOLDER = Path(__file__).parents[1] / "builtin" / "scene-teacher"
HEAD_FILE = "head.safetensors"
_TOWER = "builtin-expert"
_HEADS = 8


class ClipTeacher:
    """A `CLIPModel` with its own image processor. Load it with `load_teacher`; one thread at a time."""

    def __init__(self, name: str, module: Any, processor: Any, tokenizer: Any) -> None:
        self.name = name
        self._module, self._processor, self._tokenizer = module, processor, tokenizer
        self.width = int(module.config.projection_dim)

    def image(self, images: Sequence[Image.Image]) -> Rows:
        pixels = self._processor(list(images), return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            return _unit(self._module.visual_projection(self._module.vision_model(pixels).pooler_output))

    def text(self, texts: Sequence[str]) -> Rows:
        inputs = self._tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            return _unit(self._module.text_projection(self._module.text_model(**inputs).pooler_output))


class PoolingHead(nn.Module):
    """Attention pooling of a tower's cells [B, N, C] to rows [B, width], not normalised."""

    def __init__(self, cells: int, width: int, hidden: int = 512) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(cells)
        self.look = nn.Linear(cells, _HEADS)
        self.value = nn.Linear(cells, hidden)
        self.drop = nn.Dropout(0.3)
        self.mix = nn.Linear(hidden + cells, hidden)
        self.out = nn.Linear(hidden, width)

    def forward(self, cells: torch.Tensor) -> torch.Tensor:
        normed = self.norm(cells)
        weights = self.look(normed).softmax(1)
        values = self.value(normed).unflatten(2, (_HEADS, -1))
        pooled = torch.einsum("bnh,bnhd->bhd", weights, values).flatten(1)
        mixed = functional.gelu(self.mix(torch.cat([pooled, normed.amax(1)], 1)))
        out: torch.Tensor = self.out(self.drop(mixed))
        return out


class BuiltinTeacher:
    """The expert's frozen tower with its head. Load it with `load_teacher`."""

    def __init__(self, vlm: Any, head: PoolingHead, text_encoder: CentredText, name: str) -> None:
        self._vlm, self._head, self._text_encoder = vlm, head.eval(), text_encoder
        self.name = name
        self.width = head.out.out_features

    def image(self, images: Sequence[Image.Image]) -> Rows:
        features = self._vlm.constant_features(self._vlm.prepare(list(images)))
        return self.cells(features.flatten(2).transpose(1, 2))

    def cells(self, cells: torch.Tensor) -> Rows:
        """The same rows from the tower's cells [B, N, C]."""
        with torch.inference_mode():
            return _unit(self._head(cells.float()))

    def text(self, texts: Sequence[str]) -> Rows:
        return self._text_encoder.text(texts)


SceneTeacher = BuiltinTeacher | ClipTeacher
"""Pictures and texts to unit rows float32 [n, width] of one space; `name` identifies the weights."""


def load_teacher(name: str = BUILTIN) -> SceneTeacher:
    """The built-in teacher, or a folder that holds a CLIP. Raises WeightsError, UnknownModelError."""
    return builtin_teacher(HEAD_FOLDER / HEAD_FILE) if name == BUILTIN else _clip(Path(name))


def builtin_teacher(head_file: Path) -> BuiltinTeacher:
    """The built-in teacher with the head of a file. Raises WeightsError, also for another expert's head."""
    head, tower = read_head(head_file)
    if tower != tower_digest():
        raise WeightsError(
            f"The head in {head_file} belongs to another expert. Train it: roomwise pretrain scene"
        )
    name = f"{BUILTIN}:{sha256_file(head_file)[:12]}"
    return BuiltinTeacher(load_model(_TOWER), head, CentredText(load_minilm().text), name)


def tower_digest() -> str:
    """The digest of the expert whose tower the built-in teacher uses."""
    return digest(model_folder(_TOWER))


def read_head(path: Path) -> tuple[PoolingHead, str]:
    """A head and the digest of the expert it belongs to. Raises WeightsError."""
    if not path.is_file():
        raise WeightsError(
            f"The head of the scene teacher is not at {path}. Train it: roomwise pretrain scene"
        )
    try:
        with storage_errors("read", path), safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118  no dict
            tower = (file.metadata() or {})["tower"]
        head = PoolingHead(tensors["norm.weight"].shape[0], *tensors["out.weight"].shape)
        head.load_state_dict(tensors)
    except (SafetensorError, RuntimeError, KeyError, ValueError) as error:
        raise WeightsError(
            f"{path} is damaged. Get it again, or train it: roomwise pretrain scene"
        ) from error
    return head.eval(), tower


def _clip(folder: Path) -> ClipTeacher:
    check_files(folder)
    with others_files(f"{folder} holds no CLIP that can be read"), no_progress_bars():
        loaded: Any = CLIPModel.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
        processor = CLIPImageProcessorPil.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    module, info = loaded
    check_loading(str(folder), info)
    return ClipTeacher(f"clip:{digest(folder)[:12]}", module.eval(), processor, tokenizer)


def _unit(rows: torch.Tensor) -> Rows:
    units: Rows = functional.normalize(rows.float(), dim=-1).numpy()
    return units
