"""What the trainings need, put together: frames, the teacher's rows of them, how sure it is."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from adapters.scene.views import Material
from bench.pretrain.scene.pairs import read_folder, read_pairs, sensed
from bench.pretrain.scene.recipes import SceneRecipe
from bench.pretrain.scene.runs import Bench
from bench.pretrain.scene.triplets import judged
from core.files import atomic_write_bytes
from core.ports import Rows
from models.scene.names import GENERIC, class_rows
from models.scene.student import SceneShape
from models.scene.teacher import SceneTeacher

_NOISE_SEED = 0
_BATCH = 16


def rendered_frames(data: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Pictures and a depth camera's depth of all rendered training frames. Raises InputError without any."""
    pairs = read_pairs(data, "train")
    return pairs.frames, sensed(pairs.depth, _NOISE_SEED)


def folder_frames(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """The same of a folder's own paired frames, see `paired_folder`. Raises InputError."""
    found = read_folder(folder)
    return found.frames, found.depth


def prepared(
    frames: NDArray[np.uint8],
    depth: NDArray[np.uint16],
    teacher: SceneTeacher,
    shape: SceneShape,
    recipe: SceneRecipe,
    folder: Path,
    said: Callable[[str], None],
) -> Bench:
    """All that is shared by the trainings kept in `folder`; the teacher looks at each frame once."""
    rows = _rows(frames, teacher, folder, said)
    names = class_rows(teacher.text, GENERIC)
    found = judged(rows, names)
    material = Material(frames, depth, rows, found.labels)
    return Bench(material, found, names, shape, recipe, folder, teacher.name, said)


def _rows(
    frames: NDArray[np.uint8], teacher: SceneTeacher, folder: Path, said: Callable[[str], None]
) -> Rows:
    # A few of the frames tell one collection from another.
    seen = hashlib.sha256(
        f"{teacher.name} {frames.shape}".encode() + frames[:: max(1, len(frames) // 8)].tobytes()
    )
    path = folder / f"teacher-{seen.hexdigest()[:16]}.npy"
    if path.is_file():
        kept: Rows = np.load(path, allow_pickle=False)
        return kept
    found = []
    for begin in range(0, len(frames), _BATCH):
        found.append(teacher.image([Image.fromarray(frame) for frame in frames[begin : begin + _BATCH]]))
        if begin % (64 * _BATCH) == 0:
            said(f"the teacher looks at frame {begin} of {len(frames)}")
    rows = np.concatenate(found)
    buffer = io.BytesIO()
    np.save(buffer, rows, allow_pickle=False)
    atomic_write_bytes(path, buffer.getvalue())
    return rows
