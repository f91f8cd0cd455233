"""How much a term of the loss counts over a training: off, on, or changing with the steps."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """A weight that rises, stays and falls; times are shares of the training, in [0, 1].

    It is 0 before `begin` and after `end`; over the first `rise` it grows from 0 in a straight line, over
    the last `fall` it goes back to 0. Raises ValueError for a negative weight or for times out of order.
    """

    weight: float
    begin: float = 0.0
    end: float = 1.0
    rise: float = 0.0
    fall: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.weight < float("inf"):
            raise ValueError(f"{self.weight} is no weight")
        if not 0 <= self.begin <= self.end <= 1 or min(self.rise, self.fall) < 0:
            raise ValueError(f"a schedule from {self.begin} to {self.end} is not within the training")
        if self.rise + self.fall > self.end - self.begin:
            raise ValueError("a weight cannot rise and fall for longer than it is on")

    def at(self, step: int, steps: int) -> float:
        """The weight in step `step` of `steps`, from 0."""
        now = step / max(1, steps - 1)
        if not self.begin <= now <= self.end:
            return 0.0
        up = (now - self.begin) / self.rise if self.rise else 1.0
        down = (self.end - now) / self.fall if self.fall else 1.0
        return self.weight * min(1.0, up, down)


Weight = float | Schedule
"""A plain number counts as much in every step."""


def weight_at(weight: Weight, step: int, steps: int) -> float:
    """What `weight` is in step `step` of `steps`, from 0; 0 means that the term need not be computed."""
    return weight.at(step, steps) if isinstance(weight, Schedule) else float(weight)


def weights_at(weights: Mapping[str, Weight], step: int, steps: int) -> dict[str, float]:
    """The terms that count in step `step` of `steps`, from 0, and how much."""
    now = {name: weight_at(weight, step, steps) for name, weight in weights.items()}
    return {name: weight for name, weight in now.items() if weight}
