"""Sounds made for tests, float32 at 16 kHz."""

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from capture.audio import CHUNK, RATE, Samples


def voice(seconds: float, loudness: float = 0.3, seed: int = 0) -> Samples:
    """Something with the rhythm of speech: bursts of a buzz, some five a second."""
    times = np.arange(int(seconds * RATE)) / RATE
    buzz = sum(np.sin(2 * np.pi * 120 * harmonic * times) / harmonic for harmonic in range(1, 12))
    rhythm = 0.55 + 0.45 * np.sin(2 * np.pi * 5 * times + seed)
    return (loudness * rhythm * buzz / 2).astype(np.float32)


def hiss(seconds: float, loudness: float, seed: int = 0) -> Samples:
    """White noise with this root mean square."""
    return np.random.default_rng(seed).normal(0, loudness, int(seconds * RATE)).astype(np.float32)


def save(path: Path, sound: Samples) -> Path:
    """As a 16-bit WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def chunks(sound: NDArray[np.float32]) -> Sequence[NDArray[np.float32]]:
    """Whole chunks of a sound."""
    return [sound[first : first + CHUNK] for first in range(0, len(sound) - CHUNK + 1, CHUNK)]
