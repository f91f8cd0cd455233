"""How much memory a new process could take."""

from pathlib import Path

from agent.machine.system_files import told


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
