"""How often a student names the kind of rendered validation rooms, for its card and to choose by."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from adapters.scene.views import colour, distance, whole_frame
from bench.pretrain.scene.pairs import read_pairs, sensed
from core.ports import Rows
from models.scene.names import SCANNET, class_rows
from models.scene.student import SceneStudent
from models.scene.teacher import SceneTeacher

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
    right = np.array([SCANNET.index(scannet_name(one.kind)) for one in pairs.facts])
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
