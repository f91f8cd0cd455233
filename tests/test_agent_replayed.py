"""A recording before a screen: events in order, at their times, with their frames; nothing is changed."""

import io
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tiny_memory import jpeg
from tiny_recordings import BEGAN, QUESTIONS, write_recording
from typer.testing import CliRunner

from agent import console
from agent.recording import visit as demos
from agent.recording.record import BLOBS, Recorder, read_recording
from agent.replay import cli as replay_cli
from agent.sessions.redact import Choice, redact
from agent.sessions.replayed import ReplayedConsole
from core.errors import InputError
from core.events import Asked, Event, LearningPaused, Remembered, Resumed, SessionEnded


class _Ear:
    """Notes what is heard and when."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, console.ConsoleMessage]] = []
        self._news = threading.Condition()

    def __call__(self, heard: console.ConsoleMessage) -> None:
        with self._news:
            self.heard.append((time.monotonic(), heard))
            self._news.notify_all()

    def until(self, wanted: Callable[["_Ear"], bool], seconds: float = 20) -> None:
        with self._news:
            assert self._news.wait_for(lambda: wanted(self), seconds)

    @property
    def events(self) -> list[Event]:
        """All so far, those of the beginning included."""
        found: list[Event] = []
        for _, heard in self.heard:
            found += heard.events if isinstance(heard, console.Back) else []
            found += [heard] if isinstance(heard, Event) else []
        return found

    @property
    def pulses(self) -> list[console.Pulse]:
        return [heard for _, heard in self.heard if isinstance(heard, console.Pulse)]

    def ended(self) -> bool:
        return any(isinstance(event, SessionEnded) for event in self.events)


@contextmanager
def _played(folder: Path, speed: float = 0.0, state: Path | None = None) -> Iterator[ReplayedConsole]:
    with closing(ReplayedConsole(read_recording(folder), speed, state or folder.parent)) as played:
        yield played


def _to_the_end(folder: Path, speed: float = 0.0) -> _Ear:
    ear = _Ear()
    with _played(folder, speed) as played:
        played.listen(ear)
        ear.until(_Ear.ended)
    return ear


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_recording(tmp_path / "s")


def test_every_event_is_heard_once_in_order_after_a_beginning(folder: Path) -> None:
    ear = _to_the_end(folder)
    assert ear.heard[0][1] == console.Back(())
    assert ear.events == list(read_recording(folder).events)


def test_it_keeps_its_times_divided_by_the_speed(folder: Path) -> None:
    ear = _to_the_end(folder, speed=32)  # 32 s of it
    began = ear.heard[0][0]
    for at, heard in ear.heard:
        if isinstance(heard, Event):
            assert at - began > (heard.at - BEGAN) / 32 - 0.01  # never early
    assert ear.heard[-1][0] - began < 10


def test_a_frame_comes_with_its_question_once_and_small(tmp_path: Path) -> None:
    folder = tmp_path / "large"
    with Recorder(folder, {"room": "den"}) as recorder:
        frame = recorder.keep(jpeg(0, (1280, 960)), ".jpg")
        recorder.append(Asked(at=1, turn=1, question="?", frame=frame, frame_age_ms=70.0))
        recorder.append(Remembered(at=1.5, turn=1, pair="p"))
        recorder.append(SessionEnded(at=1.6, turns=1))
    ear = _Ear()
    with _played(folder, 1) as played:
        played.listen(ear)
        ear.until(lambda ear: len([pulse for pulse in ear.pulses if pulse.age_ms == 70.0]) > 2)
    with_frame = [pulse for pulse in ear.pulses if pulse.frame]
    assert len(with_frame) == 1 and not with_frame[0].recording
    assert Image.open(io.BytesIO(with_frame[0].frame)).size == (320, 240)


def test_who_comes_later_hears_what_was_before_and_has_the_frame(folder: Path) -> None:
    first, second = _Ear(), _Ear()
    with _played(folder) as played:
        stop = played.listen(first)
        first.until(_Ear.ended)
        played.listen(second)
        second.until(lambda ear: any(pulse.frame for pulse in ear.pulses))
        stop()
        count = len(first.heard)
        second.until(lambda ear: len(ear.pulses) > 2)
        assert len(first.heard) <= count + 1
    assert second.events == first.events
    assert second.heard[0][1] == console.Back(tuple(first.events))


def test_a_listener_that_fails_is_left_out(folder: Path) -> None:
    def broken(heard: console.ConsoleMessage) -> None:
        if isinstance(heard, Asked):
            raise ZeroDivisionError

    ear = _Ear()
    with _played(folder, 100) as played:
        played.listen(broken)
        played.listen(ear)
        ear.until(_Ear.ended)


def test_a_frame_that_is_gone_is_said_and_the_rest_goes_on(folder: Path) -> None:
    redact(folder, Choice(frozenset({1}), frames=True, words=False))
    for blob in (folder / BLOBS).iterdir():
        blob.write_bytes(b"damaged")
    said = {pulse.camera for pulse in _to_the_end(folder).pulses}
    assert any("taken out" in sentence for sentence in said) and any("damaged" in s for s in said)


def test_pauses_of_a_stop_and_of_broken_clocks_are_not_waited_for(tmp_path: Path) -> None:
    with Recorder(tmp_path / "s", {}) as recorder:
        for event in (
            Remembered(at=BEGAN, turn=1, pair="p"),
            Resumed(at=BEGAN + 1e6, turn=2),
            LearningPaused(at=float("nan"), paused=True),
            Remembered(at=-1e6, turn=2, pair="p"),
            SessionEnded(at=-1e6, turns=2),
        ):
            recorder.append(event)
    ear = _to_the_end(tmp_path / "s", speed=1)
    assert len(ear.events) == 5 and not any(pulse.learning for pulse in ear.pulses[1:])


def test_closing_ends_a_long_wait_at_once(tmp_path: Path) -> None:
    with Recorder(tmp_path / "s", {}) as recorder:
        recorder.append(Remembered(at=0, turn=1, pair="p"))
        recorder.append(Remembered(at=1e9, turn=2, pair="p"))
    ear = _Ear()
    with _played(tmp_path / "s", 1) as played:
        played.listen(ear)
        ear.until(lambda ear: len(ear.events) == 1)
        began = time.monotonic()
    assert time.monotonic() - began < 2
    with pytest.raises(InputError, match="closed"):
        played.put(console.Versions()).result(1)


def _wished(played: ReplayedConsole, wish: console.Wish) -> Any:
    return played.put(wish).result(10)


@pytest.mark.parametrize(
    "wish",
    [
        console.Ask("What?"), console.Talk(True), console.Correct(1, "x"), console.Revise("p", None),
        console.Pause(True), console.Record(True), console.Choose(1), console.Overlay(1),
    ],
)  # fmt: skip
def test_what_would_change_a_recording_is_refused(folder: Path, wish: console.Wish) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with _played(folder) as played, pytest.raises(InputError, match="roomwise run"):
        _wished(played, wish)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_what_was_known_can_be_looked_up(tmp_path: Path) -> None:
    state = tmp_path / "state"
    folder = write_recording(state / "sessions" / "kitchen-1")
    ear = _Ear()
    with _played(folder, 0, state) as played:
        played.listen(ear)
        ear.until(_Ear.ended)
        found = _wished(played, console.Find())
        assert [(one.question, one.answer, one.source) for one in found] == [
            (QUESTIONS[2], "four", "person"), (QUESTIONS[1], "the sofa", "expert"),
            (QUESTIONS[0], "on the shelf", "person"),
        ]  # fmt: skip
        assert [one.answer for one in _wished(played, console.Find("SOFA red"))] == ["the sofa"]
        assert len(_wished(played, console.Find(most=1))) == 1
        assert _wished(played, console.Picture(found[0].frame)) == jpeg(0, (64, 48))
        with pytest.raises(InputError):
            _wished(played, console.Picture("../../x"))
        (version,) = _wished(played, console.Versions())
        assert (version.number, version.current, version.pairs) == (1, True, 2)
        assert [line.name for line in _wished(played, console.Sessions())] == ["kitchen-1"]
        assert console.Setting("student", "small", "this recording") in _wished(played, console.Settings())


def test_nothing_is_known_before_it_has_happened(folder: Path) -> None:
    with _played(folder, 0.001) as played:
        played.listen(_Ear())
        assert _wished(played, console.Find()) == [] == _wished(played, console.Versions())


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 5))
def test_many_listeners_at_any_moment_hear_the_same(
    tmp_path_factory: pytest.TempPathFactory, count: int
) -> None:
    folder = write_recording(tmp_path_factory.mktemp("r") / "s")
    ears = [_Ear() for _ in range(count)]
    with _played(folder, 400) as played:
        for ear in ears:
            played.listen(ear)
            time.sleep(0.01)
        for ear in ears:
            ear.until(_Ear.ended)
    assert all(ear.events == list(read_recording(folder).events) for ear in ears)


_SHOWN: list[tuple[Any, list[Event]]] = []


def show(played: ReplayedConsole) -> None:
    """Stands for the screen."""
    ear, replies = _Ear(), list[Future[Any]]()
    played.listen(ear)
    ear.until(_Ear.ended)
    replies.append(played.put(console.Settings()))
    _SHOWN.append((replies[0].result(10), ear.events))


def _verb(*args: str) -> Any:
    app = typer.Typer()
    app.command()(replay_cli.replay)
    return CliRunner().invoke(app, list(args), obj={"screen": f"{__name__}:show"}, catch_exceptions=False)


def test_the_verb_shows_a_recording_by_path_or_name(isolated: Path) -> None:
    folder = write_recording(isolated / "state" / "sessions" / "kitchen-1")
    _SHOWN.clear()
    for session in ("kitchen-1", str(folder)):
        assert _verb(session, "--dashboard", "--speed", "0").exit_code == 0
    assert [events for _, events in _SHOWN] == [list(read_recording(folder).events)] * 2


@pytest.mark.parametrize("args", [("--out", "x"), ("--student", "x"), ("--json",), ("--warm-up", "1")])
def test_a_dashboard_has_nothing_answered_anew(folder: Path, args: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="anew"):
        _verb(str(folder), "--dashboard", *args)


def test_what_was_never_played_has_nothing_to_show() -> None:
    with pytest.raises(InputError, match=r"roomwise replay --out run"):
        _verb("--dashboard")
    with pytest.raises(InputError, match=r"roomwise replay .*session --out run"):
        _verb(str(demos.DEMO), "--dashboard")
