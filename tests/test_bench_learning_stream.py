"""Rooms one after another: each begins with what the ones before left; a stream goes on where it stopped."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny_learning import TURNS, WARM_UP, small_loop, tiny_plan, tiny_rooms
from typer.testing import CliRunner

from bench.learning import stream, unit
from bench.learning.cli import app
from bench.learning.places import Place, session_places
from bench.learning.plan import LearningPlan, Unit
from bench.learning.result import transfer_rows
from bench.learning.state import RoomState, copy_state
from bench.learning.stream import Leg, transfer, visit_rooms
from bench.learning.unit import REPLAY, UnitResult, measure
from bench.measure.crew import Crew, crew
from core.errors import StorageError
from memory.store import Memory

ROOMS = 2


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        small_loop(patch)
        yield


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sessions in `rooms`, and one student for all."""
    folder = tmp_path_factory.mktemp("stream")
    tiny_rooms(folder / "rooms", ROOMS + 1)
    return folder


@pytest.fixture(scope="module")
def plan(shared: Path) -> LearningPlan:
    return tiny_plan(shared)


@pytest.fixture(scope="module")
def places(shared: Path) -> list[Place]:
    return session_places(shared / "rooms")[:ROOMS]


@pytest.fixture(scope="module")
def legs(plan: LearningPlan, places: list[Place]) -> list[Leg]:
    """A stream that nothing came between."""
    return _streamed(plan, places)


def _streamed(plan: LearningPlan, places: list[Place]) -> list[Leg]:
    with crew(1) as workers:
        (legs,) = visit_rooms(plan, places, [0], workers)
    return legs


def _said(legs: list[Leg]) -> list[Any]:
    return [leg.result().parts[REPLAY]["turns"] for leg in legs]


def _rooms(folder: Path) -> dict[str, int]:
    with Memory.open(folder / "memory", read_only=True) as memory:
        return memory.rooms()


def test_each_visit_begins_with_the_ones_before(
    plan: LearningPlan, places: list[Place], legs: list[Leg]
) -> None:
    state = legs[-1].folder / "state"
    assert _rooms(state) == {f"den-{number}": WARM_UP for number in range(ROOMS)}
    assert [path.name for path in sorted((state / "adapters").iterdir())] == ["den-0", "den-1"]
    assert not (legs[0].folder / "state").exists()  # nobody begins with it any more
    before = {path: path.read_bytes() for path in state.rglob("*") if path.is_file() and path.name[0] != "."}
    found = measure(plan, Unit(places[0], 0, (), legs[-1].start))
    assert found is not None and _rooms(found.folder / "run") == _rooms(state)
    assert {path: path.read_bytes() for path in before} == before  # who measures changes nothing for others
    assert found.folder != legs[0].folder  # the same room from another start


def test_a_stream_goes_on_where_it_stopped(
    tmp_path: Path, plan: LearningPlan, places: list[Place], legs: list[Leg], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = LearningPlan(**{**vars(plan), "out": tmp_path})
    heard: list[str] = []

    def killed_in_the_second(state: RoomState) -> None:
        heard.append(state.room)
        (state.adapters / "half").write_text("done")
        if len(heard) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stream, "after_visit", killed_in_the_second)
        with pytest.raises(KeyboardInterrupt):
            _streamed(other, places)
    resumed = _streamed(other, places)
    assert _said(resumed) == _said(legs)
    assert heard == ["den-0", "den-1"]
    assert (
        resumed[-1].folder / "state" / "adapters" / "half"
    ).exists()  # what the first left went on with the stream
    assert _rooms(resumed[-1].folder / "state") == _rooms(legs[-1].folder / "state")
    with monkeypatch.context() as patch:
        patch.setattr(unit, "replay_room", None)
        assert _said(_streamed(other, places)) == _said(legs)
    shorter = _streamed(other, places[:1])  # its state is gone, so it is visited again
    assert _said(shorter) == _said(legs[:1]) and (shorter[0].folder / "state").is_dir()


def test_a_review_remembers_whole_visits(tmp_path: Path, plan: LearningPlan, places: list[Place]) -> None:
    legs = _streamed(LearningPlan(**{**vars(plan), "out": tmp_path, "review": True}), places)
    with Memory.open(legs[-1].state / "memory", read_only=True) as memory:
        people = [pair.room for pair in memory.pairs() if pair.asker == "person"]
        told = {pair.answer for pair in memory.pairs("den-0")}
    assert people.count("den-0") == people.count("den-1") == TURNS
    assert {turn["reference"] for turn in _said(legs)[0]} <= told


def test_earlier_rooms_are_asked_again_at_the_end(
    plan: LearningPlan, places: list[Place], legs: list[Leg]
) -> None:
    again = transfer(plan, legs)
    assert again is not None and transfer(plan, legs) == again
    asked = {str(number) for number in range(WARM_UP + 1, TURNS + 1)}
    assert {name: set(said) for name, said in again.items()} == {place.name: asked for place in places}
    (row,) = transfer_rows([[leg.result() for leg in legs]], [again], 0)
    assert row["metric"] == "backward transfer" and row["n"] == (ROOMS - 1) * len(asked)
    assert row["mean"] == 0  # as yet a room's adapter stays as it was


def test_what_was_lost_since_is_below_zero() -> None:
    told = {"turn": 5, "tag": "all", "reference": "red", "said": {"roomwise": "red"}}
    legs = [
        UnitResult(Unit(Place(name), 0), Path(), {REPLAY: {"turns": [told]}}) for name in ("a", "b", "last")
    ]
    again = {"a": {"5": "red"}, "b": {"5": "blue"}, "last": {"5": "blue"}}
    (row,) = transfer_rows([legs], [again], 0)
    assert (row["mean"], row["n"]) == (-0.5, 2)


def test_the_command_visits_some_and_measures_the_rest(
    tmp_path: Path, shared: Path, plan: LearningPlan
) -> None:
    options = ["--stream", str(shared / "rooms"), "--visit", str(ROOMS), "--half", "--jobs", "1", "--json"]
    options += ["--student", plan.student, "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["rows"]
    exact = [row for row in rows if row["metric"] == "exact" and row["method"] == "expert"]
    assert {(row.get("phase"), row["visited"], row["n"]) for row in exact} == {
        (None, ROOMS, TURNS // 2), ("stream", f"0-{ROOMS - 1}", ROOMS * TURNS // 2),
    }  # fmt: skip
    assert [row["metric"] for row in rows if row["metric"] == "backward transfer"]


def test_a_state_that_is_gone_is_no_empty_one(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="--out FOLDER"):
        copy_state(tmp_path / "gone", tmp_path)


def test_what_another_process_has_is_come_back_to(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def work(number: int) -> int | None:
        tries.append(number)
        return None if number == 1 and tries.count(1) < 3 else number

    monkeypatch.setattr("bench.measure.crew._PAUSE", 0)
    with crew(1) as workers:
        assert isinstance(workers, Crew) and workers.do(work, [0, 1, 2]) == [0, 1, 2]
    assert tries == [0, 1, 2, 1, 1]
