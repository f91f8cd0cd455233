"""Attention transfer by autoencoders: one model's maps and another's, compared by their codes.

A code leaves much of a map open: a map that is pulled on cell by cell reaches the code sooner than it looks
like the expert's. So a low loss is no proof; say the divergence of the maps themselves beside it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from safetensors.torch import save
from torch import nn

from adapters.training.codes import ABOUT, FORM, FORMAT, WEIGHTS, Scale, contrast, read_transfer, standardise
from bench.studies.distill.autoencoder import Autoencoder, Code, freeze
from core.files import atomic_directory, sha256_file

Pairing = Literal["literal", "shared", "joint", "map"]
"""What makes two models' codes comparable; see `bench.studies.distill.pairing`."""

_SMALLEST_VARIANCE = 1e-4


@dataclass(frozen=True)
class MapStatistics:
    """Measured on the maps that the autoencoders were fitted on, float32: `variance` [z] of the expert's
    codes; `weight` [z, z] and `bias` [z] from the student's codes to the expert's (identity unless the
    pairing is `map`); `teacher_r2` and `student_r2` [K], how much of unseen maps comes back.
    """

    variance: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor
    teacher_r2: torch.Tensor
    student_r2: torch.Tensor


class Transfer(nn.Module):
    """Two frozen autoencoders, or one twice, with what it takes to compare their codes.

    It takes canonical maps as attention, [B, K, rows, cols], and scales them itself: both models' by the
    expert's scale. It has no trainable weight; gradients pass through it to the student's maps.
    """

    mean: torch.Tensor
    spread: torch.Tensor
    variance: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor
    teacher_r2: torch.Tensor
    student_r2: torch.Tensor

    def __init__(
        self,
        pairing: Pairing,
        autoencoders: tuple[Autoencoder, Autoencoder],
        scale: Scale,
        calibration: MapStatistics,
    ) -> None:
        super().__init__()
        self.pairing: Pairing = pairing
        self.teacher, self.student = freeze(autoencoders[0]), freeze(autoencoders[1])
        self.register_buffer("mean", scale.mean)
        self.register_buffer("spread", scale.spread)
        for name, values in vars(calibration).items():
            self.register_buffer(name, values)

    @torch.no_grad()
    def teacher_code(self, maps: torch.Tensor) -> torch.Tensor:
        """Codes [B, z] of the expert's canonical maps, constants: the means where they are distributions."""
        return self._encode(self.teacher, maps).mean

    def student_code(self, maps: torch.Tensor) -> torch.Tensor:
        """The same of the student's in the expert's coordinates, with gradients to the maps."""
        code = self._encode(self.student, maps).mean
        return (code[:, None] * self.weight).sum(dim=-1) + self.bias if self.pairing == "map" else code

    def _encode(self, autoencoder: Autoencoder, maps: torch.Tensor) -> Code:
        # A student trained in half precision is still compared in single.
        with torch.autocast(maps.device.type, enabled=False):
            return autoencoder.encode(standardise(contrast(maps), Scale(self.mean, self.spread)))


def transfer_loss(transfer: Transfer, student_maps: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """L_AE of the student's canonical maps [B, K, rows, cols] against the expert's codes; scalar float32.

    0, with a gradient of 0, for no examples. Examples without a map, of either model, are for the caller to
    leave out: a map of nothing has a code too.
    """
    parts = (transfer.student_code(student_maps) - teacher.detach()) ** 2
    if transfer.pairing != "literal":
        parts = parts / (transfer.variance + _SMALLEST_VARIANCE)
    return parts.sum() / max(1, parts.numel())


def save_transfer(transfer: Transfer, folder: Path) -> None:
    """Write a fitted transfer to a new folder, whole or not at all. Raises StorageError when it exists."""
    tensors = {
        name: values.detach().cpu().contiguous()
        for name, values in transfer.state_dict().items()
        if not (transfer.pairing == "shared" and name.startswith("student."))  # the same one twice
    }
    with atomic_directory(folder) as new:
        (new / WEIGHTS).write_bytes(save(tensors))
        about = {
            "format": FORMAT,
            "pairing": transfer.pairing,
            "shape": list(transfer.teacher.shape),
            "width": transfer.teacher.width,
            "variational": transfer.teacher.variational,
            "form": FORM,
            "sha256": sha256_file(new / WEIGHTS),
        }
        (new / ABOUT).write_text(json.dumps(about, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def load_transfer(folder: Path) -> Transfer:
    """What `save_transfer` wrote, on the CPU. Raises StorageError, and WeightsError when it is damaged."""
    with read_transfer(folder) as (about, tensors):
        pairing: Pairing = about["pairing"]
        if pairing not in get_args(Pairing):
            raise ValueError(f"no pairing {pairing!r}")
        teacher = _autoencoder(about, "teacher", tensors)
        student = teacher if pairing == "shared" else _autoencoder(about, "student", tensors)
        scale = Scale(tensors["mean"], tensors["spread"])
        calibration = MapStatistics(**{name: tensors[name] for name in MapStatistics.__dataclass_fields__})
        return Transfer(pairing, (teacher, student), scale, calibration)


def _autoencoder(about: dict[str, Any], whose: str, tensors: dict[str, torch.Tensor]) -> Autoencoder:
    channels, rows, cols = (int(size) for size in about["shape"])
    autoencoder = Autoencoder(channels, rows, cols, int(about["width"]), bool(about["variational"]))
    prefix = f"{whose}."
    autoencoder.load_state_dict({
        name.removeprefix(prefix): values for name, values in tensors.items() if name.startswith(prefix)
    })
    return autoencoder
