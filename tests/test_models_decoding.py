import math

import pytest
import torch
from tiny_models import TEXTS

from bench.pretrain.vocabulary import train_tokenizer
from models.decoding import greedy_rows, to_answer

TOKENIZER = train_tokenizer(TEXTS, vocab_size=280)


class Scripted:
    """Steps that say given tokens with probability 0.5 each."""

    def __init__(self, *rows: list[int]) -> None:
        self.rows = rows
        self.read: list[list[int]] = []

    def first(self) -> torch.Tensor:
        return self._logits(0)

    def next(self, tokens: torch.Tensor) -> torch.Tensor:
        self.read.append(tokens.tolist())
        return self._logits(len(self.read))

    def _logits(self, step: int) -> torch.Tensor:
        logits = torch.full((len(self.rows), 10), math.log(0.5 / 9))
        for row, script in enumerate(self.rows):
            logits[row, script[step]] = math.log(0.5)
        return logits


def test_rows_end_with_their_stop_token_and_what_follows_is_cut() -> None:
    steps = Scripted([5, 2, 7, 7], [6, 6, 6, 2])
    rows = greedy_rows(steps, {2}, max_new_tokens=10)
    assert [ids for ids, _ in rows] == [[5, 2], [6, 6, 6, 2]]
    assert steps.read == [[5, 6], [2, 6], [7, 6]], "nothing is read after the last stop"


def test_the_limit_holds_without_a_stop() -> None:
    rows = greedy_rows(Scripted([5] * 9), {2}, max_new_tokens=3)
    [(ids, logprobs)] = rows
    assert ids == [5, 5, 5]
    assert logprobs == pytest.approx([math.log(0.5)] * 3)


def test_confidence_is_the_geometric_mean_with_the_end_included() -> None:
    answer = to_answer(TOKENIZER, [270, 2], [math.log(0.9), math.log(0.4)])
    assert answer.confidence == pytest.approx(math.sqrt(0.9 * 0.4))
    assert to_answer(TOKENIZER, [], []).confidence == 0
    assert to_answer(TOKENIZER, [270], [1e-9]).confidence == 1


def test_an_answers_text_has_no_special_tokens_and_no_control_characters() -> None:
    ids = TOKENIZER("red\x1b[31m\x07 sofa\n", add_special_tokens=False)["input_ids"]
    assert to_answer(TOKENIZER, [0, *ids, 2], [0.0] * (len(ids) + 2)).text == "red[31m sofa"
