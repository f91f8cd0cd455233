"""Drafts about several things: how many, is there one, left or right of, which is nearer or looks bigger."""

from collections.abc import Iterable, Iterator

from bench.rooms.questions.draft import Dice, FrameThings, QuestionDraft, draft_about
from bench.rooms.rendering.facts import VisibleThing

# Every category a person may ask after; the shell's own are among them, what has no singular is not.
CATEGORIES: tuple[str, ...] = tuple(
    "sofa,armchair,chair,office chair,stool,bench,ottoman,bed,table,coffee table,desk,"
    "bookshelf,cabinet,nightstand,wardrobe,tv stand,fridge,stove,sink,washing machine,bathtub,"
    "toilet,floor lamp,plant,bin,ball,box,basket,suitcase,guitar,teddy bear,bucket,drum,"
    "backpack,fan,speaker,globe,umbrella,lamp,book,mug,bottle,vase,bowl,candle,laptop,"
    "cushion,kettle,toaster,microwave,radio,tv,monitor,picture,clock,mirror,shelf,radiator,"
    "towel,window,door,rug,ceiling lamp".split(",")
)
MOST = 4
_SIDE = 0.12
_LARGE = 0.25
_DEPTH_RATIO, _DEPTH_GAP = 1.15, 0.35
_SHARE_RATIO = 1.6
_PAIRS = 14


def several_drafts(view: FrameThings, dice: Dice) -> Iterator[QuestionDraft]:
    """Counts, existence, and some pairs and triples of named things."""
    yield from _counts(view)
    yield from _existence(view)
    named = view.named()
    for a, b in _groups(named, 2, _PAIRS, dice):
        yield from _relation(view, a, b)
        yield from _comparison(view, a, b)
    for group in _groups(named, 3, _PAIRS // 2, dice):
        yield from _nearest(view, group)


def _groups(named: list[VisibleThing], size: int, most: int, dice: Dice) -> Iterable[list[VisibleThing]]:
    """Some different groups of different things, in the order drawn."""
    groups: dict[frozenset[int], list[VisibleThing]] = {}
    for _ in range(most if len(named) >= size else 0):
        group = [dice.pick(named) for _ in range(size)]
        ids = frozenset(thing.id for thing in group)
        if len(ids) == size:
            groups.setdefault(ids, group)
    return groups.values()


def _counts(view: FrameThings) -> Iterator[QuestionDraft]:
    for category in CATEGORIES:
        things = view.by_category.get(category, [])
        countable = len(things) <= MOST and all(thing.clear for thing in things)
        if countable and not view.has_kin(category):
            ids, answer = tuple(thing.id for thing in things), str(len(things))
            key, fact = f"count|{category}", f"count:{category}"
            yield QuestionDraft("count", "count", {"many": category}, answer, ids, key, fact)


def _existence(view: FrameThings) -> Iterator[QuestionDraft]:
    for category in CATEGORIES:
        things = view.by_category.get(category, ())
        clear = tuple(thing.id for thing in things if thing.clear)
        if clear or (not things and not view.has_kin(category)):
            answer, key = "yes" if clear else "no", f"exist|{category}"
            yield QuestionDraft("exist", "yesno", {"an": category}, answer, clear, key, f"exist:{category}")


def _slots(view: FrameThings, *things: VisibleThing) -> dict[str, str]:
    return {slot: view.names[thing.id] for slot, thing in zip("abc", things, strict=False)}


def _relation(view: FrameThings, a: VisibleThing, b: VisibleThing) -> Iterator[QuestionDraft]:
    """Left or right of. Not of what it stands on, nor of what fills the picture."""
    if abs(a.cx - b.cx) > _SIDE and max(a.share, b.share) < _LARGE and a.parent != b.id and b.parent != a.id:
        answer = "left" if a.cx < b.cx else "right"
        yield draft_about("relation", "relation", _slots(view, a, b), answer, a, b)


def _comparison(view: FrameThings, a: VisibleThing, b: VisibleThing) -> Iterator[QuestionDraft]:
    """Which of two is nearer, farther, looks bigger; they are mentioned in the order drawn."""
    slots, pair = _slots(view, a, b), _sorted_ids(a, b)
    near, far = sorted((a, b), key=lambda thing: thing.depth)
    if _is_apart(near, far):
        for kind, winner in (("nearer", near), ("farther", far)):
            name = view.names[winner.id]
            yield draft_about(kind, "comparison", slots, name, a, b, fact=f"nearer:{pair}")
    small, big = sorted((a, b), key=lambda thing: thing.share)
    whole = not (a.touches_border and b.touches_border)
    if whole and big.share > small.share * _SHARE_RATIO:
        yield draft_about("bigger", "comparison", slots, view.names[big.id], a, b, fact=f"bigger:{pair}")


def _nearest(view: FrameThings, things: list[VisibleThing]) -> Iterator[QuestionDraft]:
    near, second, _ = sorted(things, key=lambda thing: thing.depth)
    if _is_apart(near, second):
        slots, fact = _slots(view, *things), f"nearest:{_sorted_ids(*things)}"
        yield draft_about("nearest", "comparison", slots, view.names[near.id], *things, fact=fact)


def _is_apart(near: VisibleThing, far: VisibleThing) -> bool:
    return far.depth > near.depth * _DEPTH_RATIO and far.depth > near.depth + _DEPTH_GAP


def _sorted_ids(*things: VisibleThing) -> str:
    return ":".join(str(number) for number in sorted(thing.id for thing in things))
