"""A terminal of its own for a program: keys in, bytes out. On systems that have pseudo-terminals."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from core.errors import InputError

_CHUNK = 65536
_PATIENCE = 10.0  # seconds to end in


class Terminal:
    """A program in a terminal of `columns` and `rows`, its output always read; it ends with the context."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], columns: int = 120, rows: int = 40
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        )  # fmt: skip
        os.close(slave)
        self._output, self._condition = b"", threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            self.freeze(False)  # a program that is stopped hears nothing
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        os.close(self._master)

    @property
    def over(self) -> bool:
        """Whether the program has ended."""
        return self._process.poll() is not None

    def freeze(self, frozen: bool) -> None:
        """Stop the program and its children where they are, or let them go on."""
        os.killpg(self._process.pid, signal.SIGSTOP if frozen else signal.SIGCONT)

    def press(self, key: str, echo: str, seconds: float = 5.0) -> float:
        """Seconds from a key to the bytes that show it. Raises InputError when it is not shown in time."""
        expected = echo.encode()
        with self._condition:
            self._output = b""
            began = time.perf_counter()
            self.send(key)
            if not self._condition.wait_for(lambda: expected in self._output, seconds):
                raise InputError(f"The key {key!r} was not shown in {seconds:.0f} s. Try it by hand.")
            return time.perf_counter() - began

    def send(self, keys: str) -> None:
        """Press keys, whatever becomes of it."""
        os.write(self._master, keys.encode())

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, _CHUNK)
            except OSError:  # the program has ended
                return
            with self._condition:
                self._output = (self._output + data)[-_CHUNK:]
                self._condition.notify_all()
