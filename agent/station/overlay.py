"""Where student and expert look for the words of an answer, drawn over the frame, side by side."""

from collections.abc import Sequence
from contextlib import suppress

import torch
from PIL import Image

from agent.looking.heat import Cells, heated, jpeg, sized
from core.errors import InputError, ModelError
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
    """A JPEG of the picture, glowing where the student looks for `answer`: the mean over layers, heads and
    tokens; and to the right of it the same of an expert that is in this process and gives maps.

    A large frame is made smaller. On the thread that the models answer on. Raises InputError when the
    student gives no maps, or nothing was said.
    """
    if not answer:
        raise InputError("Nothing was said to this question. Choose another turn.")
    maps = [_cells(student, picture, question, answer)]
    if expert is not None:
        with suppress(ModelError, InputError):  # the student's alone is worth showing
            maps.append(_cells(expert, picture, question, answer))
    small = sized(picture)
    return jpeg(_beside([heated(small, cells) for cells in maps]))


def _cells(model: VisionLanguageModel, picture: Image.Image, question: str, answer: str) -> Cells:
    with torch.inference_mode():
        vision = model.encode_images([picture])
        check_size(picture, vision, model.name)
        looks = attention_maps(teacher_forced_with_maps(model, vision, question, answer), vision, "answer")
    assert looks is not None  # an answer has words
    cells: Cells = looks.select().cpu().numpy()
    return cells


def _beside(pictures: Sequence[Image.Image]) -> Image.Image:
    """Pictures of one size from left to right."""
    first = pictures[0]
    step = first.width + _GAP
    whole = Image.new("RGB", (step * len(pictures) - _GAP, first.height))
    for number, picture in enumerate(pictures):
        whole.paste(picture, (number * step, 0))
    return whole
