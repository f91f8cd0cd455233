"""Pieces of sound as a sound card's thread delivers them, and their conversion to 16 kHz by the reader."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from capture.audio import RATE, Block, mono
from capture.audio_listener import OverflowQueue
from capture.audio_resample import Resampler
from capture.audio_watch import steady

Deliver = Callable[[NDArray[Any], float], None]
"""Takes float frames [n, channels] and when the first was captured, on the monotonic clock. Never waits."""


@dataclass(frozen=True, eq=False)
class Piece:
    """Frames as a sound card delivered them, float [n, channels], and when the first was captured."""

    stream: int  # counts openings of the device
    rate: int
    frames: NDArray[Any]
    at: float


class Delivery:
    """A sound card's callback. Drops pieces before `begin`, which sets the rate, and after `end`."""

    def __init__(self, pieces: OverflowQueue[Piece], stream: int, clock: Callable[[], float]) -> None:
        self._pieces, self._stream, self._clock = pieces, stream, clock
        self._rate = 0
        self.last: float | None = None

    def begin(self, rate: int) -> None:
        self._rate = rate

    def end(self) -> None:
        self._rate = 0

    def __call__(self, frames: NDArray[Any], at: float) -> None:
        rate = self._rate
        if rate and len(frames):
            self._pieces.put(Piece(self._stream, rate, frames, at))
            self.last = self._clock()


class Converter:
    """Converts pieces to blocks at 16 kHz; restarts where sound is missing."""

    def __init__(self) -> None:
        self._resampler = Resampler(RATE)
        self._stream = 0
        self._expected: float | None = None

    def convert(self, piece: Piece) -> Block:
        """The block of a piece; empty while the filter needs more."""
        before = self._expected if piece.stream == self._stream else None
        at, follows = steady(before, piece.at)
        if not follows:
            self._resampler, self._stream = Resampler(piece.rate), piece.stream
        begins = at - self._resampler.behind
        self._expected = at + len(piece.frames) / piece.rate
        return Block(self._resampler.push(mono(piece.frames)), begins)
