"""What a student's answer is worth: the probability that the expert would have said the same.

A logistic model of the answer's evidence (Platt 1999, Probabilistic outputs for support vector machines),
fitted on validation rooms by `roomwise bench takeover --fit`. Rooms differ: how much harder or easier this
one is than such rooms are shows in the questions that both have answered in it, its audits, and shifts the
logit.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pydantic

from agent.takeover.evidence import FEATURES, Evidence
from core.errors import WeightsError
from core.files import atomic_write_text, state_dir, storage_errors
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
"""A question that both have answered: the student's logit, and whether the expert said the same."""


@dataclass(frozen=True)
class Calibration:
    """Plain numbers, for the student with the digest `base`; `about` says what they were fitted on.

    The logit is `intercept` plus `weights` times the features, less `means` and over `scales`. `spread` is
    the standard deviation of rooms' own shifts of it. `thresholds` [STEPS + 1] are the least probabilities at
    which answers stand, by the rate that they are to reach; 1 lets none stand. Raises ValueError when the
    numbers do not fit together.
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
        """The log-odds that the expert would say the same, in a room of which nothing else is known."""
        scaled = (evidence.features() - np.array(self.means)) / np.array(self.scales)
        return self.intercept + float(scaled @ np.array(self.weights))

    def probability(self, evidence: Evidence, audits: Sequence[Audit] = ()) -> float:
        """That the expert would say the same, in [0, 1], in a room with these audits."""
        return sigmoid(self.logit(evidence) + offset(audits, self.spread))

    def threshold(self, wanted: float) -> float:
        """The least probability at which an answer stands, so that a share `wanted` of such answers
        agrees."""
        return self.thresholds[min(STEPS, math.ceil(wanted * STEPS - 1e-9))]


def sigmoid(logit: float) -> float:
    """The probability of these log-odds."""
    return 1 / (1 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1 + math.exp(logit))


def offset(audits: Sequence[Audit], spread: float) -> float:
    """By how much a room's logits are off, in view of its audits: the likeliest shift.

    Its prior is normal around 0 with the standard deviation `spread`: few audits move it little. They may be
    chosen by their logits, as the least sure ones are: given the logit, the choice tells nothing more.
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
    """Keep it as JSON. Raises StorageError."""
    told = {"schema": _SCHEMA, "features": FEATURES, **asdict(calibration)}
    atomic_write_text(path, json.dumps(told, indent=1) + "\n")


def read_calibration(path: Path, base: Base) -> Calibration:
    """The calibration in a file. Raises WeightsError when it is damaged or another student's,
    StorageError."""
    remedy = _REMEDY.format(base.name)
    with storage_errors("read", path):
        data = path.read_bytes()
    try:
        told = json.loads(data)
        known = told.pop("schema") == _SCHEMA and tuple(told.pop("features")) == FEATURES
        calibration = pydantic.TypeAdapter(Calibration).validate_python(told) if known else None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise WeightsError(f"The calibration in {path} is damaged ({_first(error)}). {remedy}") from error
    if calibration is None:
        raise WeightsError(f"The calibration in {path} is of another version of this program. {remedy}")
    if calibration.base != base.digest:
        raise WeightsError(
            f"The calibration in {path} belongs to the student {calibration.base[:12]}, "
            f"not to {base.name} ({base.digest[:12]}). {remedy}"
        )
    return calibration


def find_calibration(student: str) -> Calibration:
    """The one that was made here for a student, else the one beside its weights.

    Raises WeightsError when there is none that can be used, UnknownModelError, StorageError.
    """
    base = base_of(student)
    found = [path for path in (own_path(base), model_folder(student) / FILE) if path.is_file()]
    if not found:
        raise WeightsError(f"There is no calibration of {student}. {_REMEDY.format(student)}")
    return read_calibration(found[0], base)


def own_path(base: Base) -> Path:
    """Where a calibration that is made here is kept."""
    return state_dir() / "calibrations" / f"{base.digest[:16]}.json"


def _first(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
