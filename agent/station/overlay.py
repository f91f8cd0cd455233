"""Where the student looked for the words of an answer, drawn over the frame."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from core.errors import InputError, ModelError
from models.loss import IGNORED
from models.vlm import TeacherForced, VisionLanguageModel, VisionTokens

Map = npt.NDArray[np.float32]
"""What each cell [rows, cols] of a frame was worth, from 0 to 1, the most being 1."""

_WARM = np.array([255.0, 96.0, 0.0])
_SHADE = 0.35  # brightness of what was not looked at
_QUALITY = 85


def overlay(student: VisionLanguageModel, picture: Image.Image, question: str, answer: str) -> bytes:
    """A JPEG of the picture, bright and warm where the student looked for `answer`. On the student's thread.

    Raises InputError when the student gives no maps.
    """
    if not answer:
        raise InputError("Nothing was said to this question. Choose another turn.")
    try:
        with torch.inference_mode(), _mapping(student.module):
            vision = student.encode_images([picture])
            forced = student.teacher_forced(vision, [question], [answer], attentions=True)
    except (ModelError, ValueError) as error:
        raise InputError(
            f"{student.name} gives no maps of where it looks ({error}). Choose another student."
        ) from error
    return drawn(picture, looked_at(forced, vision))


def looked_at(forced: TeacherForced, vision: VisionTokens) -> Map:
    """What the tokens of the only answer saw of each cell: the mean over layers, heads and tokens."""
    cross = bool(forced.cross_attentions)
    layers = torch.stack(forced.cross_attentions if cross else forced.attentions)[:, 0].float().mean((0, 1))
    rows = layers[forced.labels[0] != IGNORED] if cross else layers[forced.ans[0]]
    seen = rows[:, forced.vis[0]].mean(0)[int(vision.mean_token) :]
    grid: Map = seen.reshape(vision.rows, vision.cols).cpu().numpy().astype(np.float32)
    low, high = float(grid.min()), float(grid.max())
    return (grid - low) / (high - low) if high > low else np.zeros_like(grid)


def drawn(picture: Image.Image, cells: Map) -> bytes:
    """A JPEG of the picture with a map over it."""
    small = Image.fromarray((255 * cells).astype(np.uint8))
    soft = np.asarray(small.resize(picture.size, Image.Resampling.BICUBIC), np.float32)[..., None] / 255
    colours = np.asarray(picture, np.float32)
    lit = colours * (_SHADE + (1 - _SHADE) * soft)
    warm = lit * (1 - 0.35 * soft) + _WARM * 0.35 * soft
    buffer = io.BytesIO()
    Image.fromarray(np.clip(warm, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


@contextmanager
def _mapping(module: Any) -> Iterator[None]:
    """Attention that builds its maps, for a moment: for answering the fused kind is quicker."""
    before = module.config._attn_implementation
    module.set_attn_implementation("eager")
    try:
        yield
    finally:
        module.set_attn_implementation(before)
