"""A study of two tiny models: what its rows stand for, and that going on gives what one run would have."""

import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_jobs import RECIPE
from tiny_studies import TURNS, tiny_plan, without_rendering

from adapters.jobs.request import Recipe, recipe_for
from bench.rooms.sessions import WARM_UP
from bench.studies.few_shot import room_work
from bench.studies.few_shot.methods import ALIGN_KD, SF, Entry
from bench.studies.few_shot.room_work import carry_out, find_incomputable
from bench.studies.few_shot.rooms import StudyPlan, expert_room, load_pictures, model
from bench.studies.few_shot.scores import MethodScores, collect_scores, fit_rows, rows
from core.types import Example

NAMES = ("sf0", "sf1", "sf5", "sf6-shared", "align")
ENTRIES = [entry for entry in SF if entry.name in NAMES]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudyPlan]:
    with pytest.MonkeyPatch.context() as patch:
        without_rendering(patch)
        found = tiny_plan(tmp_path_factory.mktemp("study"))
        carry_out(found, ENTRIES, 2, 2, 1)
        yield found


def same(first: MethodScores, second: MethodScores) -> bool:
    return first.values.keys() == second.values.keys() and all(
        np.array_equal(values, second.values[key]) for key, values in first.values.items()
    )


def test_the_untouched_row_is_the_student(plan: StudyPlan) -> None:
    room, student = expert_room(plan, "test", 0), model(plan.student)
    later = room.turns[WARM_UP:]
    said = room_work.read_result(plan, ENTRIES[0], 0, 1)
    assert said is not None and len(said.said) == TURNS - WARM_UP
    alone = [student.answer(load_pictures([turn])[0], turn.question, plan.longest).text for turn in later]
    assert list(said.said) == alone


def test_every_seed_of_every_method_has_a_result(plan: StudyPlan) -> None:
    scores = collect_scores(plan, ENTRIES, 2, 2)
    assert len(scores.rooms) == 2 * (TURNS - WARM_UP)
    assert scores.spread["sf0"] == 0
    assert scores.norms["align", "t2v_kl"].shape == (2,) and (scores.norms["align", "t2v_kl"] > 0).all()
    found = rows(scores, ENTRIES, "sf1")
    assert {row["method"] for row in found} == {*NAMES, "expert"}
    told = {(row["method"], row.get("model")): row["mean"] for row in fit_rows(plan, ENTRIES, 2)}
    assert set(told) == {
        (f"autoencoders {one}", who) for one in ("shared", "rollout") for who in ("expert", "student")
    }
    metrics = {row["metric"] for row in found if row["method"] == "sf1"}
    assert {
        "exact",
        "nls",
        "anls",
        "agreement",
        "exact between seeds",
        "gradient norm",
        "processor_s",
    } == metrics


def test_going_on_gives_what_one_run_gives(plan: StudyPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    without_rendering(monkeypatch)
    whole = collect_scores(plan, ENTRIES, 2, 2)
    other = replace(plan, out=plan.out.parent / "again")
    carry_out(other, ENTRIES[:3], 1, 1, 1)
    before = other.result("sf1", 0, 0).stat().st_mtime_ns
    other.result("sf5", 0, 0).write_text("{")  # as if the disk had lost it
    carry_out(other, ENTRIES, 2, 2, 1)
    assert same(collect_scores(other, ENTRIES, 2, 2), whole)
    assert other.result("sf1", 0, 0).stat().st_mtime_ns == before
    longer = replace(other, course=replace(plan.course, steps=3))
    assert room_work.read_result(longer, ENTRIES[1], 0, 0) is None
    assert room_work.read_result(longer, ENTRIES[0], 0, 0) is None  # asked again, which costs nothing


def test_ours_is_the_products_own_training(plan: StudyPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    without_rendering(monkeypatch)
    seen = []

    def trained(
        student: object, pairs: list[Example], extra: list[Example], recipe: Recipe, seed: int
    ) -> None:
        told = [pair.signal is not None for pair in pairs]
        assert {one.signal is not None for one in extra} <= set(told)
        seen.append((told, len(extra), recipe, seed))

    monkeypatch.setattr(room_work, "train_adapter", trained)
    entries = [entry for entry in SF if entry.recipe is not None]
    assert [entry.name for entry in entries] == [
        "roomwise, ten pairs, words alone",
        "roomwise, ten pairs",
        "roomwise, words alone",
        "roomwise",
    ]
    room_work.work(replace(plan, out=plan.out.parent / "ours", extra=2 * WARM_UP), entries, 1, 0)
    asked = seen[-1][1]
    assert 0 < asked <= 2 * WARM_UP
    assert seen == [
        ([False] * WARM_UP, 0, recipe_for(0), 0),
        ([True] * WARM_UP, 0, recipe_for(0), 0),
        ([False] * WARM_UP, asked, recipe_for(asked), 0),
        ([True] * WARM_UP, asked, recipe_for(asked), 0),
    ]


def test_ours_learns_here_too(plan: StudyPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    without_rendering(monkeypatch)
    small = Entry("small", "", recipe=replace(RECIPE, steps=2, general=4, similar=4))
    carry_out(plan, [small], 1, 1, 1)
    result = room_work.read_result(plan, small, 0, 0)
    assert result is not None and len(result.said) == TURNS - WARM_UP and result.seconds > 0


def test_every_row_of_both_studies_can_be_computed_for_one_vocabulary(plan: StudyPlan) -> None:
    # The released code compares whole sequences, and here the grids differ.
    assert set(find_incomputable(plan, [*SF, *ALIGN_KD])) == {"align-kd-code"}


def test_without_a_common_vocabulary_it_says_what_is_left_out(tmp_path: Path) -> None:
    missing = find_incomputable(tiny_plan(tmp_path, texts=["Hallo Welt", "rot", "zwei"]), SF)
    assert set(missing) == {"sf4c", "align-kd", "align-kd-code", "align"}
    assert missing["sf4c"] == "attn_plain(c): both models must give the same vocabulary"


def test_rows_travel_to_other_processes() -> None:
    for entry in (*SF, *ALIGN_KD):
        assert pickle.loads(pickle.dumps(entry)) == entry  # noqa: S301  # our own bytes
