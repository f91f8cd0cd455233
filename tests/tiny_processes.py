"""Processes, seen from outside."""

import os
from pathlib import Path


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
