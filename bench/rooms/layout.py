"""Rooms from a seed: a shell, furniture as its kind of room wants it, and things on, under and beside it."""

import math

import numpy as np

from bench.rooms.catalogue.index import BUILDERS, FLOOR_ITEMS, SMALL, WALL
from bench.rooms.placing import Floor
from bench.rooms.shell import Wall, build_shell
from bench.rooms.world.meshes import box, rotate_z
from bench.rooms.world.model import Stock, Thing
from bench.rooms.world.scene import SPLITS, FurnishedRoom

# What stands against the walls: (category, probability) in the order it is placed.
AT_WALLS: dict[str, list[tuple[str, float]]] = {
    "living room": [("sofa", 0.95), ("tv stand", 0.8), ("bookshelf", 0.6), ("cabinet", 0.35), ("desk", 0.15)],
    "bedroom": [("bed", 1.0), ("wardrobe", 0.8), ("cabinet", 0.4), ("desk", 0.3), ("bookshelf", 0.25)],
    "office": [("desk", 1.0), ("desk", 0.4), ("bookshelf", 0.8), ("cabinet", 0.6), ("sofa", 0.2)],
    "dining room": [("cabinet", 0.8), ("bookshelf", 0.3), ("bench", 0.5), ("sofa", 0.15)],
    "kitchen": [
        ("fridge", 0.95), ("stove", 0.95), ("sink", 0.85), ("cabinet", 0.8), ("washing machine", 0.35),
    ],
    "bathroom": [
        ("bathtub", 0.9), ("toilet", 0.95), ("sink", 0.9), ("washing machine", 0.6), ("cabinet", 0.4),
    ],
}  # fmt: skip
FREE: dict[str, list[tuple[str, float]]] = {
    "living room": [("armchair", 0.7), ("armchair", 0.4), ("ottoman", 0.4), ("stool", 0.25)],
    "bedroom": [("armchair", 0.4), ("bench", 0.35), ("ottoman", 0.4), ("stool", 0.3), ("chair", 0.25)],
    "office": [("armchair", 0.5), ("stool", 0.3), ("ottoman", 0.25), ("chair", 0.4)],
    "dining room": [("stool", 0.35), ("armchair", 0.25), ("ottoman", 0.2)],
    "kitchen": [("stool", 0.6), ("stool", 0.4), ("stool", 0.25), ("chair", 0.3)],
    "bathroom": [("stool", 0.6), ("bench", 0.3), ("ottoman", 0.2)],
}
KINDS = tuple(AT_WALLS)
SHELVES = ("bookshelf", "shelf")
ON_DESKS = ("laptop", "monitor", "lamp", "book", "mug")
HANG_HEIGHT = {"picture": (1.45, 1.7), "clock": (1.8, 2.0), "mirror": (1.35, 1.6), "shelf": (1.3, 1.7),
               "radiator": (0.4, 0.45), "towel": (1.1, 1.4)}  # fmt: skip


def build_room(
    split: str,
    index: int,
    banned_categories: frozenset[str] = frozenset(),
    banned_colours: frozenset[str] = frozenset(),
) -> FurnishedRoom:
    """Room `index` of a split (`train`, `validation`, `test`); the same arguments give the same room.

    Nothing in it is of a banned category or colour: that is how a model is kept from ever seeing them.
    """
    rng = np.random.default_rng([SPLITS[split], index])
    stock = Stock(rng, SPLITS[split], banned_colours)
    kind = KINDS[int(rng.integers(len(KINDS)))]
    width = stock.uniform(3.2, 4.4) if kind == "bathroom" else stock.uniform(3.8, 5.4)
    size = (width, stock.uniform(3.4, 4.8), stock.uniform(2.5, 2.8))
    room = FurnishedRoom(split, index, kind, size, stock)
    _Furnisher(Floor(room, build_shell(room)), banned_categories).furnish()
    return room


class _Furnisher:
    """Places one room's furniture; every step draws from the room's own generator."""

    def __init__(self, floor: Floor, banned: frozenset[str]) -> None:
        self.floor, self.room, self.stock, self.banned = floor, floor.room, floor.room.stock, banned

    def furnish(self) -> None:
        kind = self.room.kind
        if kind in ("dining room", "kitchen"):
            self._table_group(1.0 if kind == "dining room" else 0.5)
        for category, probability in AT_WALLS[kind]:
            if self.stock.chance(probability):
                self._at_wall(category)
        for category, probability in FREE[kind]:
            if self.stock.chance(probability):
                self.floor.try_anywhere(self._make(category), square=self.stock.chance(0.5))
        self._floor_items()
        self._wall_items()
        self._small_items()
        if self.stock.chance(0.35 if kind in ("kitchen", "bathroom") else 0.65):
            self._rug()

    def _make(self, category: str) -> Thing:
        return BUILDERS[category](self.stock)

    def _table_group(self, probability: float) -> None:
        if not self.stock.chance(probability):
            return
        s = self.stock
        table = self._make("table")
        w, d, _ = table.size
        x, y = self.room.size[0] / 2 + s.uniform(-0.3, 0.3), self.room.size[1] / 2 + s.uniform(-0.3, 0.3)
        yaw = math.pi / 2 * int(s.rng.integers(2))
        self.floor.put(table, x, y, yaw)
        seat = "chair" if s.chance(0.8) else "stool"
        seed = int(s.rng.integers(2**31))
        places = [(i * w / 4, j * (d / 2 + 0.3), math.pi if j < 0 else 0.0) for j in (-1, 1) for i in (-1, 1)]
        for k in s.rng.permutation(4)[: int(s.rng.integers(1, 5))]:
            px, py, turn = places[int(k)]
            chair = BUILDERS[seat](Stock(np.random.default_rng(seed), s.split, s.banned_colours))  # all alike
            dx, dy, _ = (rotate_z(yaw) @ np.array([px, py, 0], np.float32)).tolist()
            self.floor.try_put(chair, x + dx, y + dy, yaw + turn, margin=0.0)

    def _at_wall(self, category: str) -> None:
        thing = self._make(category)
        position = self.floor.try_wall(thing)
        if position is None:
            return
        number, wall, x = position
        companions = {
            "sofa": self._before_sofa, "bed": self._beside_bed, "desk": self._at_desk,
            "tv stand": self._on_tv_stand,
        }  # fmt: skip
        if category in companions:
            companions[category](thing, wall, x, number)

    def _before_sofa(self, sofa: Thing, wall: Wall, x: float, _number: int) -> None:
        if self.stock.chance(0.75):
            table = self._make("coffee table")
            px, py, _ = wall.world(x, -sofa.size[1] - 0.35 - table.size[1] / 2, 0)
            self.floor.try_put(table, px, py, wall.yaw)

    def _beside_bed(self, bed: Thing, wall: Wall, x: float, _number: int) -> None:
        for side in (-1, 1):
            stand = self._make("nightstand")
            at = x + side * (bed.size[0] / 2 + stand.size[0] / 2 + 0.06)
            px, py, _ = wall.world(at, -stand.size[1] / 2 - 0.04, 0)
            if self.stock.chance(0.75) and wall.is_free(at, stand.size[0] / 2, 0, stand.size[2]):
                self.floor.try_put(stand, px, py, wall.yaw, margin=0.0)

    def _at_desk(self, desk: Thing, wall: Wall, x: float, number: int) -> None:
        chair = self._make("office chair" if self.stock.chance(0.7) else "chair")
        px, py, _ = wall.world(x + self.stock.uniform(-0.2, 0.2), -desk.size[1] - 0.04 - chair.size[1] / 2, 0)
        self.floor.try_put(chair, px, py, wall.yaw + math.pi + self.stock.uniform(-0.5, 0.5), margin=-0.05)
        top = next(s for s in self.floor.supports if s.owner == number)
        for category in self.stock.rng.permutation(ON_DESKS)[: int(self.stock.rng.integers(1, 4))]:
            self.floor.try_set(self._make(str(category)), top)

    def _on_tv_stand(self, stand: Thing, wall: Wall, x: float, number: int) -> None:
        if self.stock.chance(0.8):
            tv = self._make("tv")
            at = wall.world(x, -stand.size[1] / 2 - 0.04, stand.size[2])
            self.room.add(tv, at, wall.yaw, parent=number, relation="on")
            self.floor.supports[:] = [s for s in self.floor.supports if s.owner != number]

    def _floor_items(self) -> None:
        names = sorted(FLOOR_ITEMS - self.banned)
        for _ in range(int(self.stock.rng.integers(3, 7))):
            name = names[int(self.stock.rng.integers(len(names)))]
            for _ in range(2 if self.stock.chance(0.15) else 1):
                self.floor.try_anywhere(self._make(name))

    def _wall_items(self) -> None:
        names = sorted(WALL - self.banned)
        for _ in range(int(self.stock.rng.integers(2, 6))):
            name = names[int(self.stock.rng.integers(len(names)))]
            low, high = HANG_HEIGHT[name]
            self.floor.try_hang(self._make(name), self.stock.uniform(low, high))

    def _small_items(self) -> None:
        names = sorted(SMALL - self.banned - {"tv"})
        for support in list(self.floor.supports):
            if support.category in ("sofa", "bed", "armchair") and self.stock.chance(0.5):
                self.floor.try_set(self._make("cushion"), support)
                continue
            most = 3 if support.category in SHELVES else 4 if support.surface.width > 0.7 else 2
            for _ in range(int(self.stock.rng.integers(0, most))):
                name = names[int(self.stock.rng.integers(len(names)))]
                self.floor.try_set(self._make(name), support)

    def _rug(self) -> None:
        s = self.stock
        w, d = s.uniform(1.5, 2.3), s.uniform(1.1, 1.6)
        x, y = self.room.size[0] / 2 + s.uniform(-0.6, 0.6), self.room.size[1] / 2 + s.uniform(-0.6, 0.6)
        cloth, colour, pattern = s.cloth(tile=s.uniform(0.4, 0.7), patterned=0.6)
        mesh = box(w, d, 0.012).moved(0, 0, 0.008)
        rug = Thing("rug", (w, d, 0.012), [(mesh, cloth)], colour, "cloth", pattern)
        self.room.add(rug, (x, y, 0.0), math.pi / 2 * int(s.rng.integers(2)))
