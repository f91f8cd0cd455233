"""How a session is at the moment: the newest frame made small, meters, indicators."""

import time
from dataclasses import dataclass, replace

from agent.console.protocol import Pulse
from agent.machine.meters import Meters, Reading
from agent.station.eyes import SMALL, Eyes, as_jpeg
from agent.station.voice import Hearing

_METERS_EVERY = 1.0  # seconds


@dataclass(frozen=True)
class Indicators:
    """What a pulse says beside what is measured; see `Pulse`."""

    microphone: str = ""
    recording: bool = True
    learning: bool = True
    attached: int = 0


class Pulses:
    """Makes one pulse after another. For one thread; `whole` may be read by any."""

    def __init__(self, eyes: Eyes, meters: Meters) -> None:
        self._eyes, self._meters = eyes, meters
        self._reading, self._read = Reading(), float("-inf")
        self._taken = float("-inf")
        self._small = b""
        self.whole = Pulse()
        """The last one with its frame, whether or not that was new: for who has heard none yet."""

    def make(self, hearing: Hearing | None, also: Indicators) -> Pulse:
        """How things are now; the frame is empty when it is the same as in the last one."""
        frame, age = self._frame()
        reading = self._measured()
        self.whole = Pulse(
            self._small,
            age,
            self._eyes.rate,
            self._eyes.trouble,
            also.microphone or (hearing.trouble if hearing else ""),
            hearing.state if hearing else "none",
            also.recording,
            also.learning,
            also.attached,
            reading.memory_bytes,
            reading.processor,
            reading.gpu,
            reading.watts,
            reading.celsius,
        )
        return replace(self.whole, frame=frame)

    def _frame(self) -> tuple[bytes, float | None]:
        """The newest frame made small, or nothing if it looks the same as before; and its age."""
        found = self._eyes.newest()
        if found is None:
            return b"", None
        captured, age = found
        if captured.taken == self._taken:
            return b"", age
        self._taken, before = captured.taken, self._small
        self._small = as_jpeg(captured, width=SMALL)
        return b"" if self._small == before else self._small, age

    def _measured(self) -> Reading:
        now = time.monotonic()
        if now - self._read >= _METERS_EVERY:
            self._reading, self._read = self._meters.read(), now
        return self._reading
