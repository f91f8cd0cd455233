"""Where a model looks, as a code of few numbers: canonical maps, and the encoder that two machines have.

Canonical maps have the same shape for every model, whatever its heads, layers and grid. Raw attention over N
cells is about 1/N a cell: an error of it sees next to nothing. So maps become the logarithm of their density,
and each channel is standardised by what it is over the expert's maps. Autoencoders of such maps are fitted
and kept by `roomwise study sf`; here their encoder is read. Float32; gradients flow to the maps.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import nn
from torch.nn import functional

from adapters.training.losses import renormalised
from core.errors import WeightsError
from core.files import sha256_file, storage_errors
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
        self.halved = (_halved(rows), _halved(cols))
        self.quartered = (_halved(self.halved[0]), _halved(self.halved[1]))
        flat = SECOND * self.quartered[0] * self.quartered[1]
        self.narrow = nn.Conv2d(channels, FIRST, 3, stride=2, padding=1)
        self.narrower = nn.Conv2d(FIRST, SECOND, 3, stride=2, padding=1)
        self.to_code = nn.Linear(flat, 2 * width if variational else width)

    def found(self, maps: torch.Tensor) -> torch.Tensor:
        """Codes [B, width], of distributions the means and then the logarithms of the variances.

        Raises ValueError for maps of another shape.
        """
        if maps.shape[1:] != self.shape:
            raise ValueError(f"maps of shape {tuple(maps.shape[1:])}, not {self.shape}")
        inner = functional.gelu(self.narrower(functional.gelu(self.narrow(maps.float()))))
        codes: torch.Tensor = self.to_code(inner.flatten(1))
        return codes


class MapCoder:
    """The expert's side of kept autoencoders: codes of its canonical maps."""

    def __init__(self, encoder: Encoder, scale: Scale) -> None:
        self._encoder, self._scale = encoder.requires_grad_(False).eval(), scale

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of the maps that it takes."""
        return self._encoder.shape

    def code(self, maps: torch.Tensor) -> torch.Tensor:
        """Codes [B, width] of canonical maps, attention that sums to 1: [B, K, rows, cols]."""
        return self._encoder.found(standardised(contrast(maps), self._scale))[:, : self._encoder.width]


def load_map_coder(folder: Path) -> MapCoder:
    """The expert's encoder in a folder, on the CPU. Raises StorageError, and WeightsError for damage."""
    with whole(folder) as (about, tensors):
        channels, rows, cols = (int(size) for size in about["shape"])
        encoder = Encoder(channels, rows, cols, int(about["width"]), bool(about["variational"]))
        names = encoder.state_dict()
        encoder.load_state_dict({name: tensors[f"teacher.{name}"] for name in names})
        return MapCoder(encoder, Scale(tensors["mean"], tensors["spread"]))


@contextmanager
def whole(folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, torch.Tensor]]]:
    """What kept autoencoders are, and their tensors. Inside, what does not fit together is damage, too.

    Raises StorageError and WeightsError.
    """
    with storage_errors("read", folder):
        raw, data = (folder / ABOUT).read_bytes(), (folder / WEIGHTS).read_bytes()
    try:
        about = json.loads(raw)
        if (about["format"], about["form"]) != (FORMAT, FORM):
            raise ValueError(f"its format is {about['format']!r}, of {about['form']!r}")
        if about["sha256"] != sha256_file(folder / WEIGHTS):
            raise ValueError("the weights are not those that were written")
        yield about, load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise WeightsError(_DAMAGED.format(folder, error)) from error


def transfer_name(folder: Path) -> str:
    """The SHA-256 of kept autoencoders' weights, by which two machines know that they have the same."""
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
    averaged. `vis`, `txt` [B, S] bool; each example has rows x cols of `grid` picture tokens, and the mean
    token, which is no place, in front of them where there is one.
    """
    seen = torch.stack([_looked(one, vis, txt) for one in layers], dim=1)[..., int(mean_token) :]
    placed = resample_keys(seen.unflatten(-1, grid), *to)
    maps: torch.Tensor = renormalised(placed.flatten(2)).unflatten(-1, to)
    return maps


def _looked(attention: torch.Tensor, vis: torch.Tensor, txt: torch.Tensor) -> torch.Tensor:
    """[B, N]: what the question's tokens spend on each picture token, the mean over tokens and heads."""
    single = attention.float().mean(dim=1) if attention.ndim == 4 else attention.float()
    asked = txt.float() / txt.sum(dim=1, keepdim=True).clamp(min=1)
    return torch.einsum("bq,bqk->bk", asked, single)[vis].reshape(len(vis), -1)


def contrast(maps: torch.Tensor) -> torch.Tensor:
    """Attention [..., rows, cols] that sums to 1, free of the number of cells N: log(A · N + 0.001).

    A cell with just its share has 0 nats. The floor keeps what nobody looks at from counting more than what
    somebody does.
    """
    dense = maps.float() * (maps.shape[-2] * maps.shape[-1])
    return (dense + _SMALLEST_DENSITY).log()


def standardised(maps: torch.Tensor, scale: Scale) -> torch.Tensor:
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


def _halved(cells: int) -> int:
    return (cells + 1) // 2
