"""A session as a screen sees it: what it hears, what its wishes come to, and what a failing camera does."""

import io
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tiny_jobs import save_student
from tiny_memory import WordsAndColours
from tiny_station import CONFIG, Cable, Ear, answer, events_of, seen, station

from agent.console import (
    Ask,
    Back,
    Choose,
    Correct,
    Export,
    Find,
    Gone,
    Overlay,
    Pause,
    Picture,
    Pulse,
    Record,
    Revise,
    Sessions,
    Settings,
    Talk,
    Versions,
)
from agent.loop import build
from agent.recording.record import Recorder, read_recording
from agent.sentences import sentence
from agent.station.station import Station
from core.errors import (
    CaptureError,
    InputError,
    MissingDependencyError,
    QuestionError,
    RoomwiseError,
    StorageError,
    UnknownModelError,
)
from core.events import (
    Answered,
    Asked,
    CameraChanged,
    Corrected,
    Failed,
    LearningPaused,
    RecordingChanged,
    SceneChanged,
    SessionEnded,
    SessionStarted,
)


@pytest.fixture(autouse=True)
def small_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "room_embedder", lambda student: WordsAndColours())


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_student(tmp_path_factory.mktemp("models") / "student")


@pytest.fixture
def cable() -> Cable:
    return Cable()


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def running(student: str, tmp_path: Path, cable: Cable, ear: Ear) -> Iterator[Station]:
    with station(student, tmp_path, cable) as one:
        seen(one, ear)
        yield one


def test_a_question_is_answered_about_the_newest_frame(running: Station, cable: Cable, ear: Ear) -> None:
    assert answer(running.put(Ask("What is it?"))) == 1
    asked = ear.wait(lambda heard: isinstance(heard, Asked))
    assert 0 <= asked.frame_age_ms < 2000
    picture = answer(running.put(Picture(asked.frame)))
    assert Image.open(io.BytesIO(picture)).size == (64, 48)
    assert ear.wait(lambda heard: isinstance(heard, Answered)).turn == 1


def test_who_comes_later_hears_all_that_was(running: Station, ear: Ear) -> None:
    answer(running.put(Ask("What is it?")))
    late = Ear()
    detach = running.listen(late)
    first = late.wait(lambda heard: True)
    assert isinstance(first, Back) and isinstance(first.events[0], SessionStarted)
    assert isinstance(first.events[-1], Answered)
    assert isinstance(late.heard[1], Pulse) and late.heard[1].frame
    assert late.wait(lambda heard: isinstance(heard, Pulse) and heard.attached == 2)
    detach()
    late.forget()
    answer(running.put(Correct(1, "a red sofa")))
    assert ear.wait(lambda heard: isinstance(heard, Corrected)) and not events_of(late)


def test_pulses_tell_how_things_are_and_a_frame_only_when_it_is_new(running: Station, ear: Ear) -> None:
    pulse = ear.wait(lambda heard: isinstance(heard, Pulse) and heard.memory_bytes and heard.frames_per_s > 1)
    assert pulse.age_ms < 2000 and not pulse.camera and pulse.listening == "none" and pulse.recording
    assert pulse.memory_bytes > 1e6 and 0 <= pulse.processor <= 1
    ear.forget()
    ear.wait(lambda heard: len(ear.of(Pulse)) > 3)
    assert not any(one.frame for one in ear.of(Pulse)), "the toy sees the same all the time"


def test_memory_is_searched_corrected_and_forgotten(running: Station) -> None:
    answer(running.put(Ask("What colour is it?")))
    answer(running.put(Correct(1, "red")))
    answer(running.put(Ask("Where is the lamp?")))
    answer(running.put(Correct(2, "there")))
    newest, oldest = answer(running.put(Find()))
    assert (newest.answer, oldest.answer, newest.likeness) == ("there", "red", None)
    best = answer(running.put(Find("what colour is it", 1)))
    assert [one.pair for one in best] == [oldest.pair] and best[0].likeness > 0.9
    answer(running.put(Revise(oldest.pair, "green")))
    answer(running.put(Revise(newest.pair, None)))
    assert [one.answer for one in answer(running.put(Find()))] == ["green"]
    assert answer(running.put(Picture(oldest.frame))).startswith(b"\xff\xd8")


def test_sessions_settings_and_versions_are_listed(running: Station) -> None:
    answer(running.put(Ask("What is it?")))
    (line,) = answer(running.put(Sessions()))
    assert (line.name, line.room, line.turns, line.taken_over) == ("one", "den", 1, 1.0) and line.bytes > 100
    settings = {one.name: one for one in answer(running.put(Settings()))}
    assert (
        settings["camera.oldest_ms"].value == "2000" and settings["adaptation.least_pairs"].origin == "option"
    )
    assert settings["router.warm_up"].origin == "default"
    assert answer(running.put(Versions())) == []


def test_a_session_is_exported_beside_the_others(running: Station, tmp_path: Path) -> None:
    answer(running.put(Ask("What is it?")))
    file = Path(answer(running.put(Export("one"))))
    assert file.name == "one.zip" and zipfile.is_zipfile(file)
    with pytest.raises(StorageError, match="there already"):
        answer(running.put(Export("one")))
    with pytest.raises(InputError):
        answer(running.put(Export("../one")))


def test_an_overlay_is_a_picture_of_the_same_size(running: Station) -> None:
    answer(running.put(Ask("What is it?")))
    drawn = answer(running.put(Overlay(1)))
    assert Image.open(io.BytesIO(drawn)).size == (64, 48)
    with pytest.raises(InputError, match="turn 9"):
        answer(running.put(Overlay(9)))


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        (Ask(" "), QuestionError),
        (Correct(7, "red"), InputError),
        (Revise("ff", None), RoomwiseError),
        (Choose(None), InputError),
        (Picture("../../etc/passwd"), InputError),
        (Picture("0" * 64), InputError),
        (Talk(True), InputError),
    ],
)
def test_what_cannot_be_done_is_said(running: Station, wish: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        answer(running.put(wish))
    assert answer(running.put(Ask("What is it?"))) == 1


def test_learning_waits_and_goes_on(running: Station, ear: Ear) -> None:
    answer(running.put(Pause(True)))
    assert ear.wait(lambda heard: isinstance(heard, LearningPaused)).paused
    assert ear.wait(lambda heard: isinstance(heard, Pulse) and not heard.learning)
    answer(running.put(Pause(False)))
    ear.wait(lambda heard: isinstance(heard, Pulse) and heard.learning)


def test_a_camera_that_dies_is_said_and_nothing_stale_is_answered(
    running: Station, cable: Cable, ear: Ear
) -> None:
    cable.plugged, began = False, time.monotonic()
    lost = ear.wait(lambda heard: isinstance(heard, CameraChanged) and not heard.there, 5)
    assert time.monotonic() - began < 5 and "unplugged" in lost.reason
    assert ear.wait(lambda heard: isinstance(heard, Pulse) and "Plug it in" in heard.camera)
    time.sleep(2.1)
    with pytest.raises(CaptureError):
        answer(running.put(Ask("What is it?")))
    assert not ear.of(Asked)
    cable.plugged = True
    back = ear.wait(lambda heard: isinstance(heard, CameraChanged) and heard.seconds > 0, 5)
    assert back.there and back.seconds > 2
    assert answer(running.put(Ask("What is it?"))) == 1


def test_a_view_that_was_not_seen_is_noticed(running: Station, cable: Cable, ear: Ear) -> None:
    time.sleep(1.2)
    cable.view = 5
    assert ear.wait(lambda heard: isinstance(heard, SceneChanged)).change == "view"


def test_nothing_is_kept_while_recording_is_off(
    running: Station, tmp_path: Path, cable: Cable, ear: Ear
) -> None:
    answer(running.put(Ask("What is it?")))
    answer(running.put(Record(False)))
    assert ear.wait(lambda heard: isinstance(heard, Pulse) and not heard.recording)
    cable.view = 3
    time.sleep(0.3)
    assert answer(running.put(Ask("And now?"))) == 2
    asked = ear.wait(lambda heard: isinstance(heard, Asked) and heard.turn == 2)
    assert answer(running.put(Picture(asked.frame)))
    recording = read_recording(tmp_path / "sessions" / "one")
    assert isinstance(recording.events[-1], RecordingChanged) and not recording.events[-1].recording
    assert len(list((tmp_path / "sessions/one/blobs").iterdir())) == 1
    answer(running.put(Record(True)))
    answer(running.put(Ask("And now?")))
    events = read_recording(tmp_path / "sessions" / "one").events
    assert [event.turn for event in events if isinstance(event, Asked)] == [1, 3]


def test_a_session_that_is_not_recorded_leaves_no_file_until_it_is(
    student: str, tmp_path: Path, cable: Cable, ear: Ear
) -> None:
    with station(student, tmp_path, cable, record=False) as one:
        seen(one, ear)
        answer(one.put(Ask("What is it?")))
        assert not (tmp_path / "sessions").exists()
        answer(one.put(Record(True)))
        answer(one.put(Ask("What is it?")))
    events = read_recording(tmp_path / "sessions" / "one").events
    assert isinstance(events[0], SessionStarted) and isinstance(events[-1], SessionEnded)
    assert [event.turn for event in events if isinstance(event, Asked)] == [2]


def test_a_full_disk_ends_the_recording_and_not_the_session(
    running: Station, tmp_path: Path, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Recorder, event: object) -> None:
        raise StorageError("Cannot write. The disk is full. Free some space.")

    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "append", full)
        assert answer(running.put(Ask("What is it?"))) == 1
    failed = ear.wait(lambda heard: isinstance(heard, Failed))
    assert failed.what == "recording" and "disk is full" in failed.error
    assert ear.wait(lambda heard: isinstance(heard, Pulse) and not heard.recording)
    answer(running.put(Record(True)))
    assert answer(running.put(Ask("What is it?"))) == 2
    turns = [
        event.turn
        for event in read_recording(tmp_path / "sessions/one").events
        if isinstance(event, Answered)
    ]
    assert turns == [2]


def test_what_cannot_be_opened_ends_it_with_the_reason(tmp_path: Path, cable: Cable, ear: Ear) -> None:
    with station("no-such-model", tmp_path, cable) as one:
        one.listen(ear)
        gone = ear.wait(lambda heard: isinstance(heard, Gone))
        assert gone.ended and "no-such-model" in gone.reason
        with pytest.raises(UnknownModelError):
            one.over.result(30)
        with pytest.raises(InputError, match="over"):
            answer(one.put(Ask("What is it?")))


def test_a_broken_screen_is_told_no_more(running: Station, ear: Ear) -> None:
    heard: list[object] = []

    def broken(one: object) -> None:
        heard.append(one)
        raise ZeroDivisionError

    running.listen(broken)
    answer(running.put(Ask("What is it?")))
    assert len(heard) == 1 and ear.of(Answered)


def test_many_screens_ask_at_once_and_every_wish_is_replied_to(
    student: str, tmp_path: Path, cable: Cable, ear: Ear
) -> None:
    replies: list[Any] = []
    with station(student, tmp_path, cable, config=CONFIG) as one:
        seen(one, ear)

        def ask() -> None:
            replies.extend(one.put(wish) for wish in (Ask("What is it?"), Find(), Versions(), Settings()))

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        answer(replies[0])
    assert len(replies) == 24 and all(reply.done() for reply in replies)
    assert ear.wait(lambda heard: isinstance(heard, Gone)).ended
    errors = {type(reply.exception()) for reply in replies} - {type(None)}
    assert errors <= {InputError}


def test_without_voice_typing_is_enough(student: str, cable: Cable, ear: Ear, tmp_path: Path) -> None:
    def hearing(say: object, ask: object, keep: object) -> Any:
        raise MissingDependencyError("No sounddevice here. Install the extra voice.")

    with station(student, tmp_path, cable, hearing=hearing) as one:
        seen(one, ear)
        said = ear.wait(lambda heard: isinstance(heard, Failed))
        assert said.what == "no microphone" and "note" in sentence(said)
        assert ear.of(Pulse)[-1].microphone == ""
        with pytest.raises(InputError, match="Install the extra voice"):
            answer(one.put(Talk(True)))
