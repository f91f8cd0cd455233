"""Libraries with native code: not installed, or installed and not to be loaded, and what then helps."""

from typing import Any

from core.errors import CaptureError
from core.extras import require


def load(module: str, extra: str, remedy: str) -> Any:
    """The module, imported now; `extra` brings it. Raises MissingDependencyError when it is not installed.

    Raises CaptureError, with the remedy, when a library of the system that it needs is not there, or it was
    built for another NumPy.
    """
    try:
        return require(module, extra)
    except ImportError as error:
        raise CaptureError(f"{module} is installed but cannot be loaded ({error}). {remedy}") from error
