"""Exact match on held-out rooms with held-out wordings, by family, answers written out greedily."""

from collections import defaultdict

import numpy as np

from bench.pretrain.augment import plain_pixels
from bench.pretrain.common.dataset import Frames
from bench.rooms.questions.ask import sample
from core.scoring import exact_match
from models.vlm import VisionLanguageModel

_ROOMS = 16
_QUESTIONS = 8
"""Questions a frame."""
_SEED = 12
_LONGEST = 8


def exact_by_family(
    model: VisionLanguageModel, held_out: Frames, rooms: int = _ROOMS, questions: int = _QUESTIONS
) -> dict[str, tuple[float, int]]:
    """Share of right answers and number of questions: `exact` over all, `exact FAMILY` for each.

    The same rooms give the same questions every time, whatever the model.
    """
    right: dict[str, list[bool]] = defaultdict(list)
    rng = np.random.default_rng(_SEED)
    for number in range(min(rooms, len(held_out.rooms))):
        room = held_out.room(number)
        drawn = []
        for picture, facts in enumerate(room.facts):
            asked = sample(facts, rng, questions, "validation", held_out.unseen)
            drawn += [(picture, question) for question in asked]
        if not drawn:
            continue
        vision = model.encode_constant(plain_pixels(room.frames)).select([picture for picture, _ in drawn])
        answers = model.answer_many(vision, [question.text for _, question in drawn], _LONGEST)
        for answer, (_, question) in zip(answers, drawn, strict=True):
            right[question.family].append(exact_match(answer.text, question.answer))
    everything = [value for values in right.values() for value in values]
    scores = {f"exact {family}": (_mean(values), len(values)) for family, values in sorted(right.items())}
    return {"exact": (_mean(everything), len(everything)), **scores}


def _mean(values: list[bool]) -> float:
    return sum(values) / max(1, len(values))
