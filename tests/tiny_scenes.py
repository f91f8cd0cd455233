"""Small scene students, teachers and frames for tests: real classes, few numbers."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, PreTrainedTokenizerFast

from adapters.scene.views import Material
from bench.pretrain.scene.students import new_student
from models.scene.student import SceneShape, SceneStudent

WIDTH = 16
_DAVIT = {
    "embed_dim": [8, 16, 16, 32], "depths": [1, 1, 1, 1], "num_heads": [1, 2, 2, 4],
    "num_groups": [1, 2, 2, 4],
    "patch_size": [7, 3, 3, 3], "patch_stride": [4, 2, 2, 1], "patch_padding": [3, 1, 1, 1],
    "patch_prenorm": [False, True, True, True], "window_size": 2, "drop_path_rate": 0.0,
    "projection_dim": 16,
}  # fmt: skip
SHAPES = {
    "davit": SceneShape("davit", 32, WIDTH, options=_DAVIT),
    "swin": SceneShape(
        "swin", 32, WIDTH,
        options={"image_size": 32, "embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2], "window_size": 4},
    ),
    "vit": SceneShape(
        "vit", 32, WIDTH, norm=False,
        options={
            "image_size": 32, "patch_size": 8, "hidden_size": 16, "num_hidden_layers": 2,
            "num_attention_heads": 2, "intermediate_size": 32,
        },
    ),
}  # fmt: skip


def tiny_student(backbone: str = "davit", seed: int = 0) -> SceneStudent:
    """A student of some thousand weights, in evaluation mode."""
    return new_student(SHAPES[backbone], seed).eval()


def pixels(count: int = 4, side: int = 32, seed: int = 0) -> torch.Tensor:
    """Pixels of nothing in particular, [count, 3, side, side] in [-1, 1]."""
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def picture(seed: int = 0, size: tuple[int, int] = (40, 40)) -> Image.Image:
    """A picture with a bright box somewhere."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 80, (size[1], size[0], 3), dtype=np.uint8)
    top, left = rng.integers(0, size[1] // 2), rng.integers(0, size[0] // 2)
    values[top : top + size[1] // 3, left : left + size[0] // 3] += rng.integers(60, 160, 3).astype(np.uint8)
    return Image.fromarray(values)


def depth(seed: int = 0, size: tuple[int, int] = (40, 40)) -> NDArray[np.uint16]:
    """A depth frame uint16 [height, width] of a slanted wall with a box before it, in millimetres."""
    rng = np.random.default_rng(seed)
    wall = np.linspace(2000, 4000, size[0])[None, :].repeat(size[1], 0)
    top, left = rng.integers(0, size[1] // 2), rng.integers(0, size[0] // 2)
    wall[top : top + size[1] // 3, left : left + size[0] // 3] = rng.integers(800, 1800)
    return wall.astype(np.uint16)


def material(count: int = 24, classes: int = 3, seed: int = 0) -> Material:
    """Frames of some classes: pictures tinted by class, depth with a wall as far away as the class says."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    frames = rng.integers(0, 60, (count, 40, 40, 3), dtype=np.uint8)
    for row, label in enumerate(labels):
        frames[row, :, :, label % 3] += np.uint8(150)
    depths = np.stack([depth(row) for row in range(count)])
    depths[:, :10] = (900 + 700 * labels).astype(np.uint16)[:, None, None]
    rows = np.eye(WIDTH, dtype=np.float32)[labels]
    return Material(frames, depths, rows, labels.astype(np.int64))


def save_views(folder: Path, count: int) -> None:
    """A camera's pictures with depth beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        picture(number).save(folder / f"{number:03}.jpg", quality=95)
        Image.fromarray(depth(number)).save(folder / f"{number:03}.depth.png")


def tiny_clip(folder: Path) -> Path:
    """A CLIP in the hub's layout with random weights."""
    text = {"vocab_size": 60, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text |= {"intermediate_size": 32, "max_position_embeddings": 16, "bos_token_id": 0, "eos_token_id": 2}
    vision = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    vision |= {"image_size": 32, "patch_size": 8}
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=12)).save_pretrained(folder)
    size = {"shortest_edge": 32}
    CLIPImageProcessorPil(size=size, crop_size={"height": 32, "width": 32}).save_pretrained(folder)
    words = "<s> <unk> </s> a photo of an office kitchen bathroom".split()
    made = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made, unk_token="<unk>", eos_token="</s>", pad_token="</s>", model_max_length=16
    )
    tokenizer.save_pretrained(folder)
    return folder
