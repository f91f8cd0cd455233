"""Greedy decoding over one small port, `Steps`; families provide the port, this file the loop.

transformers' `generate()` prepares for beams, sampling and constraints on every call. For answers
of one to ten tokens from a small model that costs more than the model does.
"""

import math
from collections.abc import Collection, Iterator
from typing import Protocol

import torch
from transformers import PreTrainedTokenizerBase

from core.text import strip_controls
from core.types import Answer


class Steps(Protocol):
    """A batch of answers in progress; the state of what was read is kept inside."""

    def first(self) -> torch.Tensor:
        """Read everything before the answer. Logits [B, V] of its first token."""

    def next(self, tokens: torch.Tensor) -> torch.Tensor:
        """Read one more token a row, `tokens` [B] int64. Logits [B, V] of the one after."""


@torch.inference_mode()
def greedy(
    steps: Steps, stop: Collection[int], max_new_tokens: int
) -> Iterator[tuple[list[int], list[float]]]:
    """The likeliest next token of every row and its log-probability in nats, step by step.

    Ends once each row has produced a token of `stop`, or after `max_new_tokens`. Finished rows go on
    producing tokens until all are finished; the caller cuts them.
    """
    open_rows: set[int] | None = None
    logits = steps.first()
    for count in range(1, max_new_tokens + 1):
        logprobs, tokens = torch.log_softmax(logits.float(), dim=-1).max(dim=-1)
        ids = tokens.tolist()
        yield ids, logprobs.tolist()
        open_rows = set(range(len(ids))) if open_rows is None else open_rows
        open_rows -= {row for row in open_rows if ids[row] in stop}
        if not open_rows or count == max_new_tokens:
            return
        logits = steps.next(tokens)


def greedy_rows(
    steps: Steps, stop: Collection[int], max_new_tokens: int
) -> list[tuple[list[int], list[float]]]:
    """Token ids and log-probabilities of each row, the stopping token included, nothing after it."""
    rows: list[tuple[list[int], list[float]]] = []
    for ids, logprobs in greedy(steps, stop, max_new_tokens):
        rows = rows or [([], []) for _ in ids]
        for (row_ids, row_logprobs), token, logprob in zip(rows, ids, logprobs, strict=True):
            if not (row_ids and row_ids[-1] in stop):
                row_ids.append(token)
                row_logprobs.append(logprob)
    return rows


def to_answer(tokenizer: PreTrainedTokenizerBase, ids: list[int], logprobs: list[float]) -> Answer:
    """The answer that the tokens spell, without special tokens and control characters.

    Confidence is the geometric mean of the tokens' probabilities, the closing token included; 0 without
    tokens.
    """
    text = strip_controls(spell(tokenizer, ids))
    confidence = math.exp(min(0.0, sum(logprobs) / len(logprobs))) if logprobs else 0.0
    return Answer(text, tuple(ids), tuple(min(0.0, value) for value in logprobs), confidence)


class Spelling:
    """The text of one row as its tokens come in; tokens after the closing one are ignored."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, stop: Collection[int]) -> None:
        self._tokenizer, self._stop = tokenizer, stop
        self.ids: list[int] = []
        self.logprobs: list[float] = []
        self._text = self._emitted = ""

    def add(self, token: int, logprob: float) -> str:
        """Add a token; returns the text that can be shown now and was not before."""
        if self.ids and self.ids[-1] in self._stop:
            return ""
        self.ids.append(token)
        self.logprobs.append(logprob)
        self._text = spell(self._tokenizer, self.ids)
        # A character of several bytes is complete only with its last token.
        return "" if self._text.endswith("\ufffd") else self.flush()

    def flush(self) -> str:
        """The text that was held back."""
        piece = self._text[len(self._emitted) :]
        self._emitted = self._text if piece else self._emitted
        return piece


def spell(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> str:
    """The tokens as text, special ones left out."""
    return str(tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))
