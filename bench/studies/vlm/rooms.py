"""The questions of a rendered room, answered and read by both models."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from PIL import Image

from bench.rooms.sessions import make_session
from bench.studies.few_shot.rooms import model
from bench.studies.vlm.cells import PICTURE, SEEN, Layers, Measure, grid_cells, map_cells, word_cells
from bench.studies.vlm.states import read_states, tower_states
from core.frames import decode, encode
from core.scoring import exact_match
from models.inside.attention import attention_maps, normalise_map, teacher_forced_with_maps
from models.vlm import VisionLanguageModel, VisionTokens

_SIZE, _QUALITY = 224, 92
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
    models = [model(name) for name in (student, expert)]
    pictures = [decode(encode(Image.fromarray(shot.frame.rgb), _QUALITY)) for shot in session.shots]
    encoded = [[tower_states(vlm, vlm.prepare([picture])) for picture in pictures] for vlm in models]
    frames = {turn.frame for turn in session.turns}
    towers = [
        dict(grid_cells(SEEN, ours[1], theirs[1])) if frame in frames else {}
        for frame, (ours, theirs) in enumerate(zip(*encoded, strict=True))
    ]
    result = []
    for turn in session.turns:
        text = turn.question.text
        ours, theirs = (
            _read(vlm, visions[turn.frame][0], text) for vlm, visions in zip(models, encoded, strict=True)
        )
        spans = models[0].question_spans(text), models[1].question_spans(text)
        cells = {
            **towers[turn.frame],
            **dict(word_cells(ours.words, theirs.words, spans)),
            **dict(grid_cells(PICTURE, ours.picture, theirs.picture)),
            **dict(map_cells(ours.maps, theirs.maps)),
        }
        right, same = exact_match(ours.answer, turn.question.answer), exact_match(ours.answer, theirs.answer)
        result.append(Sample(index, bool(right), bool(same), len(spans[0]), cells))
    return result


@dataclass(frozen=True)
class _Side:
    """What one model makes of a question: layers of the picture and of the words, maps, and what it says."""

    picture: Layers
    words: Layers
    maps: torch.Tensor
    answer: str


def _read(vlm: VisionLanguageModel, vision: VisionTokens, question: str) -> _Side:
    answer = vlm.answer(vision, question, _LONGEST).text
    _, picture, words = read_states(vlm, vision, question, answer)
    attention = attention_maps(teacher_forced_with_maps(vlm, vision, question, answer), vision, "question")
    empty = torch.zeros(0, vision.rows, vision.cols)
    maps = empty if attention is None else normalise_map(attention.cells.mean(dim=1))
    return _Side(picture, words, maps.cpu(), answer)
