"""Drafts about one thing, or about the room: what, where, position, colour, material, pattern, is it on."""

from collections.abc import Iterator

import numpy as np

from bench.rooms.questions.balance import likely
from bench.rooms.questions.draft import Dice, FrameThings, QuestionDraft, draft_about
from bench.rooms.rendering.facts import VisibleThing
from bench.rooms.world.palette import COLOURS, colour_distances

# Colours that walls and floors do not have, so that "the red thing" is not half of the room.
_VIVID = frozenset({"red", "orange", "yellow", "green", "blue", "purple", "pink", "turquoise", "navy"})
_LOOKALIKE = 38.0
_DISTANCES = {name: colour_distances(np.array(rgb, np.float32)) for name, rgb in COLOURS.items()}
ALIKE: dict[str, frozenset[str]] = {
    name: frozenset(other for other, d in distances.items() if d < _LOOKALIKE and other != name)
    for name, distances in _DISTANCES.items()
}
# Nobody asks where these are, or the answer (on the floor) is what they are for.
_STANDING = frozenset(
    "sofa,armchair,chair,office chair,stool,bench,ottoman,bed,table,coffee table,desk,"
    "bookshelf,cabinet,nightstand,wardrobe,tv stand,fridge,stove,sink,washing machine,bathtub,"
    "toilet,rug,door,window,curtains,radiator,floor lamp,ceiling lamp".split(",")
)
_FLOOR_SHARE = 0.04
_LARGE = 0.25  # of the frame: a thing that fills a quarter of it is not at one side of it
_THIRDS_MARGIN = 0.05
_DEPTH_GAP = 0.35  # metres
_SPECK = 0.001  # of the frame: less than this nobody takes for a thing
_PATTERN_SHARE = 0.02
_MATERIAL_SHARE = 0.008
_SUPPORT_SHARE = 0.004


def single_drafts(view: FrameThings, dice: Dice) -> Iterator[QuestionDraft]:
    """Everything to ask about one thing, and about the room."""
    yield QuestionDraft("what_room", "what", {}, view.facts.kind, (), "what_room", "room")
    if view.facts.floor_share >= _FLOOR_SHARE:
        answer = view.facts.floor.split(" ")[-1]
        slots = {"a": "floor"}
        yield QuestionDraft("made_of", "material", slots, answer, (), "made_of|floor", "made_of:floor")
    yield from _what(view)
    yield from _foremost(view)
    for thing in view.named():
        yield from _place(view, thing)
    for thing in view.single:
        yield from _appearance(thing, dice)


def _what(view: FrameThings) -> Iterator[QuestionDraft]:
    """What stands on or in a thing, if just one; what has a colour that nothing else comes near."""
    things = view.facts.seen
    for parent in view.named():
        children = [t for t in things if t.parent == parent.id and t.relation in ("on", "in")]
        if len(children) == 1 and children[0].clear:
            child, slots, subject = children[0], {"b": view.names[parent.id]}, (children[0].id, parent.id)
            kind = f"what_{child.relation}"
            key, fact = f"{kind}|{parent.category}", f"{kind}:{parent.id}"
            yield QuestionDraft(kind, "what", slots, child.category, subject, key, fact)
    for colour in sorted(_VIVID & {t.colour for t in things if t.colour}):
        close = [t for t in things if t.colour and (t.colour == colour or t.colour in ALIKE[colour])]
        if len(close) == 1 and close[0].clear and close[0].looks_coloured:
            thing, slots = close[0], {"colour": colour}
            key, fact = f"what_colour|{colour}", f"what_colour:{thing.id}"
            yield QuestionDraft("what_colour", "what", slots, thing.category, (thing.id,), key, fact)


def _foremost(view: FrameThings) -> Iterator[QuestionDraft]:
    """The biggest and the nearest thing, where no other comes close."""
    things = view.facts.seen
    by_share = sorted(things, key=lambda t: -t.share)[:2]
    by_depth = sorted((t for t in things if t.share >= _SPECK), key=lambda t: t.depth)[:2]
    if len(by_share) == 2 and by_share[0].clear and by_share[0].share > 1.5 * by_share[1].share:
        thing = by_share[0]
        fact = f"what_biggest:{thing.id}"
        yield QuestionDraft("what_biggest", "what", {}, thing.category, (thing.id,), "what_biggest", fact)
    if len(by_depth) == 2 and by_depth[0].clear and by_depth[1].depth - by_depth[0].depth > _DEPTH_GAP:
        thing = by_depth[0]
        fact = f"what_nearest:{thing.id}"
        yield QuestionDraft("what_nearest", "what", {}, thing.category, (thing.id,), "what_nearest", fact)


def _place(view: FrameThings, thing: VisibleThing) -> Iterator[QuestionDraft]:
    slots, place = {"a": view.names[thing.id]}, _where(view, thing)
    if place:
        yield draft_about("where", "where", slots, place, thing)
    if thing.share < _LARGE and min(abs(thing.cx - 1 / 3), abs(thing.cx - 2 / 3)) >= _THIRDS_MARGIN:
        answer = ("left", "middle", "right")[min(2, int(thing.cx * 3))]
        yield draft_about("position", "position", slots, answer, thing)


def _where(view: FrameThings, thing: VisibleThing) -> str | None:
    if thing.category in _STANDING or thing.relation is None:
        return None
    if thing.parent is None:
        return thing.relation
    if thing.support == "floor":
        return "on the floor"
    parent = view.by_id.get(thing.parent or 0)
    if parent is None or parent.share < _SUPPORT_SHARE:
        return None
    return f"{thing.relation} the {parent.category}"


def _appearance(thing: VisibleThing, dice: Dice) -> Iterator[QuestionDraft]:
    a, slots = thing.category, {"a": thing.category}
    if thing.colour and thing.looks_coloured:
        yield draft_about("colour", "colour", slots, thing.colour, thing)
        others = [c for c in COLOURS if c != thing.colour and c not in ALIKE[thing.colour]]
        # As common as the colours it might have: to hear "black" must not mean "no".
        denied = dice.weighted(others, [likely(a, c) for c in others])
        for colour, answer in ((thing.colour, "yes"), (denied, "no")):
            key, fact = f"tinted|{colour}", f"tinted:{thing.id}:{colour}"
            yield QuestionDraft("tinted", "yesno", slots | {"colour": colour}, answer, (thing.id,), key, fact)
    if thing.is_on is not None:
        yield draft_about("lit", "yesno", slots, "yes" if thing.is_on else "no", thing)
    if thing.made_of and thing.share >= _MATERIAL_SHARE:
        yield draft_about("made_of", "material", slots, thing.made_of, thing)
    if thing.pattern and thing.share >= _PATTERN_SHARE:
        yield draft_about("pattern", "pattern", slots, thing.pattern, thing)
