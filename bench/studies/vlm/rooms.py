"""The questions of a rendered room, answered and read by both models."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from bench.rooms.sessions import Session, make_session
from bench.studies.vlm.cells import (
    Layers,
    Measure,
    Spans,
    map_cells,
    picture_cells,
    seen_cells,
    word_cells,
)
from bench.studies.vlm.states import read_states, tower_states
from core.scoring import exact_match
from models.inside.attention import attention_maps, normalise_map, teacher_forced_with_maps
from models.registry import load_model
from models.vlm import VisionLanguageModel, VisionTokens

_SIZE = 224
_LONGEST = 24


@dataclass(frozen=True)
class Sample:
    """One question. `right`: the student's answer is true; `same`: the expert's is the same. `length` is how
    many words of the student's tokens the question has.
    """

    room: int
    right: bool
    same: bool
    length: int
    cells: Mapping[Measure, float]


def samples(student: str, expert: str, split: str, index: int) -> list[Sample]:
    """All questions of a room's session. Raises UnknownModelError, WeightsError, InputError without maps."""
    torch.set_num_threads(1)
    session = make_session(split, index, _SIZE)
    models = [_model(name) for name in (student, expert)]
    pictures = [_jpeg(shot.frame.rgb) for shot in session.shots]
    seen = [[tower_states(vlm, vlm.prepare([picture])) for picture in pictures] for vlm in models]
    towers = [
        dict(seen_cells(ours[1], theirs[1])) if turns else {}
        for turns, ours, theirs in zip(_asked_of(session), *seen, strict=True)
    ]
    found = []
    for turn in session.turns:
        sides = [
            _read(vlm, every[turn.frame][0], turn.question.text)
            for vlm, every in zip(models, seen, strict=True)
        ]
        spans = [vlm.question_spans(turn.question.text) for vlm in models]
        numbers = {**towers[turn.frame], **_between(sides[0], sides[1], (spans[0], spans[1]))}
        said = [side.said for side in sides]
        right = bool(exact_match(said[0], turn.question.answer))
        found.append(Sample(index, right, bool(exact_match(said[0], said[1])), len(spans[0]), numbers))
    return found


@dataclass(frozen=True)
class _Side:
    """What one model makes of a question: layers of the picture and of the words, maps, and what it says."""

    picture: Layers
    words: Layers
    maps: torch.Tensor
    said: str


def _asked_of(session: Session) -> list[int]:
    """How many questions each frame has."""
    return [sum(turn.frame == frame for turn in session.turns) for frame in range(len(session.shots))]


def _between(ours: _Side, theirs: _Side, spans: tuple[Spans, Spans]) -> Mapping[Measure, float]:
    return {
        **dict(word_cells(ours.words, theirs.words, spans)),
        **dict(picture_cells(ours.picture, theirs.picture)),
        **dict(map_cells(ours.maps, theirs.maps)),
    }


def _read(vlm: VisionLanguageModel, vision: VisionTokens, question: str) -> _Side:
    said = vlm.answer(vision, question, _LONGEST).text
    _, picture, words = read_states(vlm, vision, question, said)
    looks = attention_maps(teacher_forced_with_maps(vlm, vision, question, said), vision, "question")
    empty = torch.zeros(0, vision.rows, vision.cols)
    maps = empty if looks is None else normalise_map(looks.cells.mean(dim=1))
    return _Side(picture, words, maps.cpu(), said)


@lru_cache(maxsize=2)
def _model(name: str) -> VisionLanguageModel:
    return load_model(name, attention="eager")


def _jpeg(rgb: NDArray[np.uint8]) -> Image.Image:
    buffer = BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=92)
    return Image.open(buffer).convert("RGB")
