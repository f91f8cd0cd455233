"""What rooms are recognised by, fitted on rooms that `roomwise pretrain render` has rendered.

The projections are learnt from seven rooms in eight; curve and thresholds from the eighth, whose rooms the
projections have not seen, as they are used: some views known, others looked at, of this room or another.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track

from agent.whereabouts.recognition import LikelihoodRatio, PlaceCalibration, decide, features
from bench.pretrain.common.rendering import shard_folders
from bench.recognition.views import measured_depth
from core.errors import InputError
from core.ports import Rows
from memory.gallery import Kind, RoomViews
from models.scene.places import Projection, depth_features, rgb_features
from models.vlm import VisionLanguageModel

_SHRINK = 0.1
"""How far the spread within rooms is moved towards the identity (Friedman 1989): rooms have few views."""
_FLOOR = 1e-3


def discriminants(features: NDArray[np.float32], rooms: NDArray[np.int64], width: int) -> Projection:
    """The projection of features [n, f] to `width` numbers, from views whose rooms [n] are 0, 1, ...

    Features are standardised; the within-room covariance S_w, shrunk, is whitened, and the leading
    eigenvectors of the total covariance in that space are taken. Rooms of one view do not count.
    """
    counts = np.bincount(rooms)
    several = counts[rooms] > 1
    mean, scale = features[several].mean(0), features[several].std(0) + _FLOOR
    rows = ((features[several] - mean) / scale).astype(np.float64)
    labels = np.unique(rooms[several], return_inverse=True)[1]
    centres = np.zeros((labels.max() + 1, rows.shape[1]))
    np.add.at(centres, labels, rows)
    centres /= np.bincount(labels)[:, None]
    inside = rows - centres[labels]
    within = inside.T @ inside / max(1, len(rows) - len(centres))
    within = (1 - _SHRINK) * within + _SHRINK * np.eye(len(within)) * np.trace(within) / len(within)
    values, vectors = np.linalg.eigh(within)
    white = vectors / np.sqrt(values)
    total = (rows @ white).T @ (rows @ white) / len(rows)
    leading = np.linalg.eigh(total)[1][:, ::-1][:, :width]
    return Projection(mean.astype("f4"), scale.astype("f4"), (white @ leading).astype("f4"))


WIDTH = 64
"""Numbers of a vector."""
_JUDGING = 8
"""Every so many a room judges."""
_BATCH = 16
_EVERY = 4
"""Of distances, every so many a view is enough: each is a place of its own."""
_CROPS = 2
"""Looks from near that are made of each depth frame, by cropping."""
_OTHERS = 8
"""Other rooms that each room's views are compared with for the curve."""
_KNOWN, _TRIALS = 20, 3000
"""Rooms that are known when thresholds are fitted, and how often somebody looks."""
_RIGHT = 0.95
"""How often a room that is said to be known, or new, is to be just that."""


@dataclass(frozen=True)
class TrainingFeatures:
    """Features [n, f] of views, the place (room or view) that each is to be known by, and its room."""

    features: NDArray[np.float32]
    places: NDArray[np.int64]
    rooms: NDArray[np.int64]

    def among(self, judging: bool) -> "TrainingFeatures":
        """Of the rooms that judge, or of the others."""
        chosen = (self.rooms % _JUDGING == 0) == judging
        return TrainingFeatures(self.features[chosen], self.places[chosen], self.rooms[chosen])


def gather_features(data: Path, model: VisionLanguageModel, kind: Kind) -> TrainingFeatures:
    """Features of all training views below `data`; of distances, every fourth. A room is known by its colours
    from any side; by distances a view is, from near. Raises InputError when there are none.
    """
    folders = list(shard_folders(data, "train"))
    if not folders:
        raise InputError(f"There are no rooms in {data}. Make them with: roomwise pretrain render.")
    rng = np.random.default_rng(0)
    rows, places, rooms = [], list[int](), list[int]()
    for folder in track(folders, f"{kind} features", console=Console(stderr=True), transient=True):
        lines = [json.loads(line)["room"] for line in (folder / "facts.jsonl").read_text().splitlines()]
        for place, vector in enumerate(_read(folder, model, kind, rng)):
            rows.append(vector)
            number = len(rooms)
            rooms.append(lines[place if kind == "rgb" else place // (1 + _CROPS) * _EVERY])
            places.append(rooms[-1] if kind == "rgb" else number // (1 + _CROPS))
    return TrainingFeatures(np.stack(rows), np.array(places), np.array(rooms))


def _read(
    folder: Path, model: VisionLanguageModel, kind: Kind, rng: np.random.Generator
) -> Iterator[NDArray[np.float32]]:
    if kind == "rgb":
        frames = np.load(folder / "frames.npy", mmap_mode="r", allow_pickle=False)
        for start in range(0, len(frames), _BATCH):
            yield from rgb_features(
                model, [Image.fromarray(frame) for frame in frames[start : start + _BATCH]]
            )
        return
    for metres in np.load(folder / "depth.npy", mmap_mode="r", allow_pickle=False)[::_EVERY]:
        depth = measured_depth(metres, rng)
        yield from depth_features([depth, *(_crop(depth, rng) for _ in range(_CROPS))])


def _crop(depth: NDArray[np.uint16], rng: np.random.Generator) -> NDArray[np.uint16]:
    """What a camera shows that was turned or moved a little: a part of the frame, its distances scaled."""
    side = int(depth.shape[0] * rng.uniform(0.82, 0.97))
    top, left = rng.integers(0, depth.shape[0] - side + 1, 2)
    part = depth[top : top + side, left : left + side]
    cropped: NDArray[np.uint16] = np.clip(part * rng.uniform(0.95, 1.05), 0, 65535).astype(np.uint16)
    return cropped


def learn(samples: TrainingFeatures) -> Projection:
    """The projection, from the rooms that do not judge."""
    learning = samples.among(judging=False)
    return discriminants(learning.features, np.unique(learning.places, return_inverse=True)[1], WIDTH)


def calibrate(samples: TrainingFeatures, project: Callable[[Rows], Rows], seed: int = 0) -> PlaceCalibration:
    """Curve and thresholds, from the rooms that judge."""
    judging = samples.among(judging=True)
    rows = project(judging.features)
    views = [rows[judging.places == place] for place in np.unique(judging.places)]
    return calibrate_places([view for view in views if len(view) > 1], np.random.default_rng(seed))


def calibrate_places(views: Sequence[Rows], rng: np.random.Generator) -> PlaceCalibration:
    """From the views [n, d] of places, n > 1 each."""
    curve = fit_curve(*_comparisons(views, rng))
    trials = list(_trials(views, curve, rng))
    known = _threshold([(p, right) for what, p, right in trials if what == "known"])
    new = _threshold([(p, right) for what, p, right in trials if what == "new"])
    about = _describe(trials, known, new) | {"places": len(views), "known_at_once": _KNOWN, "wanted": _RIGHT}
    return PlaceCalibration(curve, known, new, about)


def _comparisons(
    views: Sequence[Rows], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """What the curve weighs [n, 5], and whether it was the same place [n]."""
    rows, same = [], []
    for number, place in enumerate(views):
        for other in [number, *rng.integers(0, len(views), _OTHERS).tolist()]:
            enrolled, probe = _split_views(len(place), rng)
            known = views[other][: len(enrolled)] if other != number else place[enrolled]
            likeness = float((place[probe] @ known.T).max(1).mean())
            rows.append(features(likeness, len(known), len(probe)))
            same.append(other == number)
    return np.stack(rows), np.array(same)


def _split_views(count: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Some views to know a place by, others to look at."""
    order = rng.permutation(count)
    enrolled = int(rng.integers(1, count))
    probe = int(rng.integers(1, count - enrolled + 1))
    return order[:enrolled], order[enrolled : enrolled + probe]


def fit_curve(rows: NDArray[np.float64], same: NDArray[np.bool_]) -> LikelihoodRatio:
    """Logistic regression by Newton's method, both outcomes weighing the same: its logit is then the
    log-likelihood ratio. A small ridge keeps separable data finite.
    """
    weight = np.where(same, 0.5 / same.mean(), 0.5 / (1 - same.mean()))
    w, ridge = np.zeros(rows.shape[1]), 1e-3 * np.eye(rows.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(rows @ w, -30, 30)))
        hessian = (rows * (weight * p * (1 - p))[:, None]).T @ rows + ridge
        step = np.linalg.solve(hessian, rows.T @ (weight * (p - same)) + ridge @ w)
        w -= step
        if float(np.abs(step).max()) < 1e-8:
            break
    return LikelihoodRatio(*map(float, w))


def _trials(
    views: Sequence[Rows], curve: LikelihoodRatio, rng: np.random.Generator
) -> Iterator[tuple[str, float, bool]]:
    """Enter a known room or another: the likelier of "known" and "new", how likely, whether it is right."""
    calibration = PlaceCalibration(curve, known=0.5, new=0.5)
    for _ in range(_TRIALS):
        chosen = rng.choice(len(views), min(_KNOWN + 1, len(views)), replace=False).tolist()
        room, others = chosen[0], chosen[1:]
        enrolled, probe_views = _split_views(len(views[room]), rng)
        known = rng.random() < 0.5
        shelf = [(str(n), views[n][: len(enrolled)]) for n in others]
        if known:
            shelf[0] = (str(room), views[room][enrolled])
        names = [name for name, rows in shelf for _ in rows]
        gallery = RoomViews(tuple(names), np.concatenate([rows for _, rows in shelf]))
        verdict = decide(views[room][probe_views], gallery, calibration, None)
        if verdict.what != "unsure":
            right = verdict.room == str(room) if verdict.what == "known" else not known
            yield verdict.what, verdict.probability, right


def _threshold(outcomes: Sequence[tuple[float, bool]]) -> float:
    """The least probability from which on a share `_RIGHT` is right; 1 where none is high enough."""
    order = sorted(outcomes, reverse=True)
    right = np.cumsum([is_right for _, is_right in order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(right >= _RIGHT)
    return max(0.5, float(order[good[-1]][0])) if len(good) else 1.0


def _describe(trials: Sequence[tuple[str, float, bool]], known: float, new: float) -> dict[str, Any]:
    about: dict[str, Any] = {}
    for what, least in (("known", known), ("new", new)):
        outcomes = [right for kind, p, right in trials if kind == what and p >= least]
        about[f"said_{what}"] = len(outcomes) / _TRIALS
        about[f"{what}_right"] = float(np.mean(outcomes)) if outcomes else None
    return about | {"trials": _TRIALS}
