"""A microphone that is listened to all the time, whatever its rate and channels, and found again when lost.

Threads: the sound card's own delivers and never waits; one opens the device, watches over it and opens it
again; whoever calls `read` turns what was delivered into 16 kHz.
"""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from capture.audio import Block
from capture.audio_listener import OverflowQueue
from capture.audio_pieces import Converter, Deliver, Delivery, Piece
from capture.audio_watch import MicrophoneOpened, Status, pauses
from capture.device import DeviceBack, Lost
from core.errors import CaptureError

QUEUE = 500
"""Pieces that wait to be read; a sound card delivers some 50 a second."""

_LOOK = 0.1  # seconds between two looks at a device
_GRACE = 2.0  # seconds that closing waits for a device to let go


class Stream(Protocol):
    """A device that is open and delivers."""

    rate: int
    channels: int

    def alive(self) -> bool:
        """Whether it still runs, as far as it knows."""

    def close(self) -> None:
        """Stop it. Does not raise."""


Opener = Callable[[Deliver], Stream]
"""Opens the device. Raises CaptureError, with the remedy, when it cannot."""


class Microphone:
    """Sound of one device, from `start` to `close`.

    `tell` gets every `Status`, on the microphone's own thread: it must be quick and must not raise. After
    `stalled` seconds without sound the device is opened again.
    """

    def __init__(
        self,
        opener: Opener,
        tell: Callable[[Status], None] = lambda status: None,
        stalled: float = 3.0,
        longest_pause: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._opener, self._tell, self._clock = opener, tell, clock
        self._stalled, self._longest_pause = stalled, longest_pause
        self._pieces: OverflowQueue[Piece] = OverflowQueue(QUEUE)
        self._converter = Converter()
        self._closing = threading.Event()
        self._streams = 0  # opened so far
        self._last = clock()  # when sound last came
        self._sounded = False  # whether any ever came
        self._lost = ""  # what was told last of why none comes
        self._thread = threading.Thread(target=self._keep, name="microphone", daemon=True)

    @property
    def ended(self) -> bool:
        """Whether it was closed."""
        return self._closing.is_set()

    @property
    def overflowed(self) -> int:
        """How many pieces, of some 20 ms each, were dropped since nobody read them within ten seconds."""
        return self._pieces.overflowed

    def start(self) -> None:
        """Begin to listen; returns at once. What becomes of the device is told."""
        self._last = self._clock()
        self._thread.start()

    def read(self, timeout: float) -> Block | None:
        """The next piece of sound; None when none came within `timeout` seconds."""
        piece = self._pieces.get(timeout)
        return None if piece is None else self._converter.convert(piece)

    def close(self) -> None:
        """Let the device go. Waits two seconds at most, then leaves it to itself."""
        self._closing.set()
        self._pieces.close()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(_GRACE)

    def _keep(self) -> None:
        """Open the device, and again whenever it fails, until closed."""
        waits = pauses(longest=self._longest_pause)
        while not self._closing.is_set():
            self._streams += 1
            delivery = Delivery(self._pieces, self._streams, self._clock)
            reason = self._session(delivery)
            if delivery.last is not None:
                waits = pauses(longest=self._longest_pause)
            if not self._closing.is_set():
                self._say_lost(reason)
                self._closing.wait(next(waits))

    def _session(self, delivery: Delivery) -> str:
        """From one opening of the device to its end, whose reason is returned."""
        try:
            stream = self._opener(delivery)
        except CaptureError as error:
            return str(error)
        delivery.begin(stream.rate)
        try:
            return self._watch(stream, delivery)
        finally:
            delivery.end()
            stream.close()

    def _watch(self, stream: Stream, delivery: Delivery) -> str:
        """Look at a device that is open until it fails or all is closed; says why."""
        opened, flowing = self._clock(), False
        while not self._closing.wait(_LOOK):
            last = delivery.last
            if last is not None:
                if not flowing:
                    self._say_open(stream, last)
                flowing, self._last = True, last
            if not stream.alive():
                return "The microphone has stopped. Check that it is plugged in."
            if self._clock() - (opened if last is None else last) > self._stalled:
                return (
                    f"The microphone has given no sound for {self._stalled:g} s. "
                    "Check that it is plugged in and that no other program holds it."
                )
        return ""

    def _say_open(self, stream: Stream, now: float) -> None:
        first, self._sounded, self._lost = not self._sounded, True, ""
        self._tell(MicrophoneOpened(stream.rate, stream.channels) if first else DeviceBack(now - self._last))

    def _say_lost(self, reason: str) -> None:
        """Once, however many attempts fail for the same reason."""
        if reason != self._lost:
            self._lost = reason
            self._tell(Lost(reason))
