"""Lock a folder for one process; a second one learns which process holds it.

It is the system's lock, which ends with its process, so there are no stale locks. The file's text names the
holder for people, which the library filelock could not do on Windows: others cannot read a locked byte.
"""

import errno
import os
import sys
from pathlib import Path
from typing import BinaryIO

from core.errors import StorageError
from core.files import make_folder, private, storage_errors

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_FILE = ".lock"
_LOCKED_ELSEWHERE = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK}
"""Error numbers of a lock that another process holds."""


class FolderLock:
    """Holds a folder until `release`. Made by `lock_folder`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def release(self) -> None:
        """Unlock the folder. May be called again."""
        self._file.close()


def lock_folder(folder: Path) -> FolderLock:
    """Lock the folder for this process, making it if needed. Raises StorageError when it is locked."""
    path = folder / _FILE
    with storage_errors("lock", folder):
        make_folder(folder)
        # Not truncated on opening: it names the process that holds it.
        file = os.fdopen(private(str(path), os.O_RDWR | os.O_CREAT), "r+b")
    try:
        _take(file)
    except OSError as error:
        file.close()
        with storage_errors("lock", folder):
            if error.errno not in _LOCKED_ELSEWHERE:
                raise
        raise StorageError(
            f"{folder} is in use by {_holder(path)}. Wait for it to end, or end it."
        ) from error
    with storage_errors("lock", folder):
        file.truncate(0)
        file.write(f"process {os.getpid()} ({Path(sys.argv[0]).name or 'python'})".encode())
        file.flush()
    return FolderLock(file)


def _take(file: BinaryIO) -> None:
    if sys.platform == "win32":
        # Others cannot read locked bytes there, so lock one far behind the text.
        file.seek(1 << 20)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        file.seek(0)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _holder(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or "another process"
    except OSError:
        return "another process"
