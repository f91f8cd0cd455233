"""Rows of `bench learning`: means over seeds first, differences on the same questions, the gap, the costs."""

import math
from pathlib import Path

import pytest
from PIL import Image
from tiny_jobs import request

from adapters.jobs.request import recipe_for
from bench.learning.methods import ORDER, REPLAYED, TAUGHT, method_request, parse_methods
from bench.learning.result import draw, methods_table, other_rows
from bench.learning.rows import Outcome, costs, forgetting, rows, scored
from bench.measure.intervals import bootstrap_ratio
from core.errors import InputError
from core.types import Example


def _outcome(room: str, tag: str, untouched: bool, ours: bool, turn: int = 1, seed: int = 0) -> Outcome:
    said = {"untouched": untouched, "memory": False, "roomwise": ours, "expert": True}
    return Outcome(
        room, turn, tag, "red", {name: "red" if right else "rag" for name, right in said.items()}, seed
    )


def _four() -> list[Outcome]:
    return [
        _outcome("a", "new-fact", untouched=False, ours=True, turn=1),
        _outcome("a", "new-thing", untouched=True, ours=True, turn=2),
        _outcome("b", "new-fact", untouched=False, ours=True, turn=1),
        _outcome("b", "new-thing", untouched=False, ours=False, turn=2),
    ]


def _rounded(value: object) -> float:
    assert isinstance(value, float)
    return round(value, 3)


def test_rows_say_what_was_gained() -> None:
    told = {
        (row["method"], row.get("against"), row["tag"], row["metric"]): (_rounded(row["mean"]), row["n"])
        for row in rows(_four(), seed=0)
    }
    assert told["untouched", None, "all", "exact"] == (0.25, 4)
    assert told["roomwise", None, "new-fact", "exact"] == (1.0, 2)
    assert told["roomwise", "untouched", "all", "exact difference"] == (0.5, 4)
    assert told["roomwise", "memory", "new-thing", "exact difference"] == (0.5, 2)
    assert told["roomwise", None, "all", "gap closed"] == (0.667, 4)
    assert told["memory", None, "all", "nls"] == (0.333, 4)
    assert told["memory", None, "all", "anls"] == (0.0, 4)  # two of three letters are wrong


def test_seeds_of_a_question_are_averaged_first() -> None:
    both = [_outcome("a", "all", False, True, seed=0), _outcome("a", "all", False, False, seed=1)]
    scores = scored(both)
    assert scores.rooms == ["a"]
    assert scores.values["exact"]["roomwise"].tolist() == [0.5]


def test_a_method_that_missed_a_question_has_no_row() -> None:
    outcomes = [*_four(), Outcome("c", 1, "all", "red", {"untouched": "red", "roomwise": "red"})]
    assert {row["method"] for row in rows(outcomes, 0) if row["metric"] == "exact"} == {
        "untouched",
        "roomwise",
    }
    assert list(rows([], 0)) == []


def test_costs_are_means_over_jobs() -> None:
    jobs = [
        {"seconds": 10, "promoted": True, "kept": 0.9},
        {"seconds": 20, "promoted": False, "kept": 0.5},
    ]
    told = {row["metric"]: row["mean"] for row in costs(jobs, 0)}
    assert told == {"job_s": 15, "promoted": 0.5, "probe answers kept": 0.7}
    assert list(costs([], 0)) == []


def test_forgetting_is_what_was_right_before() -> None:
    told = {"n": 40, "probes": 10, "before": 20, "in use": {"right": 19, "changed": 1}}
    nothing = {"n": 0, "probes": 0, "before": 0, "in use": {"right": 0, "changed": 0}}
    found = {
        row["metric"]: (row["mean"], row["n"]) for row in forgetting("x", ["a", "b"], [told, nothing], 0)
    }
    assert found == {"forgetting": (0.025, 1), "probe changed": (0.1, 1)}


def test_a_ratio_has_the_same_draws_above_and_below() -> None:
    below = [1.0, 2.0, 4.0]
    assert bootstrap_ratio([0.5, 1.0, 2.0], below, ["a", "b", "c"])[:3] == pytest.approx((0.5, 0.5, 0.5))
    assert math.isnan(bootstrap_ratio([1.0, 1.0], [0.0, 1.0], ["a", "b"]).low)
    assert math.isnan(bootstrap_ratio([1.0], [0.0]).mean)


def test_names_become_methods_in_their_order() -> None:
    assert parse_methods("") == parse_methods("roomwise, expert") == ()
    assert parse_methods("lora, context") == ("context", "lora")
    assert set(parse_methods("all")) == set(ORDER) - set(REPLAYED)
    with pytest.raises(InputError, match="roomwise-ce"):
        parse_methods("roomwise-cee")


def test_methods_change_only_what_they_are_about(tmp_path: Path) -> None:
    signal = tmp_path / "signal"
    pairs = [Example(name, "What?", "red", tmp_path / "x.jpg", signal) for name in "abcd"]
    more = [Example("more", "Where?", "there", tmp_path / "x.jpg", signal)]
    whole = request(
        "student", pairs[:3], hold_out=pairs[3:], extra=more, replay=pairs[:1], probe=tmp_path,
        recipe=recipe_for(1),
    )  # fmt: skip
    learnt = {name: method_request(whole, method, {"b"}) for name, method in TAUGHT.items()}
    for name, changed in learnt.items():
        assert changed is not None
        assert [pair.id for pair in (*changed.train, *changed.hold_out)] == ["a", "c", "d"]
        assert bool(changed.extra) == (name != "no-extra")
        signals = [pair.signal for pair in (*changed.train, *changed.extra)]
        assert any(signals) == all(signals) == (name not in ("lora", "roomwise-ce"))
        assert bool(changed.replay) == (changed.probe is not None) == (name != "lora")
    assert learnt["no-extra"] is not None and learnt["no-extra"].recipe == recipe_for(0)
    assert method_request(whole, TAUGHT["lora"], set("abcd")) is None


def test_the_picture_is_drawn_from_rows(tmp_path: Path) -> None:
    draw(list(rows(_four(), 0)), tmp_path / "one.png")
    draw([row for row in rows(_four(), 0) if row["tag"] == "all"], tmp_path / "two.png")
    with Image.open(tmp_path / "one.png") as one, Image.open(tmp_path / "two.png") as two:
        assert two.height < one.height
    with pytest.raises(InputError, match="--picture"):
        draw([], tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()


def test_people_see_methods_down_and_tags_across() -> None:
    told = list(rows(_four(), 0))
    table = methods_table(told)
    assert [str(column.header) for column in table.columns] == [
        "method",
        "all (4)",
        "new-fact (2)",
        "new-thing (2)",
    ]
    assert list(table.columns[0].cells) == ["untouched", "memory", "roomwise", "expert"]
    assert str(next(iter(table.columns[1].cells))).startswith("0.250 [")
    left = other_rows(told)
    assert {row["metric"] for row in left} == {"nls", "anls", "exact difference", "gap closed"}
    assert all(row["tag"] == "all" for row in left if row["metric"] == "nls")
