"""A dashboard and an agent killed: the other dashboard says so and is back; what was recorded is whole."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tiny_jobs import save_student
from tiny_station import Ear, answer, nursery

from agent.attach.client import Attached
from agent.attach.place import Local
from agent.console import Ask, Back, Gone, Pulse
from agent.recording.record import read_recording
from core.events import Answered, Asked, SessionEnded

_ATTACH = """
import sys, time
from pathlib import Path
from agent.attach.client import Attached
from agent.attach.place import Local
from agent.console import Back
with Attached(Local(Path(sys.argv[1]))) as console:
    console.listen(lambda heard: isinstance(heard, Back) and print("attached", flush=True))
    time.sleep(600)
"""


def _process(place: Local) -> "subprocess.Popen[str]":
    root = Path(__file__).resolve().parent.parent
    made = subprocess.Popen(
        [sys.executable, "-c", _ATTACH, str(place.path)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert made.stdout is not None
    assert made.stdout.readline() == "attached\n"
    return made


def test_a_killed_dashboard_and_a_killed_agent(tmp_path: Path) -> None:
    student = save_student(tmp_path / "student")
    place = Local(tmp_path / "run" / "agent.sock")
    ear = Ear()
    with nursery(student) as born, Attached(place) as console:
        console.listen(ear)
        agent = born.begin(tmp_path, "one")
        ear.wait(lambda heard: isinstance(heard, Pulse) and heard.frame)
        ear.wait(lambda heard: isinstance(heard, Pulse) and heard.attached == 1)
        with _process(place) as other:
            assert ear.wait(lambda heard: isinstance(heard, Pulse) and heard.attached == 2)
            other.kill()
        ear.forget()
        assert ear.wait(lambda heard: isinstance(heard, Pulse) and heard.attached == 1)
        assert answer(console.put(Ask("What is it?"))) == 1
        os.kill(agent, signal.SIGKILL)
        assert not ear.wait(lambda heard: isinstance(heard, Gone)).ended
        ear.forget()
        again = born.begin(tmp_path, "two")
        assert ear.wait(lambda heard: isinstance(heard, Back))
        ear.wait(lambda heard: isinstance(heard, Pulse) and heard.frame)
        assert answer(console.put(Ask("What is it?"))) == 1
        os.kill(again, signal.SIGKILL)
    for name in ("one", "two"):
        recording = read_recording(tmp_path / "sessions" / name)
        (asked,) = [event for event in recording.events if isinstance(event, Asked)]
        assert recording.blob(asked.frame, ".jpg").is_file() and not recording.cut_off
        assert any(isinstance(event, Answered) for event in recording.events)
        assert not any(isinstance(event, SessionEnded) for event in recording.events)
    assert threading.active_count() < 20
