"""How long a training is and how fast, as values: needs no torch."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Course:
    """How long and how fast. `rate` falls along a cosine to `last`; a tenth of the steps warm up.

    `code_faithful` repeats what EdgeVL's released stage 2 does: gradients are never cleared, so that every
    step follows their clipped running sum, and the student stays in evaluation mode. For its study alone.
    """

    steps: int
    batch: int
    rate: float
    last: float
    weight_decay: float = 1e-3
    code_faithful: bool = False

    def at(self, step: int) -> float:
        """The rate of a step."""
        warm = max(1, self.steps // 10)
        if step < warm:
            return self.rate * (step + 1) / warm
        done = (step - warm) / max(1, self.steps - warm)
        return self.last + (self.rate - self.last) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
