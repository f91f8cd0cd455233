"""Adapts the scene encoder beside a session, from colour and depth frames gathered in memory."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from adapters.jobs.request import Recipe, Result
from adapters.scene.adapting import BUILTIN, scene_request, scene_store
from adapters.scene.request import DEPTH, write_scene_request
from agent.learning.guard import Order
from agent.learning.jobs import Job, launch, new_job
from agent.learning.task import LearningSettings, Task
from agent.whereabouts.whereabouts import Sight
from core.errors import InputError
from core.events import CameraLearnt
from core.files import atomic_write_bytes
from core.ports import Rows, Say
from memory.gallery import encode_depth
from models.footprint import weights_footprint
from models.scene.pixels import check_pair

ENOUGH = 24
"""Pairs needed for a job."""
_ALIKE = 0.95
"""Cosine above which a view adds nothing: moved by less than 1/30 of its width, see `agent.station.scene`."""
_FOLDER = "camera"


@dataclass(frozen=True)
class _Pair:
    jpeg: bytes
    depth: bytes
    view: Rows


class CameraTask(Task):
    """Adapts the encoder of one camera, once a session."""

    name = "scene encoder"

    def __init__(self, settings: LearningSettings, say: Say) -> None:
        self._settings, self._say = settings, say
        self._camera = ""
        self._pairs: list[_Pair] = []
        self._began = 0.0
        self._learnt = False

    def see(self, sight: Sight, view: Rows) -> None:
        """Gather a sight that has a fitting depth frame; `view` is the picture's unit row [d]."""
        full = len(self._pairs) >= ENOUGH and sight.camera == self._camera
        if self._settings.encoders is None or sight.depth is None or full:
            return
        try:
            check_pair(sight.picture, sight.depth)
        except InputError:
            return
        if sight.camera != self._camera:
            self._camera, self._pairs, self._learnt = sight.camera, [], False
        if max((float(view @ pair.view) for pair in self._pairs), default=-1.0) < _ALIKE:
            self._pairs.append(_Pair(sight.jpeg, encode_depth(sight.depth), np.asarray(view)))

    def due(self) -> bool:
        return self._settings.encoders is not None and not self._learnt and len(self._pairs) >= ENOUGH

    def order(self) -> Order:
        self._learnt = True
        return Order(weights_footprint(BUILTIN))

    def start(self, recipe: Recipe | None, note: str) -> Job:
        state = self._settings.encoders
        if state is None:
            raise ValueError("encoders are left alone here")
        job = new_job(self._settings.jobs / _FOLDER)
        files = [_write_pair(job / "pairs", number, pair) for number, pair in enumerate(self._pairs)]
        write_scene_request(job, request := scene_request(state, self._camera, files))
        self._began = time.monotonic()
        return launch(job, request.threads)

    def end(self, job: Job, result: Result) -> bool:
        state, promoted = self._settings.encoders, result.outcome == "promote"
        version = scene_store(state).adopt(self._camera, job.folder) if promoted and state else None
        self._say(
            CameraLearnt, camera=self._camera, pairs=len(self._pairs), promoted=promoted,
            reason=result.reason, seconds=time.monotonic() - self._began,
            version=version.number if version else 0,
        )  # fmt: skip
        return False

    def put_back(self) -> None:
        self._learnt = False


def _write_pair(folder: Path, number: int, pair: _Pair) -> tuple[Path, Path]:
    picture, depth = folder / f"{number:03}.jpg", folder / f"{number:03}{DEPTH}"
    atomic_write_bytes(picture, pair.jpeg)
    atomic_write_bytes(depth, pair.depth)
    return picture, depth
