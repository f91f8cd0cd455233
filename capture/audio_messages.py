"""Redirect what C libraries print on the error stream from the screen to a file.

PortAudio, ALSA and JACK write to file descriptor 2, which Python cannot catch. While it is held, that
descriptor leads to a log file, and Python's own `sys.stderr` and `sys.__stderr__` write to the original
stream. A screen that keeps `sys.__stderr__` must be opened after the first `hold`.
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
"""Bytes of a log file from which it is truncated on opening."""


class NativeMessages:
    """The redirection of descriptor 2. A process has one: `MESSAGES`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._copy = -1  # where descriptor 2 led; kept for good, since who writes to it may do so later
        self._streams: dict[str, TextIO | None] = {}

    @contextlib.contextmanager
    def hold(self, log: Path) -> Iterator[None]:
        """Redirect descriptor 2 to a file inside; parents are made, and nested holders share the first file.

        Does nothing in a process without an error stream. Raises StorageError.
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
        self._copy = _duplicate(STDERR, self._copy)
        if self._copy < 0:
            return
        with storage_errors("write", log):
            log.parent.mkdir(parents=True, exist_ok=True)
            target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            if os.fstat(target).st_size > LARGEST:
                os.ftruncate(target, 0)
            self._streams = _redirect_python_streams(self._copy)
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


def _duplicate(descriptor: int, copy: int) -> int:
    """Duplicate a descriptor, to `copy` if that is one; -1 without a stream."""
    try:
        return os.dup(descriptor) if copy < 0 else os.dup2(descriptor, copy)
    except OSError:
        return -1


def _redirect_python_streams(descriptor: int) -> dict[str, TextIO | None]:
    """Point Python's error streams that use descriptor 2 to another; returns the old ones."""
    before: dict[str, TextIO | None] = {}
    for name in ("stderr", "__stderr__"):
        stream: TextIO | None = getattr(sys, name)
        if stream is None or _descriptor(stream) != STDERR:
            continue
        stream.flush()
        before[name] = stream
        replacement = open(  # noqa: SIM115  # closed by nobody, like the stream whose place it takes
            descriptor, "w", encoding=stream.encoding, errors=stream.errors, buffering=1, closefd=False
        )
        setattr(sys, name, replacement)
    return before


def _descriptor(stream: TextIO) -> int:
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):
        return -1
