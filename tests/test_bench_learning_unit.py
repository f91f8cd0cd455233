"""One room: replayed, asked again by every method, kept part by part; and the command that does it."""

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_learning import TURNS, WARM_UP, small_loop, tiny_plan, tiny_rooms
from typer.testing import CliRunner

from adapters.store import AdapterStore
from agent.visit import read_visit
from bench.learning import replayed, unit
from bench.learning.asking import asker
from bench.learning.cli import app
from bench.learning.methods import CONTEXT, ROOMWISE, TAUGHT
from bench.learning.places import given, neighbours, taken
from bench.learning.plan import Plan, Unit
from bench.learning.unit import REPLAY, Measured, measure
from core.lazy import run
from models.lora import base_of, read_adapter
from models.registry import load_model

ALL = (CONTEXT, *TAUGHT)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    small_loop(monkeypatch)


@pytest.fixture
def room(tmp_path: Path) -> Unit:
    places = given(tiny_rooms(tmp_path / "rooms", 2))
    return Unit(places[0], 0, neighbours(places, 0))


def _done(plan: Plan, room: Unit) -> Measured:
    found = measure(plan, room)
    assert found is not None
    return found


def _lasting(found: Measured) -> dict[str, Any]:
    """All but what differs from run to run: times, and the session's random name."""
    parts: dict[str, Any] = json.loads(json.dumps(found.parts))
    for part in parts.values():
        part.pop("seconds", None)
        part.pop("session", None)
    parts[REPLAY].pop("adaptations")
    return parts


def test_every_method_answers_every_question(tmp_path: Path, room: Unit) -> None:
    found = _done(tiny_plan(tmp_path, *ALL), room)
    (first, *_), after = found.parts[REPLAY]["turns"], range(WARM_UP + 1, TURNS + 1)
    assert set(first["said"]) == {"untouched", "memory", ROOMWISE, "expert"}
    assert set(found.parts) == {REPLAY, ROOMWISE, *ALL}
    for name in ALL:
        part = found.parts[name]
        assert set(part["said"]) == {str(number) for number in after}
        assert part["pairs"] == WARM_UP
        assert part["forgetting"]["n"] == part["forgetting"]["probes"] == 2


def test_asked_again_the_default_says_what_it_said(tmp_path: Path, room: Unit) -> None:
    """So the methods beside it are asked by the same rule as it was."""
    plan = tiny_plan(tmp_path)
    found, session = _done(plan, room), room.place.session
    assert session is not None
    visit, state = read_visit(session), found.folder / "run"
    version = AdapterStore(state / "adapters").current(visit.room)
    assert version is not None
    adapter = read_adapter(version.folder, base_of(plan.student))
    with (
        asker(load_model(plan.student), visit.room, state / "memory", plan.config) as asking,
        asking.holding(adapter, version.about["pairs"]),
    ):
        for turn in found.parts[REPLAY]["turns"]:
            asked = visit.turns[turn["turn"] - 1]
            assert asking.adapted(asked.frame, asked.question) == turn["said"][ROOMWISE]


def test_a_method_more_redoes_nothing(tmp_path: Path, room: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _done(tiny_plan(tmp_path), room)
    monkeypatch.setattr(replayed, "replay_session", None)
    second = _done(tiny_plan(tmp_path, "lora"), room)
    assert second.parts[REPLAY] == first.parts[REPLAY]
    monkeypatch.setattr(unit, "taught", None)
    assert _done(tiny_plan(tmp_path, "lora"), room) == second


def test_resumed_equals_uninterrupted(tmp_path: Path, room: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = tiny_plan(tmp_path, "lora", "roomwise-ce")
    whole = _done(plan, room)
    other = Plan(**{**vars(plan), "out": tmp_path / "other"})
    with monkeypatch.context() as patch:
        patch.setattr(unit, "taught", _killed)
        with pytest.raises(KeyboardInterrupt):
            measure(other, room)
    assert _lasting(_done(other, room)) == _lasting(whole)


def _killed(*args: object) -> None:
    raise KeyboardInterrupt


def test_a_room_that_another_process_has_is_left_to_it(tmp_path: Path, room: Unit) -> None:
    plan, session = tiny_plan(tmp_path), room.place.session
    assert session is not None
    folder = room.folder(plan, read_visit(session))
    lock = taken(folder)
    assert lock is not None
    assert measure(plan, room) is None
    lock.release()


def test_the_command_prints_one_object(tmp_path: Path, room: Unit) -> None:
    picture = tmp_path / "methods.png"
    options = ["--sessions", str(tmp_path / "rooms"), "--student", tiny_plan(tmp_path).student]
    options += ["--out", str(tmp_path / "out"), "--jobs", "1", "--expert", "recorded", "--half"]
    options += ["--methods", "context", "--seeds", "2", "--picture", str(picture), "--json"]
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["schema"] == 1 and told["command"] == "bench learning"
    exact = {row["method"]: row for row in told["rows"] if row["metric"] == "exact" and row["tag"] == "all"}
    assert list(exact) == ["untouched", "memory", "context", "roomwise", "expert"]
    assert exact["expert"]["mean"] == 1 and exact["expert"]["n"] == 2 * TURNS // 2  # seeds are no questions
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--methods", "lorra"], "There is no method 'lorra'. Did you mean lora?"),
        (["--visit", "3"], "--stream FOLDER"),
        (["--sessions", "nowhere"], "There is no session folder in nowhere"),
        (["--stream", "nowhere"], "There is no session folder in nowhere"),
    ],
)
def test_wrong_wishes_are_refused(options: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, "bench", options) == 2
    assert told in capsys.readouterr().err
