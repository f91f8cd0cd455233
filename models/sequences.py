"""Prompts and answers as padded token tensors, with each token's role."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerBase

from models.prompt import Prompt

_PAD, _TEMPLATE, _WORD, _ANSWER = 0, 1, 2, 3


@dataclass(frozen=True)
class Sequences:
    """One row of token ids per prompt, and per token its role."""

    rows: list[torch.Tensor]
    roles: list[torch.Tensor]
    places: list[torch.Tensor]
    """Positions from 0, with gaps where placeholders were dropped."""

    @classmethod
    def tokenize(
        cls,
        tokenizer: PreTrainedTokenizerBase,
        prompts: Sequence[Prompt],
        answers: Sequence[str] | None,
        device: torch.device,
        end: int | None = None,
    ) -> "Sequences":
        """Tokenize each prompt, followed by its answer and the token `end` if there are answers.

        Prompt and answer are tokenized as one text: apart they may split differently.
        """
        rows, roles = [], []
        for index, prompt in enumerate(prompts):
            text = prompt.text if answers is None else _joined(prompt.text, answers[index])
            encoding = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
            ids = list(encoding["input_ids"])
            token_roles = [_role(prompt, begin, end) for begin, end in encoding["offset_mapping"]]
            if answers is not None:
                ids.append(end)
                token_roles.append(_ANSWER)
            rows.append(torch.tensor(ids, device=device))
            roles.append(torch.tensor(token_roles, device=device))
        return cls(rows, roles, [torch.arange(len(row), device=device) for row in rows])

    def drop_placeholders(self, placeholder: int, kept: torch.Tensor) -> "Sequences":
        """Keep only the placeholders that `kept` [B, K] names, counted from 0 in each row; -1 names none.

        Positions do not change.
        """
        masks = [_keep_mask(row == placeholder, places) for row, places in zip(self.rows, kept, strict=True)]

        def keep(parts: list[torch.Tensor]) -> list[torch.Tensor]:
            return [part[mask] for part, mask in zip(parts, masks, strict=True)]

        return Sequences(keep(self.rows), keep(self.roles), keep(self.places))

    @property
    def longest(self) -> int:
        """Tokens of the longest row."""
        return max(len(row) for row in self.rows)

    @property
    def words(self) -> torch.Tensor:
        """Where the question's own words are, [B, S] bool, rows padded on the right."""
        return self._padded_roles() == _WORD

    @property
    def answers(self) -> torch.Tensor:
        """Where the answer and its end are, [B, S] bool, rows padded on the right."""
        return self._padded_roles() == _ANSWER

    def padded(self, pad_id: int, left: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
        """Token ids and mask, both [B, S] int64; the mask is 0 on padding."""
        side = "left" if left else "right"
        ids = pad_sequence(self.rows, batch_first=True, padding_value=pad_id, padding_side=side)
        ones = [torch.ones_like(row) for row in self.rows]
        return ids, pad_sequence(ones, batch_first=True, padding_value=0, padding_side=side)

    def positions(self, left: bool = False) -> torch.Tensor:
        """Positions [B, S] int64, 0 on padding."""
        return pad_sequence(self.places, batch_first=True, padding_side="left" if left else "right")

    def answer_part(
        self, logits: torch.Tensor, ids: torch.Tensor, ignored: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits [B, T, V] and labels [B, T] of the answers alone, from right-padded [B, S, V] and [B, S]."""
        spans = [row.nonzero().squeeze(1) for row in self.answers]
        predicted = [logits[index, span - 1] for index, span in enumerate(spans)]
        labels = [ids[index, span] for index, span in enumerate(spans)]
        padded_labels = pad_sequence(labels, batch_first=True, padding_value=ignored)
        return pad_sequence(predicted, batch_first=True), padded_labels

    def _padded_roles(self) -> torch.Tensor:
        return pad_sequence(self.roles, batch_first=True, padding_value=_PAD)


def _keep_mask(placeholders: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """Which tokens of a row stay, [S] bool: the named placeholders, and all other tokens."""
    mask = ~placeholders
    mask[placeholders.nonzero().squeeze(1)[kept[kept >= 0]]] = True
    return mask


def _joined(prompt: str, answer: str) -> str:
    """Prompt and answer; a chat that ends in a new line has no space between."""
    return f"{prompt}{answer}" if prompt[-1:].isspace() else f"{prompt} {answer}"


def _role(prompt: Prompt, begin: int, end: int) -> int:
    if end > len(prompt.text):
        return _ANSWER
    # A token may begin with the space before the question's first word.
    return _WORD if begin < prompt.end and end > prompt.start else _TEMPLATE
