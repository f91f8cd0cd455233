"""The Florence-2 family: the built-in pair and the hub's checkpoints, through the same code.

A bidirectional encoder reads vision tokens and question; a decoder with cross-attention to it writes the
answer. Positions are learned, vision tokens first.
"""

from collections.abc import Sequence
from typing import Any

import torch
from PIL.Image import Image
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from transformers.models.bart.modeling_bart import BartAttention

from core.errors import QuestionError
from models.florence_steps import FlorenceSteps, prefixes_of, split_heads
from models.loss import IGNORED
from models.maps import FirstLayerAttention, check_maps, mean_over_heads
from models.prefix import Prefixes
from models.prefix_model import PrefixModel
from models.prompt import FLORENCE_TASKS, plain
from models.vlm import TeacherForced, VisionTokens

_LANGUAGE_LINEARS = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")


class Florence(PrefixModel):
    """A `Florence2ForConditionalGeneration` behind the common interface.

    Attention dropout (0.1 in the hub's checkpoints) is off for good: the library returns maps after it, so
    that their rows would not sum to 1.
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
        return self.begin_after(self.prefixes(vision, questions))

    def prefixes(self, vision: VisionTokens, questions: Sequence[str]) -> Prefixes:
        """See the base class: picture and question, encoded for the decoder's cross-attention."""
        vision = self._pruned(vision, questions)
        embeds, mask, _ = self._encoder_inputs(vision, questions)
        # Without a mask attention is faster.
        padding_mask = None if bool(mask.all()) else mask
        hidden = self._language.encoder(inputs_embeds=embeds, attention_mask=padding_mask).last_hidden_state
        places = vision.places(len(questions))
        vis = torch.zeros_like(mask, dtype=torch.bool)
        vis[:, : places.shape[1]] = places >= 0
        return prefixes_of(self._language.decoder, hidden, padding_mask, vis)

    def begin_after(self, prefixes: Prefixes) -> FlorenceSteps:
        """See the base class."""
        return FlorenceSteps(self._model, prefixes, self._answer_start)

    def forced_after(self, prefixes: Prefixes, answers: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """See the base class."""
        labels = self._labels(answers)
        return self.begin_after(prefixes).all(self._shifted(labels)), labels

    def teacher_forced(
        self,
        vision: VisionTokens,
        questions: Sequence[str],
        answers: Sequence[str],
        attentions: bool = False,
    ) -> TeacherForced:
        """See the base class. Labels are <s> where that is forced, the answer's tokens and the end."""
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
            attentions=check_maps(encoded.attentions, config.encoder_layers) if attentions else (),
            cross_attentions=check_maps(decoded.cross_attentions, config.decoder_layers)
            if attentions
            else (),
            kept=None if vision.kept is None else places,
        )

    def first_layer_attention(
        self, vision: VisionTokens, questions: Sequence[str], everything: bool = False
    ) -> FirstLayerAttention:
        """See the base class; here the encoder's, which is bidirectional."""
        embeds, mask, words = self._encoder_inputs(vision, questions)
        encoder, tokens = self._language.encoder, vision.tokens.shape[1]
        begin = 0 if everything else tokens
        hidden = encoder.layernorm_embedding(embeds + encoder.embed_positions(embeds[:, :, 0]))
        attention = encoder.layers[0].self_attn
        queries = split_heads(attention, attention.q_proj(hidden[:, begin:]))
        keys = split_heads(attention, attention.k_proj(hidden))
        rows = mean_over_heads(queries, keys, mask.bool()[:, None, None, :], attention.scaling)
        return FirstLayerAttention(rows[:, :, :tokens], words[:, begin:], mask.bool()[:, begin:])

    def question_spans(self, question: str) -> list[tuple[int, int]]:
        text = plain(question, self._markers)
        encoding = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        return [(int(begin), int(end)) for begin, end in encoding["offset_mapping"]]

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

    def forced_looking(
        self, prefixes: Prefixes, answers: Sequence[str]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """See the base class."""
        labels = self._labels(answers)
        logits, looks = self.begin_after(prefixes).all_looking(self._shifted(labels))
        return logits, labels, looks

    def later_targets(self) -> list[str]:
        """The decoder's layers but its cross-attention's keys and values, which are the prefix."""
        return [
            name
            for name in self.lora_targets()
            if ".decoder." in name and not name.endswith(("encoder_attn.k_proj", "encoder_attn.v_proj"))
        ]

    @property
    def _language(self) -> Any:
        return self._model.model.language_model

    @property
    def _text_config(self) -> Any:
        return self._model.config.text_config

    @property
    def _answer_start(self) -> list[int]:
        """The decoder's prefix: its start token, then <s> where that is forced."""
        forced = self._model.generation_config.forced_bos_token_id
        start = [self._text_config.decoder_start_token_id]
        return start if forced is None else [*start, forced]

    def _encoder_inputs(
        self, vision: VisionTokens, questions: Sequence[str]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Embeddings [B, S, D], mask [B, S] int64 (0 on padding), the question's own words [B, S] bool."""
        tokens, places = vision.for_questions(len(questions)), vision.places(len(questions))
        # Positions are counted as with all vision tokens, so pruning leaves no room for longer questions.
        rows = [self._question_ids(question, vision.total) for question in questions]
        ids = pad_sequence(rows, batch_first=True, padding_value=self.tokenizer.pad_token_id).to(self.device)
        lengths = torch.tensor([len(row) for row in rows], device=self.device).unsqueeze(1)
        positions = torch.arange(ids.shape[1], device=self.device)
        words = (positions > 0) & (positions < lengths - 1)  # not <s> and </s>
        vision_mask = (places >= 0).long()
        embeds = torch.cat([tokens, self._language.shared(ids).to(tokens.dtype)], dim=1)
        if vision.kept is not None:
            embeds = embeds + self._position_correction(places, vision.total, ids.shape[1])
        mask = torch.cat([vision_mask, (positions < lengths).long()], dim=1)
        return embeds, mask, torch.cat([torch.zeros_like(vision_mask, dtype=torch.bool), words], dim=1)

    def _position_correction(self, places: torch.Tensor, total: int, words: int) -> torch.Tensor:
        """Correct the position embeddings of pruned input, [B, K + words, D].

        The encoder adds the embedding of each token's index in the pruned sequence; this is the embedding
        of its original index minus that one.
        """
        table = self._language.encoder.embed_positions
        text = torch.arange(total, total + words, device=places.device).expand(len(places), -1)
        original = torch.cat([places.clamp(min=0), text], dim=1) + table.offset
        shifted = torch.arange(original.shape[1], device=places.device) + table.offset
        correction: torch.Tensor = table.weight[original] - table.weight[shifted]
        return correction

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
        """Decoder input for `labels`: the start token, then all but the last label."""
        start = torch.full_like(labels[:, :1], self._text_config.decoder_start_token_id)
        shifted = torch.cat([start, labels[:, :-1]], dim=1)
        return shifted.masked_fill(shifted == IGNORED, self._text_config.pad_token_id)
