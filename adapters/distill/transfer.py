"""What the student is pulled towards: that its maps get the code of the expert's.

L_AE = mean over examples and dimensions of (z_T - z_S)² / (Var z_T + 0.0001): 0 for equal codes, about 2 for
unrelated ones, whatever the models, so that one weight fits all. `literal` is the plain mean square of the
published study, whose two autoencoders know nothing of each other.

A code leaves much of a map open: a map that is pulled on cell by cell reaches the code sooner than it looks
like the expert's. So a low loss is no proof; say the divergence of the maps themselves beside it.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from adapters.distill.autoencoder import Autoencoder, Code, frozen
from adapters.distill.scaling import Form, Scale, contrast, standardised
from adapters.distill.variational import Distance, divergence, wasserstein
from core.errors import ModelError

Pairing = Literal["literal", "shared", "joint", "map"]
"""What makes two models' codes comparable; see `adapters.distill.pairing`."""

LEAST_EXPLAINED = 0.5
"""R² below which codes say too little of the maps to be worth matching."""

DRIFT_LIMIT = 0.5
"""Deviations of drift beyond which an encoder reads maps of a kind that it never saw."""

_SMALLEST_VARIANCE = 1e-4


@dataclass(frozen=True)
class Calibration:
    """What was measured on the maps that the autoencoders were fitted on; float32.

    `variance` [z] of the expert's codes; `weight` [z, z] and `bias` [z] take the student's codes to the
    expert's (identity unless the pairing is `map`); `student_mean` [K, rows, cols] is the student's mean
    standardised map; `teacher_r2` and `student_r2` [K] how much of unseen maps comes back.
    """

    variance: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor
    student_mean: torch.Tensor
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
    student_mean: torch.Tensor
    teacher_r2: torch.Tensor
    student_r2: torch.Tensor

    def __init__(
        self,
        pairing: Pairing,
        autoencoders: tuple[Autoencoder, Autoencoder],
        form: Form,
        scale: Scale,
        calibration: Calibration,
    ) -> None:
        super().__init__()
        self.pairing: Pairing = pairing
        self.form: Form = form
        self.teacher, self.student = frozen(autoencoders[0]), frozen(autoencoders[1])
        self.register_buffer("mean", scale.mean)
        self.register_buffer("spread", scale.spread)
        for name, values in vars(calibration).items():
            self.register_buffer(name, values)

    def scaled(self, maps: torch.Tensor) -> torch.Tensor:
        """Canonical maps of either model as the autoencoders take them, in the expert's deviations."""
        return standardised(contrast(maps, self.form), Scale(self.mean, self.spread))

    @torch.no_grad()
    def teacher_code(self, maps: torch.Tensor) -> Code:
        """Codes of the expert's canonical maps, constants; they can be kept instead of the maps."""
        return self._encoded(self.teacher, maps)

    def student_code(self, maps: torch.Tensor) -> Code:
        """Codes of the student's canonical maps in the expert's coordinates, with gradients to the maps."""
        code = self._encoded(self.student, maps)
        if self.pairing == "map":
            # A linear map of the means says nothing about variances.
            return Code((code.mean[:, None] * self.weight).sum(dim=-1) + self.bias)
        return code

    def _encoded(self, autoencoder: Autoencoder, maps: torch.Tensor) -> Code:
        # A student trained in half precision is still compared in single.
        with torch.autocast(maps.device.type, enabled=False):
            return autoencoder.encode(self.scaled(maps))

    def student_drift(self, maps: torch.Tensor) -> torch.Tensor:
        """How far the student's mean map has wandered since the fit: mean over cells, in deviations; scalar.

        Above `DRIFT_LIMIT` the autoencoders should be fitted anew.
        """
        return (self.scaled(maps.detach()).mean(dim=0) - self.student_mean).abs().mean()


def transfer_loss(
    transfer: Transfer, student_maps: torch.Tensor, teacher: Code, distance: Distance = "mean"
) -> torch.Tensor:
    """L_AE of the student's canonical maps [B, K, rows, cols] against the expert's codes; scalar float32.

    `distance` other than "mean" needs variational autoencoders and another pairing than `map`, else
    ValueError. 0, with a gradient of 0, for no examples. Examples without a map, of either model, are for
    the caller to leave out: a map of nothing has a code too.
    """
    code = transfer.student_code(student_maps)
    if distance == "kl":
        parts = divergence(code, teacher)
    else:
        parts = wasserstein(code, teacher) if distance == "wasserstein" else _apart(code, teacher)
        if transfer.pairing != "literal":
            parts = parts / (transfer.variance + _SMALLEST_VARIANCE)
    return parts.sum() / max(1, parts.numel())


def require_explained(transfer: Transfer, least: float = LEAST_EXPLAINED) -> None:
    """Raise ModelError when either autoencoder's mean R² over channels is below `least`."""
    for whose, values in (("expert", transfer.teacher_r2), ("student", transfer.student_r2)):
        found = float(values.mean())
        if not found >= least:  # also when it is not a number
            raise ModelError(
                f"The autoencoder brings back {found:.2f} of what the {whose}'s maps vary, {least:.2f} is "
                "needed. Fit it on more maps, for more epochs or with wider codes."
            )


def _apart(ours: Code, theirs: Code) -> torch.Tensor:
    return (ours.mean - theirs.mean.detach()) ** 2
