"""The scene encoder learnt anew beside a session, from what its camera sees in colour and in depth at once.

Pictures and depth of one instant are gathered as the camera is moved, in memory alone; the job's folder,
where they are written for its worker, is thrown away with it.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from adapters.request import Result
from adapters.scene.adapting import scene_request
from adapters.scene.paired_files import DEPTH
from adapters.scene.request import write_scene_request
from adapters.scene.store import scene_store
from agent.learning.adaptations import Adapting, Say
from agent.learning.beside import Beside
from agent.learning.jobs import Job, launch, new_job
from agent.whereabouts.whereabouts import Sight
from core.errors import InputError
from core.events import CameraLearnt
from core.files import atomic_write_bytes
from core.ports import Rows
from memory.gallery import encode_depth
from models.scene.pixels import check_pair

ENOUGH = 24
"""Pairs that a job begins with."""
_ALIKE = 0.95
"""Cosine from which a view tells nothing beyond one that is kept: moved by less than a thirtieth of its
width, see `agent.station.scene`."""
_FOLDER = "camera"


@dataclass(frozen=True)
class _Pair:
    jpeg: bytes
    depth: bytes
    view: Rows


class CameraLearning(Beside):
    """At most one job, for the camera whose pairs were gathered. Without encoders there never is one."""

    def __init__(self, adapting: Adapting, say: Say) -> None:
        super().__init__()
        self._adapting, self._say = adapting, say
        self._camera = ""
        self._pairs: list[_Pair] = []
        self._began = 0.0
        self._settled = False
        """Whether what was gathered has been learnt from, or tried."""

    def see(self, sight: Sight, view: Rows) -> None:
        """Gather what is seen, where there is depth and it fits; `view` is the picture's unit row [d]."""
        full = len(self._pairs) >= ENOUGH and sight.camera == self._camera
        if self._adapting.encoders is None or sight.depth is None or full:
            return
        try:
            check_pair(sight.picture, sight.depth)
        except InputError:
            return
        if sight.camera != self._camera:
            self._camera, self._pairs, self._settled = sight.camera, [], False
        if max((float(view @ one.view) for one in self._pairs), default=-1.0) < _ALIKE:
            self._pairs.append(_Pair(sight.jpeg, encode_depth(sight.depth), np.asarray(view)))

    def start_if_due(self) -> None:
        """Begin once enough has been gathered; it is learnt from once a session."""
        state = self._adapting.encoders
        if state is None or self._settled or self._job is not None or len(self._pairs) < ENOUGH:
            return
        self._settled = True
        job = new_job(self._adapting.jobs / _FOLDER)
        files = [_written(job / "pairs", number, pair) for number, pair in enumerate(self._pairs)]
        write_scene_request(job, request := scene_request(state, self._camera, files))
        self._job = launch(job, request.threads)
        self._began = time.monotonic()

    def _again(self) -> None:
        self._settled = False

    def _end(self, job: Job, result: Result) -> bool:
        state, promoted = self._adapting.encoders, result.outcome == "promote"
        version = scene_store(state).adopt(self._camera, job.folder) if promoted and state else None
        self._say(
            CameraLearnt, camera=self._camera, pairs=len(self._pairs), promoted=promoted,
            reason=result.reason, seconds=time.monotonic() - self._began,
            version=version.number if version else 0,
        )  # fmt: skip
        return False  # no adapter of the student's


def _written(folder: Path, number: int, pair: _Pair) -> tuple[Path, Path]:
    picture, depth = folder / f"{number:03}.jpg", folder / f"{number:03}{DEPTH}"
    atomic_write_bytes(picture, pair.jpeg)
    atomic_write_bytes(depth, pair.depth)
    return picture, depth
