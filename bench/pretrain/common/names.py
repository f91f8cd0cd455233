"""The label spaces of the dense stage, in a fixed order: a checkpoint's heads depend on it."""

from bench.rooms.world.palette import COLOURS as _COLOURS

SHELL = ("outdoors", "floor", "wall", "ceiling", "window", "curtains", "door", "rug", "ceiling lamp")
THINGS = (
    "sofa", "armchair", "chair", "office chair", "stool", "bench", "ottoman", "bed", "table", "coffee table",
    "desk", "bookshelf", "cabinet", "nightstand", "wardrobe", "tv stand", "fridge", "stove", "sink",
    "washing machine", "bathtub", "toilet", "floor lamp", "plant", "bin", "ball", "box", "basket", "suitcase",
    "guitar", "teddy bear", "bucket", "drum", "backpack", "fan", "speaker", "globe", "umbrella", "lamp",
    "book", "mug", "bottle",
    "vase", "bowl", "candle", "laptop", "cushion", "kettle", "toaster", "microwave", "radio",
    "tv", "monitor", "picture", "clock", "mirror", "shelf", "radiator", "towel",
)  # fmt: skip
CATEGORIES = SHELL + THINGS
COLOURS = tuple(_COLOURS)
MATERIALS = (
    "wood", "metal", "plastic", "cloth", "leather", "ceramic", "glass", "straw", "cardboard", "tile",
    "carpet",
)  # fmt: skip
PATTERNS = ("plain", "striped", "checked", "dotted")
