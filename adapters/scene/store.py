"""Versions of the scene encoder, for each camera, kept as adapters are: numbered, never edited."""

from pathlib import Path

from adapters.jobs.store import AdapterStore, Kind
from models.adapter_files import SCENE_FILES, check_scene_version

ENCODERS = "encoders"
"""Folder beside that of the adapters."""
SCENE = Kind(SCENE_FILES, check_scene_version)


def scene_store(state: Path) -> AdapterStore:
    """The encoders below a state folder; where adapters have a room they have a camera."""
    return AdapterStore(state / ENCODERS, SCENE)


def encoder_folder(state: Path, camera: str, builtin: Path) -> Path:
    """The encoder in use for a camera: its newest good version, or the one that came with the program."""
    current = scene_store(state).current(camera)
    return builtin if current is None else current.folder
