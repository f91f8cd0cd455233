"""A microphone's status, and the capture times of sound. No clock, no threads."""

from collections.abc import Iterator
from dataclasses import dataclass

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
