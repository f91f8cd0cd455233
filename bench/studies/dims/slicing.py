"""A Florence-2 encoder of fewer channels: rotate the stream between its layers, then cut.

SliceGPT (Ashkboos et al. 2024) rotates by the principal axes of the activations and removes the last rows and
columns, in models that normalise by RMS before each part. Here LayerNorm comes after each part and both
centres and scales channels, so a rotation cannot pass it. But each norm can be written in rotated
coordinates: with z = Q x, its mean is z . (Q 1) / D, its variance |z - mean Q 1|^2 / D, and its gain
becomes the matrix Q' diag(gain) Q^T, which may lead into another basis Q'. That costs k^2 a token beside
12 D k; with k = D nothing changes, up to rounding. The decoder stays as it is, and reads the encoder's
k channels.
"""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from core.errors import InputError, ModelError
from models.florence import Florence
from models.vlm import VisionLanguageModel, VisionTokens


class SlicedNorm(nn.Module):
    """LayerNorm of D channels, in from one basis [k, D] with orthonormal rows and out in another [k', D].

    `rest` is the squared length that is cut off on average, so that the scale stays right.
    """

    def __init__(self, norm: nn.LayerNorm, before: torch.Tensor, after: torch.Tensor, rest: float) -> None:
        super().__init__()
        self.channels, self.eps, self.rest = before.shape[1], norm.eps, rest
        self.register_buffer("ones", before.sum(dim=1))
        self.register_buffer("turn", after @ (norm.weight.detach()[:, None] * before.T))
        self.register_buffer("shift", after @ norm.bias.detach())

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """[..., k] -> [..., k']."""
        ones: Any = self.ones
        centred = hidden - (hidden @ ones / self.channels).unsqueeze(-1) * ones
        variance = (centred.square().sum(dim=-1, keepdim=True) + self.rest) / self.channels
        turn: Any = self.turn
        shifted: torch.Tensor = centred * torch.rsqrt(variance + self.eps) @ turn.T + self.shift
        return shifted


@torch.no_grad()
def sliced(vlm: VisionLanguageModel, width: int, vision: VisionTokens, questions: Sequence[str]) -> Florence:
    """A copy whose encoder has `width` channels, bases fitted on questions about pictures, one each.

    Raises ModelError for families other than Florence-2, InputError for a width outside 1 to D.
    """
    if not isinstance(vlm, Florence):
        raise ModelError(f"{vlm.name} is no Florence-2 model. Choose one, or another way to reduce.")
    module: Any = copy.deepcopy(vlm.module)
    encoder: Any = module.model.language_model.encoder
    if not 1 <= width <= encoder.config.d_model:
        raise InputError(f"A width of {width} is not within 1 to {encoder.config.d_model}. Choose another.")
    copied = Florence(vlm.name, module, vlm.image_processor, vlm.tokenizer)
    streams = _streams(copied, vision, questions)
    basis = _axes(streams[encoder.layernorm_embedding], width)
    encoder.layernorm_embedding = nn.Sequential(encoder.layernorm_embedding, _linear(basis, None))
    for layer in encoder.layers:
        basis = _slice_layer(layer, basis, width, streams)
    for layer in module.model.language_model.decoder.layers:
        for part in ("k_proj", "v_proj"):
            setattr(layer.encoder_attn, part, _narrow_input(getattr(layer.encoder_attn, part), basis))
    return copied


def _slice_layer(layer: Any, basis: torch.Tensor, width: int, streams: dict[nn.Module, Any]) -> torch.Tensor:
    """Cut both parts of an encoder layer; returns the basis that it leaves the stream in."""
    attention = layer.self_attn
    for part in ("q_proj", "k_proj", "v_proj"):
        setattr(attention, part, _narrow_input(getattr(attention, part), basis))
    attention.out_proj = _narrow_output(attention.out_proj, basis)
    between = _axes(streams[layer.self_attn_layer_norm], width)
    layer.self_attn_layer_norm = _sliced_norm(layer.self_attn_layer_norm, basis, between, streams)
    layer.fc1, layer.fc2 = _narrow_input(layer.fc1, between), _narrow_output(layer.fc2, between)
    after = _axes(streams[layer.final_layer_norm], width)
    layer.final_layer_norm = _sliced_norm(layer.final_layer_norm, between, after, streams)
    return after


def _streams(
    vlm: Florence, vision: VisionTokens, questions: Sequence[str]
) -> dict[nn.Module, tuple[torch.Tensor, torch.Tensor]]:
    """What enters and leaves each norm of the encoder, [n, D] each, padding left out."""
    streams: dict[nn.Module, tuple[torch.Tensor, torch.Tensor]] = {}
    embeds, mask, _ = vlm._encoder_inputs(vision, questions)
    encoder: Any = vlm.module.get_submodule("model.language_model.encoder")

    def watch(norm: nn.Module, args: tuple[torch.Tensor, ...], out: torch.Tensor) -> None:
        there = mask.bool()
        streams[norm] = (args[0][there], out[there])

    hooks = [
        part.register_forward_hook(watch) for part in encoder.modules() if isinstance(part, nn.LayerNorm)
    ]
    try:
        encoder(inputs_embeds=embeds, attention_mask=mask)
    finally:
        for hook in hooks:
            hook.remove()
    return streams


def _axes(stream: tuple[torch.Tensor, torch.Tensor], width: int) -> torch.Tensor:
    """The `width` axes of greatest second moment of what leaves a norm, [width, D], rows orthonormal.

    Not centred: the stream is added to, so that a mean would have to be carried along.
    """
    out = stream[1].double()
    axes: torch.Tensor = torch.linalg.eigh(out.T @ out).eigenvectors.flip(1)[:, :width].T
    return axes.to(stream[1].dtype)


def _sliced_norm(
    norm: nn.LayerNorm, before: torch.Tensor, after: torch.Tensor, streams: dict[nn.Module, Any]
) -> SlicedNorm:
    entered = streams[norm][0]
    centred = entered - entered.mean(dim=-1, keepdim=True)
    reduced = entered @ before.T
    ours = reduced - (reduced @ before.sum(dim=1) / entered.shape[1])[:, None] * before.sum(dim=1)
    rest = float((centred.square().sum(dim=1) - ours.square().sum(dim=1)).mean().clamp(min=0))
    return SlicedNorm(norm, before, after, rest)


def _narrow_input(linear: nn.Linear, basis: torch.Tensor) -> nn.Linear:
    """The layer, fed with k channels: W Q^T."""
    return _linear(linear.weight @ basis.T, linear.bias)


def _narrow_output(linear: nn.Linear, basis: torch.Tensor) -> nn.Linear:
    """The layer, giving k channels: Q W, Q b."""
    return _linear(basis @ linear.weight, basis @ linear.bias)


def _linear(weight: torch.Tensor, bias: torch.Tensor | None) -> nn.Linear:
    made = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, dtype=weight.dtype)
    made.weight = nn.Parameter(weight.detach().clone(), requires_grad=False)
    if bias is not None:
        made.bias = nn.Parameter(bias.detach().clone(), requires_grad=False)
    return made.to(weight.device)
