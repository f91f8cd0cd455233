"""Checks that a folder holds a session as this program would have written it: later code relies on it."""

import hashlib
import math
from pathlib import Path
from typing import Any

from agent.recording.record import BLOBS, EVENTS, FORMAT, SESSION
from agent.sessions.archive import BLOB
from core.errors import ArchiveError, ImageError, InputError
from core.event_lines import from_line
from core.events import Asked, Event
from core.frames import decode
from core.untrusted import Malformed, parse_json

_LONGEST_LINE = 4 << 20
_LAST = 1e11
"""Seconds since 1970, beyond any calendar."""
_AGAIN = "Export it again: roomwise sessions export"


def check_session(folder: Path, path: Path, max_pixels: int) -> None:
    """Check all files of a folder; `path` is what errors call it. Raises ArchiveError when anything is
    unreadable, out of range, missing or altered.
    """
    _check_about(_parse((folder / SESSION).read_bytes(), f"{path}: {SESSION}"), path)
    frames = _check_events((folder / EVENTS).read_bytes(), path)
    blobs = sorted((folder / BLOBS).iterdir())
    for blob in blobs:
        _check_blob(blob, path, max_pixels)
    missing = frames - {blob.name for blob in blobs}
    if missing:
        raise ArchiveError(f"{path} lacks the frame {min(missing)[:80]!r} that it speaks of. {_AGAIN}")


def _check_about(about: Any, path: Path) -> None:
    if not isinstance(about, dict):
        raise ArchiveError(f"{path}: {SESSION} does not describe a session. {_AGAIN}")
    version = about.get("format", 0)
    if not isinstance(version, int) or version > FORMAT:
        raise ArchiveError(f"{path} was exported by a newer roomwise. Update roomwise.")


def _check_events(log: bytes, path: Path) -> set[str]:
    """The names of the frames that the events refer to."""
    *lines, rest = log.split(b"\n")
    if rest:
        raise ArchiveError(f"{path}: the last line of {EVENTS} is cut off. {_AGAIN}")
    frames = set()
    for number, line in enumerate(lines, start=1):
        where = f"{path}: line {number} of {EVENTS}"
        event = _event(line, where)
        if isinstance(event, Asked) and event.frame:
            frames.add(f"{event.frame}.jpg")
    return frames


def _event(line: bytes, where: str) -> Event | None:
    if len(line) > _LONGEST_LINE:
        raise ArchiveError(f"{where} is too long. {_AGAIN}")
    values = _parse(line, where)
    try:
        event = from_line(line.decode())
    except (InputError, UnicodeDecodeError) as error:
        raise ArchiveError(f"{where} is no event. {_AGAIN}") from error
    if not isinstance(values, dict) or not all(_in_range(value) for value in values.values()):
        raise ArchiveError(f"{where} holds a number or a list that is out of range. {_AGAIN}")
    if event is not None and not 0 <= event.at < _LAST:
        raise ArchiveError(f"{where} has a time that no clock shows. {_AGAIN}")
    return event


def _in_range(value: Any) -> bool:
    """Texts, finite numbers, and flat tables of those."""
    if isinstance(value, dict):
        return all(isinstance(inner, str | int | float) and _in_range(inner) for inner in value.values())
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return abs(value) < 2**63
    return isinstance(value, str | list) or value is None


def _check_blob(blob: Path, path: Path, max_pixels: int) -> None:
    name = f"{BLOBS}/{blob.name}"
    data = blob.read_bytes()
    match = BLOB.fullmatch(name)
    if match is None or hashlib.sha256(data).hexdigest() != match[1]:
        raise ArchiveError(f"{path}: {name} is damaged or was changed. {_AGAIN}")
    if match[2] == "wav":
        if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
            raise ArchiveError(f"{path}: {name} is no sound. {_AGAIN}")
        return
    try:
        decode(data, name, max_pixels)
    except ImageError as error:
        raise ArchiveError(f"{path}: {error}") from error


def _parse(data: bytes, where: str) -> Any:
    try:
        return parse_json(data)
    except Malformed as error:
        raise ArchiveError(f"{where} cannot be read: {error}. {_AGAIN}") from error
