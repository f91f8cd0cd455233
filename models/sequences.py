"""Prompts and answers as padded token tensors that remember which token came from what."""

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
    """Positions: from 0 on, with gaps where placeholders were left out."""

    @classmethod
    def tokenize(
        cls,
        tokenizer: PreTrainedTokenizerBase,
        prompts: Sequence[Prompt],
        answers: Sequence[str] | None,
        device: torch.device,
    ) -> "Sequences":
        """Spell each prompt, its answer right behind it, and after an answer the end of text.

        Prompt and answer are tokenized together, as one text: apart they may split differently.
        """
        rows, roles = [], []
        for index, prompt in enumerate(prompts):
            text = prompt.text if answers is None else f"{prompt.text} {answers[index]}"
            spelled = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
            ids = list(spelled["input_ids"])
            kinds = [_role(prompt, begin, end) for begin, end in spelled["offset_mapping"]]
            if answers is not None:
                ids.append(tokenizer.eos_token_id)
                kinds.append(_ANSWER)
            rows.append(torch.tensor(ids, device=device))
            roles.append(torch.tensor(kinds, device=device))
        return cls(rows, roles, [torch.arange(len(row), device=device) for row in rows])

    def keeping(self, placeholder: int, kept: torch.Tensor) -> "Sequences":
        """Without the placeholders, counted from 0 in each row, that `kept` [B, K] does not name.

        All others keep their positions. -1 in `kept` names none.
        """
        stay = [_staying(row == placeholder, places) for row, places in zip(self.rows, kept, strict=True)]

        def left(parts: list[torch.Tensor]) -> list[torch.Tensor]:
            return [part[here] for part, here in zip(parts, stay, strict=True)]

        return Sequences(left(self.rows), left(self.roles), left(self.places))

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
        """Logits [B, T, V] and labels [B, T] of the answers alone: logits[b, t] predict labels[b, t].

        `logits` [B, S, V] and `ids` [B, S] are padded on the right.
        """
        spans = [row.nonzero().squeeze(1) for row in self.answers]
        predicted = [logits[index, span - 1] for index, span in enumerate(spans)]
        labels = [ids[index, span] for index, span in enumerate(spans)]
        return pad_sequence(predicted, batch_first=True), pad_sequence(
            labels, batch_first=True, padding_value=ignored
        )

    def _padded_roles(self) -> torch.Tensor:
        return pad_sequence(self.roles, batch_first=True, padding_value=_PAD)


def _staying(placeholders: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """Which tokens of a row stay, [S] bool: all that are no placeholder, and the placeholders named."""
    stay = ~placeholders
    stay[placeholders.nonzero().squeeze(1)[kept[kept >= 0]]] = True
    return stay


def _role(prompt: Prompt, begin: int, end: int) -> int:
    if end > len(prompt.text):
        return _ANSWER
    # A token may begin with the space before the question's first word.
    return _WORD if begin < prompt.end and end > prompt.start else _TEMPLATE
