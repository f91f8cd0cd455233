"""What the agent asks of its own accord."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.turns.interview import NAMING, Heard, further, presence
from core.scoring import normalise


def _said(question: str, answer: str, frame: str = "a", sure: float = 0.9, asker: str = "agent") -> Heard:
    return Heard(frame, question, answer, sure, asker)  # type: ignore[arg-type]


def _ask(heard: list[Heard], count: int = 40, frame: str = "a") -> list[str]:
    return further(heard, frame, count, np.random.default_rng(0))


def test_asks_first_what_is_there() -> None:
    assert _ask([], 5) == list(NAMING[:5])


def test_asks_whether_a_named_thing_is_there_in_another_frame_too() -> None:
    heard = [_said(NAMING[0], "door", frame="b")]
    assert presence("door") in _ask(heard, frame="a")


def test_does_not_believe_a_name_that_the_expert_is_unsure_of() -> None:
    assert presence("door") not in _ask([_said(NAMING[0], "door", sure=0.2)])


def test_asks_about_what_is_there_and_not_about_what_is_not() -> None:
    heard = [_said(NAMING[0], "door"), _said(NAMING[1], "bed")]
    heard += [_said(presence("door"), "Yes."), _said(presence("bed"), "no")]
    questions = _ask(heard, 60)
    assert "What colour is the door?" in questions
    assert not any("bed" in question for question in questions)


def test_asks_in_the_forms_of_the_person_too() -> None:
    heard = [_said("What colour do you see on the curtain?", "red", asker="person")]
    heard += [_said(NAMING[0], "door"), _said(presence("door"), "yes")]
    assert "What colour do you see on the door?" in _ask(heard, 60)


def test_what_is_no_thing_is_not_asked_about() -> None:
    answers = ["yes", "red", "brown brown brown brown", "2", ""]
    heard = [_said(question, answer) for question, answer in zip(NAMING, answers, strict=False)]
    assert set(_ask(heard)) <= set(NAMING)


def test_a_place_is_no_thing() -> None:
    heard = [_said("Where is the mug?", "on the bed", asker="person"), _said(NAMING[0], "next to a door")]
    assert not any("on bed" in question or "next to" in question for question in _ask(heard, 60))
    assert presence("mug") in _ask(heard, 60), "what was asked about may well be there"


_WORDS = st.sampled_from(["door", "red", "bed", "yes", "no", "office chair", "2"])
_HEARD = st.lists(
    st.builds(
        Heard,
        st.sampled_from("ab"),
        st.one_of(st.sampled_from(NAMING), _WORDS.map(presence), _WORDS.map("What is on the {}?".format)),
        _WORDS,
        st.floats(0, 1),
        st.sampled_from(["person", "agent"]),
    ),
    max_size=20,
)


@given(_HEARD, st.integers(0, 50), st.integers(0, 9))
def test_keeps_to_its_budget_and_never_asks_twice(heard: list[Heard], count: int, seed: int) -> None:
    questions = further(heard, "a", count, np.random.default_rng(seed))
    known = {normalise(one.question) for one in heard if one.frame == "a"}
    assert len(questions) <= count
    assert len({normalise(question) for question in questions} - known) == len(questions)
    assert questions == further(heard, "a", count, np.random.default_rng(seed))
