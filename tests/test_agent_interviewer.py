"""What comes of asking the expert more between turns."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tiny_memory import WordsAndColours, frame
from tiny_models import tiny_florence, wrapped

from agent.turns.answerers import Answerers, RecordedExpert
from agent.turns.interviewer import Interviewer, came_after, extra_pair_id
from agent.turns.remembering import pair_id
from core.config import Config
from core.errors import ExpertError
from core.events import Event, Failed, Inquired
from core.sections import ExpertConfig
from core.types import Answer, Cost, ExpertReply, Frame
from memory.store import Memory

_TURN = 3


class _Expert:
    name = "oracle"
    teaches = True
    cost = Cost()

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gone = False

    def ask(self, frame: Frame, question: str, turn: int) -> ExpertReply:
        return ExpertReply(Answer("red", (), (), 0.9))

    def ask_more(self, frame: Frame, questions: Sequence[str]) -> list[ExpertReply]:
        if self.gone:
            raise ExpertError("The line is dead. Plug it in.")
        self.asked += questions
        return [
            ExpertReply(Answer("" if "red" in question else "door", (), (), 0.9)) for question in questions
        ]


@pytest.fixture
def answerers(tmp_path: Path) -> Iterator[Answerers]:
    with Memory.open(tmp_path / "memory", WordsAndColours()) as memory:
        config = Config(expert=ExpertConfig(extra=50))
        answerers = Answerers("s", wrapped(*tiny_florence()), _Expert(), memory, config)
        memory.add("den", frame(0), "What is it?", "sofa", "expert", "oracle", id=pair_id("s", _TURN))
        yield answerers


def _run(answerers: Answerers, warm_up: int = 10) -> list[Event]:
    events: list[Event] = []

    def say(kind: Any, /, **values: Any) -> None:
        events.append(kind(at=0.0, **values))

    interviewer = Interviewer(answerers, lambda turn: "den", warm_up, [_TURN], say)
    interviewer.run()
    interviewer.run()
    return events


def test_remembers_what_was_answered_and_says_so_once(answerers: Answerers) -> None:
    (said,) = _run(answerers)
    assert isinstance(said, Inquired)
    assert (said.turn, said.calls) == (_TURN, 5)
    held = {pair.id: pair for pair in answerers.memory.pairs("den") if pair.asker == "agent"}
    assert {pair.id: pair.question for pair in held.values()} == dict(said.pairs)
    assert len(held) == 4  # the one without words has taught nothing
    assert all(came_after(pair, "s", _TURN) and not came_after(pair, "s", 4) for pair in held.values())


def test_asks_the_same_again_as_if_it_had_never_been_killed(answerers: Answerers) -> None:
    (first,) = _run(answerers)
    for pair in answerers.memory.pairs("den"):
        if came_after(pair, "s", _TURN):
            answerers.memory.delete(pair.id)
    assert _run(answerers) == [first]


def test_an_expert_that_is_gone_is_an_event(answerers: Answerers) -> None:
    assert isinstance(answerers.expert, _Expert)
    answerers.expert.gone = True
    (said,) = _run(answerers)
    assert isinstance(said, Failed)
    assert "dead" in said.error


def test_a_person_who_waits_comes_first_and_the_rest_is_asked_afterwards(answerers: Answerers) -> None:
    answerers.config = Config(expert=ExpertConfig(extra=400))
    events: list[Event] = []

    def say(kind: Any, /, **values: Any) -> None:
        events.append(kind(at=0.0, **values))

    interviewer = Interviewer(answerers, lambda turn: "den", 10, [_TURN], say)
    expert = answerers.expert
    assert isinstance(expert, _Expert)
    assert not interviewer.run(lambda: True)
    first = list(expert.asked)
    assert first and not events
    assert interviewer.run()
    assert len(expert.asked) > len(first)
    (said,) = events
    assert isinstance(said, Inquired) and set(first) & set(said.pairs.values())


@pytest.mark.parametrize(("extra", "warm_up"), [(0, 10), (5, 10)])
def test_asks_nothing_when_it_may_not(answerers: Answerers, extra: int, warm_up: int) -> None:
    answerers.config = Config(expert=ExpertConfig(extra=extra))
    assert _run(answerers, warm_up) == []


def test_a_recording_knows_no_more(answerers: Answerers) -> None:
    answerers.expert = RecordedExpert([])
    assert _run(answerers) == []


def test_ids_tell_turn_and_question_apart() -> None:
    assert extra_pair_id("s", 1, "What?") != extra_pair_id("s", 1, "Where?")
    assert extra_pair_id("s", 1, "What?")[:24] == pair_id("s", 1)[:24]
    assert extra_pair_id("s", 2, "What?")[:24] != extra_pair_id("s", 1, "What?")[:24]
