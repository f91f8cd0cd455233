"""Recognises the current room by the votes of gathered views, and keeps those that show it."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
from PIL.Image import Image

from agent.whereabouts.recognition import PlaceCalibration, Recognition, brightness, decide, is_dark
from core.errors import InputError, RoomwiseError
from core.events import Event, Failed, RoomEntered, RoomRecognised
from core.ports import Millimetres, Rows, SceneEncoder
from memory.gallery import ALIKE, Gallery, Kind, encode_depth

MOST = 4
"""The newest views that vote together."""
FRESH = "room"
"""An unnamed room's name; a number follows where it is taken."""


@dataclass(frozen=True, eq=False)
class Sight:
    """What a camera of this name sees: a JPEG, its picture, and distances of the same instant if any."""

    jpeg: bytes
    picture: Image
    depth: Millimetres | None = None
    camera: str = ""


@dataclass(frozen=True)
class Move:
    """What follows from a sight: the current room and `events` to emit. For another room: whether it is `new`
    and its `kind`, the `reason`, and whether the previous room's questions belong to it (`moved`).
    """

    room: str
    events: tuple[Event, ...] = ()
    new: bool = False
    reason: str = ""
    moved: bool = False
    kind: str = ""


@dataclass(frozen=True)
class _View:
    """`depth` is the same view by distances, to recognise it in the dark."""

    kind: Kind
    data: bytes
    vector: Rows
    depth: "_View | None" = None


class Whereabouts:
    """Gets one sight after another. `told`: a person named the room, and that holds. `unsettled`: the room's
    name is provisional. `kinds` recognises the kind of place.
    """

    def __init__(
        self,
        gallery: Gallery,
        encoder: SceneEncoder,
        calibrations: Mapping[Kind, PlaceCalibration],
        *,
        told: bool = False,
        unsettled: bool = False,
        kinds: Callable[[Sight], str] | None = None,
    ) -> None:
        self._kinds = kinds
        self._gallery, self._encoder, self._calibrations = gallery, encoder, calibrations
        self._told, self._unsettled = told, unsettled
        self._views: list[_View] = []

    @property
    def settled(self) -> bool:
        """Whether it is known which room this is."""
        return not self._unsettled

    def look(self, sight: Sight, here: str) -> Move:
        """What follows from one more view, in the room `here`. Raises StorageError."""
        view = self._view(sight)
        if view is None:
            return Move(here)
        self._gather(view)
        if self._told:
            return self._store_views(here)
        shelf = self._gallery.views(view.kind, self._encoder.name)
        previous = None if self._unsettled else here
        rows: Rows = np.stack([gathered.vector for gathered in self._views])
        verdict = decide(rows, shelf, self._calibrations[view.kind], previous)
        return self._follow(verdict, here, view.kind, set(shelf.rooms), sight)

    def _follow(
        self, verdict: Recognition, here: str, kind: Kind, known: Collection[str], sight: Sight
    ) -> Move:
        match verdict.what:
            case "known" if verdict.room == here:
                return self._settle(here)
            case "known":
                recognised = _recognition_event(verdict, len(self._views), kind)
                moved = self._unsettled
                self._settle(verdict.room)
                return Move(verdict.room, (recognised,), reason="it was seen before", moved=moved)
            case "new" if self._unsettled:
                self._settle(here)
                place, failed = self._kind_of(sight)
                reason = f"it is like none of {len(known)} known" if known else "no room is known yet"
                entered = RoomEntered(
                    at=time.time(), room=here, before=here, new=True, reason=reason, kind=place
                )
                return Move(here, (*failed, entered))
            case "new" if here in known:
                name = fresh_name({*known, here})
                reason = f"{verdict.probability:.0%} sure that it is none of {len(known)} known"
                self._settle(name)
                place, failed = self._kind_of(sight)
                return Move(name, failed, new=True, reason=reason, kind=place)
        return Move(here)

    def _kind_of(self, sight: Sight) -> tuple[str, tuple[Event, ...]]:
        """The kind of place, or the failure."""
        try:
            return self._kinds(sight) if self._kinds else "", ()
        except RoomwiseError as error:
            return "", (Failed(at=time.time(), what="scene", error=str(error)),)

    def _settle(self, room: str) -> Move:
        self._unsettled = False
        return self._store_views(room)

    def _store_views(self, room: str) -> Move:
        for view in self._views:
            for stored in (view, view.depth):
                if stored is not None:
                    self._gallery.add(room, stored.kind, stored.data, stored.vector, self._encoder.name)
        self._views.clear()
        return Move(room)

    def _gather(self, view: _View) -> None:
        """Views of one kind, each unlike the one before."""
        if self._views and self._views[-1].kind != view.kind:
            self._views.clear()
        if self._views and float(self._views[-1].vector @ view.vector) >= ALIKE:
            self._views.pop()
        self._views = [*self._views, view][-MOST:]

    def _view(self, sight: Sight) -> _View | None:
        """A view by colour, or by distance in the dark; None where neither shows anything."""
        kind: Kind = "depth" if is_dark(brightness(sight.picture)) else "rgb"
        if kind not in self._calibrations:
            return None
        if kind == "depth":
            return self._depth_view(sight.depth)
        try:
            vector = self._encoder.rgb([sight.picture])[0]
            return _View(kind, sight.jpeg, vector, self._depth_view(sight.depth))
        except InputError:
            return None

    def _depth_view(self, depth: Millimetres | None) -> _View | None:
        if depth is None or "depth" not in self._calibrations:
            return None
        try:
            return _View("depth", encode_depth(depth), self._encoder.depth([depth])[0])
        except InputError:
            return None


def fresh_name(known: Collection[str]) -> str:
    """A new name for a room."""
    numbered = (f"{FRESH}-{number}" for number in range(2, len(known) + 3))
    return next(name for name in (FRESH, *numbered) if name not in known)


def _recognition_event(verdict: Recognition, views: int, kind: Kind) -> RoomRecognised:
    return RoomRecognised(
        at=time.time(), room=verdict.room, likeness=round(verdict.likeness, 3),
        probability=round(verdict.probability, 3), views=views, kind=kind,
    )  # fmt: skip
