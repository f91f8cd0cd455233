"""What a session takes: memory of the processes, bytes on the disk."""

import sys
import time
from pathlib import Path

from core.events import Used

if sys.platform != "win32":
    import resource

_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss


def used(memory: Path, adapters: Path, recording: Path) -> Used:
    """The most memory so far, and how large these folders are now."""
    own, child = _peaks()
    return Used(
        at=time.time(),
        peak_bytes=own,
        child_peak_bytes=child,
        memory_bytes=_size(memory),
        adapter_bytes=_size(adapters),
        recording_bytes=_size(recording),
    )


def _peaks() -> tuple[int, int]:
    """Of this process, and of the largest child that has ended."""
    if sys.platform == "win32":
        return 0, 0
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    own, child = (resource.getrusage(one).ru_maxrss * _UNIT for one in whose)
    return own, child


def _size(folder: Path) -> int:
    """Bytes of all files below a folder; what goes while it is counted counts nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total
