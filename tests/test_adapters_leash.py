"""A child is gone soon after whoever started it."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from tiny_processes import alive

from adapters.jobs.job import ORPHANED_EXIT_CODE

_CHILD = """
import time
from adapters.jobs.job import end_with_input
end_with_input()
print("ready", flush=True)
time.sleep(60)
"""
_PARENT = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {_CHILD!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""
_ROOT = Path(__file__).resolve().parent.parent


def _started(code: str) -> "subprocess.Popen[str]":
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, text=True, cwd=_ROOT)


def test_it_ends_with_its_input() -> None:
    with _started(_CHILD) as child:
        assert child.stdout is not None and child.stdin is not None
        assert child.stdout.readline() == "ready\n"
        assert child.poll() is None
        child.stdin.close()
        assert child.wait(20) == ORPHANED_EXIT_CODE


def test_it_does_not_outlive_a_parent_that_is_killed() -> None:
    with _started(_PARENT) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    until = time.monotonic() + 20
    while alive(pid):
        assert time.monotonic() < until
        time.sleep(0.01)
