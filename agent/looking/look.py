"""A picture file and a question become what student and expert looked at."""

from collections.abc import Sequence
from pathlib import Path

from PIL.Image import Image

from agent.looking.looked import Looked, looked
from agent.looking.page import page, png
from core.config import Config
from core.files import atomic_write_bytes
from core.pictures import load_image
from core.text import check_question
from models.registry import load_model


def look(
    image: Path, question: str, models: Sequence[str], layer: int | None, head: int | None, config: Config
) -> tuple[Image, list[Looked]]:
    """The picture, and what each model looked at; `layer` and `head` count from 0. Input is judged first.

    Raises QuestionError, ImageError, UnknownModelError, WeightsError, InputError.
    """
    words = check_question(question)
    picture = load_image(image, config.images.max_pixels)
    longest = config.student.max_new_tokens
    return picture, [looked(load_model(name), picture, words, layer, head, longest) for name in models]


def write(path: Path, picture: Image, question: str, models: Sequence[Looked]) -> None:
    """Write the PNG. Raises StorageError."""
    atomic_write_bytes(path, png(page(picture, question, models)))
