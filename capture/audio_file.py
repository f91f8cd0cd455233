"""Sound files instead of a microphone: WAV by the standard library, FLAC and others by soundfile."""

import io
import threading
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from capture.audio import RATE, Block, Samples
from capture.audio_channels import Downmix
from capture.audio_resample import HIGHEST, LOWEST, Resampler
from capture.audio_wave import WaveFile
from core.errors import CaptureError
from core.extras import require

PIECE = 0.02
"""Seconds of sound in a piece."""
_REMEDY = "Turn it into one: ffmpeg -i FILE -ac 1 -ar 16000 out.wav"


class SoundFile(Protocol):
    """An open sound file."""

    rate: int

    def read(self, frames: int) -> NDArray[np.float32]:
        """The next frames, float32 [n, channels] in [-1, 1]; fewer at the end, none after it."""

    def close(self) -> None:
        """Let the file go."""


class FileMicrophone:
    """Plays a file as if it were recorded from `start` on, in real time or at once."""

    def __init__(
        self, path: Path, real_time: bool = True,
        clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self._path, self._real_time, self._clock, self._sleep = path, real_time, clock, sleep
        self._file: SoundFile | None = None
        self._lock = threading.Lock()
        self._ended = False
        self._began = 0.0
        self._samples_read = 0  # samples at 16 kHz

    @property
    def ended(self) -> bool:
        """Whether it was read to its end or closed."""
        return self._ended

    def start(self) -> None:
        """Open the file. Raises CaptureError when it is no readable sound."""
        self._file = open_sound(self._path)
        self._downmix, self._resampler = Downmix(self._file.rate), Resampler(self._file.rate)
        self._began = self._clock()

    def read(self, timeout: float) -> Block | None:
        """The next piece; None at the end, or when it does not end within `timeout` seconds from now."""
        if self._file is None or self._ended:
            return None
        if self._real_time and not self._wait_for_piece(timeout):
            return None
        with self._lock:
            if self.ended:  # closed by another thread meanwhile
                return None
            frames = self._file.read(max(1, int(self._file.rate * PIECE)))
        self._ended = not len(frames)
        mixed = self._downmix.mix(frames)
        samples = self._resampler.finish() if self._ended else self._resampler.push(mixed)
        block = Block(samples, self._began + self._samples_read / RATE)
        self._samples_read += len(samples)
        return block

    def close(self) -> None:
        self._ended = True
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _wait_for_piece(self, timeout: float) -> bool:
        """Wait until the next piece is over; False when that takes longer than `timeout` seconds."""
        remaining = self._began + self._samples_read / RATE + PIECE - self._clock()
        self._sleep(max(0.0, min(remaining, timeout)))
        return remaining <= timeout


def open_sound(path: Path) -> SoundFile:
    """Open a sound file for reading.

    Raises CaptureError, and MissingDependencyError for what is no plain WAV where soundfile is not installed.
    """
    if not path.is_file():
        raise CaptureError(f"There is no sound file at {path}. Check the path.")
    try:
        opened: SoundFile = WaveFile(path)
    except OSError as error:
        raise CaptureError(f"{path} cannot be read: {error}. Check its permissions.") from error
    except ValueError:
        opened = _Libsndfile(path)
    if not LOWEST <= opened.rate <= HIGHEST:
        opened.close()
        raise CaptureError(f"{path} has {opened.rate} samples a second. {_REMEDY}")
    return opened


class _Libsndfile:
    """What libsndfile reads: FLAC, Ogg, and WAV of every kind."""

    def __init__(self, path: Path) -> None:
        library = _soundfile(path)
        try:
            self._file: Any = library.SoundFile(str(path))
        except (library.LibsndfileError, OSError) as error:
            raise CaptureError(f"{path} is not a sound file that can be read ({error}). {_REMEDY}") from error
        if not self._file.frames:
            raise CaptureError(f"There is no sound in {path}. Record it again.")
        self.rate = int(self._file.samplerate)

    def read(self, frames: int) -> NDArray[np.float32]:
        sound: NDArray[np.float32] = self._file.read(frames, dtype="float32", always_2d=True)
        return sound

    def close(self) -> None:
        self._file.close()


def as_wav(samples: Samples) -> bytes:
    """Samples float32 [n] in [-1, 1] at 16 kHz as a WAV file of 16 bits."""
    integers = np.clip(np.round(samples * 32768.0), -32768, 32767).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(RATE)
        writer.writeframes(integers.tobytes())
    return file.getvalue()


def _soundfile(path: Path) -> Any:
    try:
        return require("soundfile", "voice")
    except OSError as error:
        raise CaptureError(f"{path} needs libsndfile, which cannot be loaded ({error}). {_REMEDY}") from error
