import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from capture.audio_messages import LARGEST, MESSAGES
from core.errors import StorageError

PYTHON = """
import ctypes, os, sys
from pathlib import Path
from capture.audio_messages import MESSAGES
write = ctypes.CDLL(None).write
log, before = Path(sys.argv[1]), len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
for _ in range(20):
    with MESSAGES.hold(log):
        write(2, b"from C\\n", 7)
        print("from Python", file=sys.stderr)
        kept = sys.__stderr__
print("after", file=sys.stderr)
print("kept", file=kept, flush=True)
write(2, b"C again\\n", 8)
after = len(os.listdir("/proc/self/fd")) if before else 0
assert after <= before + 1, (before, after)
"""


def _write(text: bytes) -> None:
    ctypes.CDLL(None).write(2, text, len(text))


def test_what_c_prints_goes_to_the_file_while_somebody_holds(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "logs" / "native.log"
    with MESSAGES.hold(log):
        _write(b"outer\n")
        with MESSAGES.hold(tmp_path / "other.log"):
            _write(b"inner\n")
        _write(b"outer again\n")
    _write(b"screen\n")
    assert log.read_text() == "outer\ninner\nouter again\n"
    assert not (tmp_path / "other.log").exists()
    assert capfd.readouterr().err == "screen\n"


def test_python_goes_on_writing_to_the_screen(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parent.parent
    log = tmp_path / "native.log"
    done = subprocess.run(
        [sys.executable, "-c", PYTHON, str(log)], capture_output=True, text=True, cwd=root, timeout=250
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "from Python\n" * 20 + "after\nkept\nC again\n"
    assert log.read_text() == "from C\n" * 20


def test_a_file_that_grew_large_is_begun_afresh(tmp_path: Path) -> None:
    log = tmp_path / "native.log"
    log.write_bytes(b"x" * (LARGEST + 1))
    with MESSAGES.hold(log):
        _write(b"new\n")
    assert log.read_text() == "new\n"


def test_a_file_that_cannot_be_written_is_said_and_nothing_is_changed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StorageError, match="folder"), MESSAGES.hold(tmp_path):
        pass
    _write(b"screen\n")
    assert capfd.readouterr().err == "screen\n"


def test_a_process_without_an_error_stream_needs_none_of_it(tmp_path: Path) -> None:
    saved = os.dup(2)
    os.close(2)
    try:
        with MESSAGES.hold(tmp_path / "native.log"):
            pass
    finally:
        os.dup2(saved, 2)
        os.close(saved)
