"""What the encoders are tested on: views with depth, the right class of each, and which room it is of."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.pretrain.common.rendering import ShardPlan, render_cache
from bench.pretrain.scene.pairs import read_folder, read_pairs, scannet_name, sensed
from core.errors import InputError
from models.scene.names import checked

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
        list(sensed(pairs.depth[rows], _NOISE_SEED)),
        _class_numbers([names[row] for row in rows], classes),
        [str(pairs.rooms[row]) for row in rows],
    )


def folder_views(folder: Path, classes: list[str]) -> LabelledViews:
    """All pairs of a folder; the folders directly in it are classes. Raises InputError."""
    pairs = read_folder(folder)
    images = [Image.fromarray(frame) for frame in pairs.frames]
    return LabelledViews(images, list(pairs.depth), _class_numbers(pairs.classes, classes), pairs.rooms)


def _class_numbers(names: list[str], classes: list[str]) -> NDArray[np.int64]:
    places = {name.casefold(): number for number, name in enumerate(checked(classes))}
    unknown = sorted({name for name in names if name.casefold() not in places})
    if unknown:
        raise InputError(
            f"There are views of {', '.join(unknown)}, not among the class names. Add that to --classes."
        )
    return np.array([places[name.casefold()] for name in names], np.int64)
