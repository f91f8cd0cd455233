"""Fitting a calibration to rooms where both student and expert have answered.

What is decided from the fit must not be judged on what it was fitted to: thresholds and the spread of rooms
come from logits of rooms that were left out in turn.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaincinv, expit, log_expit, logsumexp

from agent.takeover.calibration import STEPS, Audit, Calibration, offset, sigmoid
from agent.takeover.evidence import Evidence

_FOLDS = 10
_RIDGE = 1.0  # of a weight on a feature of spread 1: its prior is normal with that spread
_SURE = 0.8
"""How sure it must be that answers which stand agree as often as was asked for."""
_SPREADS = np.linspace(0.0, 2.0, 41)
_NODES, _NODE_WEIGHTS = np.polynomial.hermite.hermgauss(21)

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class CalibrationFit:
    """A calibration, and the logit of each answer by a model that did not see its room."""

    calibration: Calibration
    left_out: tuple[float, ...]


@dataclass(frozen=True)
class _Model:
    intercept: float
    weights: Numbers
    means: Numbers
    scales: Numbers

    def logits(self, features: Numbers) -> Numbers:
        return self.intercept + (features - self.means) / self.scales @ self.weights


def fit_calibration(
    evidence: Sequence[Evidence],
    agreed: Sequence[bool],
    groups: Sequence[Hashable],
    base: str,
    about: Mapping[str, Any] | None = None,
) -> CalibrationFit:
    """Fit to answers [n], whether the expert said the same, and the rooms they come from, in the order asked.

    `base` is the student's digest. Raises ValueError for fewer than two rooms and for lengths that differ.
    """
    if not len(evidence) == len(agreed) == len(groups):
        raise ValueError(f"{len(evidence)} answers, {len(agreed)} outcomes, {len(groups)} rooms")
    rooms = list(dict.fromkeys(groups))
    if len(rooms) < 2:
        raise ValueError(f"two rooms are needed, not {len(rooms)}")
    features = np.stack([answer.features() for answer in evidence])
    outcomes = np.array(agreed, bool)
    room_of = np.array([rooms.index(group) for group in groups])
    left_out = _left_out(features, outcomes, room_of, min(_FOLDS, len(rooms)))
    spread = fit_spread(left_out, outcomes, room_of)
    visits = [(left_out[room_of == room], outcomes[room_of == room]) for room in range(len(rooms))]
    whole = _fit(features, outcomes)
    calibration = Calibration(
        base, whole.intercept, tuple(whole.weights.tolist()), tuple(whole.means.tolist()),
        tuple(whole.scales.tolist()), spread, fit_thresholds(visits, spread), dict(about or {}),
    )  # fmt: skip
    return CalibrationFit(calibration, tuple(left_out.tolist()))


def stands(logits: Sequence[float], agreed: Sequence[bool], spread: float, threshold: float) -> list[bool]:
    """Which answers of one visit stand, in the order asked: those that do not are put to the expert.

    Those are the room's audits from then on. A threshold of 1 lets none stand.
    """
    audits: list[Audit] = []
    stood: list[bool] = []
    for logit, agrees in zip(logits, agreed, strict=True):
        stood.append(threshold < 1 and sigmoid(logit + offset(audits, spread)) >= threshold)
        if not stood[-1]:
            audits.append((logit, bool(agrees)))
    return stood


def threshold_for(counted: Sequence[tuple[float, int, int]], rate: float) -> float:
    """The lowest threshold of which the answers that stand agree at the given `rate`, as far as can be told
    from so many, 1 if there is none.

    `counted`: thresholds, and how many answers agree of how many that stand. The rate must be reached by the
    lower end of a one-sided interval (Clopper and Pearson 1934), as Geifman and El-Yaniv 2017 (Selective
    classification for deep neural networks, section 3) choose what to answer: of many thresholds some do well
    by chance, and a few lucky answers promise nothing.
    """
    reached = [threshold for threshold, hits, count in counted if _at_least(hits, count) >= rate]
    return min(reached, default=1.0)


def _at_least(hits: int, count: int) -> float:
    """The rate of which so many hits make it as sure as that."""
    return float(betaincinv(hits, count - hits + 1, 1 - _SURE)) if hits else 0.0


def fit_thresholds(visits: Sequence[tuple[Numbers, NDArray[np.bool_]]], spread: float) -> tuple[float, ...]:
    """For each rate 0, 1 / STEPS, ..., 1 the threshold that reaches it over these visits (logits, agreed)."""
    counted = []
    for threshold in np.arange(STEPS) / STEPS:
        hits = count = 0
        for logits, agreed in visits:
            stood = np.array(stands(logits.tolist(), agreed.tolist(), spread, float(threshold)), bool)
            hits, count = hits + int(agreed[stood].sum()), count + int(stood.sum())
        counted.append((float(threshold), hits, count))
    return tuple(threshold_for(counted, step / STEPS) if step else 0.0 for step in range(STEPS + 1))


def fit_spread(logits: Numbers, agreed: NDArray[np.bool_], room_of: NDArray[np.int64]) -> float:
    """The likeliest standard deviation of a normal shift of each room's logits, from 0 to 2.

    The likelihood of a room is integrated over its shift by Gauss-Hermite quadrature.
    """
    signs = np.where(agreed, 1.0, -1.0)[:, None]
    one_hot = (room_of == np.arange(room_of.max() + 1)[:, None]).astype(np.float64)

    def likelihood(spread: float) -> float:
        shifted = logits[:, None] + np.sqrt(2) * spread * _NODES
        by_room = one_hot @ log_expit(signs * shifted)
        return float(logsumexp(by_room, axis=1, b=_NODE_WEIGHTS).sum())

    return float(max(_SPREADS, key=likelihood))


def _left_out(
    features: Numbers, agreed: NDArray[np.bool_], room_of: NDArray[np.int64], folds: int
) -> Numbers:
    """Each answer's logit by a model of the other folds' rooms."""
    logits = np.empty(len(features))
    for fold in range(folds):
        held_out = room_of % folds == fold
        logits[held_out] = _fit(features[~held_out], agreed[~held_out]).logits(features[held_out])
    return logits


def _fit(features: Numbers, agreed: NDArray[np.bool_]) -> _Model:
    """Ridge-regularised logistic regression on scaled features, with Platt's targets in place of 0 and 1.

    They keep the intercept finite whatever the outcomes are, and the ridge keeps the weights so.
    """
    means, scales = features.mean(0), features.std(0)
    scales = np.where(scales > 1e-6, scales, 1.0)
    design = np.column_stack([np.ones(len(features)), (features - means) / scales])
    right, wrong = int(agreed.sum()), int((~agreed).sum())
    targets = np.where(agreed, (right + 1) / (right + 2), 1 / (wrong + 2))
    ridge = np.array([0.0] + [_RIDGE] * features.shape[1])

    def loss(weights: Numbers) -> tuple[float, Numbers]:
        logits = design @ weights
        value = -(targets @ log_expit(logits) + (1 - targets) @ log_expit(-logits)) + ridge @ weights**2 / 2
        return float(value), design.T @ (expit(logits) - targets) + ridge * weights

    solution = minimize(loss, np.zeros(design.shape[1]), jac=True, method="L-BFGS-B").x
    return _Model(float(solution[0]), solution[1:], means, scales)
