"""Pictures, depth and what the teacher says of every rendered frame, for training a scene student."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from adapters.scene.views import colour, distance, whole_frame
from bench.pretrain.common.dataset import read_shard
from bench.pretrain.common.rendering import shard_folders, write_array
from bench.rooms.rendering.camera import depth_camera
from bench.rooms.rendering.facts import FrameFacts
from core.errors import InputError
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
    loaded = [shard for shard in (read_shard(folder, student_safe=False) for folder in folders) if shard]
    rooms, base = [], 0
    for shard in loaded:
        numbers = np.zeros(len(shard.facts), np.int64)
        for number, rows in enumerate(shard.rooms):
            numbers[rows] = base + number
        rooms.append(numbers)
        base += len(shard.rooms)
    return FramePairs(
        np.concatenate([shard.frames for shard in loaded]),
        np.concatenate([shard.depth for shard in loaded]),
        np.concatenate(rooms),
        [fact for shard in loaded for fact in shard.facts],
    )


def tower_cells(
    vlm: VisionLanguageModel, data: Path, split: str, cache: Path, report: Callable[[str], None]
) -> NDArray[np.float16]:
    """Cells [n, N, C] of a tower over all frames of a split, shard by shard, kept in `cache`."""
    cells = []
    for folder in shard_folders(data, split):
        path = cache / f"{folder.name}.npy"
        if not path.is_file():
            write_array(path, _cells(vlm, np.load(folder / "frames.npy", mmap_mode="r", allow_pickle=False)))
            report(folder.name)
        cells.append(np.load(path, allow_pickle=False))
    return np.concatenate(cells)


def _cells(vlm: VisionLanguageModel, frames: NDArray[np.uint8]) -> NDArray[np.float16]:
    batches = []
    for begin in range(0, len(frames), _BATCH):
        pixels = torch.from_numpy(frames[begin : begin + _BATCH].transpose(0, 3, 1, 2).astype(np.float32))
        cells = vlm.constant_features(pixels / 127.5 - 1)
        batches.append(cells.flatten(2).transpose(1, 2).half().numpy())
    return np.concatenate(batches)


def add_sensor_noise(depth: NDArray[np.float16], seed: int) -> NDArray[np.uint16]:
    """Exact depth [n, S, S] in metres as a depth camera gives it: uint16 millimetres, noise and holes."""
    noisy = np.empty(depth.shape, np.uint16)
    for row, exact in enumerate(depth):
        noisy[row] = depth_camera(exact.astype(np.float32), np.random.default_rng([seed, row]))
    return noisy


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
    loaded = [read_pair(path, beside(path)) for path in pictures]
    return PairedFrames(
        np.stack([frame for frame, _ in loaded]),
        np.stack([depth for _, depth in loaded]),
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
    depth, crop = add_sensor_noise(pairs.depth, _NOISE_SEED), whole_frame
    classes = class_rows(teacher.text, SCANNET)
    truth = np.array([SCANNET.index(scannet_name(fact.kind)) for fact in pairs.facts])
    hits: dict[str, list[bool]] = {"depth": [], "rgb": []}
    for begin in range(0, len(truth), _BATCH):
        batch, side = slice(begin, begin + _BATCH), student.shape.side
        count = len(truth[batch])
        with torch.inference_mode():
            views = {
                "depth": student(distance(depth[batch], crop(count), side)),
                "rgb": student(colour(pairs.frames[batch], crop(count), side, None)),
            }
        for name, rows in views.items():
            hits[name] += (classify(rows.numpy(), classes) == truth[batch]).tolist()
    return {name: float(np.mean(values)) for name, values in hits.items()}


def classify(rows: Rows, classes: Rows) -> NDArray[np.int64]:
    """The likeliest class of each view, int64 [n]: the largest inner product of unit rows."""
    best: NDArray[np.int64] = (rows @ classes.T).argmax(1)
    return best
