"""A nursery of commands to kill.

Run as a program it imports once whatever takes long; then every line of its input is a command of Roomwise
to run in a fork, which ends as its fate has it. It answers with the fork's pid, and with its exit code when
it is over. Only training children differ from real ones: they are forks too.
"""

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

import pytest
import torch
from tiny_jobs import LIMITS, RECIPE
from tiny_memory import WordsAndColours
from tiny_sessions import Forked
from tiny_station import Ear, answer

import roomwise
from adapters import worker
from adapters.jobs.job import write_request
from adapters.jobs.request import Request
from agent.attach.client import Attached
from agent.attach.place import local_socket
from agent.console import Ask, ConsoleMessage, Correct, Pulse
from agent.learning import jobs, rooms
from agent.loop import build
from core import lazy
from core.events import AdaptationEnded, Answered
from core.extras import load
from memory import store
from soak.kill_fate import Fate, Reaper

HANGS = 60.0
"""Seconds after which a command hangs."""
_ROOT = Path(__file__).resolve().parent.parent.parent
_IMPORTED = (
    "adapters.training.run:run", "agent.station.run:run", "agent.learning.adapt:adapt", "adapters.cli:app",
    "agent.replay.session:replay_session", "agent.sessions.cli:app", "agent.sessions.redact:redact",
    "agent.sessions.archive_import:import_archive", "agent.whereabouts.cli:app", "memory.cli:app",
    "memory.transfer:import_", "agent.station.cli:app", "agent.replay.cli:app", "agent.learning.cli:app",
    "models.florence:Florence", "models.scene.student:load_student", "agent.learning.ray_jobs:on_ray",
)  # fmt: skip


class Killings:
    """A running nursery. One command at a time."""

    def __init__(self) -> None:
        paths = os.pathsep.join([str(_ROOT), str(_ROOT / "tests")])
        one = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": paths}
        offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "soak.kill_child"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, **one, **offline}, bufsize=0,
        )  # fmt: skip

    def run(self, home: Path, words: Sequence[str], student: str, fate: Fate, questions: int) -> int | None:
        """The exit code of a command in a home, negative for the signal that ended it; None: it hangs."""
        assert self._process.stdin is not None
        wish = {"home": str(home), "words": list(words), "student": student, "questions": questions}
        self._process.stdin.write(json.dumps(wish | {"fate": fate.to_dict()}).encode() + b"\n")
        pid = self._told()
        assert pid is not None
        code = self._told(HANGS)
        if code is None:
            os.kill(pid, signal.SIGKILL)
            self._told()
        return code

    def _told(self, seconds: float | None = None) -> int | None:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        return int(self._process.stdout.readline()) if ready else None

    def __enter__(self) -> "Killings":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process:  # closes its pipes, upon which it ends
            pass


class DoomedFork(Forked):
    """A training child, known to the reaper."""

    living: ClassVar[list[int]] = []
    reaper: ClassVar[Reaper]

    def work(self, command: Sequence[str]) -> int:
        self.reaper.come("worker")
        try:
            return super().work(command)
        finally:
            self.reaper.passed("worker")

    def begun(self, job: Path) -> None:
        self.living.append(self.pid)
        self.reaper.say(worker=self.pid)
        self.reaper.come("training")

    def poll(self) -> int | None:
        if super().poll() is not None and self.pid in self.living:
            self.living.remove(self.pid)
            self.reaper.passed("training")
        return self.returncode

    @classmethod
    def training(cls) -> bool:
        """Whether one lives, whatever has been heard of it."""
        gone = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return any(os.waitid(os.P_PID, pid, gone) is None for pid in cls.living)


def settings(student: str) -> dict[str, str]:
    """Small enough that a whole session takes seconds."""
    return {
        "STUDENT__MODEL": student, "EXPERT__MODEL": student, "EXPERT__EXTRA": "2", "EXPERT__LOOKS": "1",
        "ROUTER__WARM_UP": "3", "ADAPTATION__LEAST_PAIRS": "3", "ADAPTATION__AGAIN_AFTER": "3",
        "ADAPTATION__HOTTEST": "150",
    }  # fmt: skip


def _child(home: str, words: list[str], student: str, questions: int, fate: dict[str, Any]) -> int:
    os.environ |= {"ROOMWISE_HOME": home} | {f"ROOMWISE_{k}": v for k, v in settings(student).items()}
    log = os.open(Path(home) / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    reaper = DoomedFork.reaper = Reaper(Fate(**fate), Path(home), Path(home) / "note", DoomedFork.training)
    _make_small(reaper)
    if words[0] == "run":
        threading.Thread(target=_visit, args=(questions, reaper), daemon=True).start()
    reaper.come("start")
    code = lazy.run(roomwise.app, "roomwise", words)
    reaper.passed("start")
    return code


def _make_small(reaper: Reaper) -> None:
    """Models and recipes of this process, and its children forks of it that the reaper knows."""
    recipe = replace(RECIPE, steps=5, general=2, similar=2)

    def small(folder: Path, request: Request) -> None:
        write_request(folder, replace(request, recipe=recipe, limits=LIMITS))

    patch = pytest.MonkeyPatch()
    patch.setattr(jobs, "write_request", small)
    patch.setattr(subprocess, "Popen", DoomedFork)
    patch.setattr(store, "open_database", reaper.traced)
    for module in (build, rooms):
        patch.setattr(module, "room_embedder", _embedder)
    for module in (worker, rooms):
        patch.setattr(module, "_NICE", 0)


def _embedder(model: object) -> WordsAndColours:
    return WordsAndColours()


def _visit(questions: int, reaper: Reaper) -> None:
    """Somebody at a dashboard, who asks, corrects, waits until that is learnt, and leaves."""
    ear = Ear()
    with Attached(local_socket()) as console:
        console.listen(ear)
        ear.wait(lambda heard: isinstance(heard, Pulse) and heard.frame)
        for number in range(questions):
            turn = answer(console.put(Ask(f"What is thing number {number}?")))
            said = ear.wait(partial(_answers, turn))
            reaper.say(answered=turn, text=said.text)
            if number == 1:
                answer(console.put(Correct(turn, "a red chair")))
                reaper.say(corrected=turn)
        if questions:
            ear.wait(lambda heard: isinstance(heard, AdaptationEnded))
        os.kill(os.getpid(), signal.SIGTERM)


def _answers(turn: int, heard: ConsoleMessage) -> bool:
    return isinstance(heard, Answered) and heard.turn == turn


def _main() -> None:
    torch.set_num_threads(1)
    for target in _IMPORTED:  # else every fork would import it
        load(target)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os._exit(_child(**json.loads(line)))
        os.write(1, b"%d\n" % pid)
        os.write(1, b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


if __name__ == "__main__":
    _main()
