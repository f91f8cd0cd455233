"""What a person can do in a session beside asking."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tiny_jobs import save_student
from tiny_memory import WordsAndColours, frame

from adapters.jobs.store import AdapterStore
from agent.learning.task import LearningSettings
from agent.loop.controller import Controller
from agent.recording.past import past_of
from agent.recording.record import Recorder, read_recording
from agent.turns.answerers import Answerers, Room
from core.config import Config
from core.errors import AnswerError, InputError, UnknownPairError
from core.events import AdaptationStarted, Answered, Corrected, Event, LearningPaused, Resumed, Revised
from core.sections import AdaptationConfig
from core.types import Answer, Cost, ExpertReply, Frame
from memory.store import Memory
from models.registry import load_model

QUESTION = "What colour is the sofa?"


class Red:
    """An expert that says red."""

    name, teaches, cost = "oracle", True, Cost()

    def ask(self, frame: Frame, question: str, turn: int) -> ExpertReply:
        return ExpertReply(Answer("red", (), (), 0.9))

    def ask_more(self, frame: Frame, questions: Sequence[str]) -> list[ExpertReply]:
        return []


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_student(tmp_path_factory.mktemp("models") / "student")


@pytest.fixture
def answerers(tmp_path: Path, student: str) -> Iterator[Answerers]:
    config = Config(adaptation=AdaptationConfig(least_pairs=1, again_after=1))
    with Memory.open(tmp_path / "memory", WordsAndColours()) as memory:
        yield Answerers("s", load_model(student), Red(), memory, config)


class Session:
    """A controller, and what it said."""

    def __init__(self, answerers: Answerers, folder: Path, warm_up: int) -> None:
        self.events: list[Event] = []
        self.started = 0
        adapting = LearningSettings(
            AdapterStore(folder / "adapters"), folder / "jobs", self._refuse, self._refuse
        )
        recorder = Recorder(folder / "session", {})
        past = past_of("s", ())
        self.controller = Controller(
            answerers, Room("den"), adapting, recorder, warm_up, self.events.append, past
        )
        self.controller.begin(Resumed(at=0.0, turn=1))

    def _refuse(self, *_: object) -> Any:
        self.started += 1
        raise InputError("No child in this test. Play one.")

    def last(self) -> Event:
        return self.events[-1]


@pytest.fixture
def session(answerers: Answerers, tmp_path: Path) -> Iterator[Session]:
    session = Session(answerers, tmp_path, warm_up=1)
    yield session
    session.controller.close()


def test_a_wrong_answer_of_the_expert_is_put_right(session: Session, answerers: Answerers) -> None:
    session.controller.ask(QUESTION, frame(0))
    session.controller.correct(1, " blue ")
    (pair,) = answerers.memory.pairs("den")
    assert (pair.answer, pair.source) == ("blue", "person")
    said = session.last()
    assert isinstance(said, Corrected) and (said.turn, said.text, said.pair) == (1, "blue", pair.id)
    assert session.controller.ask(QUESTION, frame(0)).text == "blue"


def test_a_wrong_answer_of_the_student_becomes_a_pair(session: Session, answerers: Answerers) -> None:
    session.controller.ask("What is it?", frame(1))
    answered = session.controller.ask(QUESTION, frame(0))
    assert answered.by == "student" and len(answerers.memory.pairs("den")) == 1
    session.controller.correct(2, "blue")
    assert {pair.answer: pair.question for pair in answerers.memory.pairs("den")}["blue"] == QUESTION
    session.controller.correct(2, "green")  # a second thought
    assert sorted(pair.answer for pair in answerers.memory.pairs("den")) == ["green", "red"]


@pytest.mark.parametrize("answer", ["", "\x07", "x" * 5000])
def test_what_is_no_answer_changes_nothing(session: Session, answerers: Answerers, answer: str) -> None:
    session.controller.ask(QUESTION, frame(0))
    with pytest.raises(AnswerError):
        session.controller.correct(1, answer)
    assert [pair.answer for pair in answerers.memory.pairs("den")] == ["red"]
    with pytest.raises(InputError, match="turn 7"):
        session.controller.correct(7, "blue")


def test_the_expert_can_be_asked_this_time(session: Session) -> None:
    session.controller.ask(QUESTION, frame(0))
    assert session.controller.ask(QUESTION, frame(0)).by == "memory"
    assert session.controller.ask("What is it?", frame(1)).by == "student"
    assert session.controller.ask(QUESTION, frame(0), wished="expert").by == "expert"
    assert session.controller.ask("What is it?", frame(1), wished="expert").by == "expert"


def test_who_wishes_for_an_expert_that_is_not_there_is_answered(answerers: Answerers, tmp_path: Path) -> None:
    answerers.expert = None
    session = Session(answerers, tmp_path, warm_up=0)
    assert session.controller.ask(QUESTION, frame(0), wished="expert").by == "student"
    session.controller.close()


def test_pairs_can_be_revised_and_forgotten(session: Session, answerers: Answerers) -> None:
    session.controller.ask(QUESTION, frame(0))
    (pair,) = answerers.memory.pairs("den")
    session.controller.revise(pair.id, "blue")
    assert session.last() == Revised(at=session.last().at, pair=pair.id, text="blue")
    session.controller.revise(pair.id[:8], None)
    assert session.last() == Revised(at=session.last().at, pair=pair.id, text="")
    assert not answerers.memory.pairs("den")
    with pytest.raises(UnknownPairError):
        session.controller.revise(pair.id, None)


def test_while_learning_is_paused_no_adaptation_begins(session: Session) -> None:
    session.controller.pause(True)
    session.controller.pause(True)
    session.controller.ask(QUESTION, frame(0))
    session.controller.between_turns()
    assert session.started == 0
    session.controller.pause(False)
    session.controller.between_turns()
    assert session.started == 1
    told = [event.paused for event in session.events if isinstance(event, LearningPaused)]
    assert told == [True, False]
    assert not any(isinstance(event, AdaptationStarted) for event in session.events)


def test_only_adapters_that_there_are_can_be_chosen(session: Session) -> None:
    with pytest.raises(InputError, match="adapter 3"):
        session.controller.rooms.choose(3)
    with pytest.raises(InputError, match="nothing to go back to"):
        session.controller.rooms.choose(None)


def test_turns_of_before_a_stop_can_be_corrected(answerers: Answerers, tmp_path: Path) -> None:
    first = Session(answerers, tmp_path, warm_up=1)
    first.controller.ask(QUESTION, frame(0))
    first.controller.close()
    events = read_recording(tmp_path / "session").events
    store = AdapterStore(tmp_path / "adapters")
    adapting = LearningSettings(store, tmp_path / "jobs", first._refuse, first._refuse)
    said: list[Event] = []
    recorder = Recorder.reopen(tmp_path / "session")
    again = Controller(answerers, Room("den"), adapting, recorder, 1, said.append, past_of("s", events))
    again.begin(Resumed(at=0.0, turn=2))
    again.correct(1, "blue")
    assert [pair.answer for pair in answerers.memory.pairs("den")] == ["blue"]
    assert any(isinstance(event, Answered) for event in events)
    again.close()
