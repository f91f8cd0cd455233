"""Evidence and calibrations for tests: answers of rooms that nobody saw."""

from typing import Any

import numpy as np

from agent.takeover.calibration import STEPS, Calibration
from agent.takeover.evidence import FEATURES, Evidence


def tiny_evidence(**values: Any) -> Evidence:
    """An answer of one token about which nothing more is known, but for `values`."""
    known: dict[str, Any] = {
        "mean": -0.5, "least": -0.5, "length": 1, "asked": 0.0, "voted": 0.5, "agreeing": 0.0,
        "differing": 0.0,
    }  # fmt: skip
    return Evidence(**{**known, **values})


def tiny_calibration(
    intercept: float = 0.0, threshold: float = 0.5, least: float = 0.0, base: str = "ab", spread: float = 0.0
) -> Calibration:
    """A logit of `intercept` and `least` times the least likely token's; the same threshold for every
    rate."""
    weights = tuple(least if name == "least" else 0.0 for name in FEATURES)
    thresholds = (0.0, *[threshold] * (STEPS - 1), 1.0)
    zeros, ones = (0.0,) * len(FEATURES), (1.0,) * len(FEATURES)
    return Calibration(base, intercept, weights, zeros, ones, spread, thresholds)


def answers(
    rooms: int, each: int, seed: int = 0, spread: float = 0.0
) -> tuple[list[Evidence], list[bool], list[int]]:
    """Evidence, whether the expert agrees, and rooms: right as often as the least likely token says.

    The log-odds are 2 plus the token's log-probability, and a shift of the room's own.
    """
    rng = np.random.default_rng(seed)
    evidence, agreed, groups = [], [], []
    for room in range(rooms):
        shift = rng.normal(0, spread)
        for least in -rng.uniform(0, 4, each):
            evidence.append(tiny_evidence(least=float(least), mean=float(least) / 2))
            agreed.append(bool(rng.random() < 1 / (1 + np.exp(-(2 + least + shift)))))
            groups.append(room)
    return evidence, agreed, groups
