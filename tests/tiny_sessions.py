"""A tiny session, and a process to replay it in that can be killed.

Run as a program it is a nursery: whatever takes long to import is imported once, then every line of its input
is a replay to begin in a fork of it. It answers with the fork's pid, and with its exit code when it is over.
Only training children differ from real ones: they are forks too, for the same reason.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
import torch
from tiny_jobs import RECIPE
from tiny_memory import WordsAndColours, jpeg

from adapters import worker
from adapters.jobs.request import Request
from agent.learning.room import adaptation_request
from agent.loop import build
from agent.replay.session import ReplayOptions, replay_session
from core.config import Config
from core.errors import RoomwiseError
from core.extras import load
from core.sections import AdaptationConfig, ExpertConfig, RouterConfig

ROOM = "den"
WARM_UP, EXTRA = 4, 48
PID = "pid"
"""Beside a job: which process works at it."""
_ANSWERS = ("red", "two", "on the table")
_ROOT = Path(__file__).resolve().parent.parent


def write_visit(folder: Path, turns: int) -> Path:
    """So many questions about two frames, with known answers."""
    folder.mkdir()
    for number in range(2):
        (folder / f"frame-{number}.jpg").write_bytes(jpeg(number, (64, 48)))
    asked = [
        {
            "frame": n % 2,
            "question": f"What is thing number {n}?",
            "answer": _ANSWERS[n % 3],
            "tag": "new-fact",
        }
        for n in range(turns)
    ]
    (folder / "session.json").write_text(json.dumps({"room": ROOM, "turns": asked}))
    return folder


class Nursery:
    """A running nursery. One replay at a time."""

    def __init__(self) -> None:
        paths = os.pathsep.join([str(_ROOT), str(_ROOT / "tests")])
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": paths,
                "OMP_NUM_THREADS": "1",
                "TOKENIZERS_PARALLELISM": "false",
            },
        )

    def begin(
        self, visit: Path, student: str, out: Path, often: bool = False, expert: str = build.RECORDED
    ) -> int:
        """Start a replay; returns its pid. `often`: the expert is always asked, and every pair is learnt.

        An `expert` that is a model is asked more about each frame of the warm-up.
        """
        assert self._process.stdin is not None
        wish = {"visit": str(visit), "student": student, "out": str(out), "often": often, "expert": expert}
        self._process.stdin.write(json.dumps(wish) + "\n")
        self._process.stdin.flush()
        return self._told()

    def end(self) -> int:
        """Wait for the replay; returns its exit code, negative for the signal that killed it."""
        return self._told()

    def _told(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())

    def __enter__(self) -> "Nursery":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process:  # closes its pipes, upon which it ends
            pass


def _main() -> None:
    load("adapters.training.run:run")  # else every worker would import it
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os._exit(_replay(**json.loads(line)))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _replay(visit: str, student: str, out: str, often: bool, expert: str) -> int:
    torch.set_num_threads(1)
    patch = pytest.MonkeyPatch()
    patch.setattr(build, "room_embedder", lambda student: WordsAndColours())
    patch.setattr(build, "adaptation_request", _small)
    patch.setattr(subprocess, "Popen", Forked)
    patch.setattr(worker, "_NICE", 0)
    router = RouterConfig(agreement=1.0 if often else 0.0)
    config = Config(
        router=router,
        adaptation=AdaptationConfig(again_after=1 if often else 5, seconds=600),
        expert=ExpertConfig(extra=EXTRA, looks=1),
    )
    try:
        options = ReplayOptions(Path(visit), student, expert, WARM_UP, 0, Path(out), quiet=True)
        replay_session(options, config)
    except RoomwiseError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _small(*args: Any, **kwargs: Any) -> Request:
    return replace(adaptation_request(*args, **kwargs), recipe=replace(RECIPE, steps=5, general=4, similar=4))


class Forked:
    """What `agent.learning.jobs` uses of a Popen, forked from this process."""

    def __init__(self, command: Sequence[str], stdin: int, stdout: Any, stderr: Any, env: Any) -> None:
        theirs, ours = os.pipe()
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            os.dup2(theirs, 0)
            os.dup2(stdout.fileno(), 1)
            os.dup2(stderr.fileno(), 2)
            os.closerange(3, 256)  # locks and the other end of the pipe, as in a new program
            os._exit(self.work(command))
        os.close(theirs)
        self.stdin = os.fdopen(ours, "wb")
        self.begun(Path(command[3]))

    def work(self, command: Sequence[str]) -> int:
        """In the fork: what `python -m` would do."""
        return int(load(f"{command[2]}:main")(command[3:]))

    def begun(self, job: Path) -> None:
        """In the process that forked."""
        (job / PID).write_text(str(self.pid))

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        pause = threading.Event()
        for _ in range(1 + int((timeout or 1000) / 0.01)):
            if self.poll() is not None:
                return self.returncode
            pause.wait(0.01)
        raise subprocess.TimeoutExpired("worker", timeout or 0)

    def terminate(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


if __name__ == "__main__":
    _main()
