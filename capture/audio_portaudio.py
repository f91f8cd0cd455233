"""Microphones through PortAudio, at their own rate and channels. Only this file uses sounddevice."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from numpy.typing import NDArray

from capture.audio_messages import MESSAGES
from capture.audio_pieces import Deliver, captured_at
from capture.audio_resample import HIGHEST, LOWEST
from capture.microphone import Opener, Stream
from core.errors import CaptureError
from core.extras import require

_PIECE = 0.02  # seconds of sound a call
_MOST_CHANNELS = 8  # sound servers claim to have dozens
_COMMON_RATES = (48_000, 44_100, 16_000)


def portaudio(device: str, messages: Path) -> Opener:
    """The opener of a microphone by number or part of its name; "" is the system's default.

    Output of PortAudio and ALSA goes to the file `messages`. Raises MissingDependencyError, and CaptureError
    when PortAudio is not installed; the opener raises CaptureError when there is no such device.
    """
    with MESSAGES.hold(messages):
        library = _library()
    return _Device(library, int(device) if device.isdecimal() else device or None, messages)


def settings(rate: float, channels: int) -> Iterator[tuple[int, int]]:
    """Rates and channels to try, the device's own first: some refuse others, and some their own."""
    own = int(rate) if LOWEST <= rate <= HIGHEST else _COMMON_RATES[0]  # some report 0
    counts = dict.fromkeys((channels if channels <= _MOST_CHANNELS else 2, 1, 2))
    for count in (count for count in counts if count <= channels):
        for sample_rate in dict.fromkeys((own, *_COMMON_RATES)):
            yield sample_rate, count


class _Device:
    """One microphone, opened as often as it is called."""

    def __init__(self, library: ModuleType, device: int | str | None, messages: Path) -> None:
        self._library, self._device, self._messages = library, device, messages
        self._opened_before = False

    def __call__(self, deliver: Deliver) -> Stream:
        with contextlib.ExitStack() as stack:
            stack.enter_context(MESSAGES.hold(self._messages))
            if self._opened_before:
                _refresh_devices(self._library)
            self._opened_before = True
            return _Open(_open(self._library, self._device, deliver), stack.pop_all())


class _Open:
    """A running PortAudio stream."""

    def __init__(self, stream: Any, held: contextlib.ExitStack) -> None:
        self.rate, self.channels = int(stream.samplerate), int(stream.channels)
        self._stream, self._held = stream, held

    def alive(self) -> bool:
        return bool(self._stream.active)

    def close(self) -> None:
        with self._held:
            # Stopping a device that is gone may fail, and stops it.
            self._stream.close(ignore_errors=True)


def _library() -> ModuleType:
    try:
        return require("sounddevice", "voice")
    except OSError as error:
        raise CaptureError(
            f"Microphones need PortAudio, which is not installed ({error}). "
            "Install it with: apt install libportaudio2 (elsewhere pip's sounddevice brings it)."
        ) from error


def _refresh_devices(library: ModuleType) -> None:
    """Restart PortAudio, which lists devices only when it starts."""
    library._terminate()
    library._initialize()


def _open(library: ModuleType, device: int | str | None, deliver: Deliver) -> Any:
    try:
        info = library.query_devices(device, "input")
    except (ValueError, library.PortAudioError) as error:
        raise CaptureError(_missing_message(device, error)) from error
    failure: Exception | None = None
    for rate, channels in settings(info["default_samplerate"], info["max_input_channels"]):
        try:
            return _start(library, device, rate, channels, deliver)
        except library.PortAudioError as error:
            failure = failure or error
    raise CaptureError(
        f"The microphone {info['name']!r} cannot be opened: {failure or 'it is no input'}. "
        "Check that no other program holds it, or set voice.microphone to another one."
    )


def _start(library: ModuleType, device: int | str | None, rate: int, channels: int, deliver: Deliver) -> Any:
    """A running stream. One that does not start is closed, since it would keep the device from the next."""
    stream = library.InputStream(
        samplerate=rate, blocksize=int(rate * _PIECE), device=device, channels=channels,
        dtype="float32", callback=_callback(deliver, rate),
    )  # fmt: skip
    try:
        stream.start()
    except library.PortAudioError:
        stream.close(ignore_errors=True)
        raise
    return stream


def _missing_message(device: int | str | None, error: Exception) -> str:
    remedy = "Plug one in; python -m sounddevice lists what is seen. A container needs --device /dev/snd."
    if device is None:
        return f"No microphone was found ({error}). {remedy}"
    return f"There is no microphone {device!r} ({error}). Set voice.microphone to another one. {remedy}"


def _callback(deliver: Deliver, rate: int) -> Callable[[NDArray[Any], int, Any, Any], None]:
    def callback(frames: NDArray[Any], count: int, times: Any, status: Any) -> None:
        delay = float(times.currentTime - times.inputBufferAdcTime)
        # PortAudio reuses the memory.
        deliver(frames.copy(), captured_at(time.monotonic(), count, rate, delay))

    return callback
