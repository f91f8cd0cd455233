"""What a student's answer is worth: the probability that the expert would have said the same.

A logistic model of the answer's evidence (Platt 1999, Probabilistic outputs for support vector machines),
fitted on validation rooms by `roomwise bench takeover --fit`. A room's own difficulty shows in its audits,
questions that both have answered, and shifts the logit.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from agent.takeover.evidence import FEATURES, Evidence
from core.errors import WeightsError
from core.files import atomic_write_text, state_dir
from core.untrusted import read_as, typed
from models.adapter_files import Base
from models.lora import base_of
from models.registry import model_folder

FILE = "calibration.json"
"""Beside a student's weights."""
STEPS = 100
"""Rates that can be asked for: 0, 1 / STEPS, ..., 1."""

_SCHEMA = 1
_EXACT = 1e-4  # of a shift
_REMEDY = "Make one with: roomwise bench takeover --fit --student {}"

Audit = tuple[float, bool]
"""A question that both answered: the student's logit, and whether the expert agreed."""


@dataclass(frozen=True)
class Calibration:
    """Calibration of the student with the digest `base`; `about` says what it was fitted on. The logit is
    `intercept` + `weights` · (features - `means`) / `scales`. `spread` is the standard deviation of rooms'
    shifts. `thresholds` [STEPS + 1]: the least probability at which answers stand, by wanted rate; 1 lets
    none stand. Raises ValueError for inconsistent numbers.
    """

    base: str
    intercept: float
    weights: tuple[float, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    spread: float
    thresholds: tuple[float, ...]
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not len(self.weights) == len(self.means) == len(self.scales) == len(FEATURES):
            raise ValueError(f"weights, means and scales must be {len(FEATURES)} numbers each")
        numbers = (self.intercept, *self.weights, *self.means, *self.scales, self.spread)
        if not all(map(math.isfinite, numbers)) or min(self.scales) <= 0 or self.spread < 0:
            raise ValueError("a number is not finite, or a scale or the spread is too small")
        rising = all(low <= high for low, high in zip(self.thresholds, self.thresholds[1:], strict=False))
        if len(self.thresholds) != STEPS + 1 or not rising or not 0 <= self.thresholds[0] <= 1:
            raise ValueError(f"thresholds must be {STEPS + 1} numbers from 0 to 1, none below the one before")
        if self.thresholds[-1] > 1:
            raise ValueError("a threshold is above 1")

    def logit(self, evidence: Evidence) -> float:
        """The log-odds that the expert agrees, in a room without audits."""
        scaled = (evidence.features() - np.array(self.means)) / np.array(self.scales)
        return self.intercept + float(scaled @ np.array(self.weights))

    def probability(self, evidence: Evidence, audits: Sequence[Audit] = ()) -> float:
        """That the expert agrees, in [0, 1], in a room with these audits."""
        return sigmoid(self.logit(evidence) + offset(audits, self.spread))

    def threshold(self, wanted: float) -> float:
        """The least probability at which answers stand, so that a share `wanted` of them agrees."""
        return self.thresholds[min(STEPS, math.ceil(wanted * STEPS - 1e-9))]


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1 + math.exp(logit))


def offset(audits: Sequence[Audit], spread: float) -> float:
    """The likeliest shift of a room's logits, given its audits. The prior is normal around 0 with standard
    deviation `spread`. Audits may be chosen by their logits: given the logit, the choice carries no further
    information.
    """

    def slope(shift: float) -> float:
        return sum(agreed - sigmoid(logit + shift) for logit, agreed in audits) - shift / spread**2

    if not audits or spread <= 0:
        return 0.0
    # The slope falls; beyond these bounds the prior outweighs whatever the audits say.
    low, high = -len(audits) * spread**2, len(audits) * spread**2
    while high - low > _EXACT:
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return (low + high) / 2


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Store it as JSON. Raises StorageError."""
    payload = {"schema": _SCHEMA, "features": FEATURES, **asdict(calibration)}
    atomic_write_text(path, json.dumps(payload, indent=1) + "\n")


def read_calibration(path: Path, base: Base) -> Calibration:
    """Read a calibration. Raises StorageError, and WeightsError when it is damaged or another student's."""
    remedy = _REMEDY.format(base.name)
    payload = read_as(path, dict[str, Any], WeightsError, remedy)
    try:
        current = payload.pop("schema") == _SCHEMA and tuple(payload.pop("features")) == FEATURES
        calibration: Calibration | None = typed(Calibration, payload) if current else None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise WeightsError(f"The calibration in {path} is damaged ({reason}). {remedy}") from error
    if calibration is None:
        raise WeightsError(f"The calibration in {path} is of another version of this program. {remedy}")
    if calibration.base != base.digest:
        raise WeightsError(
            f"The calibration in {path} belongs to the student {calibration.base[:12]}, "
            f"not to {base.name} ({base.digest[:12]}). {remedy}"
        )
    return calibration


def find_calibration(student: str) -> Calibration:
    """The student's calibration made here, else the one beside its weights. Raises WeightsError when none can
    be used, UnknownModelError, StorageError.
    """
    base = base_of(student)
    paths = [path for path in (own_path(base), model_folder(student) / FILE) if path.is_file()]
    if not paths:
        raise WeightsError(f"There is no calibration of {student}. {_REMEDY.format(student)}")
    return read_calibration(paths[0], base)


def own_path(base: Base) -> Path:
    """Where a calibration made here is stored."""
    return state_dir() / "calibrations" / f"{base.digest[:16]}.json"
