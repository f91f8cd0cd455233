"""Pieces of sound as a sound card's thread delivers them, and their conversion to 16 kHz by the reader."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from capture.audio import RATE, Block
from capture.audio_channels import Downmix, is_still
from capture.audio_listener import OverflowQueue
from capture.audio_resample import Resampler
from capture.device import DeviceBack, Ended, Lost

GAP = 0.5
"""Seconds by which a sound card's times may differ from counted samples before sound is missing."""
_SLEW = 0.02
_STRANGE = 2.0  # seconds between capture and delivery that no sound card takes


@dataclass(frozen=True)
class MicrophoneOpened:
    """The first sound came, with this rate in Hz and these channels."""

    rate: int
    channels: int


Status = MicrophoneOpened | Lost | DeviceBack | Ended
"""The status of a microphone."""


def pauses(first: float = 0.5, longest: float = 5.0) -> Iterator[float]:
    """Seconds to wait before each next attempt to open a device: doubling, up to the longest."""
    pause = first
    while True:
        yield min(pause, longest)
        pause = min(2 * pause, longest)


def captured_at(now: float, frames: int, rate: int, delay: float) -> float:
    """When the first of `frames` was captured, if they were delivered `now`.

    `delay` is the sound card's report of how long ago that was. Where it is nonsense, the frames are taken
    to have ended just now.
    """
    return now - delay if 0.0 < delay < _STRANGE else now - frames / rate


def steady(expected: float | None, reported: float) -> tuple[float, bool]:
    """When a piece began, and whether it continues the one before, which ended at `expected`.

    Counted samples are smoother than reported times, so small differences are only followed slowly.
    """
    if expected is None or abs(reported - expected) > GAP:
        return reported, False
    return expected + _SLEW * (reported - expected), True


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
        self.still: float | None = None
        """Since when only digital silence comes; None while there is sound."""

    def begin(self, rate: int) -> None:
        self._rate = rate

    def end(self) -> None:
        self._rate = 0

    def __call__(self, frames: NDArray[Any], at: float) -> None:
        rate = self._rate
        if rate and len(frames):
            self._pieces.put(Piece(self._stream, rate, frames, at))
            self.last = self._clock()
            if not is_still(frames):
                self.still = None
            elif self.still is None:
                self.still = self.last


class Converter:
    """Converts pieces to blocks at 16 kHz; restarts where sound is missing."""

    def __init__(self) -> None:
        self._resampler, self._downmix = Resampler(RATE), Downmix(RATE)
        self._stream = 0
        self._expected: float | None = None

    def convert(self, piece: Piece) -> Block:
        """The block of a piece; empty while the filter needs more."""
        before = self._expected if piece.stream == self._stream else None
        at, follows = steady(before, piece.at)
        if not follows:
            self._resampler, self._downmix = Resampler(piece.rate), Downmix(piece.rate)
            self._stream = piece.stream
        begins = at - self._resampler.behind
        self._expected = at + len(piece.frames) / piece.rate
        return Block(self._resampler.push(self._downmix.mix(piece.frames)), begins)
