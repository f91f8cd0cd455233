"""Spoken questions are kept with the session, and heard anew by voice activity and Whisper on request."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from tiny_jobs import save_student
from tiny_sounds import hiss, save, voice
from tiny_station import Cable, Ear, seen, station

from agent.recording.record import read_recording
from agent.recording.visit import read_visit
from agent.replay import session
from agent.replay.session import hear_questions
from agent.sessions.redact import Choice, redact
from agent.station.voice import Hearing
from capture.audio import RATE, Samples
from capture.audio_again import hear_file
from capture.audio_file import as_wav, open_sound
from capture.audio_inventions import Draft
from capture.audio_judged import Rules
from capture.speaker import Mute
from capture.transcribe import Transcript
from capture.voice_activity import open_voice_activity
from core.errors import InputError
from core.events import Answered, SpeechHeard
from core.sections import VoiceConfig

VOICE = VoiceConfig(activity="energy", listen="open")


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_student(tmp_path_factory.mktemp("models") / "student")


@pytest.fixture
def cable() -> Cable:
    return Cable()


@pytest.fixture
def ear() -> Ear:
    return Ear()


class _Whisper:
    """Writes down how many seconds of a sound are loud, so that each has words of its own."""

    def draft(self, samples: Samples) -> Draft:
        tenths = samples[: len(samples) // 1600 * 1600].reshape(-1, 1600)
        loud = np.count_nonzero(np.square(tenths).mean(1) > 1e-3)
        return Draft(f" What is {round(loud / 10)}?", 0.05, -0.2, 1.2)


def _quiet() -> Console:
    return Console(quiet=True)


@pytest.fixture
def ears(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "whisper_loader", lambda config: _Whisper)


def test_a_sound_is_the_same_after_it_was_kept(tmp_path: Path) -> None:
    sound = np.clip(voice(0.5), -1, 1 - 2**-15)
    path = tmp_path / "sound.wav"
    path.write_bytes(as_wav(sound))
    opened = open_sound(path)
    again = opened.read(len(sound) + 1)
    opened.close()
    assert opened.rate == RATE and again.shape == (len(sound), 1)
    np.testing.assert_allclose(again[:, 0], sound, atol=0.6 / 32768)


def test_what_a_microphone_gave_is_one_utterance_again(tmp_path: Path) -> None:
    activity = open_voice_activity("energy", lambda note: None)
    path = save(tmp_path / "cut.wav", voice(1.0))  # cut close: no silence before or after
    (found,) = hear_file(path, _Whisper(), activity, Rules(open_microphone=True))
    assert isinstance(found, Transcript)
    assert found.began == pytest.approx(0.0, abs=0.1) and found.ended == pytest.approx(1.0, abs=0.1)
    assert hear_file(save(tmp_path / "hiss.wav", hiss(1.0, 1e-4)), _Whisper(), activity, Rules()) == []


def _session(folder: Path, turns: list[dict[str, Any]]) -> Path:
    folder.mkdir()
    (folder / "frame-0.jpg").write_bytes(b"not looked at")
    (folder / "session.json").write_text(json.dumps({"turns": turns}))
    return folder


def test_what_is_heard_takes_the_place_of_the_words(tmp_path: Path, ears: None) -> None:
    turns = [
        {"frame": 0, "question": "What is long?", "answer": "a word", "audio": "long.wav"},
        {"frame": 0, "question": "What was typed?"},
        {"frame": 0, "question": "What is hiss?", "audio": "hiss.wav"},
    ]
    folder = _session(tmp_path / "visit", turns)
    save(folder / "long.wav", voice(2.2))
    save(folder / "hiss.wav", hiss(1.0, 1e-4))
    told = Console(record=True, width=100, file=io.StringIO())
    visit = hear_questions(read_visit(folder), VOICE, told)
    assert [turn.question for turn in visit.turns] == ["What is 2?", "What was typed?"]
    assert visit.turns[0].answer == "a word"
    text = told.export_text()
    assert '1  What is long?: heard "What is 2?"' in text and "3  What is hiss?: heard nothing" in text


def test_without_a_sound_there_is_nothing_to_hear(tmp_path: Path, ears: None) -> None:
    folder = _session(tmp_path / "typed", [{"frame": 0, "question": "What is it?"}])
    with pytest.raises(InputError, match="Leave --from-audio out"):
        hear_questions(read_visit(folder), VOICE, _quiet())
    folder = _session(tmp_path / "silent", [{"frame": 0, "question": "What is it?", "audio": "a.wav"}])
    save(folder / "a.wav", hiss(1.0, 1e-4))
    with pytest.raises(InputError, match="Nothing was heard"):
        hear_questions(read_visit(folder), VOICE, _quiet())


def test_a_sound_outside_the_folder_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "secret.wav", voice(0.5))
    folder = _session(tmp_path / "visit", [{"frame": 0, "question": "What is it?", "audio": "../secret.wav"}])
    with pytest.raises(InputError, match="outside its folder"):
        read_visit(folder)


def test_a_spoken_question_is_recorded_with_its_sound_heard_again_and_redacted(
    student: str, tmp_path: Path, cable: Cable, ear: Ear, ears: None
) -> None:
    sound = hiss(5.0, 0.001)
    sound[int(1.5 * RATE) : int(3.7 * RATE)] += voice(2.2)
    config = VOICE.model_copy(update={"microphone": str(save(tmp_path / "said.wav", sound))})

    def hear(say: Any, ask: Any, keep: Any) -> Hearing:
        return Hearing(config, tmp_path / "log", Mute(), say, ask, keep, _Whisper)

    with station(student, tmp_path / "home", cable, hearing=hear) as one:
        seen(one, ear)
        spoken = ear.wait(lambda heard: isinstance(heard, SpeechHeard))
        ear.wait(lambda heard: isinstance(heard, Answered))
    folder = tmp_path / "home" / "sessions" / "one"
    (turn,) = read_visit(folder).turns
    assert spoken.audio and turn.audio is not None and turn.audio.name == f"{spoken.audio}.wav"
    assert (
        hear_questions(read_visit(folder), VOICE, _quiet()).turns[0].question == turn.question == spoken.text
    )
    redact(folder, Choice(None, frames=False, words=True))
    assert not list(folder.glob("blobs/*.wav"))
    assert all(event.audio != spoken.audio for event in read_recording(folder).events
               if isinstance(event, SpeechHeard))  # fmt: skip
