"""Questions put otherwise keep what they ask about, or change just that."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adapters.training.wording import about_other_things, reword, tied_to_view

_SOFA = "Tell me what colour the sofa has, please."
_KNOWN = [_SOFA, "Is the floor lamp left or right of the desk?", "What is on the table?"]


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_other_words_still_ask_about_the_same() -> None:
    texts = {reword(_SOFA, _rng(seed)) for seed in range(20)}
    assert len(texts) > 10
    assert all("sofa" in text and ("colour" in text or "color" in text) for text in texts)


@given(st.text(max_size=60), st.integers(0, 1000))
def test_any_text_can_be_reworded(text: str, seed: int) -> None:
    assert reword(text, _rng(seed))[-1] in "?."


def test_other_things_are_asked_about_in_the_same_form() -> None:
    asked = about_other_things(_KNOWN, 60, _rng())
    assert len(asked) == 60
    forms = ("Tell me what colour the ", "Is the ", "What is on the ")
    assert all(question.startswith(forms) for question in asked)
    assert any(question.startswith("Is the ") and " left or right of the " in question for question in asked)
    assert not {question.rstrip("?.") for question in asked} & {known.rstrip("?.") for known in _KNOWN}


def test_things_of_the_room_come_up_in_forms_of_others() -> None:
    assert any("on the floor lamp" in question for question in about_other_things(_KNOWN, 300, _rng()))


def test_questions_about_nothing_give_no_others() -> None:
    assert about_other_things(["What is this?"], 5, _rng()) == []
    assert about_other_things([], 5, _rng()) == []


def test_sides_and_numbers_hold_for_one_view_and_colours_for_all() -> None:
    assert tied_to_view("Is the lamp to the LEFT of the desk?")
    assert tied_to_view("How many chairs are there?") and tied_to_view("Which is nearer, a or b?")
    assert not tied_to_view("What colour is the sofa?") and not tied_to_view("What is the rug made of?")
