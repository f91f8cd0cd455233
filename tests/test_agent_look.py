"""One look serves memory and answer, and sees what two looks would see."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_memory import WordsAndColours
from tiny_models import tiny_florence, wrapped

from agent.turns.view import EncodedView
from memory.recall import embed_cue
from models.embedder import RoomEmbedder, StudentEyes
from models.vlm import VisionLanguageModel

_QUESTION = "What colour is the sofa?"
_PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8))


@pytest.fixture(name="student")
def _student() -> VisionLanguageModel:
    return wrapped(*tiny_florence())


def _embedder(model: VisionLanguageModel) -> RoomEmbedder:
    words: Any = WordsAndColours()
    return RoomEmbedder(words, StudentEyes(model, "0" * 64))


def test_it_sees_what_two_looks_see_and_looks_once(
    student: VisionLanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = _embedder(student)
    vision, cue = student.encode_images([_PICTURE]), embed_cue(embedder, _QUESTION, _PICTURE)
    looks: list[int] = []
    tower = student.features

    def counted(pixels: torch.Tensor) -> torch.Tensor:
        looks.append(len(pixels))
        return tower(pixels)

    monkeypatch.setattr(student, "features", counted)
    view = EncodedView(student, _PICTURE)
    seen = view.cue(embedder, _QUESTION)
    assert seen.text is not None and cue.text is not None and seen.view is not None and cue.view is not None
    assert np.array_equal(seen.text, cue.text) and np.array_equal(seen.view, cue.view)
    assert torch.equal(view.vision.tokens, vision.tokens)
    assert not view.vision.tokens.requires_grad
    assert looks == [1]


def test_an_embedder_with_other_eyes_looks_for_itself(student: VisionLanguageModel) -> None:
    other = _embedder(wrapped(*tiny_florence(seed=1)))
    view = EncodedView(student, _PICTURE).cue(other, _QUESTION).view
    expected = embed_cue(other, _QUESTION, _PICTURE).view
    assert view is not None and expected is not None and np.array_equal(view, expected)
