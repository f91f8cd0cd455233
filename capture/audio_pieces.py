"""Sound as a sound card delivers it, on the card's own thread, and the same at 16 kHz on the reader's."""

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

    stream: int  # the how-manieth that was opened
    rate: int
    frames: NDArray[Any]
    at: float


class Delivery:
    """What a sound card calls. What comes before `begin` has told the rate, or after `end`, is dropped."""

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
    """Pieces as a sound card delivers them, as blocks at 16 kHz; begins anew where sound is missing."""

    def __init__(self) -> None:
        self._resampler = Resampler(RATE)
        self._stream = 0
        self._expected: float | None = None

    def convert(self, piece: Piece) -> Block:
        """May be empty, where the filter still needs what follows."""
        before = self._expected if piece.stream == self._stream else None
        at, follows = steady(before, piece.at)
        if not follows:
            self._resampler, self._stream = Resampler(piece.rate), piece.stream
        begins = at - self._resampler.behind
        self._expected = at + len(piece.frames) / piece.rate
        return Block(self._resampler.push(mono(piece.frames)), begins)
