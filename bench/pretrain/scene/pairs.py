"""Pictures, depth and what the teacher says of every rendered frame, for training a scene student."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bench.pretrain.common.dataset import read_shard
from bench.pretrain.common.rendering import shard_folders
from bench.rooms.rendering.camera import depth_camera
from bench.rooms.rendering.facts import FrameFacts
from core.errors import InputError
from core.files import atomic_write_bytes
from models.vlm import VisionLanguageModel

_BATCH = 16


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
        [one for shard in read for one in shard.facts],
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
