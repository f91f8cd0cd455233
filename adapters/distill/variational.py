"""What codes that are distributions need beside a reconstruction: a prior, a distance, an alarm.

A code is a normal distribution with independent dimensions, N(mean, exp(logvar)). Pure functions, float32.
Kingma and Welling 2013, appendix B, for the divergence from the prior.
"""

from typing import Literal

import torch

from adapters.distill.autoencoder import Code

Distance = Literal["mean", "wasserstein", "kl"]
"""How far apart two codes are: by their means alone, by W2², or by KL(expert || student)."""

COLLAPSED = 0.8
"""Share of idle dimensions above which codes tell too little to be matched."""

_IDLE = 0.01  # nats


def prior_divergence(code: Code) -> torch.Tensor:
    """KL(code || N(0, 1)) of each dimension, mean over the batch, in nats: [z]; 0 without variances."""
    if code.logvar is None:
        return torch.zeros_like(code.mean[0])
    divergence: torch.Tensor = (code.mean**2 + code.logvar.exp() - code.logvar - 1) / 2
    return divergence.mean(dim=0)


def idle_share(code: Code) -> float:
    """Share of the dimensions that tell less than 0.01 nats, in 0..1; compare `COLLAPSED`."""
    return float((prior_divergence(code) < _IDLE).float().mean())


def beta(step: int, steps: int, largest: float) -> float:
    """Weight of the prior at a step from 0: rises from 0 to `largest` over the first third of `steps`."""
    return largest * min(1.0, 3 * step / max(1, steps))


def wasserstein(student: Code, teacher: Code) -> torch.Tensor:
    """(Δmean)² + (Δdeviation)² of each dimension, [B, z]: the parts of W2². The teacher is a constant."""
    ours, theirs = _logvar(student), _logvar(teacher).detach()
    apart: torch.Tensor = (student.mean - teacher.mean.detach()) ** 2
    return apart + ((ours / 2).exp() - (theirs / 2).exp()) ** 2


def divergence(student: Code, teacher: Code) -> torch.Tensor:
    """KL(teacher || student) of each dimension in nats, [B, z]. The teacher is a constant."""
    ours, theirs = _logvar(student), _logvar(teacher).detach()
    apart = (student.mean - teacher.mean.detach()) ** 2
    found: torch.Tensor = (ours - theirs + (theirs.exp() + apart) * (-ours).exp() - 1) / 2
    return found


def _logvar(code: Code) -> torch.Tensor:
    if code.logvar is None:
        raise ValueError("codes without variances have no distribution to compare; compare their means")
    return code.logvar
