"""A session on disk: `session.json`, `events.jsonl`, `blobs/`, whole up to its last whole line at any
moment.

A line is on the disk before `append` returns, so what has been shown is stored. After a power cut the last
incomplete line is cut off.
"""

import datetime
import errno
import hashlib
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError, StorageError
from core.event_lines import from_line, to_line
from core.events import Asked, Event
from core.files import atomic_write_bytes, atomic_write_text, private, storage_errors, sweep
from core.untrusted import read_as

SESSION, EVENTS, BLOBS = "session.json", "events.jsonl", "blobs"
_LONGEST_PAUSE = 3600.0
FORMAT = 1
REDACTED = "(redacted)"
"""Replaces words that were taken out."""


def time_stamp() -> str:
    """The current time in UTC, as a folder's name."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d-%H%M%S-%f")


class Recorder:
    def __init__(self, folder: Path, about: dict[str, Any]) -> None:
        """Begin in a new folder. Raises StorageError, also when it holds a session."""
        self.folder = folder
        if (folder / SESSION).exists():
            raise StorageError(f"{folder} holds a session already. Choose another folder.")
        atomic_write_text(folder / SESSION, json.dumps({"format": FORMAT, **about}, indent=1) + "\n")
        self._file = _log(folder)

    @classmethod
    def reopen(cls, folder: Path) -> "Recorder":
        """Continue after the last whole line of a session. Raises StorageError. For one process at a time:
        what a killed one left half written is deleted.
        """
        recorder = cls.__new__(cls)
        recorder.folder = folder
        sweep(folder)
        _cut_off(folder / EVENTS)
        recorder._file = _log(folder)
        return recorder

    def append(self, event: Event) -> None:
        """Store an event durably. A line that cannot be written whole is taken back."""
        with storage_errors("write", self.folder / EVENTS):
            size = self._file.tell()
            try:
                line = to_line(event).encode(errors="replace") + b"\n"
                if self._file.write(line) != len(line):
                    raise OSError(errno.ENOSPC, "only a part was written")
                os.fsync(self._file.fileno())
            except OSError:
                os.truncate(self.folder / EVENTS, size)
                raise

    def keep(self, data: bytes, suffix: str) -> str:
        """Store a frame or a sound once, under its SHA-256; returns the hash."""
        digest = hashlib.sha256(data).hexdigest()
        path = self.folder / BLOBS / f"{digest}{suffix}"
        if not path.exists():
            atomic_write_bytes(path, data)
        return digest

    def kept(self, digest: str, suffix: str) -> bytes:
        """The blob with this SHA-256. Raises StorageError."""
        path = self.folder / BLOBS / f"{digest}{suffix}"
        with storage_errors("read", path):
            return path.read_bytes()

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True)
class Recording:
    """A session that was read. `cut_off`: its last line was incomplete and left out."""

    folder: Path
    about: dict[str, Any]
    events: tuple[Event, ...]
    cut_off: bool

    def blob(self, digest: str, suffix: str) -> Path:
        """The path of a frame or a sound. Raises InputError when it is missing or damaged."""
        path = self.folder / BLOBS / f"{digest}{suffix}"
        with storage_errors("read", path):
            intact = path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest
        if not intact:
            raise InputError(f"{path} is missing or damaged. Copy the session folder again, whole.")
        return path


def _log(folder: Path) -> io.FileIO:
    with storage_errors("write", folder / EVENTS):
        # A buffer would write again what had failed.
        return open(folder / EVENTS, "ab", buffering=0, opener=private)


def _cut_off(log: Path) -> None:
    if not log.exists():
        return
    with storage_errors("write", log):
        data = log.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.truncate(log, whole)


def read_recording(folder: Path) -> Recording:
    """Read a session folder. Raises InputError when it is none or a line in the middle is damaged."""
    path = folder / SESSION
    if not path.is_file():
        raise InputError(f"{folder} is not a session: it has no {SESSION}. Check the path.")
    about: dict[str, Any] = read_as(path, dict[str, Any], InputError, "Copy the session folder again.")
    with storage_errors("read", folder):
        log = (folder / EVENTS).read_bytes() if (folder / EVENTS).is_file() else b""
    *lines, rest = log.split(b"\n")
    return Recording(folder, about, tuple(_events(lines, folder / EVENTS)), cut_off=bool(rest))


def _events(lines: list[bytes], path: Path) -> Iterator[Event]:
    for number, line in enumerate(lines, start=1):
        try:
            event = from_line(line.decode())
        except (InputError, UnicodeDecodeError) as error:
            raise InputError(f"Line {number} of {path} is damaged. Copy the session folder again.") from error
        if event is not None:
            yield event


def pause_between(early: float, late: float) -> float:
    """Seconds between two times of a recording, whose clock may have been set; from 0 to an hour."""
    return min(_LONGEST_PAUSE, max(0.0, late - early))


def is_redacted(event: Event) -> bool:
    """Whether a question's frame or words were taken out, so that it cannot be asked again."""
    return isinstance(event, Asked) and (not event.frame or event.question == REDACTED)
