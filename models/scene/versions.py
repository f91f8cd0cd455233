"""The files of an adapted scene encoder, and whether they are whole. Needs no torch."""

from pathlib import Path
from typing import Any

from core.errors import WeightsError
from core.files import sha256_file
from models.adapter_files import VERSION_FILE, read_json
from models.weights import DIGEST_FILE

WEIGHTS = "model.safetensors"
FILES = ("config.json", WEIGHTS, DIGEST_FILE, VERSION_FILE)


def check_scene_version(folder: Path) -> dict[str, Any]:
    """What version.json holds, if the weights are those it was written for; or WeightsError, StorageError."""
    version = read_json(folder / VERSION_FILE)
    if version.get("sha256") != sha256_file(folder / WEIGHTS):
        raise WeightsError(f"The scene encoder in {folder} is damaged. Roll back, or adapt again.")
    return version
