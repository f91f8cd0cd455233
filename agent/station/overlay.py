"""Attention maps of student and expert for an answer, drawn over the frame, side by side."""

from collections.abc import Sequence
from contextlib import suppress

import torch
from PIL import Image

from agent.looking.heat import Cells, draw_heat, shrink
from core.errors import InputError, ModelError
from core.frames import encode
from models.inside.attention import attention_maps, check_size, teacher_forced_with_maps
from models.vlm import VisionLanguageModel

_GAP = 8  # pixels between two pictures


def overlay(
    student: VisionLanguageModel,
    picture: Image.Image,
    question: str,
    answer: str,
    expert: VisionLanguageModel | None = None,
) -> bytes:
    """A JPEG of the picture with the student's mean attention for `answer`, and right of it the expert's. The
    expert's needs a model in this process that gives maps. Large frames are shrunk. On the thread that the
    models answer on. Raises InputError when the student gives no maps, or nothing was said.
    """
    if not answer:
        raise InputError("Nothing was said to this question. Choose another turn.")
    maps = [_cells(student, picture, question, answer)]
    if expert is not None:
        with suppress(ModelError, InputError):  # the student's alone is worth showing
            maps.append(_cells(expert, picture, question, answer))
    small = shrink(picture)
    return encode(_beside([draw_heat(small, cells) for cells in maps]), 85)


def _cells(model: VisionLanguageModel, picture: Image.Image, question: str, answer: str) -> Cells:
    with torch.inference_mode():
        vision = model.encode_images([picture])
        check_size(picture, vision, model.name)
        maps = attention_maps(teacher_forced_with_maps(model, vision, question, answer), vision, "answer")
    assert maps is not None  # an answer has words
    cells: Cells = maps.select().cpu().numpy()
    return cells


def _beside(pictures: Sequence[Image.Image]) -> Image.Image:
    """Pictures of one size from left to right."""
    first = pictures[0]
    step = first.width + _GAP
    whole = Image.new("RGB", (step * len(pictures) - _GAP, first.height))
    for number, picture in enumerate(pictures):
        whole.paste(picture, (number * step, 0))
    return whole
