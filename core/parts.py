"""Files and folders on their way in or out: `.NAME.RANDOM.part`, locked by the process that is at them.

The lock ends with its process, so what a killed one left can be told from what is being written or deleted.
System errors pass through.
"""

import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_PART = re.compile(r"\..*\.(part|deleted)", re.DOTALL)  # .deleted: of earlier versions
_OLD = ".old.part"
"""Ends the name of a folder that holds what another is to take the place of."""
_LONGEST = 40  # characters of the name that it will have, or had


def part_name(path: Path) -> Path:
    """A new name beside `path` for what goes."""
    return path.with_name(f".{path.name[:_LONGEST]}.{secrets.token_hex(4)}.part")


@contextmanager
def new_part(path: Path, *, folder: bool = False, old: bool = False) -> Iterator[tuple[int, Path]]:
    """A locked descriptor (-1 of a folder on Windows) and the path of a new private file or folder beside
    `path`; gone at the end if it still has its name. An `old` one is a folder to put aside what has the name
    of `path`, which has it again if this process is killed before another takes its place.
    """
    while True:
        make = _make_folder if folder or old else tempfile.mkstemp
        descriptor, name = make(
            prefix=f".{path.name[:_LONGEST]}.", suffix=_OLD if old else ".part", dir=path.parent
        )
        part = Path(name)
        _lock(descriptor, wait=True)
        if part.exists():
            break
        _close(descriptor)  # a sweep took it for a leftover before it was locked
    try:
        yield descriptor, part
    finally:
        with suppress(OSError):
            _delete(part)
        _close(descriptor)


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Lock a file or folder, whatever it is renamed to; whether that went well."""
    try:
        descriptor = _open(path)
    except OSError:  # gone, or nothing that can be opened
        yield False
        return
    try:
        yield _lock(descriptor)
    finally:
        _close(descriptor)


def find_parts(root: Path) -> list[Path]:
    """All parts below a folder, those in use too."""
    found = []
    for place, folders, files in os.walk(root):
        found += [Path(place, name) for name in (*folders, *files) if _PART.fullmatch(name)]
        folders[:] = [name for name in folders if not _PART.fullmatch(name)]
    return found


def parts_of(path: Path) -> list[Path]:
    """The parts beside `path` that were on their way to its name, or from it."""
    begin = f".{path.name[:_LONGEST]}."
    beside = path.parent.iterdir() if path.parent.is_dir() else ()
    return [part for part in beside if part.name.startswith(begin) and _PART.fullmatch(part.name)]


def is_left_over(part: Path) -> bool:
    """Whether nobody is at it."""
    with held(part) as free:
        return free


def delete_left_over(part: Path) -> None:
    """Delete it, unless somebody is at it; what was put aside for what never came has its name again."""
    with held(part) as free:
        if free:
            _put_back(part)
            _delete(part)


def _put_back(part: Path) -> None:
    for kept in part.iterdir() if part.name.endswith(_OLD) and part.is_dir() else ():
        if not (target := part.with_name(kept.name)).exists():
            kept.rename(target)


def _delete(part: Path) -> None:
    if part.is_dir() and not part.is_symlink():
        shutil.rmtree(part)
    else:
        part.unlink(missing_ok=True)


def _make_folder(prefix: str, suffix: str, dir: Path) -> tuple[int, str]:
    name = tempfile.mkdtemp(suffix, prefix, dir)
    return _open(Path(name)), name


def _open(path: Path) -> int:
    if sys.platform == "win32" and path.is_dir():
        return -1  # folders cannot be opened there
    return os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _lock(descriptor: int, *, wait: bool = False) -> bool:
    """Whether it could be locked. Nothing can on a disk without locks, so nothing is swept there."""
    if sys.platform != "win32":  # there the system refuses to delete what is open
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:
            return False
    return True


def _close(descriptor: int) -> None:
    if descriptor >= 0:
        os.close(descriptor)
