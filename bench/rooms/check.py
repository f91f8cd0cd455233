"""Proof that questions are right: `mistakes` derives every answer again from pixels, depth and geometry.

`overlaps` shows that splits share nothing. Blind readers are in `blind`.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from bench.rooms.questions.draft import Question
from bench.rooms.views import Shot
from bench.rooms.world.palette import colour_distances
from bench.rooms.world.scene import FurnishedRoom, PlacedObject
from bench.rooms.world.textures import KINDS, LIBRARY, texture
from bench.rooms.world.wordings import HELD_OUT, TRAINING

# Looser than what the generator asks for by a rounding error.
_SHARE, _VISIBLE = 0.0059, 0.449
_SPECK = 0.001
_TOUCH = 0.12  # metres between a thing and what it stands on


class ShotScene:
    """One shot, read from scratch: which things have pixels, where they are and how far."""

    def __init__(self, room: FurnishedRoom, shot: Shot) -> None:
        self.room, self.shot = room, shot
        self.pixels: NDArray[np.uint16] = shot.frame.ids
        numbers, counts = np.unique(self.pixels, return_counts=True)
        self.counts: dict[int, int] = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
        self.present = [thing for thing in room.objects if thing.askable and self.counts.get(thing.id)]

    def named(self, name: str) -> PlacedObject | None:
        """The one thing that a name ("sofa", "red chair") can mean, or None."""
        fits = [t for t in self.present if name in (t.category, f"{t.colour} {t.category}")]
        return fits[0] if len(fits) == 1 else None

    def of(self, category: str) -> list[PlacedObject]:
        """Things of a category that have a pixel."""
        return [t for t in self.present if t.category == category]

    def across(self, thing: PlacedObject) -> float:
        """Mean column in [0, 1]."""
        columns = np.nonzero(self.pixels == thing.id)[1]
        return float((columns.mean() + 0.5) / self.pixels.shape[1])

    def away(self, thing: PlacedObject) -> float:
        """Median depth in metres."""
        return float(np.median(self.shot.frame.depth[self.pixels == thing.id]))

    def is_clear(self, thing: PlacedObject) -> bool:
        """Whether enough of a thing shows."""
        share = self.counts[thing.id] / self.pixels.size
        return share >= _SHARE and self.shot.visible.get(thing.id, 0.0) >= _VISIBLE

    def holder(self, thing: PlacedObject) -> PlacedObject | None:
        """What a thing stands on or in, if the geometry agrees: its foot lies over or inside of it."""
        x, y, z = thing.centre
        foot = z - thing.size[2] / 2
        parent = next((o for o in self.room.objects if o.id == thing.parent and o.askable), None)
        if parent is None:
            return None
        gaps = (abs(a - b) for a, b in zip((x, y, foot), parent.centre, strict=True))
        touching = all(gap <= side / 2 + _TOUCH for gap, side in zip(gaps, parent.size, strict=True))
        return parent if touching else None


def mistakes(room: FurnishedRoom, shot: Shot, questions: list[Question]) -> list[str]:
    """One line for every question whose answer does not follow from the shot; empty when all is well."""
    scene = ShotScene(room, shot)
    wrong = []
    for question in questions:
        expected = answer(scene, question)
        hidden = [i for i in question.subject if not _is_seen(scene, i, question.kind)]
        if expected != question.answer or hidden:
            wrong.append(f"{question.text} said {question.answer}, found {expected}, hidden {hidden}")
    return wrong


def _is_seen(scene: ShotScene, number: int, kind: str) -> bool:
    thing = scene.room.objects[number - 1]
    return kind == "exist" or (bool(scene.counts.get(number)) and scene.is_clear(thing))


def answer(scene: ShotScene, question: Question) -> str | None:
    """The answer as pixels, depth and geometry have it; None when the question cannot be answered."""
    named = [scene.named(question.slots[slot]) for slot in "abc" if slot in question.slots]
    present = [thing for thing in named if thing is not None]
    if question.slots.get("a") == "floor":
        return scene.room.floor.split(" ")[-1]
    if len(present) != len(named):
        return None
    return _ANSWERS[question.kind](scene, question.slots, present)


Slots = dict[str, str]
Things = list[PlacedObject]
Answerer = Callable[[ShotScene, Slots, Things], str | None]


def _child(scene: ShotScene, _: Slots, things: Things) -> str | None:
    children = [t for t in scene.present if t.parent == things[0].id and scene.holder(t) is not None]
    return children[0].category if len(children) == 1 else None


def _thing_of_colour(scene: ShotScene, slots: Slots, _: Things) -> str | None:
    matches = [t for t in scene.present if t.colour == slots["colour"]]
    return matches[0].category if len(matches) == 1 else None


def _first(scene: ShotScene, rank: Callable[[PlacedObject], float]) -> str:
    large = [t for t in scene.present if scene.counts[t.id] >= _SPECK * scene.pixels.size]
    return min(large, key=rank).category


def _where(scene: ShotScene, _: Slots, things: Things) -> str | None:
    thing = things[0]
    low = thing.centre[2] - thing.size[2] / 2
    if thing.parent is None:
        w, d, _h = scene.room.size
        x, y, _z = thing.centre
        gap = min(x, y, w - x, d - y) - max(thing.size[:2]) / 2
        return "on the wall" if gap < _TOUCH else None
    if low < _TOUCH and thing.parent == 1:
        return "on the floor"
    holder = scene.holder(thing)
    return f"{thing.relation} the {holder.category}" if holder else None


def _position(scene: ShotScene, _: Slots, things: Things) -> str | None:
    x = scene.across(things[0])
    return "left" if x < 1 / 3 else "middle" if x < 2 / 3 else "right"


def _count(scene: ShotScene, slots: Slots, _: Things) -> str | None:
    matches = scene.of(slots["many"])
    return str(len(matches)) if all(scene.is_clear(t) for t in matches) else None


def _exists(scene: ShotScene, slots: Slots, _: Things) -> str | None:
    matches = scene.of(slots["an"])
    if not matches:
        return "no"
    return "yes" if any(scene.is_clear(t) for t in matches) else None


def _side(scene: ShotScene, _: Slots, things: Things) -> str | None:
    a, b = (scene.across(t) for t in things)
    return None if abs(a - b) < 0.1 else "left" if a < b else "right"


def _by_depth(pick: Callable[[NDArray[np.float64]], np.intp]) -> Answerer:
    def judge(scene: ShotScene, slots: Slots, things: Things) -> str | None:
        depths = np.array([scene.away(t) for t in things])
        winner = int(pick(depths))
        gap = np.min(np.abs(np.delete(depths, winner) - depths[winner]))
        return slots["abc"[winner]] if gap > 0.3 else None

    return judge


def _bigger(scene: ShotScene, slots: Slots, things: Things) -> str | None:
    sizes = [scene.counts[t.id] for t in things]
    winner = int(np.argmax(sizes))
    return slots["ab"[winner]] if max(sizes) > 1.5 * min(sizes) else None


_ANSWERS: dict[str, Answerer] = {
    "what_on": _child,
    "what_in": _child,
    "what_colour": _thing_of_colour,
    "what_biggest": lambda scene, slots, things: _first(scene, lambda t: -scene.counts[t.id]),
    "what_nearest": lambda scene, slots, things: _first(scene, scene.away),
    "what_room": lambda scene, slots, things: scene.room.kind,
    "where": _where,
    "position": _position,
    "colour": lambda scene, slots, things: things[0].colour,
    "tinted": lambda scene, slots, things: "yes" if things[0].colour == slots["colour"] else "no",
    "lit": lambda scene, slots, things: "yes" if things[0].is_on else "no",
    "count": _count,
    "exist": _exists,
    "relation": _side,
    "nearer": _by_depth(np.argmin),
    "farther": _by_depth(np.argmax),
    "nearest": _by_depth(np.argmin),
    "bigger": _bigger,
    "made_of": lambda scene, slots, things: things[0].made_of,
    "pattern": lambda scene, slots, things: things[0].pattern,
}


def colours_shown(shot: Shot, questions: list[Question]) -> list[bool]:
    """For every question of a thing's colour: is its answer one of two nearest names of the middle pixel?"""
    plausible = []
    for question in questions:
        if question.kind == "colour":
            pixels = shot.frame.rgb[np.isin(shot.frame.ids, question.subject)]
            middle = (np.median(pixels, axis=0) / 255).astype(np.float32)
            distances = colour_distances(middle)
            plausible.append(question.answer in sorted(distances, key=distances.__getitem__)[:2])
    return plausible


def overlaps(rooms: dict[str, list[FurnishedRoom]]) -> list[str]:
    """What two splits share of layouts, textures and wordings, one line each; empty when nothing."""
    shared = [
        f"wording of {kind}: {text}" for kind in TRAINING for text in {*TRAINING[kind]} & {*HELD_OUT[kind]}
    ]
    owners: dict[str, str] = {}
    for split, group in rooms.items():
        for signature in {room.signature() for room in group}:
            if owners.setdefault(signature, split) != split:
                shared.append(f"layout in {split} and {owners[signature]}: {signature[:80]}")
    return [*shared, *_shared_textures(3)]


def _shared_textures(splits: int) -> Iterator[str]:
    for kind in KINDS:
        owner: dict[bytes, int] = {}
        for split in range(splits):
            for index in range(LIBRARY):
                pixels = texture(split, kind, index)[0].tobytes()
                if owner.setdefault(pixels, split) != split:
                    yield f"texture {kind} {index} in splits {owner[pixels]} and {split}"
