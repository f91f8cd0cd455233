"""A live session: requests from many threads, one after another; nothing that fails ends it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tiny_jobs import save_student
from tiny_memory import WordsAndColours, jpeg

from agent.loop import build
from agent.loop.build import SessionOptions, live
from agent.loop.controller import Controller
from agent.loop.live import SessionThread
from agent.recording.record import read_recording
from core.config import Config
from core.errors import InputError, QuestionError, UnknownModelError
from core.events import Answered, Corrected, Event, SessionEnded, SessionStarted
from core.frames import frame_of
from core.sections import AdaptationConfig
from memory.store import Memory

FRAME = frame_of(jpeg(0))


@pytest.fixture(autouse=True)
def small_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "room_embedder", lambda student: WordsAndColours())


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_student(tmp_path_factory.mktemp("models") / "student")


def _session(student: str, folder: Path, said: list[Event], name: str = "sessions/one") -> SessionThread:
    wish = SessionOptions(student, build.RECORDED, 0, 0, folder, live=True)
    config = Config(adaptation=AdaptationConfig(least_pairs=1000))
    return SessionThread(lambda: live("den", name, wish, config, said.append))


def test_a_session_is_opened_asked_and_ended(student: str, tmp_path: Path) -> None:
    said: list[Event] = []
    session = _session(student, tmp_path, said)
    session.start().result(60)
    answered = session.ask("What is it?", FRAME, 12.0).result(60)
    assert isinstance(answered, Answered) and answered.turn == 1
    session.do(lambda session: session.correct(1, "a red sofa")).result(60)
    again = session.ask("What is it?", FRAME, 12.0).result(60)
    assert (again.by, again.text) == ("memory", "a red sofa")
    session.stop()
    session.ended.result(1)
    assert isinstance(said[0], SessionStarted) and isinstance(said[-1], SessionEnded)
    recording = read_recording(tmp_path / "sessions" / "one")
    assert len(recording.events) == len(said)
    # What was learnt stays for the next session.
    later = _session(student, tmp_path, [], "sessions/two")
    later.start().result(60)
    assert later.ask("What is it?", FRAME, 1.0).result(60).text == "a red sofa"
    later.stop()


def test_what_cannot_be_answered_is_the_askers_alone(student: str, tmp_path: Path) -> None:
    session = _session(student, tmp_path, [])
    session.start().result(60)
    with pytest.raises(QuestionError):
        session.ask(" ", FRAME, 0.0).result(60)
    with pytest.raises(InputError):
        session.do(lambda session: session.correct(9, "red")).result(60)

    def broken(controller: Controller) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        session.do(broken).result(60)
    assert session.ask("What is it?", FRAME, 0.0).result(60).turn == 1
    session.stop()


def test_requests_of_many_threads_are_done_one_after_another(student: str, tmp_path: Path) -> None:
    said: list[Event] = []
    session = _session(student, tmp_path, said)
    session.start().result(60)
    turns: list[int] = []

    def ask(number: int) -> None:
        turns.append(session.ask(f"What is thing {number}?", FRAME, 0.0).result(60).turn)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    session.stop()
    assert sorted(turns) == [1, 2, 3, 4, 5]


def test_more_than_may_wait_is_refused_at_once(student: str, tmp_path: Path) -> None:
    session = _session(student, tmp_path, [])
    free = threading.Event()
    session.start().result(60)
    held = session.do(lambda controller: free.wait(30))
    waiting = [session.do(lambda controller: None) for _ in range(20)]
    refused = [one for one in waiting if one.done() and one.exception()]
    assert refused and "at once" in str(refused[0].exception())
    free.set()
    assert held.result(30)
    session.stop()


def test_what_cannot_be_opened_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    session = _session("no-such-model", tmp_path, [])
    with pytest.raises(UnknownModelError):
        session.start().result(60)
    session.stop()
    assert session.ask("What?", FRAME, 0.0) is not None
    assert not any(tmp_path.iterdir())


def test_a_fault_between_turns_is_heard_of(student: str, tmp_path: Path) -> None:
    @contextmanager
    def opening() -> Iterator[Any]:
        class Broken:
            def between_turns(self, awaited: object) -> None:
                raise ZeroDivisionError

        yield Broken()

    session = SessionThread(opening)
    session.start().result(60)
    with pytest.raises(ZeroDivisionError):
        session.ended.result(60)


def test_stopping_answers_what_is_being_answered_and_nothing_more(student: str, tmp_path: Path) -> None:
    said: list[Event] = []
    session = _session(student, tmp_path, said)
    session.start().result(60)
    session.do(lambda session: session.correct(1, "x"))
    left = [session.ask("What?", FRAME, 0.0) for _ in range(5)]
    session.stop()
    assert all(one.done() or one.cancelled() for one in left)
    assert isinstance(said[-1], SessionEnded) and not any(isinstance(event, Corrected) for event in said)
    with Memory.open(tmp_path / "memory", read_only=True) as memory:
        assert memory.pairs() == []
