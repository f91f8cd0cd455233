"""The files of an adapter or an adapted scene encoder, and the checks of them that need no torch.

peft writes `adapter_config.json` and `adapter_model.safetensors`; `version.json` is ours.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import WeightsError
from core.files import sha256_file
from core.untrusted import read_as
from models.weights import DIGEST_FILE

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
VERSION_FILE = "version.json"
SCENE_WEIGHTS = "model.safetensors"
SCENE_FILES = ("config.json", SCENE_WEIGHTS, DIGEST_FILE, VERSION_FILE)


@dataclass(frozen=True)
class Base:
    """The model that adapters belong to: its name and the digest of its weights."""

    name: str
    digest: str

    def __str__(self) -> str:
        return f"{self.name} ({self.digest[:12]})"


def check_version(folder: Path, base: Base | None = None) -> dict[str, Any]:
    """Read version.json, and check that it belongs to the weights and to `base`.

    Raises WeightsError, which names both bases when they differ, and StorageError for missing files.
    """
    version = read_json(folder / VERSION_FILE)
    trained_on = version.get("base")
    if not isinstance(trained_on, dict) or not isinstance(trained_on.get("digest"), str):
        raise WeightsError(f"{folder / VERSION_FILE} names no base. Roll back, or adapt again.")
    if base is not None and trained_on["digest"] != base.digest:
        other = Base(str(trained_on.get("name")), trained_on["digest"])
        raise WeightsError(
            f"The adapter in {folder} was trained on {other} and the model is {base}. "
            f"Load {other.name} instead, or adapt again."
        )
    if version.get("sha256") != sha256_file(folder / WEIGHTS_FILE):
        raise WeightsError(f"The adapter in {folder} is damaged. Roll back, or adapt again.")
    return version


def check_scene_version(folder: Path) -> dict[str, Any]:
    """Read a scene encoder's version.json, and check its weights. Raises WeightsError, StorageError."""
    version = read_json(folder / VERSION_FILE)
    if version.get("sha256") != sha256_file(folder / SCENE_WEIGHTS):
        raise WeightsError(f"The scene encoder in {folder} is damaged. Roll back, or adapt again.")
    return version


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of an adapter. Raises WeightsError when it is none, StorageError."""
    values: dict[str, Any] = read_as(path, dict[str, Any], WeightsError, "Roll back, or adapt again.")
    return values
