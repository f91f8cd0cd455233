import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import StorageError
from core.lock import lock_folder

HOLD = "import sys; from pathlib import Path; from core.lock import lock_folder\n"
HOLD += "lock = lock_folder(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"


def test_the_second_is_told_who_is_there(tmp_path: Path) -> None:
    lock = lock_folder(tmp_path / "state")
    with pytest.raises(StorageError, match=rf"in use by process {os.getpid()} \(.+\)\. Wait"):
        lock_folder(tmp_path / "state")
    lock.release()
    lock.release()
    lock_folder(tmp_path / "state").release()


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout and child.stdin and child.stdout.readline() == "held\n"
    with pytest.raises(StorageError, match=f"process {child.pid}"):
        lock_folder(tmp_path)
    child.kill()
    child.communicate()
    lock_folder(tmp_path).release()


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_disk_without_locks_is_not_said_to_be_in_use(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*args: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("core.lock._take", locked)
    with pytest.raises(StorageError, match=r"Cannot lock .*knows no locks.*ROOMWISE_HOME"):
        lock_folder(tmp_path)


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"Cannot lock .*file"):
        lock_folder(tmp_path / "file")
