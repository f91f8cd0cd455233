"""Drafts about several things: how many, is there one, left or right of, which is nearer or looks bigger."""

from collections.abc import Iterable, Iterator

from bench.rooms.questions.draft import Dice, FrameThings, QuestionDraft
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
    found: dict[frozenset[int], list[VisibleThing]] = {}
    for _ in range(most if len(named) >= size else 0):
        group = [dice.pick(named) for _ in range(size)]
        ids = frozenset(thing.id for thing in group)
        if len(ids) == size:
            found.setdefault(ids, group)
    return found.values()


def _counts(view: FrameThings) -> Iterator[QuestionDraft]:
    for category in CATEGORIES:
        things = view.by_category.get(category, [])
        countable = len(things) <= MOST and all(t.clear for t in things)
        if countable and not view.has_kin(category):
            ids = tuple(t.id for t in things)
            slots = {"many": category}
            answer = str(len(things))
            yield QuestionDraft(
                "count", "count", slots, answer, ids, f"count|{category}", f"count:{category}"
            )


def _existence(view: FrameThings) -> Iterator[QuestionDraft]:
    for category in CATEGORIES:
        things = view.by_category.get(category, ())
        clear = tuple(t.id for t in things if t.clear)
        if clear or (not things and not view.has_kin(category)):
            answer = "yes" if clear else "no"
            key = f"exist|{category}"
            yield QuestionDraft("exist", "yesno", {"an": category}, answer, clear, key, f"exist:{category}")


def _slots(view: FrameThings, *things: VisibleThing) -> dict[str, str]:
    return {slot: view.names[t.id] for slot, t in zip("abc", things, strict=False)}


def _relation(view: FrameThings, a: VisibleThing, b: VisibleThing) -> Iterator[QuestionDraft]:
    """Left or right of. Not of what it stands on, nor of what fills the picture."""
    if abs(a.cx - b.cx) > _SIDE and max(a.share, b.share) < _LARGE and a.parent != b.id and b.parent != a.id:
        answer = "left" if a.cx < b.cx else "right"
        key = f"relation|{a.category}|{b.category}"
        slots = _slots(view, a, b)
        yield QuestionDraft(
            "relation", "relation", slots, answer, (a.id, b.id), key, f"relation:{a.id}:{b.id}"
        )


def _comparison(view: FrameThings, a: VisibleThing, b: VisibleThing) -> Iterator[QuestionDraft]:
    """Which of two is nearer, farther, looks bigger; they are mentioned in the order drawn."""
    about, slots = (a.id, b.id), _slots(view, a, b)
    pair = ":".join(str(i) for i in sorted(about))
    near, far = sorted((a, b), key=lambda t: t.depth)
    if far.depth > near.depth * _DEPTH_RATIO and far.depth > near.depth + _DEPTH_GAP:
        for kind, winner in (("nearer", near), ("farther", far)):
            key = f"{kind}|{a.category}|{b.category}"
            yield QuestionDraft(
                kind, "comparison", slots, view.names[winner.id], about, key, f"nearer:{pair}"
            )
    small, big = sorted((a, b), key=lambda t: t.share)
    whole = not (a.touches_border and b.touches_border)
    if whole and big.share > small.share * _SHARE_RATIO:
        key = f"bigger|{a.category}|{b.category}"
        yield QuestionDraft("bigger", "comparison", slots, view.names[big.id], about, key, f"bigger:{pair}")


def _nearest(view: FrameThings, things: list[VisibleThing]) -> Iterator[QuestionDraft]:
    near, second, _ = sorted(things, key=lambda t: t.depth)
    apart = second.depth > near.depth * _DEPTH_RATIO and second.depth > near.depth + _DEPTH_GAP
    about = tuple(t.id for t in things)
    if apart:
        key = "|".join(("nearest", *(t.category for t in things)))
        fact = ":".join(("nearest", *(str(i) for i in sorted(about))))
        slots = _slots(view, *things)
        yield QuestionDraft("nearest", "comparison", slots, view.names[near.id], about, key, fact)
