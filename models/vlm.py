"""The interface to vision-language models; families implement the few methods that differ.

    images ── encode_images ──> VisionTokens ──┬── answer, answer_many, stream ──> Answer
                                               └── teacher_forced ──> TeacherForced (for training)

An image is encoded once for many questions, in two parts: `features` is the tower, which adapting never
changes, so they can be cached; `project` makes vision tokens of them.
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

from core.errors import ModelError
from core.types import Answer
from models.decoding import Spelling, Steps, greedy, greedy_rows, to_answer
from models.maps import FirstLayerAttention

# What files that fit each other, and yet not the model's code, end in.
_FAULTS = (RuntimeError, TypeError, LookupError, AttributeError)


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory was too small; torch raises a type of its own on a GPU, and a message on a CPU."""
    named = type(error).__name__ == "OutOfMemoryError" or isinstance(error, MemoryError)
    return named or (isinstance(error, RuntimeError) and "allocate memory" in str(error))


@dataclass(frozen=True)
class VisionTokens:
    """The language model's input for B images: `tokens` [B, N, D], a row-by-row grid of cells.

    N = rows x cols, plus one in front with `mean_token`: the mean of all cells (Florence-2). The grid covers
    the processed image, usually squashed to a square. After pruning `tokens` are [B, K, D], and `kept`
    [B, K] int64 their places among all N, ascending; -1 at the end of a row that keeps fewer than others.
    """

    tokens: torch.Tensor
    rows: int
    cols: int
    mean_token: bool
    kept: torch.Tensor | None = None

    def __len__(self) -> int:
        return int(self.tokens.shape[0])

    @property
    def total(self) -> int:
        """N, the count before pruning."""
        return self.rows * self.cols + int(self.mean_token)

    @property
    def grid(self) -> torch.Tensor:
        """The cells alone, [B, rows, cols, D]. Raises ValueError after pruning."""
        if self.kept is not None:
            raise ValueError("some of these vision tokens were left out: they make no grid")
        cells = self.tokens[:, int(self.mean_token) :]
        return cells.reshape(len(self), self.rows, self.cols, -1)

    def select(self, images: Sequence[int]) -> "VisionTokens":
        """The tokens of these images in this order, repeats allowed."""
        rows = torch.as_tensor(images, dtype=torch.long, device=self.tokens.device)
        kept = None if self.kept is None else self.kept[rows]
        return replace(self, tokens=self.tokens[rows], kept=kept)

    def for_questions(self, count: int) -> torch.Tensor:
        """Tokens [count, N, D] for `count` questions: one image each, or one for all."""
        if len(self) not in (1, count):
            raise ValueError(f"{len(self)} images for {count} questions; give one for all or one each")
        return self.tokens.expand(count, -1, -1)

    def places(self, count: int) -> torch.Tensor:
        """`kept` for `count` questions, [count, K]; all places without pruning."""
        kept = self.kept
        if kept is None:
            kept = torch.arange(self.tokens.shape[1], device=self.tokens.device).unsqueeze(0)
        return kept.expand(count, -1)


def stack(batches: Sequence[VisionTokens]) -> VisionTokens:
    """Concatenate vision tokens of one model. Raises ValueError when grids differ."""
    first = batches[0]
    if len({(batch.rows, batch.cols, batch.mean_token) for batch in batches}) > 1:
        raise ValueError("vision tokens of different grids")
    if any(batch.kept is not None for batch in batches):
        return _stack_pruned(batches)
    return replace(first, tokens=torch.cat([batch.tokens for batch in batches]))


def _stack_pruned(batches: Sequence[VisionTokens]) -> VisionTokens:
    """Concatenate pruned vision tokens, padded."""
    rows = [row for batch in batches for row in batch.tokens]
    places = [row for batch in batches for row in batch.places(len(batch))]
    kept = pad_sequence(places, batch_first=True, padding_value=-1)
    return replace(batches[0], tokens=pad_sequence(rows, batch_first=True), kept=kept)


@dataclass(frozen=True)
class TeacherForced:
    """One pass over known answers. S is the sequence that holds the vision tokens, T the longest answer.

    `logits` [B, T, V] predict `labels` [B, T] position by position; labels are -100 on padding.
    `vis`, `txt`, `ans` [B, S] bool mark vision tokens, the question's own words (no markers, no padding) and
    answer tokens; `ans` is empty in encoder-decoders. `attentions`: per layer [B, H, S, S], of the encoder
    or the only stack; `cross_attentions`: per layer [B, H, T, S], empty for decoder-only families. Rows are
    queries and sum to 1, also on padding: mask them. Both are empty unless requested. `kept` per question,
    as in `VisionTokens`.
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
    """Drops vision tokens that a question does not need."""

    def __call__(
        self, vlm: "VisionLanguageModel", vision: VisionTokens, questions: Sequence[str]
    ) -> VisionTokens:
        """The tokens that stay, one row per question."""


class VisionLanguageModel(abc.ABC):
    """A transformers model with its image processor and tokenizer. Not safe for several threads.

    A `pruner` chooses the vision tokens for every question, in answering and training; with
    `adapters_choose` an adapter may bring its own.
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
        self.name, self.module = name, module
        self.image_processor, self.tokenizer = image_processor, tokenizer

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.module.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """The weights' type."""
        return next(self.module.parameters()).dtype

    @property
    def _model(self) -> Any:
        # For mypy a module's parts are "Tensor or Module".
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
        """The vision tower's output for prepared images, image by image along the first dimension."""

    @abc.abstractmethod
    def project(self, features: torch.Tensor) -> VisionTokens:
        """Vision tokens of such features, with gradients where they are enabled."""

    @abc.abstractmethod
    def begin(self, vision: VisionTokens, questions: Sequence[str]) -> Steps:
        """Prepare to answer a batch of questions. Raises QuestionError when one is too long."""

    @abc.abstractmethod
    def teacher_forced(
        self,
        vision: VisionTokens,
        questions: Sequence[str],
        answers: Sequence[str],
        attentions: bool = False,
    ) -> TeacherForced:
        """One pass over questions and known answers, with gradients where they are enabled.

        `vision` holds one image for all questions or one each. Dropout follows the module's mode. Raises
        ModelError for attention maps of a model that was not loaded with `attention="eager"`.
        """

    @abc.abstractmethod
    def first_layer_attention(
        self, vision: VisionTokens, questions: Sequence[str], everything: bool = False
    ) -> FirstLayerAttention:
        """First-layer attention to all N vision tokens from the text after the picture, or from `everything`.

        It is computed here, so any attention implementation will do.
        """

    @abc.abstractmethod
    def question_spans(self, question: str) -> list[tuple[int, int]]:
        """The characters (from, to) of each token that `TeacherForced.txt` marks, in the question without
        markers.
        """

    @abc.abstractmethod
    def lora_targets(self) -> list[str]:
        """Exact names of the linear layers that take LoRA: the language model's and the projector's."""

    def encode_pixels(self, pixels: torch.Tensor) -> VisionTokens:
        """Vision tokens of prepared images, with gradients where they are enabled."""
        return self.project(self.features(pixels))

    def constant_features(self, pixels: torch.Tensor) -> torch.Tensor:
        """`features` without gradient or dropout, to cache and train on."""
        with torch.no_grad(), self._evaluating():
            return self.features(pixels)

    def encode_images(self, images: Sequence[Image]) -> VisionTokens:
        """Vision tokens of images as constants, without gradient. Raises ModelError."""
        try:
            pixels = self.prepare(images)
        except (*_FAULTS, ValueError) as error:
            raise self._fault(error) from error
        return self.encode_constant(pixels)

    def encode_constant(self, pixels: torch.Tensor) -> VisionTokens:
        """The same for prepared images."""
        with torch.no_grad(), self._evaluating():
            return self.encode_pixels(pixels)

    def answer(self, picture: Image | VisionTokens, question: str, max_new_tokens: int = 24) -> Answer:
        """The likeliest answer to one question about one picture. Raises QuestionError when too long."""
        return self.answer_many(picture, [question], max_new_tokens)[0]

    def answer_many(
        self, picture: Image | VisionTokens, questions: Sequence[str], max_new_tokens: int = 24
    ) -> list[Answer]:
        """Answers to a batch of questions about one picture, or one picture each."""
        if not questions:
            return []
        vision = self._encoded(picture)
        with torch.inference_mode(), self._evaluating():
            rows = greedy_rows(self.begin(vision, questions), self.stop_ids, max_new_tokens)
        return [to_answer(self.tokenizer, ids, logprobs) for ids, logprobs in rows]

    def stream(
        self, picture: Image | VisionTokens, question: str, max_new_tokens: int = 24
    ) -> Generator[str, None, Answer]:
        """Yield the answer in pieces of text; the generator returns the whole Answer.

        Pieces join to the answer's text up to white space and control characters at its edges.
        """
        batch = self.stream_many(picture, [question], max_new_tokens)
        while True:
            try:
                (piece,) = next(batch)
            except StopIteration as end:
                answer: Answer = end.value[0]
                return answer
            if piece:
                yield piece

    def stream_many(
        self, picture: Image | VisionTokens, questions: Sequence[str], max_new_tokens: int = 24
    ) -> Generator[list[str], None, list[Answer]]:
        """The same for a batch: each step yields one piece per question, "" where nothing is new."""
        vision = self._encoded(picture)
        rows = [Spelling(self.tokenizer, self.stop_ids) for _ in questions]
        with self._evaluating():
            with torch.inference_mode():  # not around a yield: the caller's code must not be in it
                steps = self.begin(vision, questions)
            for ids, logprobs in greedy(steps, self.stop_ids, max_new_tokens):
                tokens = zip(rows, ids, logprobs, strict=True)
                yield [row.add(token, logprob) for row, token, logprob in tokens]
        yield [row.flush() for row in rows]
        return [to_answer(self.tokenizer, row.ids, row.logprobs) for row in rows]

    @contextlib.contextmanager
    def pruned_by(self, pruner: Pruner | None) -> Iterator[None]:
        """Inside, `pruner` is in use, or none."""
        before, self.pruner = self.pruner, pruner
        try:
            yield
        finally:
            self.pruner = before

    def _pruned(self, vision: VisionTokens, questions: Sequence[str]) -> VisionTokens:
        """The tokens after pruning; tokens that were pruned before stay as they are."""
        if self.pruner is None or vision.kept is not None:
            return vision
        return self.pruner(self, vision, questions)

    def _encoded(self, picture: Image | VisionTokens) -> VisionTokens:
        return picture if isinstance(picture, VisionTokens) else self.encode_images([picture])

    def _fault(self, error: Exception) -> ModelError:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        return ModelError(f"{self.name} cannot answer: {reason}. Get it again, or choose another model.")

    @contextlib.contextmanager
    def _evaluating(self) -> Iterator[None]:
        """No dropout inside, even while training. Raises ModelError for a model at fault."""
        training = self.module.training
        if training:
            self.module.eval()
        try:
            yield
        except _FAULTS as error:
            if is_out_of_memory(error):
                raise
            raise self._fault(error) from error
        finally:
            if training:
                self.module.train()
