"""A session that is asked for half an hour while it learns: its memory stays as it is after ten minutes."""

import itertools
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import TimeoutError as TooLate
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agent.attach.client import Attached
from agent.attach.place import Local
from agent.console import Ask, Back, Correct
from agent.recording.visit import DEMO, read_visit
from core.errors import RoomwiseError
from core.events import AdaptationEnded, Answered, Event

_STARTING, _ANSWERING = 120.0, 60.0
_EVERY = 4.0
"""Seconds from one question to the next."""
_WAYS = ("{}", "{} please", "Tell me: {}", "{} What do you think?", "Now, {}")


@dataclass
class Steadiness:
    """Questions asked, answered and lost; adaptations; memory in bytes by minute."""

    asked: int = 0
    answered: int = 0
    lost: int = 0
    adaptations: int = 0
    memory: dict[int, int] = field(default_factory=dict)

    def growth(self, since: int) -> float:
        """The largest memory after that minute over the memory in it, less one."""
        later = [used for minute, used in self.memory.items() if minute >= since]
        return max(later) / self.memory[since] - 1


def ask_for(minutes: float, seed: int, folder: Path) -> Iterator[Steadiness]:
    """Ask, and correct now and then so that it goes on learning; yields the figures once a minute."""
    chance, result = random.Random(seed), Steadiness()
    questions = [(turn.question, turn.answer) for turn in read_visit(DEMO).turns]
    with _session(folder) as process, Attached(Local(folder / "run" / "agent.sock")) as console:
        there = threading.Event()
        console.listen(lambda message: _count(message, result, there))
        there.wait(_STARTING)
        begun, minute = time.monotonic(), 0
        for number in itertools.count():
            question, answer = chance.choice(questions)
            try:
                turn = console.put(Ask(chance.choice(_WAYS).format(question))).result(_ANSWERING)
                result.asked += 1
                if number % 7 == 6:
                    console.put(Correct(turn, answer or "nothing")).result(_ANSWERING)
            except (RoomwiseError, TooLate):
                result.lost += 1
            time.sleep(_EVERY)
            elapsed = (time.monotonic() - begun) / 60
            if elapsed >= minute + 1:
                minute += 1
                result.memory[minute] = _resident(process.pid)
                yield result
            if elapsed >= minutes or process.poll() is not None:
                return


def _count(message: object, result: Steadiness, there: threading.Event) -> None:
    if isinstance(message, Back):
        there.set()
    if isinstance(message, Event):
        result.answered += isinstance(message, Answered)
        result.adaptations += isinstance(message, AdaptationEnded)


@contextmanager
def _session(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "roomwise", "run", "--source", "demo", "--headless", "--listen", "off"]
    env = {**os.environ, "ROOMWISE_HOME": str(folder), "ROOMWISE_ADAPTATION__AGAIN_AFTER": "3"}
    with (folder / "run.log").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        begun = time.monotonic()
        while not (folder / "run" / "agent.sock").exists():
            if process.poll() is not None or time.monotonic() - begun > _STARTING:
                raise RuntimeError(f"the session did not start: {folder / 'run.log'}")
            time.sleep(0.2)
        yield process
    finally:
        process.terminate()
        process.wait(60)


def _resident(pid: int) -> int:
    """Bytes of a process in memory, without what it shares with others' files."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    return 0
