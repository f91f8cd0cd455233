"""Which known room some views show, if any: a decision from likenesses alone.

The likeness of views to a room is the mean, over the views, of the highest cosine with the room's own. A
logistic curve turns it into a log-likelihood ratio (Brümmer and du Preez 2006, Application-independent
evaluation of speaker detection); Bayes' rule adds the prior that one mostly stays in a room. Curve and
thresholds were fitted on rooms that the encoder had not learnt from, see `bench.recognition.fitting`.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL.Image import Image, Resampling

from core.errors import WeightsError
from core.files import atomic_write_text
from core.ports import Rows
from core.untrusted import read_as, typed
from memory.gallery import Kind, RoomViews

FILE = Path(__file__).parent / "recognition.json"
STAY = 0.9
"""Prior of still being in the same room; known and unknown others share the rest, half each."""
NEW_AT_FIRST = 0.5
"""Prior of a visit beginning in an unknown room."""

_SCHEMA = 1
_REMEDY = "Fit it again: roomwise bench recognition --fit DATA"
What = Literal["known", "new", "unsure"]


@dataclass(frozen=True)
class LikelihoodRatio:
    """The log-likelihood ratio of a likeness s, with m views of the room and t views seen:
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
    """For one encoder and one kind of view: probabilities from which a room counts as known, or as new."""

    curve: LikelihoodRatio
    known: float
    new: float
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recognition:
    """`room` is the likeliest known one ("" without any), `likeness` its in [-1, 1]. `probability`: of the
    room if known, of none of them if new, else the greater of both.
    """

    what: What
    room: str
    likeness: float
    probability: float


def features(likeness: float, enrolled: int, seen: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The curve's features [5]."""
    views = math.log(seen)
    return np.array([1.0, likeness, math.log(enrolled), views, likeness * views])


def likenesses(views: Rows, shelf: RoomViews) -> dict[str, tuple[float, int]]:
    """Likeness of views [t, d], t > 0, to each room of a shelf, and the room's number of views."""
    if not shelf.rooms:
        return {}
    cosines = views @ shelf.rows.T
    rooms = np.array(shelf.rooms)
    return {
        room: (float(cosines[:, rooms == room].max(1).mean()), int((rooms == room).sum()))
        for room in dict.fromkeys(shelf.rooms)
    }


def posterior(
    likeness_of: Mapping[str, tuple[float, int]], seen: int, curve: LikelihoodRatio, here: str | None
) -> tuple[dict[str, float], float]:
    """The probability of each room, and of none of them. `here` is the previous room, None at first."""
    logits = {
        room: curve.ratio(*likeness, seen) + math.log(prior(room, likeness_of, here))
        for room, likeness in likeness_of.items()
    }
    unknown = math.log(1 - sum(prior(room, likeness_of, here) for room in likeness_of))
    top = max([unknown, *logits.values()])
    masses = {room: math.exp(logit - top) for room, logit in logits.items()}
    total = sum(masses.values()) + math.exp(unknown - top)
    return {room: mass / total for room, mass in masses.items()}, math.exp(unknown - top) / total


def prior(room: str, rooms: Mapping[str, Any], here: str | None) -> float:
    """The prior of a room; those of all rooms sum to less than 1."""
    if here not in rooms:
        return (1 - NEW_AT_FIRST) / len(rooms)
    others = len(rooms) - 1
    return STAY if room == here else (1 - STAY) / 2 / others


def decide(views: Rows, shelf: RoomViews, calibration: PlaceCalibration, here: str | None) -> Recognition:
    """What views [t, d], t > 0, show; of one kind and by the shelf's encoder."""
    likeness_of = likenesses(views, shelf)
    if not likeness_of:
        return Recognition("new", "", -1.0, 1.0)
    rooms, unknown = posterior(likeness_of, len(views), calibration.curve, here)
    room = max(rooms, key=rooms.__getitem__)
    likeness = likeness_of[room][0]
    if rooms[room] >= calibration.known:
        return Recognition("known", room, likeness, rooms[room])
    if unknown >= calibration.new:
        return Recognition("new", room, likeness, unknown)
    return Recognition("unsure", room, likeness, max(rooms[room], unknown))


def read_calibrations(encoder: str, path: Path = FILE) -> dict[Kind, PlaceCalibration]:
    """What was fitted for an encoder, by kind of view. Raises WeightsError."""
    if not path.is_file():
        raise WeightsError(f"There is no {path}. {_REMEDY}")
    payload = read_as(path, dict[str, Any], WeightsError, _REMEDY)
    try:
        if payload["schema"] != _SCHEMA:
            raise ValueError(f"its schema is {payload['schema']}")
        calibrations: dict[Kind, PlaceCalibration] = typed(
            dict[Kind, PlaceCalibration], payload["encoders"].get(encoder, {})
        )
        return calibrations
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path} is damaged ({error}). {_REMEDY}") from error


def write_calibrations(
    encoder: str, calibrations: Mapping[Kind, PlaceCalibration], path: Path = FILE
) -> None:
    """Store what was fitted for an encoder, replacing all others. Raises StorageError."""
    kinds = {kind: asdict(calibration) for kind, calibration in calibrations.items()}
    payload = {"schema": _SCHEMA, "encoders": {encoder: kinds}}
    atomic_write_text(path, json.dumps(payload, indent=1) + "\n")


def brightness(picture: Image) -> float:
    """A picture's mean brightness, in [0, 1]."""
    small = picture.convert("L").resize((16, 16), Resampling.BOX, reducing_gap=1.0)
    return float(np.asarray(small).mean()) / 255


def is_dark(brightness: float, darkest: float = 0.06) -> bool:
    """Whether this mean brightness in [0, 1] is too dark to recognise a room by colours."""
    return brightness < darkest
