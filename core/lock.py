"""One process at a time in a folder; a second one is told which process is there.

The lock is the system's own and ends with the process that holds it, however that ends: there is
no stale lock to remove. The file's text is for people only: it names who holds the folder, which the
library filelock could not say on Windows, where nobody else can read the byte that it locks.
"""

import errno
import os
import sys
from pathlib import Path
from typing import BinaryIO

from core.errors import StorageError
from core.files import storage_errors

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_FILE = ".lock"
_HELD = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK}
"""What systems say of a lock that another process holds."""


class FolderLock:
    """Holds a folder until `release`. Made by `lock_folder`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def release(self) -> None:
        """Let others in. May be called again."""
        self._file.close()


def lock_folder(folder: Path) -> FolderLock:
    """Take the folder for this process, making it if needed. Raises StorageError when it is taken."""
    path = folder / _FILE
    with storage_errors("lock", folder):
        folder.mkdir(parents=True, exist_ok=True)
        # Never truncated on opening: what is in it names the process that has it.
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b")
    try:
        _take(file)
    except OSError as error:
        file.close()
        with storage_errors("lock", folder):
            if error.errno not in _HELD:
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
        # Locked bytes cannot be read by others there, so one far behind the text is taken.
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
