"""One turn: who answers, what is remembered, and that an expert that fails costs no answer."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_calibration import tiny_calibration
from tiny_memory import WordsAndColours, frame, jpeg
from tiny_models import photo, tiny_florence, wrapped

from agent.takeover.calibration import sigmoid
from agent.takeover.takeover import TakeOver, audits_of
from agent.turns.answerers import Answerers, Room
from agent.turns.late import Late
from agent.turns.remembering import pair_id
from agent.turns.turn import Inquiry, take_turn
from core.config import Config
from core.errors import ExpertError
from core.events import (
    Answered,
    Asked,
    Event,
    ExpertUnreachable,
    Failed,
    Remembered,
    Routed,
    ToldLate,
    Weighed,
)
from core.frames import decode
from core.types import Answer, Cost, ExpertReply, Frame
from memory.index import Cue
from memory.store import Memory
from memory.table import Line
from models.lora import Adapter
from models.vlm import VisionLanguageModel

_QUESTION = "What colour is the sofa?"


class _Expert:
    name = "oracle"
    teaches = True
    cost = Cost()

    def __init__(self, told: str | None) -> None:
        self.told = told

    def ask(self, frame: Frame, question: str, turn: int) -> ExpertReply:
        if self.told is None:
            raise ExpertError("The line is dead. Plug it in.")
        return ExpertReply(Answer(self.told, (), (), 0.9))

    def ask_more(self, frame: Frame, questions: Sequence[str]) -> list[ExpertReply]:
        return [self.ask(frame, question, 0) for question in questions]


@pytest.fixture
def answerers(tmp_path: Path) -> Iterator[Answerers]:
    with Memory.open(tmp_path / "memory", WordsAndColours()) as memory:
        yield Answerers("s", wrapped(*tiny_florence()), _Expert("red"), memory, Config())


def _random_adapter(student: VisionLanguageModel) -> Adapter:
    generator = torch.Generator().manual_seed(0)
    shapes = {name: student.module.get_parameter(f"{name}.weight").shape for name in student.lora_targets()}
    pairs = {
        name: (torch.randn(2, width, generator=generator), torch.randn(height, 2, generator=generator))
        for name, (height, width) in shapes.items()
    }
    return Adapter(2, 2.0, pairs)


@pytest.fixture
def den() -> Room:
    return Room("den")


def _taken(
    answerers: Answerers, den: Room, turn: int, question: str = _QUESTION, seed: int = 0
) -> tuple[Answered, list[Event]]:
    events: list[Event] = []
    answered = take_turn(answerers, den, Inquiry(turn, question, frame(seed), 5.0), 10, events.append)
    return answered, events


def test_an_expert_answer_is_remembered_before_it_is_shown(answerers: Answerers, den: Room) -> None:
    answered, events = _taken(answerers, den, 1)
    assert [type(event) for event in events] == [Asked, Remembered, Routed, Answered]
    assert (answered.by, answered.text) == ("expert", "red")
    (pair,) = answerers.memory.pairs("den")
    assert (pair.id, pair.answer, pair.expert) == (pair_id("s", 1), "red", "oracle")


def test_the_same_question_about_the_same_view_comes_from_memory(answerers: Answerers, den: Room) -> None:
    _taken(answerers, den, 1)
    answered, _ = _taken(answerers, den, 2)
    assert (answered.by, answered.text) == ("memory", "red")
    other, _ = _taken(answerers, den, 3, "How many chairs are there?")
    assert other.by == "expert"


def test_an_expert_that_fails_costs_no_answer(answerers: Answerers, den: Room) -> None:
    answerers.expert = _Expert(None)
    answered, events = _taken(answerers, den, 1)
    assert answered.by == "student"
    assert any(isinstance(event, ExpertUnreachable) and "Plug" in event.reason for event in events)
    assert any(isinstance(event, Routed) and "not adapted" in event.reason for event in events)
    assert not answerers.memory.pairs("den")


def test_without_words_the_expert_teaches_nothing(answerers: Answerers, den: Room) -> None:
    answerers.expert = _Expert("")
    _taken(answerers, den, 1)
    assert not answerers.memory.pairs("den")


def test_an_adapter_answers_what_it_was_taught_and_the_base_all_else(answerers: Answerers, den: Room) -> None:
    _taken(answerers, den, 1)
    (pair,) = answerers.memory.pairs("den")
    said = {kind: answerers.student.answer(photo(0), _QUESTION).text for kind in ("untouched",)}
    answerers.slot.activate(_random_adapter(answerers.student))
    said["adapted"] = answerers.student.answer(photo(0), _QUESTION).text
    assert said["untouched"] != said["adapted"]  # else the rest shows nothing
    den.adapter, den.taught = "0001", {pair.id}
    like, events = _taken(answerers, den, 11, _QUESTION, seed=1)
    assert like.adapter == "0001" and any(isinstance(e, Routed) and "adapted" in e.reason for e in events)
    unlike, events = _taken(answerers, den, 12, "How many chairs are there here?", seed=1)
    assert unlike.adapter == "" and any(isinstance(e, Routed) and "untouched" in e.reason for e in events)
    with answerers.slot.suspended():
        base = answerers.student.answer(decode(jpeg(1)), "How many chairs are there here?")
    assert unlike.text == base.text and unlike.confidence == pytest.approx(base.confidence)
    den.taught = ()
    assert _taken(answerers, den, 13, "What colour is the big sofa?", seed=2)[0].adapter == ""


def test_an_unsure_student_gives_way_and_is_audited(answerers: Answerers, den: Room) -> None:
    den.takeover = TakeOver(wanted=1.0)
    answered, events = _taken(answerers, den, 11)
    assert (answered.by, answered.text) == ("expert", "red")
    kinds = [type(event) for event in events]
    assert kinds == [Asked, Routed, Weighed, Remembered, Routed, Answered]
    assert [event.to for event in events if isinstance(event, Routed)] == ["student", "expert"]
    ((evidence, agreed),) = den.takeover.audits
    (weighed,) = [event for event in events if isinstance(event, Weighed)]
    assert weighed.needed == 1 and weighed.probability == evidence.confidence
    assert agreed is (weighed.text == "red")
    assert audits_of(events) == den.takeover.audits


def test_an_answer_that_stands_says_what_it_is_worth(answerers: Answerers, den: Room) -> None:
    den.takeover = TakeOver(0.5, tiny_calibration(intercept=2.0, threshold=0.5))
    answered, events = _taken(answerers, den, 11)
    (weighed,) = [event for event in events if isinstance(event, Weighed)]
    assert answered.by == "student" and not den.takeover.audits
    assert answered.confidence == weighed.probability == pytest.approx(sigmoid(2.0))
    den.takeover = TakeOver(0.5, tiny_calibration(intercept=-2.0, threshold=0.5))
    assert _taken(answerers, den, 12)[0].by == "expert"
    answerers.expert = _Expert(None)
    assert _taken(answerers, den, 13, "How many chairs are there?")[0].by == "student"
    assert len(den.takeover.audits) == 1  # who cannot be reached audits nothing


def test_in_the_warm_up_nothing_is_weighed(answerers: Answerers, den: Room) -> None:
    den.takeover = TakeOver(wanted=1.0)
    assert not any(isinstance(event, Weighed) for event in _taken(answerers, den, 1)[1])
    answerers.expert = _Expert(None)
    assert not any(
        isinstance(event, Weighed) for event in _taken(answerers, den, 2, "How many chairs are there?")[1]
    )


def test_a_turn_told_twice_is_remembered_once(answerers: Answerers, den: Room) -> None:
    _taken(answerers, den, 1)
    _taken(answerers, den, 1, "How many chairs are there?")
    assert len(answerers.memory.pairs("den")) == 1


def test_other_rooms_answer_where_they_are_surer(answerers: Answerers, den: Room) -> None:
    class _Others:
        said: float

        def better(self, said: Answer, line: Line, cue: Cue) -> tuple[str, float]:
            return "lamp", self.said

    others = _Others()
    answerers.others = others  # type: ignore[assignment]
    others.said = 0.7
    answered, events = _taken(answerers, den, 11)
    assert (answered.by, answered.text, answered.confidence) == ("memory", "lamp", 0.7)
    assert [event.to for event in events if isinstance(event, Routed)] == ["student", "memory"]
    den.takeover = TakeOver(wanted=0.8)
    answered, _ = _taken(answerers, den, 12)
    assert answered.by == "expert"


@pytest.mark.parametrize("words", ["x" * 4_001, "ab " * 7_000, "y" * 60_000])
def test_whatever_an_expert_says_the_session_goes_on(answerers: Answerers, den: Room, words: str) -> None:
    answerers.expert = _Expert(words)
    answered, events = _taken(answerers, den, 1)
    assert answered.by == "student" and not answerers.memory.pairs("den")
    (gone,) = [event for event in events if isinstance(event, ExpertUnreachable)]
    assert "too many for an answer" in gone.reason


@pytest.mark.parametrize("words", ["\ud83d red", "red\x1b[31m\u202e", "<b>red</b>", "re\x00d"])
def test_any_encoding_of_an_answer_is_kept_as_words(answerers: Answerers, den: Room, words: str) -> None:
    answerers.expert = _Expert(words)
    answered, _ = _taken(answerers, den, 1)
    (pair,) = answerers.memory.pairs("den")
    assert answered.by == "expert" and pair.answer == answered.text and pair.answer.encode().isascii()


def test_a_late_answer_that_is_none_is_set_aside_and_the_next_is_asked(answerers: Answerers) -> None:
    said: list[Event] = []

    def say(kind: Any, /, **values: Any) -> None:
        said.append(kind(at=0.0, **values))

    waiting = [Asked(at=0.0, turn=turn, question=_QUESTION, frame="", frame_age_ms=0.0) for turn in (1, 2)]
    late = Late(
        answerers, lambda turn: "den", waiting, lambda asked: Inquiry(asked.turn, _QUESTION, frame(1)), say
    )
    answerers.expert = _Expert("x" * 5_000)
    assert list(late.run()) == [] and len(late) == 0
    assert [type(event) for event in said] == [Failed, Failed] and not answerers.memory.pairs("den")
    late.wait(waiting[0])
    answerers.expert = _Expert("red")
    assert list(late.run()) == [1] and isinstance(said[-1], ToldLate)


def test_a_new_adapter_makes_no_known_view_be_encoded_again(
    answerers: Answerers, den: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []
    features = answerers.student.features

    def counted(pixels: torch.Tensor) -> torch.Tensor:
        encoded.append(len(pixels))
        return features(pixels)

    monkeypatch.setattr(answerers.student, "features", counted)
    answerers.expert = None
    before, _ = _taken(answerers, den, 11)
    answerers.slot.activate(_random_adapter(answerers.student))
    den.adapter, den.taught = "adapter 1", set()
    after, _ = _taken(answerers, den, 12)
    assert encoded == [1] and (before.by, after.by) == ("student", "student")
    _taken(answerers, den, 13, seed=1)
    assert encoded == [1, 1]
