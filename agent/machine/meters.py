"""Memory, processor and, on boards whose files report them, GPU, power and heat; what a session uses."""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.events import Used


def read_text(path: Path) -> str:
    """The text of a system file; "" when it is missing or its sensor sleeps."""
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def free_memory(root: Path = Path("/")) -> int | None:
    """Free bytes of the system or of this process's cgroup, whichever is less; None if unknown. `root`
    replaces /.
    """
    amounts = [value for value in (_available_memory(root), _free_in_cgroup(root)) if value is not None]
    return min(amounts, default=None)


def _available_memory(root: Path) -> int | None:
    for line in read_text(root / "proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _free_in_cgroup(root: Path) -> int | None:
    """What is left to a container (cgroup 2)."""
    group = root / "sys/fs/cgroup"
    limit, used = (read_text(group / name).strip() for name in ("memory.max", "memory.current"))
    return max(0, int(limit) - int(used)) if limit.isdigit() and used.isdigit() else None


if sys.platform != "win32":
    import resource

_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
_GPU_LOADS = (
    "sys/devices/gpu.0/load",
    "sys/devices/platform/gpu.0/load",
    "sys/devices/platform/17000000.gpu/load",
    "sys/devices/platform/bus@0/17000000.gpu/load",
)
_POWER = "sys/bus/i2c/drivers/ina3221/*/hwmon/hwmon*"
_ZONES = "sys/class/thermal/thermal_zone*"
_WHOLE_BOARD = frozenset({"VDD_IN", "POM_5V_IN"})


@dataclass(frozen=True)
class Reading:
    """One reading. `processor` and `gpu` are shares in [0, 1] over all cores; `celsius` is the hottest
    sensor.
    """

    memory_bytes: int = 0
    processor: float = 0.0
    gpu: float | None = None
    watts: float | None = None
    celsius: float | None = None


class Meters:
    """Reads the meters; shares are since the previous reading. `root` replaces /."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._before = self._ticks()

    def read(self) -> Reading:
        """Read everything; takes about a millisecond."""
        return Reading(self._memory(), self._processor(), self._gpu(), self._watts(), self._celsius())

    def _memory(self) -> int:
        """Resident bytes of this process, or the peak where only that is available."""
        pages = read_text(self._root / "proc/self/statm").split()
        if len(pages) > 1 and pages[1].isdigit():
            return int(pages[1]) * os.sysconf("SC_PAGE_SIZE")
        return peak_memory()

    def _processor(self) -> float:
        last, self._before = self._before, self._ticks()
        busy, total = (current - previous for current, previous in zip(self._before, last, strict=True))
        return min(1.0, max(0.0, busy / total)) if total > 0 else 0.0

    def _ticks(self) -> tuple[float, float]:
        """Busy and total ticks of all cores since boot."""
        fields = read_text(self._root / "proc/stat").partition("\n")[0].split()[1:9]
        ticks = [float(field) for field in fields if field.isdigit()]
        idle = sum(ticks[3:5])  # idle, and waiting for a disk
        return sum(ticks) - idle, sum(ticks)

    def _gpu(self) -> float | None:
        loads = (_number(self._root / path) for path in _GPU_LOADS)
        return next((min(1.0, load / 1000) for load in loads if load is not None), None)

    def _watts(self) -> float | None:
        """Of the whole board if a sensor measures that, else the sum of all rails."""
        rails = dict(self._rails())
        whole = [watts for name, watts in rails.items() if name in _WHOLE_BOARD]
        return whole[0] if whole else sum(rails.values()) if rails else None

    def _rails(self) -> Iterator[tuple[str, float]]:
        for folder in sorted(self._root.glob(_POWER)):
            for label in sorted(folder.glob("in*_label")):
                number = label.name.removeprefix("in").removesuffix("_label")
                millivolts = _number(folder / f"in{number}_input")
                milliamperes = _number(folder / f"curr{number}_input")
                if millivolts is not None and milliamperes is not None:
                    yield read_text(label).strip(), millivolts * milliamperes / 1e6

    def _celsius(self) -> float | None:
        readings = [_number(zone / "temp") for zone in self._root.glob(_ZONES)]
        # Sensors that are off report impossible values.
        plausible = [value / 1000 for value in readings if value is not None and 0 < value < 150_000]
        return max(plausible, default=None)


def _number(path: Path) -> float | None:
    try:
        return float(read_text(path).strip())
    except ValueError:
        return None


def peak_memory() -> int:
    """The most resident bytes that this process has had; 0 where the system does not say."""
    if sys.platform == "win32":
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT


def measure_usage(memory: Path, adapters: Path, recording: Path) -> Used:
    """Peak memory of this process and its largest ended child, and the current sizes of these folders."""
    own, child = peak_memory(), 0
    if sys.platform != "win32":
        child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _MAXRSS_UNIT
    return Used(
        at=time.time(), peak_bytes=own, child_peak_bytes=child, memory_bytes=_folder_size(memory),
        adapter_bytes=_folder_size(adapters), recording_bytes=_folder_size(recording),
    )  # fmt: skip


def _folder_size(folder: Path) -> int:
    """Bytes of all files below a folder; files that vanish meanwhile count nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total
