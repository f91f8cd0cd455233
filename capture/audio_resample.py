"""Sound of any rate at 16 kHz, piece by piece, without seams: the same samples as of the whole at once.

A polyphase filter needs its neighbours on both sides. What it would have to guess at the end of a piece is
kept back until the next one is there, so the output runs a fraction of a millisecond to some
milliseconds behind.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.signal import firwin, resample_poly

from capture.audio import RATE, Samples

_TAPS = 10  # zero crossings of the filter to each side, as `resample_poly` has them by itself
_KAISER = 5.0
LOWEST, HIGHEST = 4_000, 768_000


class Resampler:
    """Turns one channel at `rate` Hz, a whole number in [4000, 768000], into one at `RATE`."""

    def __init__(self, rate: int) -> None:
        if not LOWEST <= rate <= HIGHEST:
            raise ValueError(f"{rate} Hz is outside [{LOWEST}, {HIGHEST}]")
        common = math.gcd(rate, RATE)
        self.rate = rate
        self._up, self._down = RATE // common, rate // common
        widest = max(self._up, self._down)
        self._same = widest == 1
        self._half = 0 if self._same else _TAPS * widest
        self._window = None if self._same else _filter(self._half, widest)
        self._margin = -(-self._half // self._up)  # inputs that one output needs on each side
        self._kept = np.zeros(0, np.float32)
        self._kept_from = 0  # index of the first input kept, a multiple of `_down`
        self._taken = 0  # inputs so far
        self._given = 0  # outputs so far

    @property
    def behind(self) -> float:
        """How long ago, before the last input taken, the next output will have been, in seconds."""
        return self._taken / self.rate - self._given / RATE

    def push(self, samples: Samples) -> Samples:
        """The outputs, float32 [m], that are complete with these inputs, float32 [n]."""
        self._take(samples)
        complete = ((self._taken - 1) * self._up - self._half) // self._down + 1
        return self._give(complete)

    def finish(self) -> Samples:
        """The outputs that were kept back, after the last input. Nothing may be pushed after it."""
        return self._give(-(-self._taken * self._up // self._down))

    def _take(self, samples: Samples) -> None:
        self._kept = np.concatenate([self._kept, samples])
        self._taken += len(samples)

    def _give(self, until: int) -> Samples:
        """Outputs from the next one up to `until`; inputs that no later one needs are let go."""
        if until <= self._given:
            return np.zeros(0, np.float32)
        if self._same:
            made = self._kept
        else:
            made = resample_poly(self._kept, self._up, self._down, window=self._window)
        first = self._kept_from * self._up // self._down
        result = made[self._given - first : until - first].astype(np.float32)
        self._given = until
        self._forget()
        return result

    def _forget(self) -> None:
        needed = max(0, self._given * self._down // self._up - self._margin)
        begin = needed - needed % self._down
        self._kept = self._kept[max(0, begin - self._kept_from) :].copy()
        self._kept_from = max(begin, self._kept_from)


def _filter(half: int, widest: int) -> NDArray[np.float32]:
    """The low-pass that `resample_poly` makes by itself, in the type of the sound."""
    taps: NDArray[np.float32] = firwin(2 * half + 1, 1.0 / widest, window=("kaiser", _KAISER)).astype(
        np.float32
    )
    return taps
