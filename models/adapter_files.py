"""The files of an adapter and the checks that need no torch: is it whole, and whose is it.

`adapter_config.json` and `adapter_model.safetensors` are what peft writes; `version.json` is ours.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import WeightsError
from core.files import read_object, sha256_file

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
VERSION_FILE = "version.json"


@dataclass(frozen=True)
class Base:
    """The model that adapters belong to: the name it is loaded by, the digest of its weights."""

    name: str
    digest: str

    def __str__(self) -> str:
        return f"{self.name} ({self.digest[:12]})"


def check_version(folder: Path, base: Base | None = None) -> dict[str, Any]:
    """What version.json holds, once the weights are those it was written for, and `base` is its base.

    Raises WeightsError, which names both bases when they differ, and StorageError for missing files.
    """
    version = read_json(folder / VERSION_FILE)
    theirs = version.get("base")
    if not isinstance(theirs, dict) or not isinstance(theirs.get("digest"), str):
        raise WeightsError(f"{folder / VERSION_FILE} names no base. Roll back, or adapt again.")
    if base is not None and theirs["digest"] != base.digest:
        other = Base(str(theirs.get("name")), theirs["digest"])
        raise WeightsError(
            f"The adapter in {folder} was trained on {other} and the model is {base}. "
            f"Load {other.name} instead, or adapt again."
        )
    if version.get("sha256") != sha256_file(folder / WEIGHTS_FILE):
        raise WeightsError(f"The adapter in {folder} is damaged. Roll back, or adapt again.")
    return version


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object that belongs to an adapter. Raises WeightsError when it is none, StorageError."""
    return read_object(path, WeightsError, "Roll back, or adapt again.")
