"""What a measurement was made on, without importing what is heavy and without naming anyone."""

import os
import platform
from importlib import metadata
from pathlib import Path

_VERSIONS = ("roomwise", "numpy", "torch", "transformers")


def machine_facts() -> dict[str, str | int | float]:
    """Processor, usable cores, memory in GiB, threads allowed, system, Python and library versions."""
    facts: dict[str, str | int | float] = {
        "cpu": _cpu(),
        # A container or taskset may leave fewer than the machine has.
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "memory_gib": _memory_gib(),
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    return facts | {name: _version(name) for name in _VERSIONS}


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine() or "unknown"


def _memory_gib() -> float:
    """Physical memory in GiB, 0 where the system does not say."""
    try:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 0.0
    return round(pages * size / 2**30, 1)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
