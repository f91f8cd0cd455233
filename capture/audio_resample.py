"""Sound of any rate at 16 kHz, piece by piece, without seams: the same samples as of the whole at once.

The filter needs what follows, and works on blocks: the output runs some hundredths of a second behind.
"""

import numpy as np

from capture.audio import RATE, Samples
from core.extras import require

LOWEST, HIGHEST = 4_000, 768_000
_QUALITY = "MQ"  # exact to 16 bits, which is what speech is recorded in; more would run further behind


class Resampler:
    """Turns one channel at `rate` Hz, a whole number in [4000, 768000], into one at `RATE`.

    Raises MissingDependencyError without the extra `voice`.
    """

    def __init__(self, rate: int) -> None:
        if not LOWEST <= rate <= HIGHEST:
            raise ValueError(f"{rate} Hz is outside [{LOWEST}, {HIGHEST}]")
        self.rate = rate
        self._stream = require("soxr", "voice").ResampleStream(rate, RATE, 1, "float32", _QUALITY)
        self._taken = 0  # inputs so far
        self._given = 0  # outputs so far

    @property
    def behind(self) -> float:
        """How long ago, before the last input taken, the next output will have been, in seconds."""
        return self._taken / self.rate - self._given / RATE

    def push(self, samples: Samples) -> Samples:
        """The outputs, float32 [m], that are complete with these inputs, float32 [n]."""
        return self._pushed(samples)

    def finish(self) -> Samples:
        """The outputs that were kept back, after the last input. Nothing may be pushed after it."""
        return self._pushed(np.zeros(0, np.float32), last=True)

    def _pushed(self, samples: Samples, last: bool = False) -> Samples:
        made: Samples = self._stream.resample_chunk(samples, last)
        self._taken += len(samples)
        self._given += len(made)
        return made
