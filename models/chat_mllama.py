"""Llama 3.2 Vision: pictures are read by layers of cross-attention and stand nowhere in the text."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from PIL.Image import Image

from core.errors import ModelError
from models.chat_model import ChatModel
from models.first_layer import first_layer_weights
from models.loss import IGNORED
from models.maps import FirstLayerAttention, check_maps
from models.prompt import plain
from models.sequences import Sequences
from models.single_stack import DecoderOnlySteps
from models.vlm import TeacherForced, VisionTokens


class CrossChat(ChatModel):
    """A picture is one tile of the most that the model takes; its vision tokens begin with a class token."""

    def prepare(self, images: Sequence[Image]) -> torch.Tensor:
        """Pixels [B, 1, tiles, 3, height, width], all tiles but the first empty."""
        pixels = [self._pictures([image])["pixel_values"] for image in images]
        return torch.cat([torch.as_tensor(part) for part in pixels]).to(self.device)

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """What tower and projector make of the first tile, [B, N, D]."""
        pixels = pixels.to(device=self.device, dtype=self._model.dtype)
        ratios = self._model.config.vision_config.supported_aspect_ratios
        alone = [list(ratio) for ratio in ratios].index([1, 1]) + 1
        present = torch.zeros(*pixels.shape[:3], dtype=torch.long, device=self.device)
        present[:, :, 0] = 1
        hidden = self._model.model.vision_model(
            pixel_values=pixels,
            aspect_ratio_ids=torch.full((len(pixels), 1), alone, device=self.device),
            aspect_ratio_mask=present,
        ).last_hidden_state
        tokens: torch.Tensor = self._model.model.multi_modal_projector(hidden[:, 0, 0])
        return tokens

    def project(self, features: torch.Tensor) -> VisionTokens:
        """The grid behind the class token."""
        side = math.isqrt(features.shape[1] - 1)
        return VisionTokens(features, side, side, mean_token=True)

    def begin(self, vision: VisionTokens, questions: Sequence[str]) -> "CrossSteps":
        """Spell the prompts; the first step reads them and the picture."""
        vision = self._pruned(vision, questions)
        sequences = self._sequences(vision, questions)
        ids, mask = sequences.padded(self._pad_id, left=True)
        return CrossSteps(self._model, self._inputs(ids, vision), mask, sequences.positions(left=True))

    def teacher_forced(
        self,
        vision: VisionTokens,
        questions: Sequence[str],
        answers: Sequence[str],
        attentions: bool = False,
    ) -> TeacherForced:
        """See the base class. Vision tokens are put before the text; maps are of the layers that look."""
        vision = self._pruned(vision, questions)
        sequences = self._sequences(vision, questions, [plain(answer, self._markers) for answer in answers])
        ids, mask = sequences.padded(self._pad_id)
        output = self._model(
            **self._inputs(ids, vision),
            attention_mask=mask,
            position_ids=sequences.positions(),
            output_attentions=attentions,
            use_cache=False,
        )
        logits, labels = sequences.answer_part(output.logits, ids, IGNORED)
        count = vision.tokens.shape[1]
        text = torch.zeros_like(ids, dtype=torch.bool)
        return TeacherForced(
            logits=logits,
            labels=labels,
            vis=_behind(text, count, True),
            txt=_behind(sequences.words, count, False),
            ans=_behind(sequences.answers, count, False),
            attentions=self._maps(output.attentions, count) if attentions else (),
            kept=None if vision.kept is None else vision.places(len(questions)),
        )

    def first_layer_attention(
        self, vision: VisionTokens, questions: Sequence[str], everything: bool = False
    ) -> FirstLayerAttention:
        """See the base class; of the first layer that looks at the picture."""
        sequences = self._sequences(vision, questions)
        ids, mask = sequences.padded(self._pad_id)
        inputs = {**self._inputs(ids, vision), "position_ids": sequences.positions()}
        weights = first_layer_weights(
            self._model,
            "cross_attn",
            lambda: self._model(**inputs, attention_mask=mask, use_cache=False),
        )
        seeing = (inputs["cross_attention_mask"][:, :, 0, 0] * mask).bool()
        return FirstLayerAttention(weights.float().mean(dim=1), sequences.words, seeing)

    def _picture_side(self, most: int) -> int:
        """See the base class. The size of a tile, whatever the most."""
        return int(self.image_processor.size["height"])

    def _picture_text(self) -> str:
        return str(self.processor.image_token)

    def _inputs(
        self, ids: torch.Tensor, vision: VisionTokens, answers: torch.Tensor | None = None
    ) -> dict[str, Any]:
        if vision.kept is not None and bool((vision.kept < 0).any()):
            raise ModelError(f"{self.name} takes as many vision tokens of one picture as of another.")
        # What stands before the picture does not look at it; padding behind may, since nothing looks at that.
        looking = (ids == self._image_id).cumsum(1) > 0
        return {
            "input_ids": ids,
            "cross_attention_states": vision.for_questions(len(ids)),
            "cross_attention_mask": looking.long()[:, :, None, None],
        }

    def _placeholders_left(self, sequences: Sequences, vision: VisionTokens, count: int) -> Sequences:
        """All: one marks where the picture is, however many tokens it has."""
        return sequences

    def _maps(self, maps: Sequence[torch.Tensor | None] | None, count: int) -> tuple[torch.Tensor, ...]:
        """The maps [B, H, S, N] of the layers that look, as [B, H, N + S, N + S]."""
        layers = check_maps(maps, self._model.config.get_text_config().num_hidden_layers)
        cross = self._model.config.get_text_config().cross_attention_layers
        return tuple(_square(layers[layer], count) for layer in cross)


class CrossSteps(DecoderOnlySteps):
    """What is read after the prompt looks at the picture too, whose keys and values are kept."""

    def next(self, tokens: torch.Tensor) -> torch.Tensor:
        """See the base class."""
        return self._next(tokens, cross_attention_mask=torch.ones_like(tokens)[:, None, None, None])


def _behind(text: torch.Tensor, count: int, value: bool) -> torch.Tensor:
    """A mask of the text [B, S] behind `count` vision tokens of one value, [B, N + S]."""
    return torch.cat([text.new_full((len(text), count), value), text], dim=1)


def _square(cross: torch.Tensor, count: int) -> torch.Tensor:
    """A map of text to picture as one of everything to everything; vision tokens see themselves."""
    length = cross.shape[2]
    whole = cross.new_zeros(*cross.shape[:2], count + length, count + length)
    whole[..., range(count), range(count)] = 1
    whole[..., count:, :count] = cross
    return whole
