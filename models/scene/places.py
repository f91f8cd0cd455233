"""Embed views so that rooms can be told apart.

Features of a view are the mean and spread of the built-in student's tower cells, and histograms of opponent
colours (Swain and Ballard 1991, Color indexing) of the whole and of its upper, middle and lower third; those
of a depth frame are histograms of distance and mean distances on a grid. A linear projection separates rooms:
Fisher's discriminants, the covariance within rooms shrunk towards the identity (Friedman 1989), fitted on
rendered rooms by `roomwise bench recognition --fit`. Raw tower features only know the kind of a room.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.numpy import load, save

from core.errors import InputError, WeightsError
from core.files import atomic_write_bytes, storage_errors
from core.ports import Millimetres, Rows
from models.registry import load_model, model_folder
from models.scene.pixels import check_depth
from models.vlm import VisionLanguageModel
from models.weights import digest

Kind = Literal["rgb", "depth"]
EYES = "builtin-student"
"""The model whose tower is used, whoever the student is: the projections were fitted for it."""
PROJECTIONS = Path(__file__).parents[1] / "builtin" / "places" / "projections.safetensors"

FARTHEST = 8.0
"""Metres; indoor cameras measure no farther."""
_LEAST_DEPTH = 0.05
"""Share of a depth frame that must have been measured for it to show a room."""
_SIDE = 48
_LIGHT, _CHROMA, _SPREAD = 6, 8, 0.35
_EDGES = np.log([0.5, 0.7, 1.0, 1.3, 1.6, 2.0, 2.4, 2.8, 3.2, 3.7, 4.3, 5.0, 6.0, 8.0])
_GRID, _CELLS = 4, 12
_REMEDY = "Install Roomwise whole again, or fit them: roomwise bench recognition --fit DATA"


@dataclass(frozen=True)
class Projection:
    """(features - mean) / scale times `weights` [features, d], all float32; then made of length 1."""

    mean: Rows
    scale: Rows
    weights: Rows

    def __call__(self, features: Rows) -> Rows:
        """Unit rows [n, d] of features [n, f]."""
        rows = (features - self.mean) / self.scale @ self.weights
        units: Rows = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)).astype("f4")
        return units


class PlaceEncoder:
    """A `SceneEncoder` for recognising rooms. Load it with `load_places`; one thread at a time."""

    def __init__(self, model: VisionLanguageModel, projections: dict[Kind, Projection], name: str) -> None:
        self._model, self._projections, self.name = model, projections, name

    def rgb(self, images: Sequence[Image.Image]) -> Rows:
        """Unit rows float32 [n, d] of n > 0 RGB pictures. Raises InputError for one of a single colour."""
        return self._projections["rgb"](rgb_features(self._model, images))

    def depth(self, depths: Sequence[Millimetres]) -> Rows:
        """Unit rows float32 [n, d2] of n > 0 depth frames uint16 [h, w]. Raises InputError for bad frames."""
        return self._projections["depth"](depth_features(depths))


def load_places(student: VisionLanguageModel | None = None) -> PlaceEncoder:
    """The encoder with the committed projections; it shares the tower of a built-in `student`.

    Raises WeightsError where projections are missing, damaged, or fitted for another tower.
    """
    eyes = digest(model_folder(EYES))
    projections, fitted_for, name = read_projections(PROJECTIONS)
    if fitted_for != eyes:
        raise WeightsError(f"{PROJECTIONS} belongs to other weights of {EYES}. {_REMEDY}")
    is_builtin = student is not None and digest(model_folder(student.name)) == eyes
    model = student if is_builtin and student is not None else load_model(EYES)
    return PlaceEncoder(model, projections, name)


def rgb_features(model: VisionLanguageModel, images: Sequence[Image.Image]) -> Rows:
    """Features float32 [n, f] of n > 0 pictures. Raises InputError for one of a single colour."""
    colours = [_colour_histograms(image) for image in images]
    return np.concatenate([_tower_statistics(model, images), np.stack(colours)], axis=1)


def depth_features(depths: Sequence[Millimetres]) -> Rows:
    """Features of n > 0 depth frames. Raises InputError as `PlaceEncoder.depth` does."""
    for depth in depths:
        check_depth(depth, _LEAST_DEPTH)
    return np.stack([
        np.concatenate([_distance_histograms(depth), _mean_distances(depth)]) for depth in depths
    ])


def _tower_statistics(model: VisionLanguageModel, images: Sequence[Image.Image]) -> Rows:
    """Mean and standard deviation of each of the tower's channels over the picture: [n, 2 C]."""
    with torch.no_grad():
        features = model.constant_features(model.prepare(images)).float()
    cells = features.transpose(1, 2) if features.ndim == 3 else features.flatten(2)
    rows: Rows = torch.cat([cells.mean(2), cells.std(2)], 1).cpu().numpy()
    return rows


def _colour_histograms(image: Image.Image) -> Rows:
    """Square roots (Hellinger) of the shares of brightness and opponent colours, [576]."""
    small = np.asarray(image.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float32) / 255
    if float(np.ptp(small, axis=(0, 1)).max()) < 1 / 255:
        raise InputError("The picture has one colour only and shows no room. Uncover the camera.")
    red, green, blue = np.moveaxis(small, 2, 0)
    light = np.clip((small.mean(2) * _LIGHT).astype(int), 0, _LIGHT - 1)
    chroma = _bin(red - green) * _CHROMA + _bin((red + green) / 2 - blue)
    counts = [np.bincount((light * _CHROMA**2 + chroma).ravel(), minlength=_LIGHT * _CHROMA**2)]
    counts += [np.bincount(third.ravel(), minlength=_CHROMA**2) for third in np.split(chroma, 3)]
    shares: Rows = np.sqrt(np.concatenate(counts) / _SIDE**2).astype(np.float32)
    return shares


def _bin(values: Rows) -> npt.NDArray[np.int64]:
    return np.clip(((values + _SPREAD) / (2 * _SPREAD) * _CHROMA).astype(np.int64), 0, _CHROMA - 1)


def _mean_distances(depth: Millimetres) -> Rows:
    """Logarithms of the mean measured distance in metres in each field of a grid, or `FARTHEST`: [144]."""
    size = (_CELLS, _CELLS)
    measured = Image.fromarray((depth > 0).astype(np.float32)).resize(size, Image.Resampling.BOX)
    metres = Image.fromarray(depth.astype(np.float32) / 1000).resize(size, Image.Resampling.BOX)
    share = np.asarray(measured)
    mean = np.where(share > 0.02, np.asarray(metres) / np.maximum(share, 0.02), FARTHEST)
    logs: Rows = np.log(np.clip(mean, 0.2, FARTHEST)).astype(np.float32).ravel()
    return logs


def _distance_histograms(depth: Millimetres) -> Rows:
    """Square roots of the shares of 16 distance ranges, in each field of a grid and in all, [272]."""
    metres = np.maximum(depth.astype(np.float32) / 1000, 0.2)
    bins = np.where(depth > 0, np.digitize(np.log(metres), _EDGES), len(_EDGES) + 1)
    fields = [part for band in np.array_split(bins, _GRID) for part in np.array_split(band, _GRID, axis=1)]
    shares = [np.bincount(part.ravel(), minlength=len(_EDGES) + 2) / max(1, part.size) for part in fields]
    roots: Rows = np.sqrt(np.concatenate([*shares, np.mean(shares, 0)])).astype(np.float32)
    return roots


def write_projections(path: Path, projections: dict[Kind, Projection], eyes: str) -> None:
    """Write safetensors in half precision, with the digest of the eyes. Raises StorageError."""
    arrays = {
        f"{kind}.{field}": np.ascontiguousarray(value, np.float16)
        for kind, projection in projections.items()
        for field, value in vars(projection).items()
    }
    arrays["eyes"] = np.frombuffer(eyes.encode(), np.uint8)
    atomic_write_bytes(path, save(arrays))


def read_projections(path: Path) -> tuple[dict[Kind, Projection], str, str]:
    """The projections, the digest of the eyes they were fitted for, and the encoder's name.

    Raises WeightsError when they are missing or damaged.
    """
    if not path.is_file():
        raise WeightsError(f"There are no projections at {path}. {_REMEDY}")
    with storage_errors("read", path):
        data = path.read_bytes()
    try:
        arrays = load(data)
        kinds: tuple[Kind, ...] = ("rgb", "depth")
        projections = {kind: _projection(arrays, kind) for kind in kinds}
        eyes = arrays["eyes"].tobytes().decode()
    except (SafetensorError, ValueError, KeyError) as error:
        raise WeightsError(f"{path} is damaged ({error}). {_REMEDY}") from error
    return projections, eyes, f"places:{hashlib.sha256(data).hexdigest()[:12]}"


def _projection(arrays: dict[str, npt.NDArray[np.float16]], kind: Kind) -> Projection:
    mean, scale, weights = (arrays[f"{kind}.{part}"].astype("f4") for part in ("mean", "scale", "weights"))
    if not (mean.shape == scale.shape == weights.shape[:1] and math.isfinite(float(weights.sum()))):
        raise ValueError(f"the {kind} projection has shapes that do not fit")
    return Projection(mean, scale, weights)
