"""Resample sound of any rate to 16 kHz piece by piece, with the same result as all at once.

The filter needs later input, so the output is some hundredths of a second behind.
"""

import numpy as np

from capture.audio import RATE, Samples
from core.extras import require

LOWEST, HIGHEST = 4_000, 768_000
_QUALITY = "MQ"  # exact to 16 bits, which is what speech is recorded in; more would run further behind


class Resampler:
    """Resamples one channel at `rate` Hz, an integer in [4000, 768000], to `RATE`.

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
        """Seconds by which the next output lies before the last input."""
        return self._taken / self.rate - self._given / RATE

    def push(self, samples: Samples) -> Samples:
        """The outputs, float32 [m], that these inputs, float32 [n], complete."""
        return self._resample(samples)

    def finish(self) -> Samples:
        """The remaining outputs after the last input. Nothing may be pushed after this."""
        return self._resample(np.zeros(0, np.float32), last=True)

    def _resample(self, samples: Samples, last: bool = False) -> Samples:
        outputs: Samples = self._stream.resample_chunk(samples, last)
        self._taken += len(samples)
        self._given += len(outputs)
        return outputs
