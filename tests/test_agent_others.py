"""Other rooms answer where they were right more often than the student, and nowhere else."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_memory import WordsAndColours, frame

from agent.turns.others import (
    AUDITS,
    Audit,
    OtherRooms,
    fit_curve,
    learn_from_rooms,
    other_rooms,
    read_audits,
)
from core.errors import StorageError
from core.types import Answer, Pair
from memory import elsewhere
from memory.index import Cue
from memory.store import Memory
from memory.table import Line

PLACES = {"bed": "pillow", "sink": "tap", "desk": "lamp", "sofa": "cushion", "wall": "clock"}
QUESTIONS = {f"What is {where} the {place}?": f"{thing}" for place, thing in PLACES.items() for where in
             ("on", "near", "behind")}  # fmt: skip


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "STEPS", 60)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with Memory.open(tmp_path / "memory", WordsAndColours()) as memory:
        for room in range(10):
            for question, answer in QUESTIONS.items():
                memory.add(f"room-{room}", frame(room), question, answer, "expert", "e")
        yield memory


def blind(pair: Pair) -> Answer:
    return Answer("a fish", (), (), 0.9)


def seeing(pair: Pair) -> Answer:
    return Answer(pair.answer, (), (), 0.9)


def asked(memory: Memory, question: str) -> tuple[Line, Cue]:
    embedder = memory.embedder
    assert embedder is not None
    return Line("new", question, "frame"), Cue(embedder.text([question])[0], memory.vectors.view[0])  # type: ignore[union-attr]


def ready(memory: Memory) -> OtherRooms:
    found = other_rooms(memory)
    assert found is not None
    return found


def test_a_blind_student_is_told_what_other_rooms_say(memory: Memory) -> None:
    learn_from_rooms(memory, blind, 0)
    better = ready(memory).better(Answer("a fish", (), (), 0.9), *asked(memory, "What is on the desk?"))
    assert better is not None and better[0] == "lamp" and better[1] > 0.5


def test_a_seeing_student_is_believed(memory: Memory) -> None:
    learn_from_rooms(memory, seeing, 0)
    (memory.folder / AUDITS).write_text(
        json.dumps([{**one, "agreed": False} for one in json.loads((memory.folder / AUDITS).read_text())])
    )
    said = Answer("lamp", (), (), 0.9)
    assert ready(memory).better(said, *asked(memory, "What is on the desk?")) is None


def test_without_audits_nobody_else_is_believed(memory: Memory) -> None:
    assert other_rooms(memory) is None
    learn_from_rooms(memory, blind, 0)
    (memory.folder / AUDITS).write_text("[]")
    assert other_rooms(memory) is None
    (memory.folder / AUDITS).write_text("no")
    with pytest.raises(StorageError, match="made again"):
        other_rooms(memory)


def test_audits_are_of_rooms_that_the_votes_did_not_learn_from(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    learn_from_rooms(memory, lambda pair: heard.append(pair.room) or blind(pair), 0)  # type: ignore[func-returns-value]
    assert set(heard) == {"room-4", "room-9"}
    assert len(read_audits(memory.folder / AUDITS)) == 2 * len(QUESTIONS)


def test_a_memory_that_is_too_small_teaches_nothing(tmp_path: Path) -> None:
    with Memory.open(tmp_path / "memory", WordsAndColours()) as memory:
        learn_from_rooms(memory, blind, 0)
        memory.add("den", frame(), "What is it?", "a cat", "expert", "e")
        learn_from_rooms(memory, blind, 0)
        assert other_rooms(memory) is None


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=30), st.floats(0, 1), st.floats(0, 1))
def test_a_curve_is_a_probability_that_never_falls(
    told: list[tuple[float, bool]], low: float, high: float
) -> None:
    curve = fit_curve([confidence for confidence, _ in told], [right for _, right in told])
    first, second = curve.at(min(low, high)), curve.at(max(low, high))
    assert 0 <= first <= second <= 1


def test_a_curve_finds_how_often_answers_were_right() -> None:
    told = [Audit(0.5, number % 4 == 0, 0.5, True) for number in range(400)]
    curve = fit_curve([one.confidence for one in told], [one.right for one in told])
    assert curve.at(0.5) == pytest.approx(0.25, abs=0.01)
