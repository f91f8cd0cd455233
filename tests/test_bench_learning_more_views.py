"""Asked about views that no question of the visit was about."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tiny_learning import small_loop, tiny_plan, tiny_rooms
from tiny_memory import WordsAndColours
from tiny_sessions import write_visit
from typer.testing import CliRunner

from agent.recording.visit import Visit, read_visit
from bench.learning import methods, more_views, unit
from bench.learning.asking import open_room_student
from bench.learning.cli import app
from bench.learning.methods import CE, CONTEXT, ROOMWISE
from bench.learning.more_views import MORE_VIEWS, ask_adapted, ask_before, local_expert, open_more_views
from bench.learning.places import Place, session_places
from bench.learning.plan import LearningPlan, Unit
from bench.learning.result import all_rows
from bench.learning.unit import UnitResult, measure
from core.config import Config
from memory.store import Memory
from models.registry import load_model

ASKED = 3


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        small_loop(patch)
        yield


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("more")
    tiny_rooms(folder / "rooms", 1)
    write_visit(folder / "more", ASKED)
    return folder


@pytest.fixture(scope="module")
def plan(shared: Path) -> LearningPlan:
    return replace(tiny_plan(shared, CE, CONTEXT), more_views=True)


@pytest.fixture(scope="module")
def more(shared: Path) -> Visit:
    return read_visit(shared / "more")


@pytest.fixture
def found(plan: LearningPlan, shared: Path, more: Visit, monkeypatch: pytest.MonkeyPatch) -> UnitResult:
    monkeypatch.setattr(unit, "open_more_views", lambda place, out: more)
    (place,) = session_places(shared / "rooms")
    done = measure(plan, Unit(place, 0))
    assert done is not None
    return done


def test_every_adapter_is_asked_and_judged_under_a_tag_of_its_own(found: UnitResult) -> None:
    rows = [row for row in all_rows([found], seed=0) if row["metric"] == "exact"]
    for tag in ("other-view", "other-view, always"):
        assert [row["method"] for row in rows if row["tag"] == tag] == ["untouched", CE, ROOMWISE]
        assert {row["n"] for row in rows if row["tag"] == tag} == {ASKED}
    assert {row["n"] for row in rows if row["tag"] == "all"} == {2}  # which counts none of them


def test_what_the_rule_lets_it_say_and_what_it_always_says_are_kept_apart(
    found: UnitResult, more: Visit
) -> None:
    right = {(turn.frame, turn.question): turn.answer for turn in more.turns}
    asking: Any = SimpleNamespace(
        answer_adapted=lambda *asked: "wrong", answer_always=lambda *asked: right[asked]
    )
    told = found.parts | {ROOMWISE: found.parts[ROOMWISE] | {MORE_VIEWS: ask_adapted(more, asking)}}
    rows = [row for row in all_rows([replace(found, parts=told)], seed=0) if row["metric"] == "exact"]
    shares = {row["tag"]: row["mean"] for row in rows if row["method"] == ROOMWISE}
    assert shares["other-view"] == 0 and shares["other-view, always"] == 1


def test_what_was_done_without_more_views_is_done_again_once(
    found: UnitResult, plan: LearningPlan, more: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = found.parts[CE]
    without = {name: told for name, told in part.items() if name != MORE_VIEWS}
    (found.folder / f"{CE}.json").write_text(json.dumps(without))
    alone = measure(replace(plan, more_views=False), found.unit)
    assert alone is not None and alone.parts[CE] == without
    again = measure(plan, found.unit)
    assert again is not None and again.parts[CE][MORE_VIEWS] == part[MORE_VIEWS]
    monkeypatch.setattr(methods, "train_adapter", None)
    assert measure(plan, found.unit) == again


def test_a_room_without_more_views_adds_no_row(
    plan: LearningPlan, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit, "open_more_views", lambda place, out: None)
    (place,) = session_places(shared / "rooms")
    done = measure(replace(plan, out=tmp_path, methods=()), Unit(place, 0))
    assert done is not None
    assert not any("other-view" in str(row.get("tag")) for row in all_rows([done], seed=0))


def test_the_expert_is_asked_where_it_is_on_this_machine(
    plan: LearningPlan, more: Visit, tmp_path: Path
) -> None:
    assert local_expert(plan) is None  # recorded
    assert local_expert(replace(plan, expert="http://localhost:1")) is None
    expert = local_expert(replace(plan, expert=plan.student))
    with Memory.open(tmp_path, WordsAndColours()):
        pass
    with open_room_student(load_model(plan.student), "den", tmp_path, Config()) as asking:
        told = ask_before(more, asking, expert)["turns"]
    assert [turn["reference"] for turn in told] == [turn.answer for turn in more.turns]
    assert all(set(turn["said"]) == {"untouched", "expert"} for turn in told)


def test_views_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = open_more_views(Place("validation-0", None, "validation", 0), tmp_path)
    assert made is not None and all(turn.frame.is_file() for turn in made.turns)
    monkeypatch.setattr(more_views, "make_more_views", None)
    assert open_more_views(Place("validation-0", None, "validation", 0), tmp_path) == made


def test_sessions_that_are_given_have_no_more_views(shared: Path) -> None:
    result = CliRunner().invoke(app, ["--sessions", str(shared / "rooms"), "--more-views"])
    assert "Leave out --more-views" in str(result.exception)
