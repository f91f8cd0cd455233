"""The encoders that are compared, and the views that they are tested on, with class and room of each."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from bench.pretrain.common.rendering import ShardPlan, render_cache
from bench.pretrain.scene.commands import RANGES
from bench.pretrain.scene.pairs import add_sensor_noise, read_folder, read_pairs, scannet_name
from bench.pretrain.scene.students import turn_off
from core.errors import InputError, WeightsError
from core.files import storage_errors
from core.ports import Millimetres, Rows
from models.scene.encoder import StudentEncoder, by_onnxruntime, by_torch, exported
from models.scene.names import check_names
from models.scene.pixels import depth_channels, shrink
from models.scene.quantise import insert, turn_on
from models.scene.student import SceneStudent, load_student
from models.scene.teacher import SceneTeacher

_BATCH = 16
View = TypeVar("View")


class PlaceEntrant(Protocol):
    """Views to unit rows, from either modality."""

    def rgb(self, images: Sequence[Image.Image]) -> Rows:
        """Of pictures."""
        ...

    def depth(self, depths: Sequence[Millimetres]) -> Rows:
        """Of depth frames."""
        ...


class UntouchedTeacher:
    """The teacher, which was never shown depth: it gets it as a grey picture, as EdgeVL's tables have it."""

    def __init__(self, teacher: SceneTeacher, side: int) -> None:
        self._teacher, self._side = teacher, side

    def rgb(self, images: Sequence[Image.Image]) -> Rows:
        """Of pictures."""
        return self._teacher.image(images)

    def depth(self, depths: Sequence[Millimetres]) -> Rows:
        """Of depth frames, nearest black, farthest white."""
        return self._teacher.image([_grey(depth, self._side) for depth in depths])


def student_encoder(folder: Path, integers: bool, quantised: bool = True) -> StudentEncoder:
    """A student by onnxruntime in integers, or by torch, there also without them. Raises WeightsError."""
    student = load_student(folder)
    if integers:
        return StudentEncoder(str(folder), student.shape.side, by_onnxruntime(exported(folder)))
    if not quantised:
        turn_off(student)
    return StudentEncoder(str(folder), student.shape.side, by_torch(student))


def ranged_encoder(folder: Path) -> StudentEncoder:
    """The committed stage-1 student, quantised after training by the ranges beside it; or WeightsError."""
    student = quantise(load_student(folder), folder / RANGES)
    return StudentEncoder(f"{folder} ptq", student.shape.side, by_torch(student))


def quantise(student: SceneStudent, path: Path) -> SceneStudent:
    """The student with integers, in place, its ranges from a file. Raises WeightsError, StorageError."""
    try:
        with storage_errors("read", path):
            ranges = json.loads(path.read_text(encoding="utf-8"))
        insert(student)
        state = student.state_dict()
        student.load_state_dict(state | {name: torch.tensor(float(value)) for name, value in ranges.items()})
    except (ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise WeightsError(f"{path} is damaged. Get it again.") from error
    turn_on(student)
    return student.eval()


def encode_in_batches(encode: Callable[[Sequence[View]], Rows], views: Sequence[View]) -> Rows:
    """Rows of many views, some at a time."""
    return np.concatenate([encode(views[begin : begin + _BATCH]) for begin in range(0, len(views), _BATCH)])


def _grey(depth: NDArray[np.uint16], side: int) -> Image.Image:
    metres = shrink(torch.from_numpy(depth.astype(np.float32) / 1000)[None], side)
    pixels = (depth_channels(metres)[0, :1].expand(3, -1, -1).permute(1, 2, 0) + 1) * 127.5
    return Image.fromarray(pixels.round().to(torch.uint8).numpy())


ROOMS_A_SHARD = 20
SIDE = 144
_NOISE_SEED = 1


@dataclass(frozen=True)
class LabelledViews:
    """n views: pictures, depth uint16 [S, S] millimetres, number of the right class [n], name of the room."""

    images: list[Image.Image]
    depths: list[NDArray[np.uint16]]
    right: NDArray[np.int64]
    rooms: list[str]


def rendered_views(rooms: int, cache: Path, classes: list[str], jobs: int, quiet: bool) -> LabelledViews:
    """Four views or so of each of the first test rooms, rendered unless they are in the cache.

    Depth is as a depth camera gives it. Raises InputError when the classes do not name the rendered kinds.
    """
    plans = [
        ShardPlan(
            f"test-{number:05d}", "test", range(number * ROOMS_A_SHARD, (number + 1) * ROOMS_A_SHARD), False
        )
        for number in range(-(-rooms // ROOMS_A_SHARD))
    ]
    render_cache(cache, plans, SIDE, jobs, quiet)
    pairs = read_pairs(cache, "test", shards=len(plans))
    rows = np.flatnonzero(pairs.rooms < rooms)
    names = [scannet_name(fact.kind) for fact in pairs.facts]
    return LabelledViews(
        [Image.fromarray(pairs.frames[row]) for row in rows],
        list(add_sensor_noise(pairs.depth[rows], _NOISE_SEED)),
        _class_numbers([names[row] for row in rows], classes),
        [str(pairs.rooms[row]) for row in rows],
    )


def folder_views(folder: Path, classes: list[str]) -> LabelledViews:
    """All pairs of a folder; the folders directly in it are classes. Raises InputError."""
    pairs = read_folder(folder)
    images = [Image.fromarray(frame) for frame in pairs.frames]
    return LabelledViews(images, list(pairs.depth), _class_numbers(pairs.classes, classes), pairs.rooms)


def _class_numbers(names: list[str], classes: list[str]) -> NDArray[np.int64]:
    places = {name.casefold(): number for number, name in enumerate(check_names(classes))}
    unknown = sorted({name for name in names if name.casefold() not in places})
    if unknown:
        raise InputError(
            f"There are views of {', '.join(unknown)}, not among the class names. Add that to --classes."
        )
    return np.array([places[name.casefold()] for name in names], np.int64)
