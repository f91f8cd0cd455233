"""Streams that end with a home: made once, handed on, and told from streams without one."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_learning import TURNS, WARM_UP, small_loop, tiny_plan, tiny_rooms

from adapters.jobs.job import read_request
from adapters.jobs.store import HOME, AdapterStore
from agent.recording.visit import read_visit
from bench.learning import stream
from bench.learning.methods import AT_HOME, ROOMWISE
from bench.learning.places import Place, session_places
from bench.learning.plan import LearningPlan, Unit
from bench.learning.state import RoomState
from bench.learning.stream import Leg, home_is_due, transfer, visit_rooms
from bench.learning.unit import REPLAY, measure
from bench.measure.crew import crew
from models.lora import base_of, read_adapter

ROOMS = 3


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        small_loop(patch)
        yield


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> LearningPlan:
    folder = tmp_path_factory.mktemp("stream")
    tiny_rooms(folder / "rooms", ROOMS + 1)
    return tiny_plan(folder, AT_HOME, "lora", "no-home")


@pytest.fixture(scope="module")
def places(plan: LearningPlan) -> list[Place]:
    return session_places(plan.out.parent / "rooms")


@pytest.fixture(scope="module")
def legs(plan: LearningPlan, places: list[Place]) -> list[Leg]:
    return _streamed(plan, places[:ROOMS])


def _streamed(plan: LearningPlan, places: list[Place]) -> list[Leg]:
    with crew(1) as workers:
        (legs,) = visit_rooms(plan, places, [0], workers)
    return legs


@pytest.mark.parametrize(
    ("every", "after"), [(None, [9]), (0, []), (1, [3, 4, 5, 6, 7, 8, 9]), (4, [4, 8, 9]), (20, [9])]
)
def test_when_home_is_made(every: int | None, after: list[int]) -> None:
    assert [number for number in range(1, 10) if home_is_due(number, 9, every)] == after


def test_a_stream_ends_with_a_home_that_the_next_room_builds_upon(
    plan: LearningPlan, places: list[Place], legs: list[Leg]
) -> None:
    store = AdapterStore(legs[-1].state / "adapters")
    version = store.current(HOME)
    assert version is not None, json.loads((legs[-1].state / "home.json").read_text())
    assert len(version.about["pairs"]) == ROOMS * WARM_UP
    assert sorted(path.name for path in legs[-1].state.iterdir()) == ["adapters", "home.json", "memory"]
    found = measure(plan, Unit(places[-1], 0, (), legs[-1].start))
    assert found is not None
    (job,) = (found.folder / "run" / "jobs").iterdir()
    parent = read_request(job).parent
    assert parent is not None and parent.parent.name == "%40home"
    room = read_visit(places[-1].session or Path()).room
    taught = AdapterStore(found.folder / "run" / "adapters").current(room)
    if taught is not None:
        base = base_of(plan.student)
        ranks = [read_adapter(one.folder, base).rank for one in (version, taught)]
        assert ranks == [4, 8]
    asked = {str(number) for number in range(WARM_UP + 1, TURNS + 1)}
    assert set(found.parts[AT_HOME]["said"]) == set(found.parts["no-home"]["said"]) == asked
    assert found.parts[AT_HOME]["pairs"] == 0 and found.parts[AT_HOME]["forgetting"]["always"]
    # Who neither has learnt the room nor came from elsewhere says what the bare student does.
    assert found.parts[ROOMWISE]["forgetting"]["before"] == found.parts["lora"]["forgetting"]["before"]


def test_a_stream_without_home_is_another_one_that_shares_its_visits(
    plan: LearningPlan, places: list[Place], legs: list[Leg], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[RoomState] = []
    monkeypatch.setattr(stream, "consolidate", heard.append)
    assert _streamed(plan, places[:ROOMS]) == legs and not heard  # what is done is not done again
    bare = _streamed(replace(plan, home_every=0), places[:ROOMS])
    assert [leg.folder for leg in bare] == [leg.folder for leg in legs]
    assert bare[-1].start != legs[-1].start and not heard
    assert AdapterStore(bare[-1].state / "adapters").current(HOME) is None
    assert bare[-1].result().parts[REPLAY] == legs[-1].result().parts[REPLAY]
    with_home, without = transfer(plan, legs), transfer(plan, bare)
    assert with_home is not None and without is not None and set(with_home) == set(without)
