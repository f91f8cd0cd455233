"""A job that builds upon another adapter, and the gate and the store of the one of all rooms."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_jobs import LIMITS, RECIPE, examples, request, save_student

from adapters.jobs.gate import ModelScores, decide
from adapters.jobs.job import REQUEST, read_request, write_request, write_result
from adapters.jobs.judge import Score
from adapters.jobs.request import JobLimits, Request
from adapters.jobs.store import AdapterStore, Version
from adapters.worker import work
from core.errors import WeightsError
from core.types import Example
from models.lora import Adapter, base_of, read_adapter

_SHORT = replace(RECIPE, steps=12)


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_student(tmp_path_factory.mktemp("student") / "tiny")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[Example]:
    return examples(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def parent(student: str, pairs: list[Example], tmp_path_factory: pytest.TempPathFactory) -> Version:
    """An adapter of another room."""
    folder = tmp_path_factory.mktemp("parent")
    wanted = replace(request(student, pairs[:1], recipe=replace(RECIPE, steps=40)), room="hall")
    return AdapterStore(folder / "adapters").adopt("hall", _done(folder / "job", wanted))


def _done(job: Path, wanted: Request) -> Path:
    write_request(job, wanted)
    threads = torch.get_num_threads()
    write_result(job, work(job))
    torch.set_num_threads(threads)
    return job


def _changes(adapter: Adapter) -> dict[str, torch.Tensor]:
    return {layer: adapter.change(layer) for layer in adapter.matrices}


def test_a_child_contains_its_parent_in_full_and_a_weakened_part_of_its_own(
    student: str, pairs: list[Example], parent: Version, tmp_path: Path
) -> None:
    base = base_of(student)
    told = {}
    for shrink in (1.0, 0.5):
        wanted = request(student, pairs[1:], parent=parent.folder, recipe=replace(_SHORT, shrink=shrink))
        candidate = _done(tmp_path / f"job-{shrink}", wanted) / "candidate"
        told[shrink] = _changes(read_adapter(candidate, base))
        about = json.loads((candidate / "version.json").read_text())
    assert about["parent"] == {"room": "hall", "version": "0001", "sha256": parent.about["sha256"]}
    assert about["before"] is None
    below = _changes(read_adapter(parent.folder, base))
    assert set(below) == set(told[1.0])
    own = {layer: told[1.0][layer] - below[layer] for layer in below}
    assert max(float(change.abs().max()) for change in own.values()) > 1e-3
    for layer, change in own.items():
        torch.testing.assert_close(told[0.5][layer] - below[layer], 0.5 * change, rtol=1e-3, atol=1e-5)


def test_what_it_learns_begins_at_what_the_parent_says(
    student: str, pairs: list[Example], parent: Version, tmp_path: Path
) -> None:
    # One step of no size: whatever it says is what its parent said.
    still = replace(_SHORT, steps=1, rate=0.0)
    wanted = request(student, pairs, parent=parent.folder, current=parent.folder, recipe=still)
    job = _done(tmp_path / "job", wanted)
    scores = json.loads((job / "result.json").read_text())["scores"]
    assert scores["candidate"]["train"] == pytest.approx(scores["current"]["train"], abs=1e-5)
    untouched = _done(tmp_path / "untouched", request(student, pairs, recipe=still))
    told = json.loads((untouched / "result.json").read_text())["scores"]["current"]["train"]
    assert told["loglik"] < scores["current"]["train"]["loglik"] - 0.01


def test_the_same_request_makes_the_same_child(
    student: str, pairs: list[Example], parent: Version, tmp_path: Path
) -> None:
    wanted = request(student, pairs[1:], hold_out=pairs[:1], parent=parent.folder, recipe=_SHORT)
    first, second = (
        (_done(tmp_path / name, wanted) / "candidate" / "adapter_model.safetensors").read_bytes()
        for name in ("first", "second")
    )
    assert first == second


def test_a_damaged_parent_ends_the_job(student: str, pairs: list[Example], tmp_path: Path) -> None:
    (tmp_path / "parent").mkdir()
    (tmp_path / "parent" / "version.json").write_text("{}")
    write_request(tmp_path / "job", request(student, pairs, parent=tmp_path / "parent"))
    with pytest.raises(WeightsError, match="adapt again"):
        work(tmp_path / "job")
    assert not (tmp_path / "job" / "candidate").exists()


def test_requests_without_a_parent_are_read_and_a_parent_may_move_with_its_job(
    pairs: list[Example], tmp_path: Path
) -> None:
    write_request(tmp_path / "new", request("student", pairs, parent=Path("parent")))
    assert read_request(tmp_path / "new").parent == (tmp_path / "new").resolve() / "parent"
    values = json.loads((tmp_path / "new" / REQUEST).read_text())
    del values["parent"], values["limits"]["loses"]
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / REQUEST).write_text(json.dumps(values))
    old = read_request(tmp_path / "old")
    assert old.parent is None and old.limits == LIMITS


@pytest.mark.parametrize(("right", "promoted"), [(50, True), (49, False), (60, True)])
def test_of_all_rooms_no_answer_to_unseen_ones_may_be_lost(right: int, promoted: bool) -> None:
    learnt = Score(0.9, 0.9, -0.1, 100)
    ours = ModelScores(learnt, Score(right / 100, 0.5, -1.0, 100), Score())
    base = ModelScores(Score(0.5, 0.5, -1.0, 100), Score(0.5, 0.5, -1.0, 100), Score())
    assert decide(ours, base, JobLimits(loses=0.0)).promote is promoted
    assert decide(ours, base, JobLimits()).promote
