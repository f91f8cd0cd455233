"""A recorder that can be switched off, and that a full disk switches off: the session goes on without it."""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.recording.record import Recorder
from core.errors import StorageError
from core.events import Event, Failed, RecordingChanged, SessionStarted

_REMEMBERED = 64
"""Frames that are not on the disk and can still be looked at, the newest: some MB."""
_REMEDY = "Nothing is recorded until recording is switched on again."


class SwitchedRecorder(Recorder):
    """Writes one session while `recording`. May be used by several threads.

    What comes before the session has begun waits for that. `failed` is told what should be shown and could
    not be kept: that the disk is full, and that recording is over.
    """

    def __init__(
        self, folder: Path, about: dict[str, Any], recording: bool, failed: Callable[[Event], None]
    ) -> None:
        """Raises StorageError where recording cannot begin."""
        self.folder, self.recording = folder, recording
        self._about, self._failed = about, failed
        self._lock = threading.RLock()
        self._opened = self._closed = False
        self._start: SessionStarted | None = None
        self._frames: OrderedDict[str, bytes] = OrderedDict()
        if recording:
            self._open()

    def switch(self, recording: bool) -> bool:
        """Record from now on, or no more; whether that is new. Raises StorageError."""
        with self._lock:
            if recording == self.recording or self._closed:
                return False
            if recording and not self._opened:
                self._open()
                if self._start is not None:  # a log without its beginning is no session
                    super().append(self._start)
            self.recording = recording
            return True

    def append(self, event: Event) -> None:
        """Keep an event, unless it is not to be kept, or cannot be."""
        with self._lock:
            if isinstance(event, SessionStarted):
                self._start = event
            if not self.recording or self._closed:
                return
            try:
                super().append(event)
            except StorageError as error:
                self._give_up(error)

    def keep(self, data: bytes, suffix: str) -> str:
        """Keep a frame, on the disk or for a while."""
        with self._lock:
            if self.recording:
                try:
                    return super().keep(data, suffix)
                except StorageError as error:
                    self._give_up(error)
            digest = hashlib.sha256(data).hexdigest()
            self._frames[digest] = data
            while len(self._frames) > _REMEMBERED:
                self._frames.popitem(last=False)
            return digest

    def kept(self, digest: str, suffix: str) -> bytes:
        """A frame of this session. Raises StorageError when it was not recorded and is forgotten."""
        with self._lock:
            found = self._frames.get(digest)
        return super().kept(digest, suffix) if found is None else found

    def close(self) -> None:
        """Let the files go."""
        with self._lock:
            self._closed = True
            if self._opened:
                super().close()

    def _open(self) -> None:
        super().__init__(self.folder, self._about)
        self._opened = True

    def _give_up(self, error: StorageError) -> None:
        self.recording = False
        self._failed(Failed(at=time.time(), what="recording", error=f"{error} {_REMEDY}"))
        self._failed(RecordingChanged(at=time.time(), recording=False))
