"""Rows of `bench learning`: shares by tag, differences on the same questions; and one real room."""

import json
from pathlib import Path

import pytest
import torch
from tiny_memory import WordsAndColours, jpeg
from tiny_models import tiny_florence
from typer.testing import CliRunner

from agent import build
from bench import learning
from bench.learning import Adaptation, Outcome, Plan, costs, rows
from models.blueprint import save_model


def _outcome(room: str, tag: str, untouched: bool, adapted: bool) -> Outcome:
    return Outcome(room, tag, {"untouched": untouched, "memory": False, "adapted": adapted, "expert": True})


def test_rows_say_what_was_gained() -> None:
    outcomes = [
        _outcome("a", "new-fact", untouched=False, adapted=True),
        _outcome("a", "new-thing", untouched=True, adapted=True),
        _outcome("b", "new-fact", untouched=False, adapted=True),
        _outcome("b", "new-thing", untouched=False, adapted=False),
    ]
    told = {
        (row["method"], row.get("against"), row["tag"]): (row["mean"], row["n"])
        for row in rows(outcomes, seed=0)
    }
    assert told["untouched", None, "all"] == (0.25, 4)
    assert told["adapted", None, "new-fact"] == (1.0, 2)
    assert told["adapted", "untouched", "all"] == (0.5, 4)
    assert told["adapted", "memory", "new-thing"] == (0.5, 2)


def test_costs_are_means_over_jobs() -> None:
    told = {
        row["metric"]: row["mean"]
        for row in costs([Adaptation(10, True, 0.9), Adaptation(20, False, 0.5)], 0)
    }
    assert told == {"job_s": 15, "promoted": 0.5, "probe answers kept": 0.7}
    assert list(costs([], 0)) == []


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setattr(build, "room_embedder", lambda student: WordsAndColours())
    save_model(*tiny_florence(), tmp_path / "student", torch.float32)
    return Plan(str(tmp_path / "student"), None, 1, 0, tmp_path / "out")


def test_a_room_is_measured_once(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = tmp_path / "sessions" / "den"
    session.mkdir(parents=True)
    (session / "frame-0.jpg").write_bytes(jpeg())
    turns = [{"frame": 0, "question": f"What is thing {n}?", "answer": "red"} for n in range(3)]
    (session / "session.json").write_text(json.dumps({"turns": turns}))
    first = learning._given_room(plan, session)
    assert [(one.room, one.tag) for one in first.outcomes] == [("den", "all")] * 2
    assert all(one.right["expert"] for one in first.outcomes)
    assert not first.adaptations  # one pair is too few
    monkeypatch.setattr(learning, "replay_session", None)
    assert learning._given_room(plan, session) == first


def test_without_sessions_it_says_so(tmp_path: Path) -> None:
    result = CliRunner().invoke(learning.app, ["--sessions", str(tmp_path), "--json"])
    assert result.exit_code != 0
    assert "no session folder" in str(result.exception)
