"""Where the student looked for the words of an answer, drawn over the frame."""

import torch
from PIL import Image

from agent.looking.heat import heated, jpeg, sized
from core.errors import InputError
from models.inside.looks import check_size, forced_with_maps, looks_of
from models.vlm import VisionLanguageModel


def overlay(student: VisionLanguageModel, picture: Image.Image, question: str, answer: str) -> bytes:
    """A JPEG of the picture, glowing where the student looked for `answer`: the mean over layers,
    heads and tokens. A large frame is made smaller. On the student's thread.

    Raises InputError when the student gives no maps, or nothing was said.
    """
    if not answer:
        raise InputError("Nothing was said to this question. Choose another turn.")
    with torch.inference_mode():
        vision = student.encode_images([picture])
        check_size(picture, vision, student.name)
        looks = looks_of(forced_with_maps(student, vision, question, answer), vision, "answer")
    assert looks is not None  # an answer has words
    return jpeg(heated(sized(picture), looks.chosen().cpu().numpy()))
