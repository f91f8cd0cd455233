"""A session's current state: the newest frame made small, meters, indicators."""

import time
from dataclasses import dataclass, replace

from agent.console import Pulse
from agent.machine.meters import Meters, Reading
from agent.station.eyes import SMALL, Eyes, as_jpeg
from agent.station.voice import Hearing

_METERS_EVERY = 1.0  # seconds


@dataclass(frozen=True)
class Indicators:
    """The unmeasured part of a pulse; see `Pulse`."""

    microphone: str = ""
    recording: bool = True
    learning: bool = True
    attached: int = 0


class Pulses:
    """Makes one pulse after another, on one thread; `whole` may be read by any."""

    def __init__(self, eyes: Eyes, meters: Meters) -> None:
        self._eyes, self._meters = eyes, meters
        self._reading, self._read = Reading(), float("-inf")
        self._taken = float("-inf")
        self._small = b""
        self.whole = Pulse()
        """The last pulse including its frame, for new listeners."""

    def make(self, hearing: Hearing | None, also: Indicators) -> Pulse:
        """The current pulse; its frame is empty when it is the same as in the last one."""
        frame, age = self._frame()
        reading = self._read_meters()
        self.whole = Pulse(
            self._small, age, self._eyes.rate, self._eyes.trouble,
            also.microphone or (hearing.trouble if hearing else ""), hearing.state if hearing else "none",
            also.recording, also.learning, also.attached, **vars(reading),
        )  # fmt: skip
        return replace(self.whole, frame=frame)

    def _frame(self) -> tuple[bytes, float | None]:
        """The newest frame made small, or nothing if unchanged; and its age."""
        newest = self._eyes.newest()
        if newest is None:
            return b"", None
        captured, age = newest
        if captured.taken == self._taken:
            return b"", age
        self._taken, previous = captured.taken, self._small
        self._small = as_jpeg(captured, width=SMALL)
        return b"" if self._small == previous else self._small, age

    def _read_meters(self) -> Reading:
        now = time.monotonic()
        if now - self._read >= _METERS_EVERY:
            self._reading, self._read = self._meters.read(), now
        return self._reading
