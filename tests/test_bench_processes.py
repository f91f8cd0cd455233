"""Processes side by side."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_processes import alive

from bench.measure.crew import processes

_OWNER = """
import time
from bench.measure.crew import processes
from test_bench_processes import number
if __name__ == "__main__":
    with processes(2) as workers:
        print(*set(workers.map(number, range(20))), flush=True)
        time.sleep(60)
"""


def number(_: int) -> int:
    """This process's own."""
    time.sleep(0.05)
    return os.getpid()


def test_results_come_in_order() -> None:
    with processes(2) as workers:
        assert list(workers.map(abs, range(-5, 0))) == [5, 4, 3, 2, 1]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_none_outlives_an_owner_that_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "owner.py"
    script.write_text(_OWNER)
    here = Path(__file__).parent
    path = os.pathsep.join((str(here.parent), str(here)))
    env = os.environ | {"PYTHONPATH": path}
    owner = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=env)
    assert owner.stdout is not None
    pids = [int(pid) for pid in owner.stdout.readline().split()]
    assert pids and all(alive(pid) for pid in pids)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    until = time.monotonic() + 30
    while any(alive(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in pids)
