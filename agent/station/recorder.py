"""A recorder that can be switched off, and that a full disk switches off."""

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
"""The newest unrecorded frames, kept in memory for viewing: some MB."""
_REMEDY = "Nothing is recorded until recording is switched on again."


class SwitchedRecorder(Recorder):
    """Writes one session while `recording`. Thread-safe. The log begins with the session's start, whenever
    recording begins. `failed` gets events that could not be stored: that the disk is full, and that recording
    is over.
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
        """Start or stop recording; whether that is new. Raises StorageError."""
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
        """Store an event, while recording."""
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
        """Store a frame on disk, or in memory for a while."""
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
        """A frame of this session. Raises StorageError when it is gone."""
        with self._lock:
            frame = self._frames.get(digest)
        return super().kept(digest, suffix) if frame is None else frame

    def close(self) -> None:
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
