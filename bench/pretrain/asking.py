"""Stages 2 and 3: the language model learns to answer questions, drawn afresh at every visit.

Beside the answers, cells learn to name what is in them (`Naming`). Each picture is encoded once for all
its questions. While the tower stands still, its features of each room are kept; in the last stage
everything trains, on a new version of each picture every time, and dense labels keep the tower general.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerBase

from bench.pretrain.augment import photometric, plain_pixels, whole_picture
from bench.pretrain.common.dataset import Batch, Frames
from bench.pretrain.dense import DenseHeads
from bench.pretrain.labels import NAMED, Labels, Naming, dense_labels
from bench.pretrain.recipes import TrainingStage
from bench.rooms.questions.ask import sample, sample_training
from bench.rooms.rendering.facts import FrameFacts
from core.scoring import exact_match
from models.florence import Florence
from models.loss import IGNORED, answer_cross_entropy
from models.vlm import VisionLanguageModel

EASY = ("yesno", "colour", "what", "position")
_VERSION_SEED = 7919
_NAMING_WEIGHT = 0.5
_DENSE_WEIGHT = 0.2
_SCORED_ROOMS = 16
_QUESTIONS_A_FRAME = 8
_SCORE_SEED = 12
_LONGEST_ANSWER = 8


@dataclass(frozen=True)
class QuestionTensors:
    """Questions of a batch: ids and mask [Q, T], labels [Q, A], the picture each is about [Q]."""

    questions: torch.Tensor
    mask: torch.Tensor
    labels: torch.Tensor
    pictures: torch.Tensor


class TokenCache:
    """Texts to ids, remembered: the same few thousand questions come again and again."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._ids = lru_cache(maxsize=200_000)(self._tokenize)

    def _tokenize(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def encode(self, pairs: list[tuple[int, str, str]]) -> QuestionTensors:
        """Pairs of (picture, question, answer), spelled as `models.florence` does."""
        begin, end, pad = (
            int(getattr(self._tokenizer, f"{name}_token_id")) for name in ("bos", "eos", "pad")
        )
        questions = [torch.tensor([begin, *self._ids(question), end]) for _, question, _ in pairs]
        labels = [torch.tensor([*self._ids(answer), end]) for _, _, answer in pairs]
        ids = pad_sequence(questions, batch_first=True, padding_value=pad)
        return QuestionTensors(
            questions=ids,
            mask=(ids != pad).long(),
            labels=pad_sequence(labels, batch_first=True, padding_value=IGNORED),
            pictures=torch.tensor([picture for picture, _, _ in pairs]),
        )


def draw_questions(
    facts: list[FrameFacts], rng: np.random.Generator, each: int, easy: bool, avoid: frozenset[str]
) -> list[tuple[int, str, str]]:
    """About `each` questions a picture; with `easy`, the easy families as far as there are any."""
    pairs = []
    for picture, fact in enumerate(facts):
        questions = list(sample_training(fact, rng, 2 * each if easy else each, avoid))
        if easy:
            questions.sort(key=lambda question: question.family not in EASY)
        pairs += [(picture, question.text, question.answer) for question in questions[:each]]
    return pairs


@dataclass
class QuestionStage:
    """A question stage as the loop wants it; `joint` trains the tower too."""

    model: Any
    heads: DenseHeads
    tokenizer: PreTrainedTokenizerBase
    image_processor: Any
    frames: Frames
    held_out: Frames
    stage: TrainingStage
    joint: bool
    naming: Naming
    grid: int
    _features: dict[int, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._tokens = TokenCache(self.tokenizer)

    def modules(self) -> Iterator[nn.Module]:
        """What is trained."""
        if self.joint:
            yield from (self.model.model.vision_tower, self.heads)
        yield from (self.model.model.multi_modal_projector, self.model.model.language_model)

    def loss(self, step: int, rng: np.random.Generator) -> torch.Tensor:
        """Loss of fresh questions about pictures of different rooms."""
        views = self.frames.choose(rng, self.stage.images)
        facts = [self.frames.facts(room)[view] for room, view in views]
        texts = draw_questions(facts, rng, self.stage.questions, self.stage.easy(step), self.frames.unseen)
        questions = self._tokens.encode(texts)
        with torch.autocast("cpu", torch.bfloat16):
            cells, kinds, dense = self._encode_views(views, rng) if self.joint else self._recall_views(views)
            vision = self.model.model.multi_modal_projector(cells)
            logits = self._logits(vision[questions.pictures], questions)
            answers = answer_cross_entropy(logits, questions.labels)
            naming = self.naming.loss(vision, self.model.model.language_model.shared, kinds)
        return answers + _NAMING_WEIGHT * naming + _DENSE_WEIGHT * dense

    def scores(self) -> dict[str, tuple[float, int]]:
        """Exact match by family on held-out rooms and wordings."""
        self.held_out.rescan()
        florence = Florence("in training", self.model, self.image_processor, self.tokenizer)
        return exact_by_family(florence, self.held_out)

    def _encode_views(
        self, views: list[tuple[int, int]], rng: np.random.Generator
    ) -> tuple[torch.Tensor, ...]:
        """Grid features [B, C, g, g], what cells hold [kinds, B, G, G], and the dense stage's loss."""
        batch = self.frames.views(views)
        labels = self._labels(batch)
        cells = self.model.model.vision_tower(photometric(batch.frames, rng)).last_hidden_state
        return cells, labels.kinds[: len(NAMED)], self.heads.loss(cells, labels)

    def _recall_views(self, views: list[tuple[int, int]]) -> tuple[torch.Tensor, ...]:
        """The same while the tower stands still: nothing of the dense loss reaches it."""
        rooms = [self._room(room) for room, _ in views]
        chosen = [
            (features[view], kinds[:, view])
            for (features, kinds), (_, view) in zip(rooms, views, strict=True)
        ]
        cells, kinds = zip(*chosen, strict=True)
        return torch.stack(cells), torch.stack(kinds, dim=1).long(), torch.zeros(())

    def _room(self, room: int) -> tuple[torch.Tensor, torch.Tensor]:
        # Room by room and from its own seed: after a resume the same numbers come out again.
        if room not in self._features:
            batch = self.frames.room(room)
            pixels = photometric(batch.frames, np.random.default_rng([_VERSION_SEED, room]))
            with torch.no_grad():
                features = self.model.model.vision_tower(pixels).last_hidden_state.to(torch.bfloat16)
            self._features[room] = features, self._labels(batch).kinds[: len(NAMED)].to(torch.int8)
        return self._features[room]

    def _labels(self, batch: Batch) -> Labels:
        return dense_labels(batch, whole_picture(len(batch.frames)), self.grid)

    def _logits(self, vision: torch.Tensor, questions: QuestionTensors) -> torch.Tensor:
        language = self.model.model.language_model
        embeds = torch.cat([vision, language.shared(questions.questions).to(vision.dtype)], dim=1)
        mask = torch.cat([questions.mask.new_ones(vision.shape[:2]), questions.mask], dim=1)
        hidden = language.encoder(inputs_embeds=embeds, attention_mask=mask).last_hidden_state
        start = torch.full_like(questions.labels[:, :1], self.model.config.text_config.decoder_start_token_id)
        shifted = torch.cat([start, questions.labels[:, :-1]], dim=1)
        shifted = shifted.masked_fill(shifted == IGNORED, self.model.config.text_config.pad_token_id)
        decoded = language.decoder(
            input_ids=shifted, encoder_hidden_states=hidden, encoder_attention_mask=mask, use_cache=False
        )
        logits: torch.Tensor = self.model.lm_head(decoded.last_hidden_state)
        return logits


def exact_by_family(
    model: VisionLanguageModel, held_out: Frames, rooms: int = _SCORED_ROOMS
) -> dict[str, tuple[float, int]]:
    """Share of right answers, written out greedily, and number of questions: `exact` over all, `exact FAMILY`
    for each, on held-out rooms and wordings. The same rooms give the same questions, whatever the model.
    """
    right: dict[str, list[bool]] = defaultdict(list)
    rng = np.random.default_rng(_SCORE_SEED)
    for number in range(min(rooms, len(held_out.rooms))):
        room = held_out.room(number)
        questions = [
            (picture, question)
            for picture, facts in enumerate(room.facts)
            for question in sample(facts, rng, _QUESTIONS_A_FRAME, "validation", held_out.unseen)
        ]
        if not questions:
            continue
        pictures = [picture for picture, _ in questions]
        vision = model.encode_constant(plain_pixels(room.frames)).select(pictures)
        answers = model.answer_many(vision, [question.text for _, question in questions], _LONGEST_ANSWER)
        for answer, (_, question) in zip(answers, questions, strict=True):
            right[question.family].append(exact_match(answer.text, question.answer))
    everything = [value for values in right.values() for value in values]
    groups = {"exact": everything} | {f"exact {family}": right[family] for family in sorted(right)}
    return {name: (sum(values) / max(1, len(values)), len(values)) for name, values in groups.items()}
