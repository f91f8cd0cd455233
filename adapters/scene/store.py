"""Versions of the scene encoder for each camera, stored like adapters."""

from pathlib import Path

from adapters.jobs.store import AdapterStore, Kind
from models.adapter_files import SCENE_FILES, check_scene_version

ENCODERS = "encoders"
"""Folder beside that of the adapters."""
SCENE = Kind(SCENE_FILES, check_scene_version)


def scene_store(state: Path) -> AdapterStore:
    """The encoders below a state folder, by camera instead of room."""
    return AdapterStore(state / ENCODERS, SCENE)


def encoder_folder(state: Path, camera: str, builtin: Path) -> Path:
    """The folder of a camera's current encoder, or the built-in one."""
    current = scene_store(state).current(camera)
    return builtin if current is None else current.folder
