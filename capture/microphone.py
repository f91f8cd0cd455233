"""A microphone of any rate and channels that is reopened when lost.

The sound card's thread delivers pieces and never waits; one thread opens and supervises the device; the
caller of `read` converts pieces to 16 kHz.
"""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from capture.audio import Block
from capture.audio_listener import OverflowQueue
from capture.audio_pieces import Converter, Deliver, Delivery, MicrophoneOpened, Piece, Status, pauses
from capture.device import DeviceBack, Lost
from core.errors import CaptureError

QUEUE = 500
"""Pieces that wait to be read; a sound card delivers some 50 a second."""
_LOOK = 0.1  # seconds between two checks of a device
_GRACE = 2.0  # seconds that closing waits for a device
_STILL = 10.0  # seconds of digital silence; programs that take noise away give some between words
_MUTED = (
    "The microphone gives nothing but digital silence: it is muted, or this program may not use it. "
    "Turn it on, at the device and in the system's settings, or set voice.microphone to another one."
)


class Stream(Protocol):
    """An open device."""

    rate: int
    channels: int

    def alive(self) -> bool:
        """Whether it still reports to be running."""

    def close(self) -> None:
        """Stop it. Does not raise."""


Opener = Callable[[Deliver], Stream]
"""Opens the device. Raises CaptureError, with the remedy, when it cannot."""


class Microphone:
    """Sound of one device, from `start` to `close`.

    `tell` gets every `Status` on the microphone's thread; it must be quick and must not raise. After
    `stalled` seconds without sound the device is reopened.
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
        self._silent = clock()  # since when it seems muted
        self._had_sound = False  # whether any ever came
        self._lost_reason = ""  # what was told last of why none comes
        self._thread = threading.Thread(target=self._supervise, name="microphone", daemon=True)

    @property
    def ended(self) -> bool:
        """Whether it was closed."""
        return self._closing.is_set()

    @property
    def overflowed(self) -> int:
        """How many pieces of some 20 ms were dropped because nobody read them within ten seconds."""
        return self._pieces.overflowed

    def start(self) -> None:
        """Begin to listen; returns at once."""
        self._last = self._clock()
        self._thread.start()

    def read(self, timeout: float) -> Block | None:
        """The next piece of sound; None when none came within `timeout` seconds."""
        piece = self._pieces.get(timeout)
        return None if piece is None else self._converter.convert(piece)

    def close(self) -> None:
        """Release the device; abandons one that hangs for two seconds."""
        self._closing.set()
        self._pieces.close()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(_GRACE)

    def _supervise(self) -> None:
        """Open the device, and reopen it whenever it fails, until closed."""
        waits = pauses(longest=self._longest_pause)
        while not self._closing.is_set():
            self._streams += 1
            delivery = Delivery(self._pieces, self._streams, self._clock)
            reason = self._run_device(delivery)
            if delivery.last is not None:
                waits = pauses(longest=self._longest_pause)
            if not self._closing.is_set():
                self._tell_lost(reason)
                self._closing.wait(next(waits))

    def _run_device(self, delivery: Delivery) -> str:
        """Open the device and run it to its end; returns the reason."""
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
        """Check an open device until it fails or the microphone is closed; returns the reason."""
        opened, flowing = self._clock(), False
        while not self._closing.wait(_LOOK):
            last = delivery.last
            if last is not None:
                if not flowing:
                    self._tell_open(stream, last)
                flowing, self._last = True, last
                self._note_silence(delivery.still, last)
            if not stream.alive():
                return "The microphone has stopped. Check that it is plugged in."
            if self._clock() - (opened if last is None else last) > self._stalled:
                return (
                    f"The microphone has given no sound for {self._stalled:g} s. "
                    "Check that it is plugged in and that no other program holds it."
                )
        return ""

    def _tell_open(self, stream: Stream, now: float) -> None:
        first, self._had_sound, self._lost_reason = not self._had_sound, True, ""
        self._tell(MicrophoneOpened(stream.rate, stream.channels) if first else DeviceBack(now - self._last))

    def _note_silence(self, still: float | None, now: float) -> None:
        """Tell when it seems muted, and when it is no more. It stays open: people mute microphones."""
        if still is not None and now - still > _STILL:
            self._silent = still
            self._tell_lost(_MUTED)
        elif still is None and self._lost_reason == _MUTED:
            self._lost_reason = ""
            self._tell(DeviceBack(now - self._silent))

    def _tell_lost(self, reason: str) -> None:
        """Tell that it is lost, once for each reason."""
        if reason != self._lost_reason:
            self._lost_reason = reason
            self._tell(Lost(reason))
