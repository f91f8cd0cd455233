"""Pictures, depth and what the teacher says of every rendered frame, for training a scene student."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from adapters.scene.views import colour, distance, whole_frame
from bench.pretrain.common.dataset import read_shard
from bench.pretrain.common.rendering import shard_folders
from bench.rooms.rendering.camera import depth_camera
from bench.rooms.rendering.facts import FrameFacts
from core.errors import InputError
from core.files import atomic_write_bytes
from core.ports import Rows
from models.scene.names import SCANNET, class_rows
from models.scene.paired import DEPTH, beside, read_pair
from models.scene.student import SceneStudent
from models.scene.teacher import SceneTeacher
from models.vlm import VisionLanguageModel


@dataclass(frozen=True)
class FramePairs:
    """Frames of a split: uint8 [n, S, S, 3], exact depth float16 [n, S, S] metres, a room's number, facts."""

    frames: NDArray[np.uint8]
    depth: NDArray[np.float16]
    rooms: NDArray[np.int64]
    facts: list[FrameFacts]


def read_pairs(data: Path, split: str, shards: int | None = None) -> FramePairs:
    """All frames of a split, or of its first shards. Raises InputError when there are none."""
    folders = list(shard_folders(data, split))[:shards]
    if not folders:
        raise InputError(f"There are no {split} rooms in {data}. Make them with: roomwise pretrain render")
    read = [shard for shard in (read_shard(folder, student_safe=False) for folder in folders) if shard]
    rooms, base = [], 0
    for shard in read:
        numbers = np.zeros(len(shard.facts), np.int64)
        for number, rows in enumerate(shard.rooms):
            numbers[rows] = base + number
        rooms.append(numbers)
        base += len(shard.rooms)
    return FramePairs(
        np.concatenate([shard.frames for shard in read]),
        np.concatenate([shard.depth for shard in read]),
        np.concatenate(rooms),
        [fact for shard in read for fact in shard.facts],
    )


def tower_cells(
    vlm: VisionLanguageModel, data: Path, split: str, cache: Path, said: Callable[[str], None]
) -> NDArray[np.float16]:
    """Cells [n, N, C] of a tower over all frames of a split, shard by shard, kept in `cache`."""
    found = []
    for folder in shard_folders(data, split):
        path = cache / f"{folder.name}.npy"
        if not path.is_file():
            _write(path, _cells(vlm, np.load(folder / "frames.npy", mmap_mode="r", allow_pickle=False)))
            said(folder.name)
        found.append(np.load(path, allow_pickle=False))
    return np.concatenate(found)


def _cells(vlm: VisionLanguageModel, frames: NDArray[np.uint8]) -> NDArray[np.float16]:
    out = []
    for begin in range(0, len(frames), _BATCH):
        pixels = torch.from_numpy(frames[begin : begin + _BATCH].transpose(0, 3, 1, 2).astype(np.float32))
        cells = vlm.constant_features(pixels / 127.5 - 1)
        out.append(cells.flatten(2).transpose(1, 2).half().numpy())
    return np.concatenate(out)


def _write(path: Path, array: NDArray[np.float16]) -> None:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    atomic_write_bytes(path, buffer.getvalue())


def sensed(depth: NDArray[np.float16], seed: int) -> NDArray[np.uint16]:
    """Exact depth [n, S, S] in metres as a depth camera gives it: uint16 millimetres, noise and holes."""
    out = np.empty(depth.shape, np.uint16)
    for row, exact in enumerate(depth):
        out[row] = depth_camera(exact.astype(np.float32), np.random.default_rng([seed, row]))
    return out


@dataclass(frozen=True)
class PairedFrames:
    """Squeezed: uint8 [n, 160, 160, 3], depth uint16 [n, 160, 160] millimetres; names of class and room."""

    frames: NDArray[np.uint8]
    depth: NDArray[np.uint16]
    classes: list[str]
    rooms: list[str]


def read_folder(folder: Path) -> PairedFrames:
    """All pairs below a folder. Raises InputError where a pair is broken, and when there is none."""
    pictures = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in (".jpg", ".jpeg", ".png") and not path.name.endswith(DEPTH)
    )
    if not pictures:
        raise InputError(
            f"There are no pictures below {folder}. Expected CLASS/FILE.jpg with CLASS/FILE.depth.png."
        )
    read = [read_pair(path, beside(path)) for path in pictures]
    return PairedFrames(
        np.stack([frame for frame, _ in read]),
        np.stack([depth for _, depth in read]),
        [path.relative_to(folder).parts[0].replace(" - ", " / ") for path in pictures],
        [str(path.parent.relative_to(folder)) for path in pictures],
    )


_OTHERWISE = {"living room": "living room / lounge", "bedroom": "bedroom / hotel"}
_NOISE_SEED = 2
_BATCH = 16


def scannet_name(kind: str) -> str:
    """What ScanNet calls a kind of rendered room."""
    return _OTHERWISE.get(kind, kind)


def validation_scores(student: SceneStudent, teacher: SceneTeacher, data: Path) -> dict[str, float]:
    """Accuracy among ScanNet's 21 names on all validation frames, from depth and from RGB."""
    pairs = read_pairs(data, "validation")
    depth, look = sensed(pairs.depth, _NOISE_SEED), whole_frame
    classes = class_rows(teacher.text, SCANNET)
    right = np.array([SCANNET.index(scannet_name(fact.kind)) for fact in pairs.facts])
    found: dict[str, list[bool]] = {"depth": [], "rgb": []}
    for begin in range(0, len(right), _BATCH):
        some, side = slice(begin, begin + _BATCH), student.shape.side
        count = len(right[some])
        with torch.inference_mode():
            views = {
                "depth": student(distance(depth[some], look(count), side)),
                "rgb": student(colour(pairs.frames[some], look(count), side, None)),
            }
        for name, rows in views.items():
            found[name] += (classified(rows.numpy(), classes) == right[some]).tolist()
    return {name: float(np.mean(values)) for name, values in found.items()}


def classified(rows: Rows, classes: Rows) -> NDArray[np.int64]:
    """The likeliest class of each view, int64 [n]: the largest inner product of unit rows."""
    best: NDArray[np.int64] = (rows @ classes.T).argmax(1)
    return best
