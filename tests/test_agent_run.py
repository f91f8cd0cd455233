"""`roomwise run` and `roomwise dash`: options become a plan, a plan becomes a session, a signal ends it."""

import io
import os
import signal
import sys
import threading
import types
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console as Terminal
from tiny_jobs import save_student
from tiny_memory import WordsAndColours, jpeg
from tiny_station import Ear, answer

import roomwise
from agent.attach.client import Attached
from agent.attach.place import local_socket
from agent.console import Ask, Console, Pulse
from agent.loop import build
from agent.recording.record import read_recording
from agent.sessions.sessions import SESSIONS
from agent.station import run as station_run
from agent.station.run import Journal, RunOptions, apply_changes
from core.config import Config
from core.errors import CaptureError, ConfigError, RoomNameError, StorageError, UnknownModelError
from core.events import CameraChanged, Corrected, Failed, RecordingChanged, SessionEnded, SpeechHeard
from core.files import state_dir
from core.lazy import run
from core.sections import AdaptationConfig

_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def small_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "room_embedder", lambda student: WordsAndColours())


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_student(tmp_path_factory.mktemp("models") / "student")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "frame-0.jpg").write_bytes(jpeg(0, (64, 48)))
    return folder


def _plan(student: str, source: Path | str, **more: Any) -> RunOptions:
    config = Config(adaptation=AdaptationConfig(least_pairs=1000))
    changes = {"camera.source": str(source), "student.model": student, "expert.model": student}
    return RunOptions("den", apply_changes(config, changes), listen=False, **more)


def test_a_session_is_run_shown_attached_to_and_kept(student: str, pictures: Path) -> None:
    plan, shown = _plan(student, pictures), Ear()

    def show(console: Console) -> None:
        console.listen(shown)
        shown.wait(lambda heard: isinstance(heard, Pulse) and heard.frame)
        attached = Ear()
        with Attached(local_socket()) as other:
            other.listen(attached)
            attached.wait(lambda heard: isinstance(heard, Pulse) and heard.frame)
            assert answer(other.put(Ask("What is it?"))) == 1
        with pytest.raises(StorageError, match="in use"):
            station_run.run(plan, lambda console: None)

    station_run.run(plan, show)
    (folder,) = (state_dir() / SESSIONS).iterdir()
    recording = read_recording(folder)
    assert recording.about["room"] == "den" and isinstance(recording.events[-1], SessionEnded)
    assert not local_socket().path.exists()


def test_without_a_screen_a_signal_ends_it(
    student: str, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def stop() -> None:
        with Attached(local_socket()) as console:
            console.listen(ear := Ear())
            ear.wait(lambda heard: isinstance(heard, Pulse) and heard.frame)
            answer(console.put(Ask("What is the secret?")))
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=stop)
    thread.start()
    station_run.run(_plan(student, pictures, record=False), None)
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is before
    told = capsys.readouterr().err
    assert "ready" in told and "camera" in told and "secret" not in told
    assert not (state_dir() / SESSIONS).exists()


def test_what_keeps_it_from_beginning_is_raised(student: str, pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError):
        station_run.run(_plan("no-such-model", pictures), None)
    with pytest.raises(CaptureError, match="no camera, file or folder"):
        station_run.run(_plan(student, tmp_path / "gone"), None)
    with pytest.raises(RoomNameError):
        station_run.run(RunOptions("../up", Config()), None)
    with pytest.raises(ConfigError, match="token"):
        station_run.run(_plan(student, pictures, port=8770), None)
    assert not (state_dir() / SESSIONS).exists()


def test_options_change_settings_and_are_checked() -> None:
    config = Config()
    after = apply_changes(config, {"camera.source": "demo", "voice.speak": True, "voice.listen": None})
    assert (after.camera.source, after.voice.speak, after.voice.listen) == ("demo", True, "key")
    assert config.camera.source == "0" and after.camera.oldest_ms == config.camera.oldest_ms
    with pytest.raises(ConfigError, match="speak"):
        apply_changes(config, {"voice.speak": "perhaps"})
    with pytest.raises(ConfigError) as raised:
        apply_changes(config, {"camera.source": "rtsp://me:hunter2@camera/1"})
    assert "hunter2" not in str(raised.value)


def test_the_journal_tells_what_becomes_of_it_and_not_what_is_said() -> None:
    written = io.StringIO()
    journal = Journal(Terminal(file=written, width=200))
    secret = "my secret"
    for event in (
        SpeechHeard(at=0, text=secret, confidence=1, seconds=1),
        Corrected(at=0, turn=1, text=secret, pair="0"),
        Failed(at=0, what="recording", error="The disk is full."),
        CameraChanged(at=0, name="[0]", there=False, reason="Unplugged."),
        RecordingChanged(at=0, recording=False),
    ):
        journal(event)
    journal(Pulse())
    lines = written.getvalue().splitlines()
    assert secret not in written.getvalue() and len(lines) == 3
    assert "disk is full" in lines[0] and "[0] is lost" in lines[1] and "not recorded" in lines[2]


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[tuple[RunOptions, Any]]:
    """What `roomwise run` would have run."""
    found: list[tuple[RunOptions, Any]] = []
    monkeypatch.setattr(station_run, "run", lambda plan, show: found.append((plan, show)))
    return found


def test_the_command_makes_a_plan(planned: list[tuple[RunOptions, Any]]) -> None:
    args = "run --headless --source demo --room hall --listen off --speak --no-record --port 8770".split()
    assert run(roomwise.app, "roomwise", args) == 0
    ((plan, show),) = planned
    assert show is None and (plan.room, plan.listen, plan.record, plan.port) == ("hall", False, False, 8770)
    assert (plan.config.camera.source, plan.config.voice.speak) == ("demo", True)
    assert run(roomwise.app, "roomwise", ["run", "--headless", "--listen", "open"]) == 0
    assert planned[1][0].listen and planned[1][0].config.voice.listen == "open"


def test_both_commands_open_the_same_screen(
    planned: list[tuple[RunOptions, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []
    screen = types.ModuleType("toy_screen")
    screen.show = shown.append  # type: ignore[attr-defined]  # made up
    monkeypatch.setitem(sys.modules, "toy_screen", screen)
    monkeypatch.setitem(sys.modules, "textual", types.ModuleType("textual"))
    monkeypatch.setitem(roomwise.PARTS, "screen", "toy_screen:show")
    assert run(roomwise.app, "roomwise", ["run", "--source", "demo"]) == 0
    assert planned[0][1] == screen.show
    assert run(roomwise.app, "roomwise", ["dash"]) == 0
    assert isinstance(shown[0], Attached)


def test_the_unit_starts_a_command_that_there_is() -> None:
    unit = (_ROOT / "deploy" / "roomwise.service").read_text(encoding="utf-8")
    (start,) = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    assert start.endswith("/roomwise run --headless") and "[Install]" in unit
