"""One question about one picture file: the shortest way through the program."""

from pathlib import Path

from core.config import Config
from core.pictures import load_image
from core.text import check_question
from core.types import Answer
from models.registry import load_model
from models.token_pruning import keep_tokens


def ask(image: Path, question: str, model: str, config: Config) -> Answer:
    """What the model answers. Input is judged before weights are loaded.

    Raises QuestionError, ImageError, UnknownModelError, WeightsError.
    """
    words = check_question(question)
    picture = load_image(image, config.images.max_pixels)
    vlm = load_model(model)
    keep_tokens(vlm, config.student.keep_tokens)
    return vlm.answer(picture, words, config.student.max_new_tokens)
