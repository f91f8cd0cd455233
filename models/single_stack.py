"""One stack that reads picture, question and answer in turn: what all decoder-only families share.

A family says how pictures become vision tokens and how a prompt is spelled; some also count positions in
their own way or want more than embeddings.
"""

import abc
from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache

from core.errors import QuestionError
from models.loss import IGNORED
from models.maps import check_maps
from models.prompt import Prompt, plain
from models.sequences import Sequences
from models.vlm import TeacherForced, VisionLanguageModel, VisionTokens


class SingleStack(VisionLanguageModel):
    """A decoder-only model of transformers behind the common interface."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.family = self._model.config.model_type
        self._markers = tuple(self.tokenizer.get_added_vocab())

    @property
    def stop_ids(self) -> frozenset[int]:
        """The end tokens of the checkpoint and the tokenizer."""
        eos_ids = self._model.generation_config.eos_token_id
        ids = eos_ids if isinstance(eos_ids, list) else [eos_ids]
        return frozenset(int(token) for token in (*ids, self.tokenizer.eos_token_id) if token is not None)

    def begin(self, vision: VisionTokens, questions: Sequence[str]) -> "DecoderOnlySteps":
        """Spell the prompts; the first step reads them."""
        vision = self._pruned(vision, questions)
        sequences = self._sequences(vision, questions)
        # Padding stands on the left, so that every row's last token is the last of its prompt.
        ids, mask = sequences.padded(self._pad_id, left=True)
        inputs = self._inputs(ids, vision)
        return DecoderOnlySteps(self._model, inputs, mask, self._positions(sequences, left=True))

    def teacher_forced(
        self,
        vision: VisionTokens,
        questions: Sequence[str],
        answers: Sequence[str],
        attentions: bool = False,
    ) -> TeacherForced:
        """See the base class. Labels are the answer's tokens and the end of text."""
        vision = self._pruned(vision, questions)
        sequences = self._sequences(vision, questions, [plain(answer, self._markers) for answer in answers])
        ids, mask = sequences.padded(self._pad_id)
        output = self._model(
            **self._inputs(ids, vision, sequences.answers),
            attention_mask=mask,  # always given: without it gaps in the positions would split the row
            position_ids=self._positions(sequences),
            output_attentions=attentions,
            use_cache=False,
        )
        logits, labels = sequences.answer_part(output.logits, ids, IGNORED)
        return TeacherForced(
            logits=logits,
            labels=labels,
            vis=ids == self._image_id,
            txt=sequences.words,
            ans=sequences.answers,
            attentions=check_maps(output.attentions, self._map_layers) if attentions else (),
            kept=None if vision.kept is None else vision.places(len(questions)),
        )

    def question_spans(self, question: str) -> list[tuple[int, int]]:
        """See the base class. A token that reaches into the template is cut to its part of the question."""
        prompt = self._prompt(question, vision_tokens=1)
        tokens = self.tokenizer(prompt.text, add_special_tokens=False, return_offsets_mapping=True)
        spans = [(max(begin, prompt.start), min(end, prompt.end)) for begin, end in tokens["offset_mapping"]]
        return [(begin - prompt.start, end - prompt.start) for begin, end in spans if begin < end]

    @property
    def _pad_id(self) -> int:
        """What rows are filled up with; any token would do, since nothing looks at it."""
        return int(self.tokenizer.pad_token_id or 0)

    @property
    def _image_id(self) -> int:
        return int(self._model.config.image_token_id)

    @property
    def _map_layers(self) -> int:
        """The layers that attend; some families have convolutions between them."""
        text = self._model.config.get_text_config()
        kinds = getattr(text, "layer_types", None) or ["attention"] * text.num_hidden_layers
        return sum("attention" in kind for kind in kinds)

    @property
    def _end_id(self) -> int | None:
        """The token that answers are taught to end with."""
        end = self.tokenizer.eos_token_id
        return None if end is None else int(end)

    @abc.abstractmethod
    def _prompt(self, question: str, vision_tokens: int) -> Prompt:
        """The text around a question, with so many placeholders."""

    def _inputs(
        self, ids: torch.Tensor, vision: VisionTokens, answers: torch.Tensor | None = None
    ) -> dict[str, Any]:
        """What the model reads, beside mask and positions, for tokens [B, S].

        `answers` [B, S] bool mark known answers.
        """
        return {"inputs_embeds": self._embeds(ids, vision)}

    def _placed(self, sequences: Sequences) -> Sequences:
        """The same with the places that the family counts."""
        return sequences

    def _positions(self, sequences: Sequences, left: bool = False) -> torch.Tensor:
        """Positions as the model takes them, [..., B, S]."""
        return sequences.positions(left)

    def _sequences(
        self, vision: VisionTokens, questions: Sequence[str], answers: Sequence[str] | None = None
    ) -> Sequences:
        """Prompts followed by their answers, with a placeholder for each vision token present."""
        prompts = [self._prompt(question, vision.total) for question in questions]
        tokens = Sequences.tokenize(self.tokenizer, prompts, answers, self.device, self._end_id)
        room = self._model.config.get_text_config().max_position_embeddings
        if tokens.longest > room:
            raise QuestionError(
                f"The question makes a prompt of {tokens.longest} tokens, {room} fit. Ask it in fewer words."
            )
        return self._placeholders_left(self._placed(tokens), vision, len(questions))

    def _placeholders_left(self, sequences: Sequences, vision: VisionTokens, count: int) -> Sequences:
        """Without the placeholders of vision tokens that were pruned."""
        if vision.kept is None:
            return sequences
        return sequences.drop_placeholders(self._image_id, vision.places(count))

    def _embeds(self, ids: torch.Tensor, vision: VisionTokens) -> torch.Tensor:
        """Token embeddings [B, S, D] with vision tokens in the places kept for them."""
        tokens = vision.for_questions(len(ids))
        if vision.kept is not None:
            tokens = tokens[vision.places(len(ids)) >= 0]
        places = ids == self._image_id
        # A placeholder may be beyond the vocabulary.
        embeds: torch.Tensor = self._model.get_input_embeddings()(ids.masked_fill(places, 0))
        return embeds.masked_scatter(places.unsqueeze(-1), tokens.to(embeds.dtype))


class DecoderOnlySteps:
    """The `Steps` of a batch of answers; `inputs` are left-padded, `mask` [B, S] is 0 there.

    `positions` [..., B, S] may have gaps where vision tokens were left out; answers go on after the last.
    """

    def __init__(
        self, model: Any, inputs: dict[str, Any], mask: torch.Tensor, positions: torch.Tensor
    ) -> None:
        self._model, self._inputs, self._mask, self._positions = model, inputs, mask, positions
        self._cache = DynamicCache(config=model.config.get_text_config())

    def first(self) -> torch.Tensor:
        """Read the prompts. Logits [B, V]."""
        return self._run(**self._inputs)

    def next(self, tokens: torch.Tensor) -> torch.Tensor:
        """Read one token a row [B]. Logits [B, V]."""
        return self._next(tokens)

    def _next(self, tokens: torch.Tensor, **inputs: Any) -> torch.Tensor:
        self._mask = torch.cat([self._mask, torch.ones_like(self._mask[:, :1])], dim=1)
        self._positions = self._positions[..., -1:] + 1
        return self._run(input_ids=tokens.unsqueeze(1), **inputs)

    def _run(self, **inputs: Any) -> torch.Tensor:
        output = self._model(
            **inputs,
            attention_mask=self._mask,
            position_ids=self._positions,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: torch.Tensor = output.logits[:, -1]
        return logits
