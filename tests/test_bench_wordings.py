import re

import numpy as np
import pytest
from room_facts import made_up

from bench.rooms.questions.ask import FAMILIES, KINDS, drafts
from bench.rooms.questions.draft import Dice
from bench.rooms.world.wordings import HELD_OUT, TRAINING, indefinite, plural, verb, wordings

SLOT = re.compile(r"\{\w+\}")


def _words(sentence: str) -> set[str]:
    return set(re.findall(r"[a-z']+", SLOT.sub(" ", sentence).lower()))


def test_every_kind_has_enough_wordings() -> None:
    assert TRAINING.keys() == HELD_OUT.keys() == KINDS.keys()
    assert all(len(set(texts)) == len(texts) >= 8 for texts in TRAINING.values())
    assert all(len(set(texts)) == len(texts) == 3 for texts in HELD_OUT.values())


def test_splits_share_no_wording_but_every_word() -> None:
    seen = {text for texts in TRAINING.values() for text in texts}
    held = {text for texts in HELD_OUT.values() for text in texts}
    assert not seen & held
    known = set().union(*map(_words, seen))
    assert not set().union(*map(_words, held)) - known


def test_wordings_of_a_kind_have_the_same_slots() -> None:
    for kind, texts in TRAINING.items():
        slots = [set(SLOT.findall(text)) - {"{is}", "{Is}"} for text in (*texts, *HELD_OUT[kind])]
        assert all(found == slots[0] for found in slots), kind


def test_validation_and_test_use_the_held_out_wordings() -> None:
    assert wordings("train") is TRAINING
    assert wordings("validation") is wordings("test") is HELD_OUT


def test_colour_is_spelled_both_ways() -> None:
    text = " ".join(TRAINING["colour"])
    assert "colour" in text and "color " in text


@pytest.mark.parametrize(
    ("name", "several"),
    [
        ("bookshelf", "bookshelves"),
        ("wardrobe", "wardrobes"),
        ("bench", "benches"),
        ("office chair", "office chairs"),
    ],
)
def test_plurals(name: str, several: str) -> None:
    assert plural(name) == several


def test_articles_and_verbs() -> None:
    assert indefinite("armchair") == "an armchair" and indefinite("rug") == "a rug"
    assert indefinite("curtains") == "curtains" and verb("curtains") == "are" and verb("rug") == "is"


def test_every_family_is_asked_of_enough_frames() -> None:
    dice = Dice(np.random.default_rng(0))
    found = {draft.family for seed in range(20) for draft in drafts(made_up(seed), dice)}
    assert found == set(FAMILIES)
