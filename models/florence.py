"""The Florence-2 family: the built-in pair and the hub's checkpoints, through the same code.

An encoder reads vision tokens and question, both ways; a decoder writes the answer while looking at
what the encoder made. Positions are learned and counted by place: vision tokens come first, text after.
"""

from collections.abc import Sequence
from typing import Any

import torch
from PIL.Image import Image
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from transformers.models.bart.modeling_bart import BartAttention

from core.errors import QuestionError
from models.florence_steps import FlorenceSteps
from models.loss import IGNORED
from models.maps import checked_maps
from models.prompt import FLORENCE_TASKS, plain
from models.vlm import TeacherForced, VisionLanguageModel, VisionTokens

_LANGUAGE_LINEARS = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")


class Florence(VisionLanguageModel):
    """A `Florence2ForConditionalGeneration` behind the common interface.

    Attention dropout is switched off for good: maps are returned after it, so with it their rows do
    not sum to 1 (the hub's checkpoints have 0.1).
    """

    family = "florence2"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._markers = (*self.tokenizer.get_added_vocab(), *FLORENCE_TASKS)
        for part in self.module.modules():
            if isinstance(part, BartAttention):
                part.dropout = 0.0

    @property
    def stop_ids(self) -> frozenset[int]:
        """The end of text."""
        return frozenset({int(self._text_config.eos_token_id)})

    def prepare(self, images: Sequence[Image]) -> torch.Tensor:
        """Pixels [B, 3, height, width] as the tower takes them."""
        pixels: torch.Tensor = self.image_processor(list(images), return_tensors="pt")["pixel_values"]
        return pixels.to(self.device)

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """The tower's cells, [B, C, rows, cols]."""
        cells: torch.Tensor = self._model.model.vision_tower(pixels.to(self.device)).last_hidden_state
        return cells

    def project(self, features: torch.Tensor) -> VisionTokens:
        """Mean token and grid of each image."""
        rows, cols = features.shape[-2:]
        return VisionTokens(self._model.model.multi_modal_projector(features), rows, cols, mean_token=True)

    def begin(self, vision: VisionTokens, questions: Sequence[str]) -> FlorenceSteps:
        """Run the encoder over picture and questions."""
        embeds, mask, _ = self._encoder_inputs(vision, questions)
        # Without padding there is nothing to mask, and attention takes its faster way.
        needed = None if bool(mask.all()) else mask
        hidden = self._language.encoder(inputs_embeds=embeds, attention_mask=needed).last_hidden_state
        return FlorenceSteps(self._model, hidden, needed, self._answer_start)

    def teacher_forced(
        self,
        vision: VisionTokens,
        questions: Sequence[str],
        answers: Sequence[str],
        attentions: bool = False,
    ) -> TeacherForced:
        """See the base class. Labels are the answer's tokens and the end, after <s> where that is forced."""
        embeds, mask, txt = self._encoder_inputs(vision, questions)
        labels = self._labels(answers)
        encoded = self._language.encoder(
            inputs_embeds=embeds, attention_mask=mask, output_attentions=attentions
        )
        decoded = self._language.decoder(
            input_ids=self._shifted(labels),
            encoder_hidden_states=encoded.last_hidden_state,
            encoder_attention_mask=mask,
            output_attentions=attentions,
            use_cache=False,
        )
        vis = torch.zeros_like(txt)
        vis[:, : vision.tokens.shape[1]] = True
        config = self._text_config
        return TeacherForced(
            logits=self._model.lm_head(decoded.last_hidden_state),
            labels=labels,
            vis=vis,
            txt=txt,
            ans=torch.zeros_like(txt),
            attentions=checked_maps(encoded.attentions, config.encoder_layers) if attentions else (),
            cross_attentions=checked_maps(decoded.cross_attentions, config.decoder_layers)
            if attentions
            else (),
        )

    def question_spans(self, question: str) -> list[tuple[int, int]]:
        """See the base class."""
        words = plain(question, self._markers)
        spelled = self.tokenizer(words, add_special_tokens=False, return_offsets_mapping=True)
        return [(int(begin), int(end)) for begin, end in spelled["offset_mapping"]]

    def lora_targets(self) -> list[str]:
        """The attention and feed-forward layers of encoder and decoder, and the image projection."""
        return [
            name
            for name, part in self.module.named_modules()
            if isinstance(part, nn.Linear)
            and (
                ("language_model." in name and name.rpartition(".")[2] in _LANGUAGE_LINEARS)
                or name.endswith("multi_modal_projector.image_projection")
            )
        ]

    @property
    def _language(self) -> Any:
        return self._model.model.language_model

    @property
    def _text_config(self) -> Any:
        return self._model.config.text_config

    @property
    def _answer_start(self) -> list[int]:
        """What the decoder reads before the answer: its start token, then <s> where that is forced."""
        forced = self._model.generation_config.forced_bos_token_id
        start = [self._text_config.decoder_start_token_id]
        return start if forced is None else [*start, forced]

    def _encoder_inputs(
        self, vision: VisionTokens, questions: Sequence[str]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Embeddings [B, S, D], mask [B, S] int64 (0 on padding), the question's own words [B, S] bool."""
        tokens = vision.for_questions(len(questions))
        rows = [self._question_ids(question, tokens.shape[1]) for question in questions]
        ids = pad_sequence(rows, batch_first=True, padding_value=self.tokenizer.pad_token_id).to(self.device)
        lengths = torch.tensor([len(row) for row in rows], device=self.device).unsqueeze(1)
        place = torch.arange(ids.shape[1], device=self.device)
        words = (place > 0) & (place < lengths - 1)  # not <s> and </s>
        seen = torch.ones(tokens.shape[:2], dtype=torch.long, device=self.device)
        embeds = torch.cat([tokens, self._language.shared(ids).to(tokens.dtype)], dim=1)
        mask = torch.cat([seen, (place < lengths).long()], dim=1)
        return embeds, mask, torch.cat([torch.zeros_like(seen, dtype=torch.bool), words], dim=1)

    def _question_ids(self, question: str, vision_tokens: int) -> torch.Tensor:
        tokenizer = self.tokenizer
        words = tokenizer(plain(question, self._markers), add_special_tokens=False)["input_ids"]
        room = self._text_config.max_position_embeddings - vision_tokens - 2
        if len(words) > room:
            raise QuestionError(f"The question has {len(words)} tokens, {room} fit. Ask it in fewer words.")
        return torch.tensor([tokenizer.bos_token_id, *words, tokenizer.eos_token_id])

    def _labels(self, answers: Sequence[str]) -> torch.Tensor:
        forced = self._answer_start[1:]
        rows = [
            torch.tensor([
                *forced,
                *self.tokenizer(plain(answer, self._markers), add_special_tokens=False)["input_ids"],
                self.tokenizer.eos_token_id,
            ])
            for answer in answers
        ]
        return pad_sequence(rows, batch_first=True, padding_value=IGNORED).to(self.device)

    def _shifted(self, labels: torch.Tensor) -> torch.Tensor:
        """What the decoder reads to predict `labels`: the start token, then all but the last label."""
        start = torch.full_like(labels[:, :1], self._text_config.decoder_start_token_id)
        shifted = torch.cat([start, labels[:, :-1]], dim=1)
        return shifted.masked_fill(shifted == IGNORED, self._text_config.pad_token_id)
