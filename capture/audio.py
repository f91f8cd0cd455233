"""Sound: one channel of 32-bit floats at 16 kHz, in blocks with capture times."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
"""Samples a second of all sound inside the program, as voice activity and Whisper need."""
CHUNK = 512
"""Samples of one chunk, 32 ms, for voice activity."""
SILENCE = -100.0
"""Level of digital silence, and the lowest result of `level`, in dB below full scale."""
GAP = 0.1
"""Seconds that a block may be late before sound is missing in front of it."""
Samples = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Block:
    """`samples` float32 [n] in [-1, 1] at `RATE`, the first captured `at` seconds of the monotonic clock."""

    samples: Samples
    at: float

    @property
    def ended(self) -> float:
        """When the last sample ended, in seconds of the monotonic clock."""
        return self.at + len(self.samples) / RATE


class Ears(Protocol):
    """A microphone, or a file that stands in for one."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""

    def start(self) -> None:
        """Begin to listen."""

    def read(self, timeout: float) -> Block | None:
        """The next piece of sound; None when none came within `timeout` seconds."""

    def close(self) -> None:
        """Stop. Never hangs; may be called twice."""


def level(samples: Samples) -> float:
    """The level of float32 [n]: dB of its root mean square below full scale, at least `SILENCE`."""
    if not len(samples):
        return SILENCE
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return max(SILENCE, 10.0 * math.log10(power)) if power > 0 else SILENCE


class Chunker:
    """Cuts blocks of any length into chunks of `CHUNK` samples.

    Where sound is missing before a block, the rest before it, less than a chunk, is dropped.
    """

    def __init__(self) -> None:
        self._rest = Block(np.zeros(0, np.float32), 0.0)

    def cut(self, block: Block) -> Iterator[Block]:
        """The chunks that this block completes."""
        rest = self._rest
        if len(rest.samples) and abs(block.at - rest.ended) <= GAP:
            samples, at = np.concatenate([rest.samples, block.samples]), rest.at
        else:
            samples, at = block.samples, block.at
        whole = len(samples) - len(samples) % CHUNK
        self._rest = Block(samples[whole:], at + whole / RATE)
        for first in range(0, whole, CHUNK):
            yield Block(samples[first : first + CHUNK], at + first / RATE)
