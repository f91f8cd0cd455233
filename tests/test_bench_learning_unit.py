"""One room: replayed, asked again by every method, kept part by part; and the command that does it."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny_learning import TURNS, WARM_UP, small_loop, tiny_plan, tiny_rooms
from typer.testing import CliRunner

from adapters.jobs.store import AdapterStore
from agent.recording.visit import read_visit
from bench.learning import methods, replay
from bench.learning.asking import first_questions, open_room_student
from bench.learning.cli import app
from bench.learning.methods import AGENT, ALL_ROOMS, CONTEXT, ROOMWISE, TAUGHT
from bench.learning.places import claim_folder, neighbours, session_places
from bench.learning.plan import LearningPlan, Unit
from bench.learning.unit import REPLAY, UnitResult, measure
from core.lazy import run
from models.lora import base_of, read_adapter
from models.registry import load_model

ALL = (ALL_ROOMS, CONTEXT, *TAUGHT)


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        small_loop(patch)
        yield


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sessions in `rooms`, and one student for all."""
    folder = tmp_path_factory.mktemp("unit")
    tiny_rooms(folder / "rooms", 2)
    return folder


@pytest.fixture(scope="module")
def room(shared: Path) -> Unit:
    places = session_places(shared / "rooms")
    return Unit(places[0], 0, neighbours(places, 0))


@pytest.fixture(scope="module")
def plan(shared: Path) -> LearningPlan:
    return tiny_plan(shared, *ALL)


@pytest.fixture(scope="module")
def found(plan: LearningPlan, room: Unit) -> UnitResult:
    """The room, measured by every method."""
    return _done(plan, room)


def _done(plan: LearningPlan, room: Unit) -> UnitResult:
    found = measure(plan, room)
    assert found is not None
    return found


def _lasting(found: UnitResult) -> dict[str, Any]:
    """All but what differs from run to run: times, and the session's random name."""
    parts: dict[str, Any] = json.loads(json.dumps(found.parts))
    for part in parts.values():
        part.pop("seconds", None)
        part.pop("session", None)
    parts[REPLAY].pop("adaptations")
    return parts


def test_every_method_answers_every_question(found: UnitResult) -> None:
    (first, *_), after = found.parts[REPLAY]["turns"], range(WARM_UP + 1, TURNS + 1)
    assert set(first["said"]) == {"untouched", "memory", ROOMWISE, AGENT, "expert"}
    assert set(found.parts) == {REPLAY, ROOMWISE, *ALL}
    for name in ALL:
        part = found.parts[name]
        assert set(part["said"]) == {str(number) for number in after}
        assert part["pairs"] == WARM_UP
        assert part["forgetting"]["n"] == part["forgetting"]["probes"] == 2


def test_asked_again_the_default_says_what_it_said(plan: LearningPlan, room: Unit, found: UnitResult) -> None:
    """So the methods beside it are asked by the same rule as it was."""
    assert room.place.session is not None
    visit, state = read_visit(room.place.session), found.folder / "run"
    version = AdapterStore(state / "adapters").current(visit.room)
    assert version is not None
    adapter = read_adapter(version.folder, base_of(plan.student))
    with (
        open_room_student(load_model(plan.student), visit.room, state / "memory", plan.config) as asking,
        asking.use_adapter(adapter, version.about["pairs"]),
    ):
        for turn in found.parts[REPLAY]["turns"]:
            asked = visit.turns[turn["turn"] - 1]
            assert asking.answer_adapted(asked.frame, asked.question) == turn["said"][ROOMWISE]


def test_resumed_equals_uninterrupted(
    tmp_path: Path, plan: LearningPlan, room: Unit, found: UnitResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(plan, out=tmp_path, methods=("lora", "roomwise-ce"))
    with monkeypatch.context() as patch:
        patch.setattr(methods, "train_adapter", _killed)
        with pytest.raises(KeyboardInterrupt):
            measure(other, room)
    monkeypatch.setattr(replay, "replay_session", None)  # that was done
    lora = _done(replace(other, methods=("lora",)), room)
    both = _done(other, room)
    assert both.parts["lora"] == lora.parts["lora"]
    assert _lasting(both) == {name: _lasting(found)[name] for name in both.parts}
    monkeypatch.setattr(methods, "train_adapter", None)
    assert _done(other, room) == both


def test_each_other_room_asks_its_own_questions(tmp_path: Path, shared: Path) -> None:
    """Also where their folders have the same name."""
    sessions = [tmp_path / name / "visit" for name in "ab"]
    for session in sessions:
        shutil.copytree(shared / "rooms" / "room-0", session)
    asked = first_questions(sessions)
    assert len(asked) == len({one.id for one in asked}) == 4
    assert {one.image.parent for one in asked} == set(sessions)


def _killed(*args: object) -> None:
    raise KeyboardInterrupt


def test_a_room_that_another_process_has_is_left_to_it(
    plan: LearningPlan, room: Unit, found: UnitResult
) -> None:
    with claim_folder(found.folder) as mine:
        assert mine and measure(plan, room) is None


def test_the_command_prints_one_object(tmp_path: Path, shared: Path, plan: LearningPlan) -> None:
    picture = tmp_path / "methods.png"
    options = ["--sessions", str(shared / "rooms"), "--student", plan.student]
    options += ["--out", str(tmp_path / "out"), "--jobs", "1", "--expert", "recorded", "--half"]
    options += ["--methods", "context", "--seeds", "2", "--picture", str(picture), "--json"]
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["schema"] == 1 and told["command"] == "bench learning"
    exact = {row["method"]: row for row in told["rows"] if row["metric"] == "exact" and row["tag"] == "all"}
    assert list(exact) == ["untouched", "memory", "context", "roomwise", "agent", "expert"]
    assert exact["expert"]["mean"] == 1 and exact["expert"]["n"] == 2 * TURNS // 2  # seeds are no questions
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--methods", "lorra"], "There is no method 'lorra'. Did you mean lora?"),
        (["--visit", "3"], "--stream FOLDER"),
        (["--split", "tset"], "Did you mean test?"),
        (["--sessions", "nowhere"], "There is no session folder in nowhere"),
        (["--stream", "nowhere"], "There is no session folder in nowhere"),
    ],
)
def test_wrong_wishes_are_refused(options: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, "bench", options) == 2
    assert told in capsys.readouterr().err
