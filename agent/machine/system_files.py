"""Files by which the system tells about itself."""

from pathlib import Path


def told(path: Path) -> str:
    """What such a file says; empty when it is not there, or is of a sensor that sleeps."""
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
