"""The probe set: general questions about given pictures, with what the untouched student says to them.

It shows how much of its old self an adapted student keeps. Made once for a base and stored.
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
from core.files import atomic_directory, atomic_write_bytes, atomic_write_text, storage_errors
from core.pictures import load_image
from core.types import Example
from models.adapter_files import Base
from models.vlm import VisionLanguageModel

_PICTURES = Path(__file__).parent / "pictures"
_MAX_PIXELS = 1_000_000
_FILE = "probe.json"
_SCHEMA = 1
_LONGEST = 24
_AGAIN = "Delete the folder, it is made again."


def probe_set(vlm: VisionLanguageModel, base: Base, folder: Path) -> list[Example]:
    """The probe set in `folder`; if there is none that is whole and this base's, it is made first.

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
    """Ask `each` questions about every picture and keep pictures, questions and answers in the folder.

    The model must hold no adapter. Another probe set there is replaced. Raises StorageError.
    """
    rng = np.random.default_rng(seed)
    items: list[dict[str, Any]] = []
    with atomic_directory(folder, replace=True) as temporary:
        for number, picture in enumerate(pictures):
            name = f"{number}.jpg"
            buffer = BytesIO()
            picture.convert("RGB").save(buffer, "JPEG", quality=92)
            atomic_write_bytes(temporary / name, buffer.getvalue())
            kept = Image.open(buffer).convert("RGB")
            questions = list(dict.fromkeys(general_questions(each, rng)))
            said = vlm.answer_many(kept, questions, _LONGEST)
            items += [
                {"image": name, "question": question, "answer": answer.text}
                for question, answer in zip(questions, said, strict=True)
            ]
        values = {"schema": _SCHEMA, "base": vars(base), "items": items}
        atomic_write_text(temporary / _FILE, json.dumps(values, indent=1) + "\n")


def read_probe(folder: Path, base: Base) -> list[Example]:
    """The questions with their answers and pictures.

    Raises StorageError when the folder is missing or damaged, WeightsError when another base answered.
    """
    path = folder / _FILE
    with storage_errors("read", path):
        raw = path.read_bytes()
    try:
        values = json.loads(raw)
        theirs = Base(**values["base"])
        examples = [
            Example(f"probe-{n}", item["question"], item["answer"], folder / Path(item["image"]).name)
            for n, item in enumerate(values["items"])
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{path} is damaged ({error}). {_AGAIN}") from error
    if not all(example.image.is_file() for example in examples):
        raise StorageError(f"{folder} lacks pictures of its questions. {_AGAIN}")
    if theirs.digest != base.digest:
        raise WeightsError(f"{path} was answered by {theirs}, the student is {base}. {_AGAIN}")
    return examples
