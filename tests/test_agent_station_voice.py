"""A question that is spoken: heard from a file, written down, and asked of what was seen when it began."""

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_sounds import hiss, save, voice
from tiny_station import Cable

from agent.station.eyes import Eyes
from agent.station.voice import Hearing
from capture.audio import RATE, Samples
from capture.audio_inventions import Draft
from capture.speaker import Mute
from core.errors import CaptureError, InputError, WeightsError
from core.events import CameraChanged, Event, Failed, SpeechHeard, SpeechUnheard
from core.sections import VoiceConfig

_WAIT = 120.0


class _Whisper:
    """Writes down the same of everything."""

    def __init__(self, speech: bool = True) -> None:
        self._speech = speech

    def draft(self, samples: Samples) -> Draft:
        said = " What colour is the sofa?"
        return Draft(said, 0.05, -0.2, 1.2) if self._speech else Draft(said, 0.99, -3.0, 1.2)


class _Heard:
    """What a hearing tells."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.asked: list[tuple[str, float]] = []
        self._changed = threading.Condition()

    def say(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def ask(self, question: str, began: float) -> None:
        with self._changed:
            self.asked.append((question, began))
            self._changed.notify_all()

    def wait(self, happened: Any) -> None:
        with self._changed:
            assert self._changed.wait_for(happened, _WAIT), self.events

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def _sound(folder: Path) -> Path:
    """A second of speech after a second and a half."""
    sound = hiss(5.0, 0.001)
    sound[int(1.5 * RATE) : int(2.5 * RATE)] += voice(1.0)
    return save(folder / "question.wav", sound)


def _hearing(folder: Path, heard: _Heard, whisper: Any, **more: Any) -> Hearing:
    config = VoiceConfig(microphone=str(_sound(folder)), activity="energy", **more)
    return Hearing(config, folder / "log", Mute(), heard.say, heard.ask, load=whisper)


def test_an_open_microphone_gives_a_question_and_when_it_began(tmp_path: Path) -> None:
    heard = _Heard()
    hearing = _hearing(tmp_path, heard, _Whisper, listen="open")
    assert hearing.open and hearing.state == "open"
    began = time.monotonic()
    hearing.start()
    heard.wait(lambda: heard.asked)
    hearing.close()
    ((question, at),) = heard.asked
    assert question == "What colour is the sofa?" and at - began == pytest.approx(1.5, abs=1.0)
    (said,) = heard.of(SpeechHeard)
    assert said.text == question and 0 < said.confidence < 1 and said.seconds == pytest.approx(1.0, abs=0.4)
    with pytest.raises(InputError, match="open"):
        hearing.talk(True)


def test_with_the_key_what_is_not_understood_is_said(tmp_path: Path) -> None:
    heard = _Heard()
    hearing = _hearing(tmp_path, heard, lambda: _Whisper(speech=False))
    hearing.start()
    hearing.talk(True)
    time.sleep(3.0)
    hearing.talk(False)
    heard.wait(lambda: heard.of(SpeechUnheard))
    hearing.close()
    assert heard.of(SpeechUnheard)[0].reason and not heard.asked


def test_a_whisper_that_is_missing_is_said_with_the_remedy(tmp_path: Path) -> None:
    def missing() -> Any:
        raise WeightsError("Whisper is not there. Download it once.")

    heard = _Heard()
    hearing = _hearing(tmp_path, heard, missing, listen="open")
    hearing.start()
    heard.wait(lambda: heard.of(Failed))
    hearing.close()
    assert heard.of(Failed)[0].what == "speech" and "Download" in hearing.trouble


def test_a_muted_microphone_shows_it(tmp_path: Path) -> None:
    mute, heard = Mute(), _Heard()
    config = VoiceConfig(microphone=str(_sound(tmp_path)), activity="energy")
    hearing = Hearing(config, tmp_path / "log", mute, heard.say, heard.ask, load=_Whisper)
    states = [hearing.state]
    mute.begin(time.monotonic() - 1)
    states.append(hearing.state)
    assert states == ["key", "muted"]
    hearing.close()


def test_a_spoken_question_is_about_what_was_seen_when_it_began() -> None:
    cable, said = Cable(), list[Event]()
    eyes = Eyes(cable.camera, 2.0, said.append)
    eyes.start()
    _until(lambda: eyes.newest())
    eyes.heed(True)
    moment = time.monotonic()
    before, age = eyes.frame_at(moment)
    assert 0 <= age < 2000
    cable.view = 7
    _until(lambda: not _same(eyes.frame_at(time.monotonic())[0], before))
    assert _same(eyes.frame_at(moment)[0], before)
    now, _ = eyes.frame()
    assert not _same(now, before) and eyes.rate > 0
    with pytest.raises(CaptureError, match="no picture when"):
        eyes.frame_at(time.monotonic() + 100)
    eyes.close()
    (opened,) = said
    assert isinstance(opened, CameraChanged) and opened.there and opened.name == "toy"


def _same(one: Any, other: Any) -> bool:
    first, second = np.asarray(one.picture, float), np.asarray(other.picture, float)
    return float(np.abs(first - second).mean()) < 5


def _until(happened: Any) -> None:
    end = time.monotonic() + _WAIT
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)
