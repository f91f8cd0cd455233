"""Every category and its builder, and the sets the layout and the splits are made from."""

from collections.abc import Callable

from bench.rooms.catalogue import (
    devices,
    floor_gear,
    floor_items,
    kitchen_bath,
    seating,
    small,
    soft,
    storage,
    tables,
    wall,
)
from bench.rooms.world.model import Stock, Thing

Builder = Callable[[Stock], Thing]

_FURNITURE: dict[str, Builder] = {
    "sofa": seating.sofa, "armchair": seating.armchair, "chair": seating.chair,
    "office chair": seating.office_chair, "stool": seating.stool, "bench": seating.bench,
    "ottoman": seating.ottoman, "bed": soft.bed, "table": tables.table, "coffee table": tables.coffee_table,
    "desk": tables.desk, "bookshelf": storage.bookshelf, "cabinet": storage.cabinet,
    "nightstand": storage.nightstand, "wardrobe": storage.wardrobe, "tv stand": storage.tv_stand,
    "fridge": kitchen_bath.fridge, "stove": kitchen_bath.stove, "sink": kitchen_bath.sink,
    "washing machine": kitchen_bath.washing_machine, "bathtub": kitchen_bath.bathtub,
    "toilet": kitchen_bath.toilet,
}  # fmt: skip
_FLOOR_ITEMS: dict[str, Builder] = {
    "floor lamp": floor_items.floor_lamp, "plant": floor_items.plant, "bin": floor_items.bin_,
    "ball": floor_items.ball, "box": floor_items.box, "basket": floor_items.basket,
    "suitcase": floor_items.suitcase, "guitar": floor_items.guitar, "teddy bear": floor_items.teddy_bear,
    "bucket": floor_gear.bucket, "drum": floor_gear.drum, "backpack": floor_gear.backpack,
    "fan": floor_gear.fan, "speaker": floor_gear.speaker, "globe": floor_gear.globe,
    "umbrella": floor_gear.umbrella,
}  # fmt: skip
_SMALL: dict[str, Builder] = {
    "lamp": small.lamp, "book": small.book, "mug": small.mug, "bottle": small.bottle, "vase": small.vase,
    "bowl": small.bowl, "candle": small.candle, "laptop": devices.laptop, "cushion": soft.cushion,
    "kettle": small.kettle, "toaster": devices.toaster, "microwave": devices.microwave,
    "radio": devices.radio, "tv": devices.tv, "monitor": devices.monitor,
}  # fmt: skip
_WALL: dict[str, Builder] = {
    "picture": wall.picture, "clock": wall.clock, "mirror": wall.mirror, "shelf": wall.shelf,
    "radiator": wall.radiator, "towel": wall.towel,
}  # fmt: skip

BUILDERS: dict[str, Builder] = {**_FURNITURE, **_FLOOR_ITEMS, **_SMALL, **_WALL}
FURNITURE = frozenset(_FURNITURE)
FLOOR_ITEMS = frozenset(_FLOOR_ITEMS)
SMALL = frozenset(_SMALL)
WALL = frozenset(_WALL)
# Made with the room, not by a builder.
SHELL = frozenset({"window", "curtains", "door", "rug", "ceiling lamp"})

# What the small model must never have seen, so that it has much left to learn in a room.
STUDENT_UNSEEN = frozenset({
    "backpack", "basket", "bucket", "candle", "drum", "fan", "globe", "guitar", "kettle", "mirror", "ottoman",
    "radio", "suitcase", "teddy bear", "toaster", "towel", "umbrella", "vase",
})  # fmt: skip
UNSEEN_COLOURS = frozenset({"orange", "pink", "purple"})
