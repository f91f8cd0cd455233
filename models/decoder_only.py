"""Decoder-only families: SmolVLM and Idefics3, LLaVA. One stack reads picture, question and answer in turn.

We load image processor and tokenizer, not the combined processor: SmolVLM's needs a video library.
Pictures are not cut into tiles, so each has one square grid of vision tokens.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL.Image import Image
from torch import nn
from transformers import DynamicCache

from core.errors import ModelError, QuestionError
from models.loss import IGNORED
from models.maps import FirstLayerAttention, check_maps, mean_over_heads
from models.prompt import Prompt, plain, spell_llava, spell_smolvlm
from models.sequences import Sequences
from models.vlm import TeacherForced, VisionLanguageModel, VisionTokens

_LANGUAGE_LINEARS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class _Layout:
    """What differs between class families: how to spell a prompt, and what their parts are called."""

    spell: Callable[[str, str, int], Prompt]
    language: str
    projector: str
    tiled: bool


_SMOLVLM = _Layout(spell_smolvlm, "model.text_model.", "model.connector.", tiled=True)
_LLAVA = _Layout(spell_llava, "model.language_model.", "model.multi_modal_projector.", tiled=False)
_LAYOUTS = {"smolvlm": _SMOLVLM, "idefics3": _SMOLVLM, "llava": _LLAVA}


class DecoderOnly(VisionLanguageModel):
    """A SmolVLM, Idefics3 or LLaVA model behind the common interface."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.family = self._model.config.model_type
        self._layout = _LAYOUTS[self.family]
        self._markers = tuple(self.tokenizer.get_added_vocab())

    @property
    def stop_ids(self) -> frozenset[int]:
        """The end tokens of the checkpoint and the tokenizer."""
        eos_ids = self._model.generation_config.eos_token_id
        ids = eos_ids if isinstance(eos_ids, list) else [eos_ids]
        return frozenset(int(token) for token in (*ids, self.tokenizer.eos_token_id) if token is not None)

    def prepare(self, images: Sequence[Image]) -> torch.Tensor:
        """Pixels [B, 3, height, width]."""
        if self._layout.tiled:
            nested = [[image] for image in images]
            batch = self.image_processor(nested, do_image_splitting=False, return_tensors="pt")
            return torch.as_tensor(batch["pixel_values"]).squeeze(1).to(self.device)
        batch = self.image_processor(list(images), return_tensors="pt")
        return torch.as_tensor(batch["pixel_values"]).to(self.device)

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """The tower's patches, [B, patches, C]; for LLaVA from the layers that its projector reads."""
        pixels = pixels.to(device=self.device, dtype=self._model.dtype)
        if self._layout.tiled:
            patches: torch.Tensor = self._model.model.vision_model(pixel_values=pixels).last_hidden_state
            return patches
        config = self._model.config
        chosen = config.vision_feature_layer
        hidden = self._model.model.vision_tower(pixels, output_hidden_states=True).hidden_states
        patches = torch.cat(
            [hidden[layer] for layer in ([chosen] if isinstance(chosen, int) else chosen)], dim=-1
        )
        return patches[:, 1:] if config.vision_feature_select_strategy == "default" else patches

    def project(self, features: torch.Tensor) -> VisionTokens:
        """The grid of each image, row by row."""
        tokens = self.module.get_submodule(self._layout.projector.rstrip("."))(features)
        side = math.isqrt(tokens.shape[1])
        if side * side != tokens.shape[1]:
            raise ModelError(
                f"{self.name} gives {tokens.shape[1]} vision tokens, which is no square grid. "
                'Use a checkpoint whose vision_feature_select_strategy is "default".'
            )
        return VisionTokens(tokens, side, side, mean_token=False)

    def begin(self, vision: VisionTokens, questions: Sequence[str]) -> "DecoderOnlySteps":
        """Spell the prompts; the first step reads them."""
        vision = self._pruned(vision, questions)
        sequences = self._sequences(vision, questions)
        # Padding stands on the left, so that every row's last token is the last of its prompt.
        ids, mask = sequences.padded(self.tokenizer.pad_token_id, left=True)
        return DecoderOnlySteps(self._model, self._embeds(ids, vision), mask, sequences.positions(left=True))

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
        ids, mask = sequences.padded(self.tokenizer.pad_token_id)
        output = self._model(
            inputs_embeds=self._embeds(ids, vision),
            attention_mask=mask,  # always given: without it gaps in the positions would split the row
            position_ids=sequences.positions(),
            output_attentions=attentions,
            use_cache=False,
        )
        logits, labels = sequences.answer_part(output.logits, ids, IGNORED)
        layers = self._model.config.text_config.num_hidden_layers
        return TeacherForced(
            logits=logits,
            labels=labels,
            vis=ids == self._image_id,
            txt=sequences.words,
            ans=sequences.answers,
            attentions=check_maps(output.attentions, layers) if attentions else (),
            kept=None if vision.kept is None else vision.places(len(questions)),
        )

    def first_layer_attention(
        self, vision: VisionTokens, questions: Sequence[str], everything: bool = False
    ) -> FirstLayerAttention:
        """See the base class. Queries see earlier positions only, and so do vision tokens."""
        sequences = self._sequences(vision, questions)
        ids, mask = sequences.padded(self.tokenizer.pad_token_id)
        positions = sequences.positions()
        language = self.module.get_submodule(self._layout.language.rstrip("."))
        states = queries_and_keys(language, self._embeds(ids, vision), positions)
        begin = 0 if everything else int((ids == self._image_id).nonzero()[:, 1].max()) + 1
        order = torch.arange(ids.shape[1], device=ids.device)
        visible = (order[None, :] <= order[begin:, None]) & mask.bool()[:, None, None, :]
        rows = mean_over_heads(states.queries[:, :, begin:], states.keys, visible, states.scale)
        vis = ids == self._image_id
        image_attention = rows[vis.unsqueeze(1).expand_as(rows)].reshape(*rows.shape[:2], -1)
        return FirstLayerAttention(image_attention, sequences.words[:, begin:], mask.bool()[:, begin:])

    def question_spans(self, question: str) -> list[tuple[int, int]]:
        """See the base class. A token that reaches into the template is cut to its part of the question."""
        prompt = self._prompt(question, vision_tokens=1)
        tokens = self.tokenizer(prompt.text, add_special_tokens=False, return_offsets_mapping=True)
        spans = [(max(begin, prompt.start), min(end, prompt.end)) for begin, end in tokens["offset_mapping"]]
        return [(begin - prompt.start, end - prompt.start) for begin, end in spans if begin < end]

    def lora_targets(self) -> list[str]:
        """The attention and feed-forward layers of the language model, and the projector's layers."""
        layout = self._layout
        return [
            name
            for name, part in self.module.named_modules()
            if isinstance(part, nn.Linear)
            and (
                (name.startswith(layout.language) and name.rpartition(".")[2] in _LANGUAGE_LINEARS)
                or name.startswith(layout.projector)
            )
        ]

    @property
    def _image_id(self) -> int:
        return int(self._model.config.image_token_id)

    def _prompt(self, question: str, vision_tokens: int) -> Prompt:
        bos = self.tokenizer.bos_token or ""
        return self._layout.spell(plain(question, self._markers), str(bos), vision_tokens)

    def _sequences(
        self, vision: VisionTokens, questions: Sequence[str], answers: Sequence[str] | None = None
    ) -> Sequences:
        """Prompts followed by their answers, with a placeholder for each vision token present."""
        prompts = [self._prompt(question, vision.total) for question in questions]
        tokens = Sequences.tokenize(self.tokenizer, prompts, answers, self.device)
        room = self._model.config.text_config.max_position_embeddings
        if tokens.longest > room:
            raise QuestionError(
                f"The question makes a prompt of {tokens.longest} tokens, {room} fit. Ask it in fewer words."
            )
        return (
            tokens
            if vision.kept is None
            else tokens.drop_placeholders(self._image_id, vision.places(len(questions)))
        )

    def _embeds(self, ids: torch.Tensor, vision: VisionTokens) -> torch.Tensor:
        """Token embeddings [B, S, D] with vision tokens in the places kept for them."""
        tokens = vision.for_questions(len(ids))
        if vision.kept is not None:
            tokens = tokens[vision.places(len(ids)) >= 0]
        embeds: torch.Tensor = self._model.get_input_embeddings()(ids)
        places = (ids == self._image_id).unsqueeze(-1)
        return embeds.masked_scatter(places, tokens.to(embeds.dtype))


class DecoderOnlySteps:
    """The `Steps` of a batch of answers; `embeds` [B, S, D] are left-padded, `mask` [B, S] is 0 there.

    `positions` [B, S] may have gaps where vision tokens were left out; answers go on after the last.
    """

    def __init__(self, model: Any, embeds: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor) -> None:
        self._model, self._embeds, self._mask, self._positions = model, embeds, mask, positions
        self._cache = DynamicCache(config=model.config.get_text_config())

    def first(self) -> torch.Tensor:
        """Read the prompts. Logits [B, V]."""
        return self._run(inputs_embeds=self._embeds)

    def next(self, tokens: torch.Tensor) -> torch.Tensor:
        """Read one token a row [B]. Logits [B, V]."""
        self._mask = torch.cat([self._mask, torch.ones_like(self._mask[:, :1])], dim=1)
        self._positions = self._positions[:, -1:] + 1
        return self._run(input_ids=tokens.unsqueeze(1))

    def _run(self, **inputs: torch.Tensor) -> torch.Tensor:
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


@dataclass(frozen=True)
class _States:
    """`queries` [B, H, S, d] and `keys` [B, H', S, d], and what their product is multiplied by."""

    queries: torch.Tensor
    keys: torch.Tensor
    scale: float


def queries_and_keys(language: Any, embeds: torch.Tensor, positions: torch.Tensor) -> _States:
    """Queries and keys of the first layer for `embeds` [B, S, D] at `positions` [B, S].

    Rotary embedding in Llama's layout: pairs are the halves of a head (Su et al. 2021, RoFormer, and
    transformers' `rotate_half`).
    """
    layer = language.layers[0]
    attention = layer.self_attn
    hidden = layer.input_layernorm(embeds)
    cos, sin = language.rotary_emb(hidden, positions)

    def rotate(projected: torch.Tensor) -> torch.Tensor:
        heads = projected.unflatten(2, (-1, attention.head_dim)).transpose(1, 2)
        first, second = heads.chunk(2, dim=-1)
        half: torch.Tensor = torch.cat([-second, first], dim=-1)
        rotated: torch.Tensor = heads * cos.unsqueeze(1) + half * sin.unsqueeze(1)
        return rotated

    return _States(rotate(attention.q_proj(hidden)), rotate(attention.k_proj(hidden)), attention.scaling)
