"""Imports a zip file from anywhere: it becomes a session, or an error, and nothing else on the disk.

Only the few allowed names are accepted, so `..`, absolute paths and links cannot act. Sizes are checked as
declared before reading, and again while reading.
"""

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from agent.recording.record import BLOBS, EVENTS, SESSION
from agent.sessions.archive import ArchiveLimits
from agent.sessions.archive_content import check_session
from agent.sessions.sessions import SESSIONS
from core.errors import ArchiveError, StorageError
from core.files import atomic_directory, storage_errors
from core.text import room_name

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_AGAIN = "Export it again: roomwise sessions export"
_END, _END_64 = b"PK\x05\x06", b"PK\x06\x07"
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_TAIL = 42  # bytes: the end of a list of contents, and what says before it that there is a larger one
_HEADER = 30  # bytes before each entry, at least
# What zipfile raises on files that are damaged or lie, found by feeding it such files.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, OverflowError, RuntimeError,
    NotImplementedError, LookupError,
)  # fmt: skip


def import_archive(
    path: Path, state: Path, max_pixels: int, name: str | None = None, limits: ArchiveLimits | None = None
) -> str:
    """Import the session in a zip file under a new name; returns the name. Without a `name` it is the file's.
    Raises ArchiveError for anything wrong, with nothing kept; StorageError, also when the name is taken.
    """
    limits = limits or ArchiveLimits()
    name = check_name(room_name(path.stem) if name is None else name)
    with storage_errors("read", path):
        status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ArchiveError(f"{path} is no file. {_AGAIN}")
    if status.st_size > limits.archive:
        raise ArchiveError(f"{path} has {status.st_size:,} bytes, more than {limits.archive:,}. {_AGAIN}")
    target = state / SESSIONS / name
    if target.exists():
        raise StorageError(f"There is a session {name} already. Give this one another name: --name NAME")
    with atomic_directory(target) as aside:
        (aside / BLOBS).mkdir()
        for entry, data in _entries(path, status.st_size, limits):
            # One of the few names of `Limits.of`, below a folder that was made for it.
            (aside / entry).write_bytes(data)
        check_session(aside, path, max_pixels)
    return name


def check_name(name: str) -> str:
    """The name, if a session can have it. Raises ArchiveError."""
    if not _NAME.fullmatch(name):
        raise ArchiveError(
            f"A session cannot be called {name[:80]!r}. "
            "Use up to 64 lower-case letters, digits, - and _: --name my-session"
        )
    return name


def _entries(path: Path, size: int, limits: ArchiveLimits) -> Iterator[tuple[str, bytes]]:
    """Names and bytes of all entries, after checking what the archive declares."""
    with storage_errors("read", path), path.open("rb") as file:
        file.seek(max(0, size - _TAIL))
        _check_end(file.read(), path, limits)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if entry.filename != f"{BLOBS}/"]
            _check_entries(entries, size, path, limits)
            for entry in entries:
                with archive.open(entry) as opened:
                    data = opened.read(entry.file_size + 1)
                if len(data) != entry.file_size:
                    raise ArchiveError(f"{path}: {entry.filename} is not as long as it says. {_AGAIN}")
                yield entry.filename, data
    except _DAMAGED as error:
        raise ArchiveError(f"{path} is damaged ({str(error)[:200]}). {_AGAIN}") from error


def _check_end(tail: bytes, path: Path, limits: ArchiveLimits) -> None:
    """The list of contents must be short, since it is read as a whole."""
    end, locator = tail[-22:], tail[-42:-22]
    if len(end) < 22 or not end.startswith(_END):
        raise ArchiveError(f"{path} is no zip file, or is cut short. {_AGAIN}")
    entries, length = struct.unpack("<HL", end[10:16])
    if locator.startswith(_END_64) or entries > limits.entries + 1 or length > (limits.entries + 1) * 256:
        raise ArchiveError(f"{path} lists too much: more than {limits.entries:,} files. {_AGAIN}")


def _check_entries(entries: list[zipfile.ZipInfo], size: int, path: Path, limits: ArchiveLimits) -> None:
    for entry in entries:
        problem = _problem(entry, limits)
        if problem:
            raise ArchiveError(f"{path}: {entry.filename[:80]!r} {problem}. {_AGAIN}")
    names = [entry.filename for entry in entries]
    if len(set(names)) != len(names):
        raise ArchiveError(f"{path} has a file twice. {_AGAIN}")
    missing = {SESSION, EVENTS} - set(names)
    if missing:
        raise ArchiveError(f"{path} is not a session: it has no {min(missing)}. {_AGAIN}")
    if sum(entry.file_size for entry in entries) > limits.total:
        raise ArchiveError(f"{path} would take more than {limits.total:,} bytes. {_AGAIN}")
    if sum(entry.compress_size + _HEADER for entry in entries) > size:
        raise ArchiveError(f"{path} has files that lie over each other. {_AGAIN}")


def _problem(entry: zipfile.ZipInfo, limits: ArchiveLimits) -> str:
    """What is wrong with an entry's declaration; "" for nothing."""
    most = limits.of(entry.filename)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if most is None or entry.orig_filename != entry.filename:
        return "has no place in a session"
    if kind not in (0, stat.S_IFREG):
        return "is no plain file"
    if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
        return "is encrypted, or compressed in an unknown way"
    if entry.file_size > most:
        return f"has {entry.file_size:,} bytes, more than {most:,}"
    if entry.file_size > limits.ratio * max(entry.compress_size, 1):
        return f"would grow more than {limits.ratio:.0f}-fold"
    return ""
