"""The one interface to vision-language models; families fill in the few methods that differ.

    images ── encode_images ──> VisionTokens ──┬── answer, answer_many, stream ──> Answer
                                               └── teacher_forced ──> TeacherForced (for training)

An image is encoded once and can then be asked about many times. Encoding has two parts: `features` is
the tower, which adapting never changes, so they can be kept; `project` makes vision tokens of them.
"""

import abc
import contextlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from PIL.Image import Image
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerBase

from core.types import Answer
from models.decoding import Spelling, Steps, greedy, greedy_rows, to_answer
from models.maps import FirstLook


@dataclass(frozen=True)
class VisionTokens:
    """What the language model sees of B images: `tokens` [B, N, D], a row-by-row grid of cells.

    N = rows x cols, and one more in front where `mean_token` says so: the mean of all cells
    (Florence-2). The grid covers the image as the processor passed it on, usually squashed to a square.
    Where some were left out, `kept` [B, K] int64 are the places of those that stay among all N, ascending;
    -1 at the end of a row that keeps fewer than others. `tokens` are [B, K, D] then.
    """

    tokens: torch.Tensor
    rows: int
    cols: int
    mean_token: bool
    kept: torch.Tensor | None = None

    def __len__(self) -> int:
        return int(self.tokens.shape[0])

    @property
    def whole(self) -> int:
        """N: how many there are when none is left out."""
        return self.rows * self.cols + int(self.mean_token)

    @property
    def grid(self) -> torch.Tensor:
        """The cells alone, [B, rows, cols, D]. Raises ValueError where some were left out."""
        if self.kept is not None:
            raise ValueError("some of these vision tokens were left out: they make no grid")
        cells = self.tokens[:, int(self.mean_token) :]
        return cells.reshape(len(self), self.rows, self.cols, -1)

    def select(self, images: Sequence[int]) -> "VisionTokens":
        """The tokens of these images in this order; the same one may come up again."""
        rows = torch.as_tensor(images, dtype=torch.long, device=self.tokens.device)
        kept = None if self.kept is None else self.kept[rows]
        return replace(self, tokens=self.tokens[rows], kept=kept)

    def for_questions(self, count: int) -> torch.Tensor:
        """Tokens [count, N, D] for `count` questions: one image each, or one image for all of them."""
        if len(self) not in (1, count):
            raise ValueError(f"{len(self)} images for {count} questions; give one for all or one each")
        return self.tokens.expand(count, -1, -1)

    def places(self, count: int) -> torch.Tensor:
        """`kept` for `count` questions, [count, K]: every place in order where none was left out."""
        kept = self.kept
        if kept is None:
            kept = torch.arange(self.tokens.shape[1], device=self.tokens.device).unsqueeze(0)
        return kept.expand(count, -1)


def stacked(seen: Sequence[VisionTokens]) -> VisionTokens:
    """Several of one model as one, in this order. Raises ValueError when they are of different models."""
    first = seen[0]
    if len({(one.rows, one.cols, one.mean_token) for one in seen}) > 1:
        raise ValueError("vision tokens of different grids")
    if any(one.kept is not None for one in seen):
        return _stacked_parts(seen)
    return replace(first, tokens=torch.cat([one.tokens for one in seen]))


def _stacked_parts(seen: Sequence[VisionTokens]) -> VisionTokens:
    """The same where tokens were left out, of some more than of others."""
    rows = [row for one in seen for row in one.tokens]
    places = [row for one in seen for row in one.places(len(one))]
    kept = pad_sequence(places, batch_first=True, padding_value=-1)
    return replace(seen[0], tokens=pad_sequence(rows, batch_first=True), kept=kept)


@dataclass(frozen=True)
class TeacherForced:
    """One pass over known answers. S is the sequence that holds the vision tokens, T the longest answer.

    `logits` [B, T, V] predict `labels` [B, T] position by position; labels are -100 on padding.
    `vis`, `txt`, `ans` [B, S] bool say which positions of S are vision tokens, the question's own words (no
    markers, no padding) and answer tokens; in encoder-decoders `ans` is empty, the answer being
    in the decoder. `attentions`: per layer [B, H, S, S], of the encoder or the only stack;
    `cross_attentions`: per layer [B, H, T, S], empty for decoder-only families. Rows are queries and sum
    to 1, also on padding: mask them. Both are empty unless asked for. `kept` as in `VisionTokens`, for
    each question, where the model left vision tokens out.
    """

    logits: torch.Tensor
    labels: torch.Tensor
    vis: torch.Tensor
    txt: torch.Tensor
    ans: torch.Tensor
    attentions: tuple[torch.Tensor, ...] = ()
    cross_attentions: tuple[torch.Tensor, ...] = ()
    kept: torch.Tensor | None = None


class Pruner(Protocol):
    """Leaves out vision tokens that a question does not need."""

    def __call__(
        self, vlm: "VisionLanguageModel", vision: VisionTokens, questions: Sequence[str]
    ) -> VisionTokens:
        """The tokens that stay, one row a question."""
        ...


class VisionLanguageModel(abc.ABC):
    """A network with what it needs to read images and text.

    `name` is what it was loaded as, `module` the transformers model, `image_processor` and `tokenizer`
    the parts of its processor. Where there is a `pruner`, every question is answered and learnt from the
    vision tokens that it leaves; with `adapters_choose` an adapter that was found to do with fewer brings
    its own. Not safe for several threads.
    """

    family: str
    pruner: Pruner | None = None
    adapters_choose: bool = False

    def __init__(
        self,
        name: str,
        module: nn.Module,
        image_processor: Any,
        tokenizer: PreTrainedTokenizerBase,
    ) -> None:
        self.name = name
        self.module = module
        self.image_processor = image_processor
        self.tokenizer = tokenizer

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.module.parameters()).device

    @property
    def _model(self) -> Any:
        # For types, a module's parts are "Tensor or Module"; families know which are which.
        return self.module

    @property
    @abc.abstractmethod
    def stop_ids(self) -> frozenset[int]:
        """Tokens that end an answer."""

    @abc.abstractmethod
    def prepare(self, images: Sequence[Image]) -> torch.Tensor:
        """Pixels as `encode_pixels` takes them, image by image along the first dimension."""

    @abc.abstractmethod
    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """What the vision tower makes of prepared images, one image along the first dimension."""

    @abc.abstractmethod
    def project(self, features: torch.Tensor) -> VisionTokens:
        """Vision tokens of such features, with gradients where they are enabled."""

    @abc.abstractmethod
    def begin(self, vision: VisionTokens, questions: Sequence[str]) -> Steps:
        """Get ready to answer a batch of questions. Raises QuestionError when one is too long."""

    @abc.abstractmethod
    def teacher_forced(
        self,
        vision: VisionTokens,
        questions: Sequence[str],
        answers: Sequence[str],
        attentions: bool = False,
    ) -> TeacherForced:
        """One pass over questions and known answers, with gradients where they are enabled.

        `vision` holds one image for all questions or one each. Attention maps need a model that was
        loaded with `attention="eager"`; otherwise ModelError says so. Dropout is as the module's mode.
        """

    @abc.abstractmethod
    def first_look(
        self, vision: VisionTokens, questions: Sequence[str], everything: bool = False
    ) -> FirstLook:
        """What the text behind the picture sees of all N vision tokens in the first layer; computed by
        ourselves, so that any attention will do. `everything`: what all positions see, the picture's too.
        """

    @abc.abstractmethod
    def question_spans(self, question: str) -> list[tuple[int, int]]:
        """For each token that `TeacherForced.txt` marks, its characters (from, to) in the question.

        Counted in the question as the family reads it, without markers.
        """

    @abc.abstractmethod
    def lora_targets(self) -> list[str]:
        """Exact names of the linear layers that take LoRA: the language model's and the projector's."""

    def encode_pixels(self, pixels: torch.Tensor) -> VisionTokens:
        """Vision tokens of prepared images, with gradients where they are enabled."""
        return self.project(self.features(pixels))

    def constant_features(self, pixels: torch.Tensor) -> torch.Tensor:
        """`features` without gradient or dropout: to be kept and trained on."""
        with torch.no_grad(), self._evaluating():
            return self.features(pixels)

    def encode_images(self, images: Sequence[Image]) -> VisionTokens:
        """Vision tokens of images as constants: to be kept and trained on, without gradient for the tower."""
        return self.encode_constant(self.prepare(images))

    def encode_constant(self, pixels: torch.Tensor) -> VisionTokens:
        """The same for images that are prepared already."""
        with torch.no_grad(), self._evaluating():
            return self.encode_pixels(pixels)

    def answer(self, picture: Image | VisionTokens, question: str, max_new_tokens: int = 24) -> Answer:
        """The likeliest answer to one question about one picture. Raises QuestionError when too long."""
        return self.answer_many(picture, [question], max_new_tokens)[0]

    def answer_many(
        self, picture: Image | VisionTokens, questions: Sequence[str], max_new_tokens: int = 24
    ) -> list[Answer]:
        """Answers to a batch of questions: about one picture, or about as many pictures as questions."""
        if not questions:
            return []
        vision = self._encoded(picture)
        with torch.inference_mode(), self._evaluating():
            rows = greedy_rows(self.begin(vision, questions), self.stop_ids, max_new_tokens)
        return [to_answer(self.tokenizer, ids, logprobs) for ids, logprobs in rows]

    def stream(
        self, picture: Image | VisionTokens, question: str, max_new_tokens: int = 24
    ) -> Generator[str, None, Answer]:
        """The answer as pieces of text while it is made; the generator returns the whole Answer.

        Pieces join to the answer's text up to white space and control characters at its edges.
        """
        made = self.stream_many(picture, [question], max_new_tokens)
        while True:
            try:
                (piece,) = next(made)
            except StopIteration as end:
                answer: Answer = end.value[0]
                return answer
            if piece:
                yield piece

    def stream_many(
        self, picture: Image | VisionTokens, questions: Sequence[str], max_new_tokens: int = 24
    ) -> Generator[list[str], None, list[Answer]]:
        """The same for a batch: step by step one piece a question, "" where there is nothing new to show."""
        vision = self._encoded(picture)
        rows = [Spelling(self.tokenizer, self.stop_ids) for _ in questions]
        with self._evaluating():
            with torch.inference_mode():  # not around a yield: the caller's code must not be in it
                steps = self.begin(vision, questions)
            for ids, logprobs in greedy(steps, self.stop_ids, max_new_tokens):
                read = zip(rows, ids, logprobs, strict=True)
                yield [row.read(token, logprob) for row, token, logprob in read]
        yield [row.rest() for row in rows]
        return [to_answer(self.tokenizer, row.ids, row.logprobs) for row in rows]

    @contextlib.contextmanager
    def pruned_by(self, pruner: Pruner | None) -> Iterator[None]:
        """Inside, this one leaves vision tokens out, or None does."""
        before, self.pruner = self.pruner, pruner
        try:
            yield
        finally:
            self.pruner = before

    def _pruned(self, vision: VisionTokens, questions: Sequence[str]) -> VisionTokens:
        """What the language model is to see; tokens that were chosen before are left as they are."""
        if self.pruner is None or vision.kept is not None:
            return vision
        return self.pruner(self, vision, questions)

    def _encoded(self, picture: Image | VisionTokens) -> VisionTokens:
        return picture if isinstance(picture, VisionTokens) else self.encode_images([picture])

    @contextlib.contextmanager
    def _evaluating(self) -> Iterator[None]:
        """No dropout inside, whatever mode a training loop has left the module in."""
        training = self.module.training
        if training:
            self.module.eval()
        try:
            yield
        finally:
            if training:
                self.module.train()
