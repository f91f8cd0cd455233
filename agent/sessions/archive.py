"""A session as one zip file: `session.json`, `events.jsonl`, `blobs/`; the limits hold in both directions."""

import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from agent.recording.record import BLOBS, EVENTS, SESSION, Recording
from core.errors import InputError
from core.files import new_file, storage_errors

BLOB = re.compile(rf"{BLOBS}/([0-9a-f]{{64}})\.(jpg|wav)")
"""A frame or a sound, named by its SHA-256."""


@dataclass(frozen=True)
class ArchiveLimits:
    """Limits in bytes, but for `entries` (a number) and `ratio` (bytes out by bytes in)."""

    archive: int = 2 << 30
    entries: int = 20_000
    total: int = 4 << 30
    about: int = 1 << 20
    events: int = 256 << 20
    blob: int = 64 << 20
    ratio: float = 200.0

    def of(self, name: str) -> int | None:
        """The most bytes of an entry of this name; None for a name that is not allowed."""
        if name == SESSION:
            return self.about
        if name == EVENTS:
            return self.events
        return self.blob if BLOB.fullmatch(name) else None


def write_archive(recording: Recording, target: Path) -> None:
    """Write a recording to a new zip file, whole or not at all. Blobs are compressed already and stored as
    they are; an incomplete last line is left out. Raises InputError beyond the limits; StorageError, also
    when the file exists.
    """
    log = whole_lines(recording.folder)  # before the frames: whatever it speaks of is there by then
    blobs = [path for path in sorted((recording.folder / BLOBS).glob("*")) if _is_blob(path)]
    size, limits = sum(path.stat().st_size for path in blobs), ArchiveLimits()
    if len(blobs) + 2 > limits.entries or len(log) > limits.events or size + len(log) > limits.archive * 0.9:
        raise InputError(f"{recording.folder} is too large for one archive. Export it with --format mcap.")
    with (
        new_file(target) as path,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive,
    ):
        archive.writestr(SESSION, json.dumps(recording.about, indent=1) + "\n")
        archive.writestr(EVENTS, log)
        for blob in blobs:
            archive.write(blob, f"{BLOBS}/{blob.name}", zipfile.ZIP_STORED)


def _is_blob(path: Path) -> bool:
    named = BLOB.fullmatch(f"{BLOBS}/{path.name}") is not None
    return named and path.is_file() and not path.is_symlink()


def whole_lines(folder: Path) -> bytes:
    """A session's log up to its last whole line. Raises StorageError."""
    log = folder / EVENTS
    with storage_errors("read", log):
        data = log.read_bytes() if log.is_file() else b""
    return data[: data.rfind(b"\n") + 1]
