"""Keeps the terminal for the screen: what native libraries and children print goes to a file."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from core.files import make_folder, private

LOG = "screen.log"
"""What is printed while a screen is shown, in the state folder."""
_LARGEST = 1_000_000
"""Bytes of that file from which on it is begun anew."""


@contextlib.contextmanager
def own_terminal(log: Path) -> Iterator[None]:
    """Python's own streams keep the terminal, under other descriptors; 1 and 2 are the file meanwhile. Where
    there are no such descriptors, and on Windows, nothing is changed.
    """
    streams = _streams()
    if streams is None:
        yield
        return
    kept = {name: getattr(sys, name) for name in ("stdout", "stderr", "__stdout__", "__stderr__")}
    sink = _sink(log)
    saved = [os.dup(1), os.dup(2)]
    try:
        sys.stdout = sys.__stdout__ = streams[0]  # type: ignore[misc]  # where Textual takes its terminal from
        sys.stderr = sys.__stderr__ = streams[1]  # type: ignore[misc]
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        yield
    finally:
        for stream in streams:
            with contextlib.suppress(OSError):  # the terminal is gone
                stream.close()
        for number, old in enumerate(saved, 1):
            os.dup2(old, number)
            os.close(old)
        os.close(sink)
        for name, stream in kept.items():
            setattr(sys, name, stream)


def _streams() -> list[io.TextIOWrapper] | None:
    """Standard output and error under descriptors of their own, None where there are none."""
    if sys.platform == "win32":
        return None
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        return [
            io.TextIOWrapper(io.FileIO(os.dup(stream.fileno()), "wb"), "utf-8", "replace", write_through=True)
            for stream in (sys.stdout, sys.stderr)  # which need not be 1 and 2: somebody else may hold those
        ]
    except (OSError, ValueError, AttributeError):
        return None


def _sink(log: Path) -> int:
    """The file to be appended to, for nobody else's eyes; nowhere when it cannot be written."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    try:
        make_folder(log.parent)
        if log.exists() and log.stat().st_size > _LARGEST:
            flags |= os.O_TRUNC
        return private(str(log), flags)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)
