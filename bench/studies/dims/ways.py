"""The ways to fewer numbers, each fitted on rooms that are not measured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image

from bench.rooms.questions.ask import sample_training
from bench.rooms.views import visit
from bench.studies.dims.reducers import Lessons, TokenReducer, learn_reducer, pca, random_projection
from bench.studies.dims.slicing import sliced
from models.vlm import VisionLanguageModel, VisionTokens, stack

LINEAR = ("random", "pca", "learned", "matryoshka")
SLICED = "rotate-and-slice"
_QUESTIONS = 6
"""A picture, in training."""
_VIEWS = 4
_SIZE = 224
_CALIBRATION = 48
"""Questions that the bases of a sliced encoder are fitted on; some thousand positions."""
_RATE = 2e-3


@dataclass(frozen=True)
class Way:
    """A model that reads reduced tokens: `reducer` between projector and language model, or None for one that
    is narrower inside.
    """

    method: str
    width: int
    vlm: VisionLanguageModel
    reducer: TokenReducer | None

    def reduced(self, vision: VisionTokens) -> VisionTokens:
        """What its language model is given."""
        if self.reducer is None:
            return vision
        return replace(vision, tokens=self.reducer.there_and_back(vision.tokens))


def render_room(index: int) -> tuple[list[Image.Image], list[list[tuple[str, str]]]]:
    """The pictures of a training room, and questions with known answers about each."""
    _, shots = visit("train", index, _SIZE, _VIEWS)
    rng = np.random.default_rng([index, 9])
    questions = [sample_training(shot.facts, rng, _QUESTIONS) for shot in shots]
    pictures = [Image.fromarray(shot.frame.rgb) for shot in shots]
    return pictures, [[(question.text, question.answer) for question in questions] for questions in questions]


def lessons(
    vlm: VisionLanguageModel, rooms: Sequence[tuple[list[Image.Image], list[list[tuple[str, str]]]]]
) -> Lessons:
    """All rooms' questions, their pictures encoded once."""
    vision = stack([vlm.encode_images(pictures) for pictures, _ in rooms])
    flat = [pairs for _, questions in rooms for pairs in questions]
    triples = [(place, *pair) for place, pairs in enumerate(flat) for pair in pairs]
    return Lessons(
        vision,
        [place for place, _, _ in triples],
        [text for _, text, _ in triples],
        [answer for *_, answer in triples],
    )


def ways(
    vlm: VisionLanguageModel,
    material: Lessons,
    widths: Sequence[int],
    steps: int,
    seed: int,
    on_step: Callable[[], None],
) -> list[Way]:
    """Every way at every width. The mean token takes no part in fitting: it is an average already."""
    tokens = material.vision.tokens[:, int(material.vision.mean_token) :].flatten(0, 1).float()
    every = pca(tokens, tokens.shape[1])
    nested = learn_reducer(vlm, every.narrowed(max(widths)), widths, material, steps, _RATE, seed, on_step)
    reduced = []
    for width in widths:
        start = every.narrowed(width)
        reduced += [
            Way("random", width, vlm, random_projection(tokens, width, seed)),
            Way("pca", width, vlm, start),
            Way(
                "learned",
                width,
                vlm,
                learn_reducer(vlm, start, (width,), material, steps, _RATE, seed, on_step),
            ),
            Way("matryoshka", width, vlm, nested.narrowed(width)),
        ]
    if vlm.family == "florence2":
        reduced += [Way(SLICED, width, _slice(vlm, material, width, seed), None) for width in widths]
    return reduced


def _slice(vlm: VisionLanguageModel, material: Lessons, width: int, seed: int) -> VisionLanguageModel:
    order = torch.randperm(len(material.questions), generator=torch.Generator().manual_seed(seed))
    drawn = order[:_CALIBRATION].tolist()
    vision = material.vision.select([material.pictures[place] for place in drawn])
    return sliced(vlm, width, vision, [material.questions[place] for place in drawn])
