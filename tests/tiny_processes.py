"""Processes, seen from outside."""

import itertools
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_KILLED = 9


def alive(pid: int) -> bool:
    """Whether a process runs; on Linux one that has ended and waits for somebody to ask how does not."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        if stat.exists():
            return stat.read_text().rpartition(")")[2].split()[0] not in "ZX"
        os.kill(pid, 0)
    except (ProcessLookupError, FileNotFoundError):
        return False
    return True


def killed_before(step: int, work: Callable[[], object]) -> bool:
    """Do the work in a child that is killed before it has deleted or renamed so often; whether it was."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads, of which it uses none
        child = os.fork()
    if not child:
        steps = itertools.count()
        for name in ("unlink", "rmdir", "rename", "replace"):
            setattr(os, name, _deadly(getattr(os, name), steps, step))
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == _KILLED


def _deadly(call: Callable[..., Any], steps: Iterator[int], last: int) -> Callable[..., Any]:
    def step(*args: Any, **options: Any) -> Any:
        if next(steps) == last:
            os._exit(_KILLED)
        return call(*args, **options)

    return step
