"""A real terminal: what native code prints goes to the log, the screen stays whole, and it is given back."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tui.terminal import own_terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
NOISE = b"Expression 'paInvalidSampleRate' failed"
PROGRAM = f"""
import os, threading, time
from tiny_console import FakeConsole
from tui.app import show

def noise():
    while True:
        time.sleep(0.1)
        os.write(1, {NOISE!r})
        os.write(2, {NOISE!r})

threading.Thread(target=noise, daemon=True).start()
show(FakeConsole())
print("left")
"""


def _read_until(terminal: int, wanted: bytes, seconds: float) -> bytes:
    seen, end = b"", time.monotonic() + seconds
    while wanted not in seen:
        assert time.monotonic() < end, seen[-500:]
        try:
            seen += os.read(terminal, 65_536)
        except OSError:
            break
    return seen


def test_what_is_printed_past_the_screen_goes_to_a_file(isolated: Path) -> None:
    ours, theirs = os.openpty()
    here = Path(__file__).parent
    environment = {
        **os.environ,
        "TERM": "xterm-256color",
        "PYTHONPATH": f"{here}:{here.parent}",
        "COLUMNS": "80",
        "LINES": "24",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        close_fds=True,
    )
    os.close(theirs)
    try:
        seen = _read_until(ours, b"conversation", 60)
        time.sleep(0.5)
        os.write(ours, b"\x11")  # ctrl+q
        seen += _read_until(ours, b"left", 30)
        assert process.wait(30) == 0
    finally:
        process.kill()
        os.close(ours)
    assert NOISE not in seen.partition(b"\x1b[?1049l")[0]
    assert NOISE in (isolated / "state" / "screen.log").read_bytes()


def test_the_descriptors_are_given_back_and_the_log_stays_small(tmp_path: Path) -> None:
    log = tmp_path / "deep" / "screen.log"
    before = [os.fstat(number).st_ino for number in (1, 2)]
    with own_terminal(log):
        os.write(2, b"x" * 1_000_001)
    assert [os.fstat(number).st_ino for number in (1, 2)] == before
    assert log.stat().st_mode & 0o777 == 0o600
    with own_terminal(log):
        os.write(1, b"y")
    assert log.read_bytes() == b"y"


def test_a_log_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with own_terminal(tmp_path / "file" / "screen.log"):
        os.write(2, b"lost")
