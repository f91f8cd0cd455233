"""Freed memory is kept where that was asked for; measured in processes of their own."""

import subprocess
import sys

import pytest

_SIZE = 200_000_000
_PROGRAM = f"""
import sys, threading
import numpy as np
from core.allocation import keep_freed_memory
if sys.argv[1] == "keep" and not keep_freed_memory():
    sys.exit(3)
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
def use_and_free():
    np.ones({_SIZE} // 8)
before = resident()
thread = threading.Thread(target=use_and_free)
thread.start(); thread.join()
print(resident() - before)
"""


def kept(how: str) -> int:
    """Bytes that stay resident after 200 MB were used and freed on a thread."""
    done = subprocess.run([sys.executable, "-c", _PROGRAM, how], capture_output=True, text=True, check=False)
    if done.returncode == 3:
        pytest.skip("another allocator than glibc's")
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator is meant")
def test_what_is_freed_is_kept_only_where_that_was_asked_for() -> None:
    assert kept("keep") > 0.9 * _SIZE
    assert kept("return") < 0.1 * _SIZE
