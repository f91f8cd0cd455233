"""How each kind of question is put into words. Training and held-out wordings have no sentence in common.

Every word of a held-out wording also occurs in training, so what is measured is another way of asking,
not another language. Slots: {a} {b} {c} names without article, {an} with the indefinite one, {is}/{Is}
agreeing with {a}, {many} a plural, {colour} a colour name.
"""

from __future__ import annotations

_PLURALS = {
    "shelf": "shelves", "bookshelf": "bookshelves", "toothbrush": "toothbrushes", "bench": "benches",
    "couch": "couches", "box": "boxes", "radio": "radios", "tv": "tvs", "curtains": "curtains",
}  # fmt: skip
_PLURAL_NAMES = frozenset({"curtains"})


def plural(name: str) -> str:
    """A name in the plural: "office chair" -> "office chairs", "shelf" -> "shelves"."""
    *before, last = name.split(" ")
    return " ".join([*before, _PLURALS.get(last) or f"{last}s"])


def indefinite(name: str) -> str:
    """A name with its indefinite article: "an armchair", "a rug"; "curtains" takes none."""
    if name.split(" ")[-1] in _PLURAL_NAMES:
        return name
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def verb(name: str) -> str:
    """ "is", or "are" for what is only ever several."""
    return "are" if name.split(" ")[-1] in _PLURAL_NAMES else "is"


TRAINING: dict[str, tuple[str, ...]] = {
    "what_on": (
        "What is on the {b}?",
        "What is standing on the {b}?",
        "What can you see on the {b}?",
        "What thing is on the {b}?",
        "Which object is on top of the {b}?",
        "Name the thing on the {b}.",
        "What lies on the {b}?",
        "What did someone put on the {b}?",
        "What's on top of the {b}?",
    ),
    "what_in": (
        "What is in the {b}?",
        "What is standing in the {b}?",
        "What can you see in the {b}?",
        "Which object is inside the {b}?",
        "Name the thing in the {b}.",
        "What thing is inside the {b}?",
        "What did someone put in the {b}?",
        "What's inside the {b}?",
    ),
    "what_colour": (
        "What is the {colour} thing?",
        "Which thing is {colour}?",
        "What is {colour} in this picture?",
        "What is the {colour} object here?",
        "Name the {colour} thing.",
        "Which object is {colour}?",
        "What thing has the color {colour}?",
        "What do you see that is {colour}?",
        "Which object here has the colour {colour}?",
    ),
    "what_room": (
        "What kind of room is this?",
        "Which room is this?",
        "What room am I in?",
        "What type of room do you see?",
        "What sort of room is shown here?",
        "Name the kind of room.",
        "Which kind of room are we in?",
        "What room was this picture taken in?",
    ),
    "what_biggest": (
        "What is the biggest thing in the picture?",
        "What is the largest thing in this picture?",
        "Which thing looks biggest?",
        "Which object takes up most of the picture?",
        "Name the biggest thing you see.",
        "What thing here looks largest?",
        "Which object looks largest in the picture?",
        "What is the biggest object shown here?",
    ),
    "what_nearest": (
        "What is the nearest thing?",
        "Which thing is closest to me?",
        "What thing is nearest to us?",
        "Which object is the closest?",
        "Name the thing closest to us.",
        "What is the object nearest to me?",
        "Which object would I get to first?",
        "What is closest to us in this picture?",
    ),
    "where": (
        "Where {is} the {a}?",
        "Where can I find the {a}?",
        "Where did someone put the {a}?",
        "Can you tell me where the {a} {is}?",
        "Tell me where the {a} {is}.",
        "Where do you see the {a}?",
        "Where in the room {is} the {a}?",
        "Where would I look for the {a}?",
        "The {a}: where {is} it?",
    ),
    "position": (
        "{Is} the {a} on the left, in the middle or on the right?",
        "Where in the picture {is} the {a}: left, middle or right?",
        "In which part of the picture {is} the {a}, left, middle or right?",
        "Do you see the {a} on the left, in the middle or on the right?",
        "Left, middle or right: where {is} the {a}?",
        "Which part of the picture shows the {a}, the left, the middle or the right?",
        "{Is} the {a} shown left, right or in the middle?",
        "Look for the {a}: left, middle or right?",
    ),
    "colour": (
        "What colour {is} the {a}?",
        "What color {is} the {a}?",
        "What is the colour of the {a}?",
        "What is the color of the {a}?",
        "Which colour {is} the {a}?",
        "Which color does the {a} have?",
        "The {a}: what colour {is} it?",
        "Tell me the colour of the {a}.",
        "Name the color of the {a}.",
        "What colour do you see on the {a}?",
    ),
    "count": (
        "How many {many} are there?",
        "How many {many} can you see?",
        "How many {many} do you see?",
        "How many {many} are in the picture?",
        "What is the number of {many}?",
        "Count the {many}.",
        "How many {many} are in this room?",
        "Tell me how many {many} are here.",
        "How many {many} does this picture show?",
    ),
    "exist": (
        "Is there {an} here?",
        "Is there {an} in the picture?",
        "Can you see {an}?",
        "Do you see {an} in this room?",
        "Is there {an} in this room?",
        "Does this picture show {an}?",
        "Is {an} shown here?",
        "Can I find {an} here?",
        "Does the room have {an}?",
    ),
    "tinted": (
        "{Is} the {a} {colour}?",
        "Is the colour of the {a} {colour}?",
        "Is the color of the {a} {colour}?",
        "Would you say the {a} {is} {colour}?",
        "Does the {a} have the colour {colour}?",
        "Do you see that the {a} {is} {colour}?",
        "Is it true that the {a} {is} {colour}?",
        "Can you see if the {a} {is} {colour}?",
    ),
    "lit": (
        "Is the {a} on?",
        "Is the {a} switched on?",
        "Did someone switch on the {a}?",
        "Is the light of the {a} on?",
        "Can you see if the {a} is on?",
        "Is it true that the {a} is switched on?",
        "Do you see light from the {a}?",
        "The {a}: is it on?",
    ),
    "relation": (
        "Is the {a} to the left or to the right of the {b}?",
        "Is the {a} left or right of the {b}?",
        "What side of the {b} is the {a} on?",
        "Which side of the {b} is the {a} on, left or right?",
        "Where is the {a} as seen from here, left or right of the {b}?",
        "On which side of the {b} do you see the {a}?",
        "Left or right: where is the {a} when you look at the {b}?",
        "Do you see the {a} to the left or the right of the {b}?",
        "Would you look left or right of the {b} to find the {a}?",
    ),
    "nearer": (
        "Which is nearer, the {a} or the {b}?",
        "What is closer, the {a} or the {b}?",
        "Which is closer to me, the {a} or the {b}?",
        "Which object is nearer, the {a} or the {b}?",
        "Is the {a} or the {b} nearer to us?",
        "Of the {a} and the {b}, which is nearer?",
        "Which would I get to first, the {a} or the {b}?",
        "Tell me which is closer: the {a} or the {b}?",
    ),
    "farther": (
        "Which is farther away, the {a} or the {b}?",
        "What is farther from me, the {a} or the {b}?",
        "Which is farther off, the {a} or the {b}?",
        "Which object is farther away, the {a} or the {b}?",
        "Is the {a} or the {b} farther away from us?",
        "Of the {a} and the {b}, which is farther away?",
        "Which would I get to last, the {a} or the {b}?",
        "Tell me which is farther away: the {a} or the {b}?",
    ),
    "nearest": (
        "Which is nearest, the {a}, the {b} or the {c}?",
        "What is closest, the {a}, the {b} or the {c}?",
        "Which is closest to me, the {a}, the {b} or the {c}?",
        "Which object is nearest, the {a}, the {b} or the {c}?",
        "Of the {a}, the {b} and the {c}, which is nearest?",
        "Which would I get to first, the {a}, the {b} or the {c}?",
        "Tell me which is closest: the {a}, the {b} or the {c}?",
        "Which one is nearest to us, the {a}, the {b} or the {c}?",
    ),
    "bigger": (
        "Which looks bigger in the picture, the {a} or the {b}?",
        "What looks larger in the picture, the {a} or the {b}?",
        "Which takes up more of the picture, the {a} or the {b}?",
        "Which object looks bigger here, the {a} or the {b}?",
        "Do you see more of the {a} or of the {b}?",
        "Of the {a} and the {b}, which looks larger?",
        "As seen from here, which is larger, the {a} or the {b}?",
        "Tell me which looks bigger here: the {a} or the {b}?",
    ),
    "made_of": (
        "What {is} the {a} made of?",
        "What material {is} the {a}?",
        "Which material {is} the {a} made of?",
        "What is the material of the {a}?",
        "The {a}: what {is} it made of?",
        "Tell me what the {a} {is} made of.",
        "Name the material of the {a}.",
        "What did someone make the {a} of?",
    ),
    "pattern": (
        "What pattern {is} on the {a}?",
        "What is the pattern of the {a}?",
        "Which pattern does the {a} have?",
        "{Is} the {a} plain, striped, checked or dotted?",
        "What kind of pattern do you see on the {a}?",
        "Tell me the pattern of the {a}.",
        "Name the pattern on the {a}.",
        "The {a}: plain, striped, checked or dotted?",
    ),
}
HELD_OUT: dict[str, tuple[str, ...]] = {
    "what_on": (
        "Which thing do you see on the {b}?",
        "Tell me what is on the {b}.",
        "What is there on top of the {b}?",
    ),
    "what_in": (
        "Which thing do you see in the {b}?",
        "Tell me what is in the {b}.",
        "What is there inside the {b}?",
    ),
    "what_colour": (
        "What is the thing that is {colour}?",
        "Tell me which object is {colour}.",
        "Which thing do you see in {colour}?",
    ),
    "what_room": (
        "What sort of room are we in?",
        "Tell me which room this is.",
        "Which type of room is shown?",
    ),
    "what_biggest": (
        "Which is the largest object here?",
        "What object looks biggest in this picture?",
        "Tell me the biggest thing in the picture.",
    ),
    "what_nearest": (
        "Which is the nearest object?",
        "What is the thing closest to me?",
        "Tell me which thing is nearest.",
    ),
    "where": (
        "Where in this room {is} the {a}?",
        "Where would you find the {a}?",
        "Tell me where I can see the {a}.",
    ),
    "position": (
        "Where do you see the {a}: on the left, in the middle or on the right?",
        "Tell me where the {a} {is}: left, middle or right?",
        "On the left, on the right or in the middle: where {is} the {a} in this picture?",
    ),
    "colour": (
        "Tell me which colour the {a} {is}.",
        "What colour does the {a} have?",
        "In what color do you see the {a}?",
    ),
    "count": (
        "What number of {many} do you see?",
        "Tell me the number of {many}.",
        "How many {many} are shown here?",
    ),
    "exist": ("Do you see {an}?", "Is there {an} shown?", "Can you find {an} here?"),
    "tinted": (
        "Can you see that the {a} {is} {colour}?",
        "Is {colour} the colour of the {a}?",
        "Would you say {colour} is the color of the {a}?",
    ),
    "lit": ("Do you see if the {a} is on?", "Did someone switch the {a} on?", "Is there light from the {a}?"),
    "relation": (
        "Where do you see the {a}, left or right of the {b}?",
        "To which side of the {b} is the {a}?",
        "Tell me if the {a} is left or right of the {b}.",
    ),
    "nearer": (
        "What is nearer to me, the {a} or the {b}?",
        "The {a} or the {b}: which is closer to us?",
        "Which one is nearer, the {a} or the {b}?",
    ),
    "farther": (
        "What is farther off, the {a} or the {b}?",
        "The {a} or the {b}: which is farther from us?",
        "Which one is farther away, the {a} or the {b}?",
    ),
    "nearest": (
        "What is nearest to me, the {a}, the {b} or the {c}?",
        "The {a}, the {b} or the {c}: which is closest?",
        "Which one is closest to us, the {a}, the {b} or the {c}?",
    ),
    "bigger": (
        "Which one looks larger in this picture, the {a} or the {b}?",
        "The {a} or the {b}: which looks bigger?",
        "Which shows more in the picture, the {a} or the {b}?",
    ),
    "made_of": (
        "Of which material {is} the {a}?",
        "Tell me the material of the {a}.",
        "What material do you see on the {a}?",
    ),
    "pattern": (
        "What pattern does the {a} have?",
        "Tell me which pattern you see on the {a}.",
        "Which kind of pattern {is} on the {a}?",
    ),
}


def wordings(split: str) -> dict[str, tuple[str, ...]]:
    """The wordings of a split by kind: training has its own, validation and test share the held-out ones."""
    return TRAINING if split == "train" else HELD_OUT
