"""When a process dies: before its Nth step on the disk, or so many seconds after a moment."""

import json
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from memory.schema import open_database

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_STEPS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate", "os.chmod"}


@dataclass(frozen=True)
class Fate:
    """Counted from a moment: the session's `start`, its `training`, or the `worker`'s own start, which then
    dies instead of the session. Without steps and seconds it lives.
    """

    moment: str = "start"
    steps: int | None = None
    seconds: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Reaper:
    """Counts the steps of this process and its forks, and ends the one that a fate names."""

    def __init__(self, fate: Fate, home: Path, note: Path, training: Callable[[], bool]) -> None:
        """`note` gets a line for whatever others should know; `training` says whether a worker lives."""
        self._fate, self._home, self._note, self._training = fate, str(home), note, training
        self._counts: dict[str, tuple[int, int, float]] = {}
        """Of each moment that came: in which process, the steps before it, and when."""
        self._step = 0
        self._doomed = False
        sys.addaudithook(self._notice)
        fsync = os.fsync

        def counted(fd: Any) -> None:
            self._count()
            fsync(fd)

        os.fsync = counted

    def come(self, moment: str) -> None:
        """The moment has come, for the first time or never mind."""
        if moment in self._counts:
            return
        self._counts[moment] = (os.getpid(), self._step, time.monotonic())
        if self._fate.moment == moment and self._fate.seconds is not None:
            timer = threading.Timer(self._fate.seconds, self._kill)
            timer.daemon = True
            timer.start()

    def passed(self, moment: str) -> None:
        """It is over: note how many steps and seconds it had."""
        pid, before, began = self._counts.get(moment, (0, 0, 0.0))
        if pid == os.getpid():
            self.say(usual=moment, steps=self._step - before, seconds=time.monotonic() - began)

    def say(self, **values: Any) -> None:
        """A line for others."""
        descriptor = os.open(self._note, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, json.dumps(values).encode() + b"\n")
        os.close(descriptor)

    def traced(self, *args: Any, **options: Any) -> sqlite3.Connection:
        """A database as the memory opens it, of which every statement is a step."""
        database = open_database(*args, **options)
        database.set_trace_callback(lambda statement: self._count())
        return database

    def _notice(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = args
            ours = str(path).startswith(self._home) and str(path) != str(self._note)
            if ours and isinstance(flags, int) and flags & _WRITING:
                self._count()
        elif event in _STEPS:
            self._count()

    def _count(self) -> None:
        fate = self._fate
        pid, before, _ = self._counts.get(fate.moment, (0, 0, 0.0))
        if pid == os.getpid() and fate.steps is not None and self._step - before >= fate.steps:
            self._kill()
        self._step += 1

    def _kill(self) -> None:
        if not self._doomed:
            self._doomed = True
            self.say(died=self._fate.moment, training=self._fate.moment == "worker" or self._training())
            os.kill(os.getpid(), signal.SIGKILL)
