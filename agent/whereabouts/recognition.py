"""Which known room some views show, if any: a decision from likenesses alone.

The likeness of views to a room is the mean, over the views, of the cosine with the likest of the room's own.
A logistic curve makes of it how much likelier it is if they are of the room than if they are of another
(Brümmer and du Preez 2006, Application-independent evaluation of speaker detection: calibrated log-likelihood
ratios); Bayes' rule adds what was known before: that one mostly stays where one is. Curve and thresholds were
fitted on rooms that the encoder had not learnt from, see `bench.recognition.fitting`.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pydantic
from PIL.Image import Image, Resampling

from core.errors import WeightsError
from core.files import atomic_write_text, storage_errors
from core.ports import Rows
from memory.gallery import Kind, RoomViews

FILE = Path(__file__).parent / "recognition.json"
STAY = 0.9
"""How likely one is still where one was, before one looks; what is left is shared by all other rooms, half
of it by those that are not known."""
NEW_AT_FIRST = 0.5
"""How likely a visit begins in a room that is not known, before one looks."""

_SCHEMA = 1
_REMEDY = "Fit it again: roomwise bench recognition --fit DATA"
What = Literal["known", "new", "unsure"]


@dataclass(frozen=True)
class LikelihoodRatio:
    """The log-likelihood ratio of a likeness s, with m views of the room and t views of what is looked at:
    offset + slope * s + enrolled * log(m) + seen * log(t) + both * s * log(t).
    """

    offset: float
    slope: float
    enrolled: float
    seen: float
    both: float

    def ratio(self, likeness: float, enrolled: int, seen: int) -> float:
        """Natural logarithm of p(likeness | this room) / p(likeness | another)."""
        return float(features(likeness, enrolled, seen) @ np.array(list(vars(self).values())))


@dataclass(frozen=True)
class PlaceCalibration:
    """For one encoder and one kind of view. A room is known from the probability `known` on, and new from
    `new` on; `about` says on what they were fitted, and what came out.
    """

    curve: LikelihoodRatio
    known: float
    new: float
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recognition:
    """What the views show. `room` is the likeliest known one, "" without any, `likeness` its in [-1, 1];
    `probability` is that of what is said: of the room where known, of none of them where new, else the
    greater of both.
    """

    what: What
    room: str
    likeness: float
    probability: float


def features(likeness: float, enrolled: int, seen: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """What the curve weighs, [5]."""
    views = math.log(seen)
    return np.array([1.0, likeness, math.log(enrolled), views, likeness * views])


def likenesses(views: Rows, shelf: RoomViews) -> dict[str, tuple[float, int]]:
    """Of views [t, d], t > 0, the likeness to each room of a shelf, and how many views it has there."""
    if not shelf.rooms:
        return {}
    cosines = views @ shelf.rows.T
    rooms = np.array(shelf.rooms)
    return {
        room: (float(cosines[:, rooms == room].max(1).mean()), int((rooms == room).sum()))
        for room in dict.fromkeys(shelf.rooms)
    }


def posterior(
    found: Mapping[str, tuple[float, int]], seen: int, curve: LikelihoodRatio, here: str | None
) -> tuple[dict[str, float], float]:
    """The probability of each room with these likenesses, and that it is none of them.

    `here` is the room one was in, None at first.
    """
    logits = {room: curve.ratio(*of, seen) + math.log(prior(room, found, here)) for room, of in found.items()}
    unknown = math.log(1 - sum(prior(room, found, here) for room in found))
    top = max([unknown, *logits.values()])
    masses = {room: math.exp(logit - top) for room, logit in logits.items()}
    total = sum(masses.values()) + math.exp(unknown - top)
    return {room: mass / total for room, mass in masses.items()}, math.exp(unknown - top) / total


def prior(room: str, rooms: Mapping[str, Any], here: str | None) -> float:
    """How likely a room is before one looks; those of all rooms add up to less than 1."""
    if here not in rooms:
        return (1 - NEW_AT_FIRST) / len(rooms)
    others = len(rooms) - 1
    return STAY if room == here else (1 - STAY) / 2 / others


def decide(views: Rows, shelf: RoomViews, calibration: PlaceCalibration, here: str | None) -> Recognition:
    """What views [t, d] show, t > 0, of one kind and by one encoder, as the shelf's."""
    found = likenesses(views, shelf)
    if not found:
        return Recognition("new", "", -1.0, 1.0)
    rooms, unknown = posterior(found, len(views), calibration.curve, here)
    room = max(rooms, key=rooms.__getitem__)
    likeness = found[room][0]
    if rooms[room] >= calibration.known:
        return Recognition("known", room, likeness, rooms[room])
    if unknown >= calibration.new:
        return Recognition("new", room, likeness, unknown)
    return Recognition("unsure", room, likeness, max(rooms[room], unknown))


def read_calibrations(encoder: str, path: Path = FILE) -> dict[Kind, PlaceCalibration]:
    """What was fitted for an encoder; of a kind that it cannot be used for, nothing. Raises WeightsError."""
    if not path.is_file():
        raise WeightsError(f"There is no {path}. {_REMEDY}")
    with storage_errors("read", path):
        data = path.read_bytes()
    try:
        told = json.loads(data)
        if told["schema"] != _SCHEMA:
            raise ValueError(f"its schema is {told['schema']}")
        read = pydantic.TypeAdapter(dict[Kind, PlaceCalibration])
        return read.validate_python(told["encoders"].get(encoder, {}))
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path} is damaged ({error}). {_REMEDY}") from error


def write_calibrations(encoder: str, found: Mapping[Kind, PlaceCalibration], path: Path = FILE) -> None:
    """Keep what was fitted for an encoder, and for no other. Raises StorageError."""
    kinds = {kind: asdict(calibration) for kind, calibration in found.items()}
    told = {"schema": _SCHEMA, "encoders": {encoder: kinds}}
    atomic_write_text(path, json.dumps(told, indent=1) + "\n")


def brightness(picture: Image) -> float:
    """The mean of a picture's brightness, in [0, 1]."""
    small = picture.convert("L").resize((16, 16), Resampling.BOX, reducing_gap=1.0)
    return float(np.asarray(small).mean()) / 255


def is_dark(brightness: float, darkest: float = 0.06) -> bool:
    """Whether a picture of this mean brightness in [0, 1] is too dark to tell a room by its colours."""
    return brightness < darkest


def joined(rows: Sequence[Rows]) -> Rows:
    """Vectors [d] as rows [t, d]."""
    stacked: Rows = np.stack(rows)
    return stacked
