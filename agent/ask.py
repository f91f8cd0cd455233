"""One question about one picture file: the shortest way through the program."""

from pathlib import Path

from core.config import Config
from core.text import check_question
from core.types import Answer
from models.images import load_image
from models.registry import load_model


def ask(image: Path, question: str, model: str, config: Config) -> Answer:
    """What the model answers. Input is judged before weights are loaded.

    Raises QuestionError, ImageError, UnknownModelError, WeightsError.
    """
    words = check_question(question)
    picture = load_image(image, config.images.max_pixels)
    return load_model(model).answer(picture, words, config.student.max_new_tokens)
