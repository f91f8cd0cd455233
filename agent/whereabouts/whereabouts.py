"""Where one is, told from one view after another: what to say of it, and what to keep.

Views gather until they tell: several vote together. Those that turn out to be of the room one is in are kept
in its gallery, so that it is known from more and more sides; what cannot be told is kept nowhere.
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from PIL.Image import Image

from agent.whereabouts.recognition import PlaceCalibration, Recognition, brightness, decide, is_dark, joined
from core.errors import InputError, RoomwiseError
from core.events import Event, Failed, RoomEntered, RoomRecognised
from core.ports import Millimetres, Rows, SceneEncoder
from memory.gallery import ALIKE, Gallery, Kind, encode_depth

MOST = 4
"""Views that vote together, the newest."""
FRESH = "room"
"""What a room is called that nobody has named; a number follows where that is taken."""


@dataclass(frozen=True, eq=False)
class Sight:
    """What is seen, by a camera of this name: a JPEG, the picture in it, and distances of the same instant
    where there are any.
    """

    jpeg: bytes
    picture: Image
    depth: Millimetres | None = None
    camera: str = ""


@dataclass(frozen=True)
class Move:
    """What follows from a look: the room one is in, `events` to tell. For another room: whether it is `new`
    and what `kind` of place then, the `reason`, and whether what was asked in the one before is of this one
    (`moved`).
    """

    room: str
    events: tuple[Event, ...] = ()
    new: bool = False
    reason: str = ""
    moved: bool = False
    kind: str = ""


@dataclass(frozen=True)
class _View:
    """`depth` is the same view by distances, for the gallery: in the dark it is known again by them."""

    kind: Kind
    data: bytes
    vector: Rows
    depth: "_View | None" = None


class Whereabouts:
    """Told of one sight after another. `told`: a person has said which room this is, and that holds.

    `unsettled`: the room's name stands for none until it is told what room this is. `kinds` says what kind of
    place a sight shows.
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
        """Whether it is known what room this is, as far as anything has been seen."""
        return not self._unsettled

    def look(self, sight: Sight, here: str) -> Move:
        """What follows from one more view, while one is in the room `here`. Raises StorageError."""
        view = self._view(sight)
        if view is None:
            return Move(here)
        self._gather(view)
        if self._told:
            return self._kept(here)
        shelf = self._gallery.views(view.kind, self._encoder.name)
        before = None if self._unsettled else here
        rows = joined([one.vector for one in self._views])
        verdict = decide(rows, shelf, self._calibrations[view.kind], before)
        return self._follow(verdict, here, view.kind, set(shelf.rooms), sight)

    def _follow(
        self, verdict: Recognition, here: str, kind: Kind, known: Collection[str], sight: Sight
    ) -> Move:
        match verdict.what:
            case "known" if verdict.room == here:
                return self._settled(here)
            case "known":
                said = _recognised(verdict, len(self._views), kind)
                moved = self._unsettled
                self._settled(verdict.room)
                return Move(verdict.room, (said,), reason="it was seen before", moved=moved)
            case "new" if self._unsettled:
                self._settled(here)
                place, failed = self._kind(sight)
                return Move(here, (*failed, _begun(here, len(known), place)))
            case "new" if here in known:
                name = fresh_name({*known, here})
                reason = f"{verdict.probability:.0%} sure that it is none of {len(known)} known"
                self._settled(name)
                place, failed = self._kind(sight)
                return Move(name, failed, new=True, reason=reason, kind=place)
        return Move(here)

    def _kind(self, sight: Sight) -> tuple[str, tuple[Event, ...]]:
        """What kind of place it is, or what hinders."""
        try:
            return self._kinds(sight) if self._kinds else "", ()
        except RoomwiseError as error:
            return "", (Failed(at=time.time(), what="scene", error=str(error)),)

    def _settled(self, room: str) -> Move:
        self._unsettled = False
        return self._kept(room)

    def _kept(self, room: str) -> Move:
        for view in self._views:
            for one in (view, view.depth):
                if one is not None:
                    self._gallery.add(room, one.kind, one.data, one.vector, self._encoder.name)
        self._views.clear()
        return Move(room)

    def _gather(self, view: _View) -> None:
        """Views of one kind, each telling something that the one before does not."""
        if self._views and self._views[-1].kind != view.kind:
            self._views.clear()
        if self._views and float(self._views[-1].vector @ view.vector) >= ALIKE:
            self._views.pop()
        self._views = [*self._views, view][-MOST:]

    def _view(self, sight: Sight) -> _View | None:
        """By colour, or by distance where it is too dark; None where neither shows anything."""
        kind: Kind = "depth" if is_dark(brightness(sight.picture)) else "rgb"
        if kind not in self._calibrations:
            return None
        if kind == "depth":
            return self._by_depth(sight.depth)
        try:
            vector = self._encoder.rgb([sight.picture])[0]
            return _View(kind, sight.jpeg, vector, self._by_depth(sight.depth))
        except InputError:
            return None

    def _by_depth(self, depth: Millimetres | None) -> _View | None:
        if depth is None or "depth" not in self._calibrations:
            return None
        try:
            return _View("depth", encode_depth(depth), self._encoder.depth([depth])[0])
        except InputError:
            return None


def fresh_name(known: Collection[str]) -> str:
    """A name for a room that nobody has named, that no known one has."""
    numbered = (f"{FRESH}-{number}" for number in range(2, len(known) + 3))
    return next(name for name in (FRESH, *numbered) if name not in known)


def _begun(room: str, known: int, kind: str) -> RoomEntered:
    reason = f"it is like none of {known} known" if known else "no room is known yet"
    return RoomEntered(at=time.time(), room=room, before=room, new=True, reason=reason, kind=kind)


def _recognised(verdict: Recognition, views: int, kind: Kind) -> RoomRecognised:
    return RoomRecognised(
        at=time.time(), room=verdict.room, likeness=round(verdict.likeness, 3),
        probability=round(verdict.probability, 3), views=views, kind=kind,
    )  # fmt: skip
