"""Adapt the scene encoder to a camera now: paired frames in, a new version or a rejection out."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from adapters.jobs.job import read_result
from adapters.jobs.request import Result
from adapters.jobs.store import AdapterStore, Kind, Version
from adapters.scene.request import SceneRequest, split, write_scene_request
from core.errors import ModelError
from core.files import state_dir
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


BUILTIN = Path(__file__).parents[2] / "models" / "builtin" / "scene-encoder"


@dataclass(frozen=True)
class AdaptedEncoder:
    """How the job ended, and its version if it was promoted."""

    result: Result
    version: Version | None


def scene_request(
    state: Path, camera: str, pairs: list[tuple[Path, Path]], teacher: str = "", seconds: float = 240.0
) -> SceneRequest:
    """The request for a camera's pairs. Raises InputError when they are too few."""
    train, hold_out = split(pairs)
    current = scene_store(state).current(camera)
    base = encoder_folder(state, camera, BUILTIN).resolve()
    before = 0 if current is None else current.number
    return SceneRequest(camera, base, train, hold_out, teacher, before, seconds=seconds)


def adapt_scene(job: Path, request: SceneRequest, state: Path | None = None) -> AdaptedEncoder:
    """Run the job in a child process of low priority and adopt its result.

    Raises StorageError, and ModelError when the worker dies without a result.
    """
    write_scene_request(job, request)
    subprocess.run([sys.executable, "-m", "adapters.worker", str(job)], check=False)
    result = read_result(job)
    if result is None:
        raise ModelError(
            f"The worker of {job} ended without a result. Run it again; there may be too little memory."
        )
    promoted = result.outcome == "promote"
    store = scene_store(state_dir() if state is None else state)
    return AdaptedEncoder(result, store.adopt(request.camera, job) if promoted else None)
