"""The probe set: general questions about fixed pictures, with the untouched student's answers.

It measures forgetting. Made once per base and stored.
"""

import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from adapters.training.questions import general_questions
from core.errors import StorageError, WeightsError
from core.files import atomic_directory, atomic_write_bytes, atomic_write_text
from core.types import Example
from core.untrusted import read_as
from models.adapter_files import Base
from models.images import load_image
from models.vlm import VisionLanguageModel

_PICTURES = Path(__file__).parent / "pictures"
_MAX_PIXELS = 1_000_000
_FILE = "probe.json"
_SCHEMA = 1
_LONGEST = 24
_AGAIN = "Delete the folder, it is made again."


def probe_set(vlm: VisionLanguageModel, base: Base, folder: Path) -> list[Example]:
    """The probe set in `folder`, made first unless it is whole and of this base.

    The model must hold no adapter. Raises StorageError.
    """
    try:
        return read_probe(folder, base)
    except (StorageError, WeightsError):
        pictures = [load_image(path, _MAX_PIXELS) for path in sorted(_PICTURES.glob("*.jpg"))]
        make_probe(vlm, base, pictures, folder)
        return read_probe(folder, base)


def make_probe(
    vlm: VisionLanguageModel,
    base: Base,
    pictures: Sequence[Image.Image],
    folder: Path,
    each: int = 8,
    seed: int = 0,
) -> None:
    """Ask `each` questions about every picture, and write pictures, questions and answers.

    The model must hold no adapter. Replaces another probe set. Raises StorageError.
    """
    rng = np.random.default_rng(seed)
    items: list[dict[str, Any]] = []
    with atomic_directory(folder, replace=True) as temporary:
        for number, picture in enumerate(pictures):
            name = f"{number}.jpg"
            buffer = BytesIO()
            picture.convert("RGB").save(buffer, "JPEG", quality=92)
            atomic_write_bytes(temporary / name, buffer.getvalue())
            reopened = Image.open(buffer).convert("RGB")
            questions = list(dict.fromkeys(general_questions(each, rng)))
            answers = vlm.answer_many(reopened, questions, _LONGEST)
            items += [
                {"image": name, "question": question, "answer": answer.text}
                for question, answer in zip(questions, answers, strict=True)
            ]
        values = {"schema": _SCHEMA, "base": vars(base), "items": items}
        atomic_write_text(temporary / _FILE, json.dumps(values, indent=1) + "\n")


def read_probe(folder: Path, base: Base) -> list[Example]:
    """The questions with their answers and pictures.

    Raises StorageError when the folder is missing or damaged, WeightsError when another base answered.
    """
    path = folder / _FILE
    values = read_as(path, dict[str, Any], StorageError, _AGAIN)
    try:
        answered_by = Base(**values["base"])
        examples = [
            Example(f"probe-{n}", item["question"], item["answer"], folder / Path(item["image"]).name)
            for n, item in enumerate(values["items"])
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{path} is damaged ({error}). {_AGAIN}") from error
    if not all(example.image.is_file() for example in examples):
        raise StorageError(f"{folder} lacks pictures of its questions. {_AGAIN}")
    if answered_by.digest != base.digest:
        raise WeightsError(f"{path} was answered by {answered_by}, the student is {base}. {_AGAIN}")
    return examples
