"""What becomes of a microphone, and when sound was captured. No clock, no threads."""

from collections.abc import Iterator
from dataclasses import dataclass

from capture.device import DeviceBack, Ended, Lost

GAP = 0.5
"""Seconds by which a sound card's times may differ from counted samples before sound is missing."""

_SLEW = 0.02
_STRANGE = 2.0  # seconds between capture and delivery that no sound card takes


@dataclass(frozen=True)
class MicrophoneOpened:
    """The first sound came, at so many samples a second and channels."""

    rate: int
    channels: int


Status = MicrophoneOpened | Lost | DeviceBack | Ended
"""What becomes of a microphone."""


def pauses(first: float = 0.5, longest: float = 5.0) -> Iterator[float]:
    """Seconds to wait before each next attempt to open a device: doubling, up to the longest."""
    pause = first
    while True:
        yield min(pause, longest)
        pause = min(2 * pause, longest)


def captured_at(now: float, frames: int, rate: int, delay: float) -> float:
    """When the first of `frames` was captured, on the clock of `now`, which is when they were delivered.

    `delay` is how long ago the sound card says that was. Some drivers say nonsense; then the frames
    are taken to have ended just now.
    """
    return now - delay if 0.0 < delay < _STRANGE else now - frames / rate


def steady(expected: float | None, told: float) -> tuple[float, bool]:
    """When a piece began, and whether it follows on the one before, of which it is `expected` when it ended.

    Counted samples are smoother than told times, so small differences are only leaned towards.
    """
    if expected is None or abs(told - expected) > GAP:
        return told, False
    return expected + _SLEW * (told - expected), True
