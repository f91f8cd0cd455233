"""How busy the machine is: memory, processor; on boards that tell it, GPU, power and temperature.

The boards' figures are read where jetson-stats reads them, from the system's own files, so that nothing has
to be installed and no service to run.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


def told(path: Path) -> str:
    """What such a file says; empty when it is not there, or is of a sensor that sleeps."""
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def free_memory(root: Path = Path("/")) -> int | None:
    """Bytes: what the system could give, or what is left of this process's group, if that is less.

    None where the system does not say. `root` stands in for /.
    """
    known = [value for value in (_available(root), _left_of_group(root)) if value is not None]
    return min(known, default=None)


def _available(root: Path) -> int | None:
    for line in told(root / "proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _left_of_group(root: Path) -> int | None:
    """Of a container, by cgroup 2."""
    group = root / "sys/fs/cgroup"
    most, held = (told(group / name).strip() for name in ("memory.max", "memory.current"))
    return max(0, int(most) - int(held)) if most.isdigit() and held.isdigit() else None


if sys.platform != "win32":
    import resource

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
    """One look. `processor` and `gpu` are shares in [0, 1], of all cores together; `celsius` is the hottest
    of the chip's parts. None where the machine does not tell.
    """

    memory_bytes: int = 0
    processor: float = 0.0
    gpu: float | None = None
    watts: float | None = None
    celsius: float | None = None


class Meters:
    """Reads them again and again; shares are those since the reading before. `root` stands in for /."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._before = self._ticks()

    def read(self) -> Reading:
        """Look now. Takes about a millisecond."""
        return Reading(self._memory(), self._processor(), self._gpu(), self._watts(), self._celsius())

    def _memory(self) -> int:
        """What this process holds; where the system says only that, the most it ever held."""
        pages = told(self._root / "proc/self/statm").split()
        if len(pages) > 1 and pages[1].isdigit():
            return int(pages[1]) * os.sysconf("SC_PAGE_SIZE")
        if sys.platform == "win32":
            return 0
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    def _processor(self) -> float:
        before, self._before = self._before, self._ticks()
        busy, all_of_it = (now - then for now, then in zip(self._before, before, strict=True))
        return min(1.0, max(0.0, busy / all_of_it)) if all_of_it > 0 else 0.0

    def _ticks(self) -> tuple[float, float]:
        """Of all cores together since the machine began: busy, and all."""
        fields = told(self._root / "proc/stat").partition("\n")[0].split()[1:9]
        ticks = [float(field) for field in fields if field.isdigit()]
        idle = sum(ticks[3:5])  # idle, and waiting for a disk
        return sum(ticks) - idle, sum(ticks)

    def _gpu(self) -> float | None:
        loads = (_number(self._root / path) for path in _GPU_LOADS)
        return next((min(1.0, load / 1000) for load in loads if load is not None), None)

    def _watts(self) -> float | None:
        """Of the whole board where a sensor measures that, else of all that are measured."""
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
                    yield told(label).strip(), millivolts * milliamperes / 1e6

    def _celsius(self) -> float | None:
        found = (_number(zone / "temp") for zone in self._root.glob(_ZONES))
        return _hottest(value / 1000 for value in found if value is not None)


def _hottest(degrees: Iterable[float]) -> float | None:
    """Sensors that are switched off tell impossible values."""
    return max((value for value in degrees if 0 < value < 150), default=None)


def _number(path: Path) -> float | None:
    try:
        return float(told(path).strip())
    except ValueError:
        return None
