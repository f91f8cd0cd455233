"""The one place where a module is imported late, by name.

Two things need it: optional dependencies, and the verbs of the command, so that `roomwise --help` does not
wait for torch. Everywhere else imports stand at the top of the file, enforced by lint.
"""

import importlib
from types import ModuleType
from typing import Any

from core.errors import CaptureError, MissingDependencyError


def require(module_name: str, extra: str) -> ModuleType:
    """Import an optional dependency now. Raises MissingDependencyError, which names the extra to install.

    Import errors inside an installed module are passed on unchanged: they are bugs there.
    """
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise
        raise MissingDependencyError(
            f"This needs the library {error.name!r}, which is not installed. "
            f"Install it with: pip install 'roomwise[{extra}]' (in a checkout: pip install -e '.[{extra}]')."
        ) from error


def require_native(module_name: str, extra: str, remedy: str) -> ModuleType:
    """`require` of a library with native code. Raises CaptureError with the remedy if it cannot be loaded:
    a system library is missing, or it was built for another NumPy.
    """
    try:
        return require(module_name, extra)
    except ImportError as error:
        raise CaptureError(f"{module_name} is installed but cannot be loaded ({error}). {remedy}") from error


def load(target: str) -> Any:
    """The object that `package.module:attribute` names, importing the module now."""
    module_name, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module_name), attribute)
