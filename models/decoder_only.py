"""The families SmolVLM and Idefics3, LLaVA: one stack, with prompts that are spelled here.

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

from core.errors import ModelError
from models.maps import FirstLayerAttention, mean_over_heads
from models.prompt import Prompt, plain, spell_llava, spell_smolvlm
from models.single_stack import SingleStack
from models.vlm import VisionTokens

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


class DecoderOnly(SingleStack):
    """A SmolVLM, Idefics3 or LLaVA model behind the common interface."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._layout = _LAYOUTS[self.family]

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

    def _prompt(self, question: str, vision_tokens: int) -> Prompt:
        bos = self.tokenizer.bos_token or ""
        return self._layout.spell(plain(question, self._markers), str(bos), vision_tokens)


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
