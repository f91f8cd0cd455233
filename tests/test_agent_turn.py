"""One turn: who answers, what is remembered, and that an expert that fails costs no answer."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL.Image import Image
from tiny_memory import WordsAndColours, jpeg
from tiny_models import tiny_florence, wrapped

from agent.experts import Told
from agent.turn import Inquiry, Mind, pair_id, take_turn
from core.config import Config, RouterConfig
from core.errors import ExpertError, ImageError
from core.events import Answered, Asked, Event, ExpertUnreachable, Remembered, Routed
from core.types import Answer
from memory.store import Memory

_QUESTION = "What colour is the sofa?"


class _Expert:
    name = "oracle"

    def __init__(self, told: str | None) -> None:
        self.told = told

    def ask(self, picture: Image, question: str, turn: int) -> Told:
        if self.told is None:
            raise ExpertError("The line is dead. Plug it in.")
        return Told(Answer(self.told, (), (), 0.9))


@pytest.fixture
def mind(tmp_path: Path) -> Iterator[Mind]:
    with Memory.open(tmp_path / "memory", WordsAndColours()) as memory:
        yield Mind("den", "s", wrapped(*tiny_florence()), _Expert("red"), memory, Config())


def _taken(mind: Mind, turn: int, question: str = _QUESTION, seed: int = 0) -> tuple[Answered, list[Event]]:
    events: list[Event] = []
    answered = take_turn(mind, Inquiry(turn, question, jpeg(seed), 5.0), 10, events.append)
    return answered, events


def test_an_expert_answer_is_remembered_before_it_is_shown(mind: Mind) -> None:
    answered, events = _taken(mind, 1)
    assert [type(event) for event in events] == [Asked, Remembered, Routed, Answered]
    assert (answered.by, answered.text) == ("expert", "red")
    (pair,) = mind.memory.pairs("den")
    assert (pair.id, pair.answer, pair.expert) == (pair_id("s", 1), "red", "oracle")


def test_the_same_question_about_the_same_view_comes_from_memory(mind: Mind) -> None:
    _taken(mind, 1)
    answered, _ = _taken(mind, 2)
    assert (answered.by, answered.text) == ("memory", "red")
    other, _ = _taken(mind, 3, "How many chairs are there?")
    assert other.by == "expert"


def test_an_expert_that_fails_costs_no_answer(mind: Mind) -> None:
    mind.expert = _Expert(None)
    answered, events = _taken(mind, 1)
    assert answered.by == "student"
    assert any(isinstance(event, ExpertUnreachable) and "Plug" in event.reason for event in events)
    assert any(isinstance(event, Routed) and "not adapted" in event.reason for event in events)
    assert not mind.memory.pairs("den")


def test_without_words_the_expert_teaches_nothing(mind: Mind) -> None:
    mind.expert = _Expert("")
    _taken(mind, 1)
    assert not mind.memory.pairs("den")


def test_an_unsure_student_gives_way(mind: Mind) -> None:
    mind.config = replace_router(mind.config, confidence=1.0)
    answered, events = _taken(mind, 11)
    assert answered.by == "expert"
    assert [event.to for event in events if isinstance(event, Routed)] == ["student", "expert"]


def replace_router(config: Config, confidence: float) -> Config:
    return config.model_copy(update={"router": RouterConfig(confidence=confidence)})


def test_a_bad_frame_is_refused_before_anything_happens(mind: Mind) -> None:
    events: list[Event] = []
    inquiry = replace(Inquiry(1, _QUESTION, jpeg()), frame=b"no picture")
    with pytest.raises(ImageError):
        take_turn(mind, inquiry, 10, events.append)
    assert not events


def test_a_turn_told_twice_is_remembered_once(mind: Mind) -> None:
    _taken(mind, 1)
    _taken(mind, 1, "How many chairs are there?")
    assert len(mind.memory.pairs("den")) == 1
