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
from models.florence_steps import FlorenceSteps, heads_apart
from models.loss import IGNORED
from models.maps import FirstLook, checked_maps, mean_over_heads
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
        embeds, mask, _ = self._encoder_inputs(self._pruned(vision, questions), questions)
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
        vision = self._pruned(vision, questions)
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
        places = vision.places(len(questions))
        vis = torch.zeros_like(txt)
        vis[:, : places.shape[1]] = places >= 0
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
            kept=None if vision.kept is None else places,
        )

    def first_look(
        self, vision: VisionTokens, questions: Sequence[str], everything: bool = False
    ) -> FirstLook:
        """See the base class; of the encoder, where text sees all vision tokens and they see each other."""
        embeds, mask, words = self._encoder_inputs(vision, questions)
        encoder, tokens = self._language.encoder, vision.tokens.shape[1]
        begin = 0 if everything else tokens  # rows before are not asked for
        hidden = encoder.layernorm_embedding(embeds + encoder.embed_positions(embeds[:, :, 0]))
        attention = encoder.layers[0].self_attn
        queries = heads_apart(attention, attention.q_proj(hidden[:, begin:]))
        keys = heads_apart(attention, attention.k_proj(hidden))
        rows = mean_over_heads(queries, keys, mask.bool()[:, None, None, :], attention.scaling)
        return FirstLook(rows[:, :, :tokens], words[:, begin:], mask.bool()[:, begin:])

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
        tokens, places = vision.for_questions(len(questions)), vision.places(len(questions))
        # However many were left out, the question may be no longer: positions are counted as with all.
        rows = [self._question_ids(question, vision.whole) for question in questions]
        ids = pad_sequence(rows, batch_first=True, padding_value=self.tokenizer.pad_token_id).to(self.device)
        lengths = torch.tensor([len(row) for row in rows], device=self.device).unsqueeze(1)
        place = torch.arange(ids.shape[1], device=self.device)
        words = (place > 0) & (place < lengths - 1)  # not <s> and </s>
        seen = (places >= 0).long()
        embeds = torch.cat([tokens, self._language.shared(ids).to(tokens.dtype)], dim=1)
        if vision.kept is not None:
            embeds = embeds + self._back_in_place(places, vision.whole, ids.shape[1])
        mask = torch.cat([seen, (place < lengths).long()], dim=1)
        return embeds, mask, torch.cat([torch.zeros_like(seen, dtype=torch.bool), words], dim=1)

    def _back_in_place(self, places: torch.Tensor, whole: int, words: int) -> torch.Tensor:
        """What makes up for positions that moved up when vision tokens were left out, [B, K + words, D].

        The encoder counts positions by place in what it is given and adds the learned vector of each; here
        is, for each place, the vector of where the token was less that of where it is.
        """
        table = self._language.encoder.embed_positions
        text = torch.arange(whole, whole + words, device=places.device).expand(len(places), -1)
        was = torch.cat([places.clamp(min=0), text], dim=1) + table.offset
        now = torch.arange(was.shape[1], device=places.device) + table.offset
        moved: torch.Tensor = table.weight[was] - table.weight[now]
        return moved

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
