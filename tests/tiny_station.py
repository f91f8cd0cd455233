"""A station with a tiny student and a camera that a test holds the cable of; and a process of one to kill.

Run as a program it is a nursery: whatever takes long to import is imported once, then every line of its input
is a folder in which a fork of it serves a session. It answers with the fork's pid.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_memory import WordsAndColours

from agent.attach.place import Local
from agent.attach.server import AttachServer
from agent.console import ConsoleMessage, Pulse
from agent.loop import build
from agent.loop.build import SessionFolders, SessionOptions, live
from agent.station.station import Senses, Station
from capture.camera import Camera
from capture.camera_watch import Patience, Status
from capture.picture import Captured
from core.config import Config
from core.errors import CaptureError
from core.events import Event
from core.sections import AdaptationConfig, CameraConfig

ROOM = "den"
CONFIG = Config(adaptation=AdaptationConfig(least_pairs=1000), camera=CameraConfig(oldest_ms=2000))
_ROOT = Path(__file__).resolve().parent.parent
_WAIT = 120.0  # seconds; machines may be busy


class Cable:
    """What a test plugs a camera in and out by, and what the camera then sees."""

    def __init__(self) -> None:
        self.plugged = True
        self.view = 0

    def camera(self, tell: Callable[[Status], None]) -> Camera:
        """A camera of 100 pictures a second that is opened again soon."""
        return Camera("toy", lambda: _Source(self), Patience(20.0, 10.0, 0.05, 0.2), tell)


class _Source:
    def __init__(self, cable: Cable) -> None:
        self._cable = cable
        self._look()

    def read(self) -> Captured:
        time.sleep(0.01)
        self._look()
        return Captured(picture(self._cable.view), time.monotonic(), time.time())

    def close(self) -> None:
        pass

    def _look(self) -> None:
        if not self._cable.plugged:
            raise CaptureError("The toy is unplugged. Plug it in.")


def picture(view: int) -> Any:
    """Colours uint8 [48, 64, 3] of a view, by its number."""
    quarters = np.random.default_rng(view).integers(0, 255, (2, 2, 3), dtype=np.uint8)
    return quarters.repeat(24, 0).repeat(32, 1)


class Ear:
    """Hears a console, and waits for what is to be heard."""

    def __init__(self) -> None:
        self.heard: list[ConsoleMessage] = []
        self._changed = threading.Condition()

    def __call__(self, heard: ConsoleMessage) -> None:
        with self._changed:
            self.heard.append(heard)
            self._changed.notify_all()

    def wait(self, wanted: Callable[[Any], Any], timeout: float = _WAIT) -> Any:
        """The first of what was or will be heard that is wanted; fails when it does not come."""
        with self._changed:
            found = self._changed.wait_for(lambda: next(filter(wanted, self.heard), None), timeout)
        assert found is not None, [one for one in self.heard if not isinstance(one, Pulse)]
        return found

    def of(self, kind: type) -> list[Any]:
        """All of a kind that was heard."""
        return [one for one in list(self.heard) if isinstance(one, kind)]

    def forget(self) -> None:
        """Wait only for what comes from here on."""
        self.heard.clear()


def station(student: str, folder: Path, cable: Cable, **more: Any) -> Station:
    """A station in a folder, whose session is recorded in `sessions/one`; `more` goes to `Station`."""
    name = f"sessions/{more.pop('session', 'one')}"
    config, hearing = more.pop("config", CONFIG), more.pop("hearing", lambda say, ask, keep: None)
    wish = SessionOptions(student, build.RECORDED, 0, 0, folder, live=True)
    return Station(
        lambda watch, record: live(ROOM, name, wish, config, watch, record),
        Senses(cable.camera, hearing, more.pop("speaker", lambda say: None)),
        ROOM,
        SessionFolders.below(folder, name),
        config,
        **more,
    )


def answer(future: "Future[Any]") -> Any:
    """What a wish came to, waited for."""
    return future.result(_WAIT)


def seen(one: Station, ear: Ear) -> None:
    """Wait until a station can be asked."""
    one.listen(ear)
    ear.wait(lambda heard: isinstance(heard, Pulse) and heard.frame)


class Nursery:
    """Serves sessions in forks; one after another."""

    def __init__(self, student: str) -> None:
        paths = os.pathsep.join([str(_ROOT), str(_ROOT / "tests")])
        self._process = subprocess.Popen(
            [sys.executable, __file__, student],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        )

    def begin(self, folder: Path, session: str) -> int:
        """Serve a session of this name; returns its pid."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{folder}\t{session}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """Let it end."""
        self._process.communicate(timeout=_WAIT)


@contextmanager
def nursery(student: str) -> Iterator[Nursery]:
    """One that ends with the context."""
    made = Nursery(student)
    try:
        yield made
    finally:
        made.close()


def _main() -> None:
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            folder, session = line.strip().split("\t")
            os._exit(_serve(sys.argv[1], Path(folder), session))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        threading.Thread(target=os.waitpid, args=(pid, 0), daemon=True).start()


def _serve(student: str, folder: Path, session: str) -> int:
    torch.set_num_threads(1)
    pytest.MonkeyPatch().setattr(build, "room_embedder", lambda model: WordsAndColours())
    one = station(student, folder, Cable(), session=session)
    with AttachServer(one, [Local(folder / "run" / "agent.sock")]), one:
        one.over.result()
    return 0


def events_of(ear: Ear) -> list[Event]:
    """The events among what was heard."""
    return [one for one in list(ear.heard) if isinstance(one, Event)]


if __name__ == "__main__":
    _main()
