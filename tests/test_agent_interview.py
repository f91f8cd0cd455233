"""What the agent asks of its own accord."""

import re
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adapters.training.wording import COLOURS
from agent.turns.interview import further_questions
from agent.turns.things import NAMING, Claim, presence
from core.scoring import normalise


def _said(question: str, answer: str, frame: str = "a", sure: float = 0.9, asker: str = "agent") -> Claim:
    return Claim(frame, question, answer, sure, asker)  # type: ignore[arg-type]


def _ask(heard: list[Claim], count: int = 40, frame: str = "a") -> list[str]:
    return further_questions(heard, frame, count, np.random.default_rng(0))


def _seen_in(heard: list[Claim], frame: str) -> list[Claim]:
    """The same, but what names things does so in this frame."""
    return [replace(one, frame=frame) if one.question in NAMING else one for one in heard]


def test_asks_first_what_is_there() -> None:
    assert _ask([], 5) == list(NAMING[:5])


def test_asks_whether_a_named_thing_is_there_in_another_frame_too() -> None:
    heard = [_said(NAMING[0], "door", frame="b")]
    assert presence("door") in _ask(heard, frame="a")


def test_does_not_believe_a_name_that_the_expert_is_unsure_of() -> None:
    assert presence("harp") not in _ask([_said(NAMING[0], "harp", sure=0.2)])
    assert presence("harp") in _ask([_said(NAMING[0], "harp", sure=0.6)])


def test_asks_about_what_is_there_and_not_about_what_is_not() -> None:
    heard = [_said(NAMING[0], "door"), _said(NAMING[1], "bed")]
    heard += [_said(presence("door"), "Yes."), _said(presence("bed"), "no")]
    questions = _ask(heard, 60)
    assert "What colour is the door?" in questions
    assert not any("bed" in question for question in questions)


def test_asks_for_colours_that_are_right_as_often_as_not() -> None:
    things = ["harp", "drum", "easel", "loom", "canoe", "anvil", "lathe", "kiln"]
    heard = [_said(name, thing) for name, thing in zip(NAMING, things, strict=False)]
    heard += [_said(f"What colour is the {thing}?", "pink", frame="b") for thing in things]
    tints = [q for frame in "acdefg" for q in _ask(_seen_in(heard, frame), 90, frame)]
    tints = [question for question in tints if question.startswith("Is the ") and "," not in question]
    tints = [question for question in tints if question.split()[-1].strip("?") in COLOURS]
    assert 0.3 < sum("pink" in question for question in tints) / len(tints) < 0.7


def test_a_colour_in_the_person_s_form_changes_with_the_thing() -> None:
    heard = [_said("Is black the colour of the stool?", "no", asker="person")]
    heard += [_said(NAMING[0], "harp"), _said("What colour is the harp?", "pink", frame="b")]
    form = re.compile("Is (.*) the colour of the harp[?]")
    found = [form.match(q) for frame in "abcdefgh" for q in _ask(_seen_in(heard, frame), 90, frame)]
    colours = [match[1] for match in found if match]
    assert "pink" in colours and len(set(colours)) > 2 and len(colours) == 8, "one a frame"


def test_an_attribute_is_no_thing() -> None:
    heard = [_said("What pattern does the rug have?", "zigzag", asker="person")]
    heard += [_said("What is on the rug?", "harp", sure=0.6, asker="person")]
    assert presence("zigzag") not in _ask(heard) and presence("harp") in _ask(heard)


def test_one_and_many() -> None:
    heard = [_said(name, thing) for name, thing in zip(NAMING, ("box", "curtains", "harp"), strict=False)]
    asked = _ask(heard, 90)
    for plural in ("boxes", "curtains", "harps"):
        assert f"How many {plural} are there?" in asked


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
        Claim,
        st.sampled_from("ab"),
        st.one_of(st.sampled_from(NAMING), _WORDS.map(presence), _WORDS.map("What is on the {}?".format)),
        _WORDS,
        st.floats(0, 1),
        st.sampled_from(["person", "agent"]),
    ),
    max_size=20,
)


@given(_HEARD, st.integers(0, 50), st.integers(0, 9))
def test_keeps_to_its_budget_and_never_asks_twice(heard: list[Claim], count: int, seed: int) -> None:
    questions = further_questions(heard, "a", count, np.random.default_rng(seed))
    known = {normalise(one.question) for one in heard if one.frame == "a"}
    assert len(questions) <= count
    assert len({normalise(question) for question in questions} - known) == len(questions)
    assert questions == further_questions(heard, "a", count, np.random.default_rng(seed))
