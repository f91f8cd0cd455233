"""Keeps what C libraries print on the error stream off the screen, and in a file instead.

PortAudio, ALSA and JACK write to file descriptor 2, past everything Python can catch. While it is held, that
descriptor leads to a log file; Python's own `sys.stderr` and `sys.__stderr__` go on writing to where
descriptor 2 led before. A screen that keeps `sys.__stderr__` for itself must therefore be
opened after the first `hold`, not before.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from core.files import storage_errors

STDERR = 2
LARGEST = 1_000_000
"""Bytes of a log file that is begun afresh when it is opened next."""


class NativeMessages:
    """Who holds descriptor 2. There is one of it in a process, so there is one of this: `MESSAGES`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._copy = -1  # where descriptor 2 led; kept for good, since who writes to it may do so later
        self._streams: dict[str, TextIO | None] = {}

    @contextlib.contextmanager
    def hold(self, log: Path) -> Iterator[None]:
        """Lead descriptor 2 to a file meanwhile, parents made. The first holder's file counts for all.

        A process without an error stream needs none of it. Raises StorageError.
        """
        with self._lock:
            if self._holders == 0:
                self._redirect(log)
            self._holders += 1
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if self._holders == 0:
                    self._restore()

    def _redirect(self, log: Path) -> None:
        self._copy = _copied(STDERR, self._copy)
        if self._copy < 0:
            return
        with storage_errors("write", log):
            log.parent.mkdir(parents=True, exist_ok=True)
            target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            if os.fstat(target).st_size > LARGEST:
                os.ftruncate(target, 0)
            self._streams = _python_streams_to(self._copy)
            os.dup2(target, STDERR)
        finally:
            os.close(target)

    def _restore(self) -> None:
        if self._copy < 0:
            return
        os.dup2(self._copy, STDERR)
        for name, stream in self._streams.items():
            setattr(sys, name, stream)
        self._streams = {}


MESSAGES = NativeMessages()


def _copied(descriptor: int, copy: int) -> int:
    """A second descriptor of the same stream: `copy` again if there is one, -1 without a stream."""
    try:
        return os.dup(descriptor) if copy < 0 else os.dup2(descriptor, copy)
    except OSError:
        return -1


def _python_streams_to(descriptor: int) -> dict[str, TextIO | None]:
    """Lead Python's own error streams, where they are descriptor 2, to another; returns what they were."""
    before: dict[str, TextIO | None] = {}
    for name in ("stderr", "__stderr__"):
        stream: TextIO | None = getattr(sys, name)
        if stream is None or _number(stream) != STDERR:
            continue
        stream.flush()
        before[name] = stream
        made = open(  # noqa: SIM115  # closed by nobody, like the stream whose place it takes
            descriptor, "w", encoding=stream.encoding, errors=stream.errors, buffering=1, closefd=False
        )
        setattr(sys, name, made)
    return before


def _number(stream: TextIO) -> int:
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):
        return -1
