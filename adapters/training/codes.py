"""Encode attention maps as short codes, with an encoder that two machines share.

Canonical maps have the same shape for every model, whatever its heads, layers and grid. Raw attention over N
cells is about 1/N, too small for an error to count, so maps become log densities, standardised per channel
over the expert's maps. `roomwise study sf` fits and writes autoencoders of such maps; this file reads their
encoder. Float32; gradients flow to the maps.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import nn
from torch.nn import functional

from adapters.training.losses import renormalise
from core.errors import WeightsError
from core.files import sha256_file, storage_errors
from core.untrusted import parse_json
from models.alignment import resample_keys

FORMAT = "roomwise-attention-transfer-1"
ABOUT, WEIGHTS = "transfer.json", "transfer.safetensors"
FORM = "log"
FIRST, SECOND = 32, 64
"""Channels of the two convolutions."""
_DAMAGED = "The autoencoders in {} are damaged ({}). Delete the folder and fit them again."
_SMALLEST_DENSITY = 1e-3


class Scale(NamedTuple):
    """Mean and standard deviation of each channel over the expert's maps, [K] float32 both."""

    mean: torch.Tensor
    spread: torch.Tensor


class Encoder(nn.Module):
    """Maps [B, channels, rows, cols], standardised, to codes of `width` numbers.

    Two convolutions of stride 2 and one linear layer. With `variational` a code is a normal distribution.
    """

    def __init__(
        self, channels: int, rows: int, cols: int, width: int = 64, variational: bool = False
    ) -> None:
        super().__init__()
        self.shape = (channels, rows, cols)
        self.width, self.variational = width, variational
        self.halved = (_halve(rows), _halve(cols))
        self.quartered = (_halve(self.halved[0]), _halve(self.halved[1]))
        flat = SECOND * self.quartered[0] * self.quartered[1]
        self.narrow = nn.Conv2d(channels, FIRST, 3, stride=2, padding=1)
        self.narrower = nn.Conv2d(FIRST, SECOND, 3, stride=2, padding=1)
        self.to_code = nn.Linear(flat, 2 * width if variational else width)

    def raw_codes(self, maps: torch.Tensor) -> torch.Tensor:
        """Codes [B, width], of distributions the means and then the logarithms of the variances.

        Raises ValueError for maps of another shape.
        """
        if maps.shape[1:] != self.shape:
            raise ValueError(f"maps of shape {tuple(maps.shape[1:])}, not {self.shape}")
        inner = functional.gelu(self.narrower(functional.gelu(self.narrow(maps.float()))))
        codes: torch.Tensor = self.to_code(inner.flatten(1))
        return codes


class MapCoder:
    """The expert's encoder: codes of its canonical maps."""

    def __init__(self, encoder: Encoder, scale: Scale) -> None:
        self._encoder, self._scale = encoder.requires_grad_(False).eval(), scale

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of its input maps."""
        return self._encoder.shape

    def code(self, maps: torch.Tensor) -> torch.Tensor:
        """Codes [B, width] of canonical maps, attention that sums to 1: [B, K, rows, cols]."""
        return self._encoder.raw_codes(standardise(contrast(maps), self._scale))[:, : self._encoder.width]


def load_map_coder(folder: Path) -> MapCoder:
    """The expert's encoder in a folder, on the CPU. Raises StorageError, and WeightsError for damage."""
    with read_transfer(folder) as (about, tensors):
        channels, rows, cols = (int(size) for size in about["shape"])
        encoder = Encoder(channels, rows, cols, int(about["width"]), bool(about["variational"]))
        names = encoder.state_dict()
        encoder.load_state_dict({name: tensors[f"teacher.{name}"] for name in names})
        return MapCoder(encoder, Scale(tensors["mean"], tensors["spread"]))


@contextmanager
def read_transfer(folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, torch.Tensor]]]:
    """The description and tensors of saved autoencoders. Raises StorageError, and WeightsError for damage,
    also for what does not fit inside the context.
    """
    with storage_errors("read", folder):
        raw, data = (folder / ABOUT).read_bytes(), (folder / WEIGHTS).read_bytes()
    try:
        about = parse_json(raw)
        if (about["format"], about["form"]) != (FORMAT, FORM):
            raise ValueError(f"its format is {about['format']!r}, of {about['form']!r}")
        if about["sha256"] != sha256_file(folder / WEIGHTS):
            raise ValueError("the weights are not those that were written")
        yield about, load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise WeightsError(_DAMAGED.format(folder, error)) from error


def transfer_name(folder: Path) -> str:
    """The SHA-256 of saved autoencoders' weights, so that two machines can compare them."""
    return sha256_file(folder / WEIGHTS)


def heat_maps(
    layers: Sequence[torch.Tensor],
    vis: torch.Tensor,
    txt: torch.Tensor,
    grid: tuple[int, int],
    mean_token: bool,
    to: tuple[int, int] = (24, 24),
) -> torch.Tensor:
    """The question's attention over the picture [B, K, *to], one channel a layer; each map sums to 1.

    `layers` are K maps [B, H, S, S], or [B, S, S] such as rollouts; heads and the question's tokens are
    averaged. `vis`, `txt` [B, S] bool; each example has the picture tokens of `grid`, with the mean token in
    front of them where there is one.
    """
    attention = torch.stack([_attention_to_picture(layer, vis, txt) for layer in layers], dim=1)[
        ..., int(mean_token) :
    ]
    placed = resample_keys(attention.unflatten(-1, grid), *to)
    maps: torch.Tensor = renormalise(placed.flatten(2)).unflatten(-1, to)
    return maps


def _attention_to_picture(attention: torch.Tensor, vis: torch.Tensor, txt: torch.Tensor) -> torch.Tensor:
    """Attention [B, N] of the question's tokens to the picture tokens, the mean over tokens and heads."""
    mean_heads = attention.float().mean(dim=1) if attention.ndim == 4 else attention.float()
    weights = txt.float() / txt.sum(dim=1, keepdim=True).clamp(min=1)
    return torch.einsum("bq,bqk->bk", weights, mean_heads)[vis].reshape(len(vis), -1)


def contrast(maps: torch.Tensor) -> torch.Tensor:
    """Log density log(A · N + 0.001) of attention [..., rows, cols] that sums to 1, over N cells.

    Uniform attention is 0 nats. The floor keeps cells without attention from dominating.
    """
    dense = maps.float() * (maps.shape[-2] * maps.shape[-1])
    return (dense + _SMALLEST_DENSITY).log()


def standardise(maps: torch.Tensor, scale: Scale) -> torch.Tensor:
    """Maps [B, K, rows, cols] of either model in the expert's standard deviations, float32."""
    mean, spread = (part.to(maps.device)[:, None, None] for part in scale)
    return (maps.float() - mean) / spread


def paired_layers(ours: int, theirs: int) -> list[tuple[int, int]]:
    """(our layer, their layer) for each of our layers, spread evenly and ending at both last ones.

    Layer s goes with ceil((s + 1) * theirs / ours) - 1, so 6 layers go with 1, 3, 5, 7, 9, 11 of 12
    (LY-uni). With fewer layers than ours, theirs repeat. Raises ValueError without layers.
    """
    if min(ours, theirs) < 1:
        raise ValueError(f"{ours} layers cannot be paired with {theirs}")
    return [(layer, -(-(layer + 1) * theirs // ours) - 1) for layer in range(ours)]


def _halve(cells: int) -> int:
    return (cells + 1) // 2
