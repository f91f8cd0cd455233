"""Versions are never edited; the pointer moves atomically; damage is passed over and said."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters.cli import app
from adapters.jobs.job import write_result
from adapters.jobs.request import Result
from adapters.jobs.store import HOME, AdapterStore
from core.errors import InputError, RoomNameError, StorageError, WeightsError
from core.files import sha256_file
from core.text import check_room

RUNNER = CliRunner()


def job(folder: Path, outcome: str = "promote") -> Path:
    """A job that has ended, with files like an adapter's."""
    candidate = folder / "candidate"
    candidate.mkdir(parents=True)
    (candidate / "adapter_config.json").write_text("{}")
    (candidate / "adapter_model.safetensors").write_bytes(folder.name.encode())
    score = {"exact": 0.5, "nls": 0.5, "loglik": -1.0, "n": 4}
    version = {
        "base": {"name": "tiny", "digest": "c0ffee"},
        "sha256": sha256_file(candidate / "adapter_model.safetensors"),
        "pairs": ["a", "b"],
        "created": "2030-01-01T00:00:00+00:00",
        "scores": {"candidate": {"train": score}, "current": {"train": score}},
    }
    (candidate / "version.json").write_text(json.dumps(version))
    write_result(folder, Result(outcome, "Because.", 1.0))  # type: ignore[arg-type]
    return folder


@pytest.fixture
def store(isolated: Path, tmp_path: Path) -> AdapterStore:
    """Three versions of the kitchen, the last one answering."""
    made = AdapterStore(isolated / "state" / "adapters")
    for name in ("one", "two", "three"):
        made.adopt("kitchen", job(tmp_path / name))
    return made


def number(store: AdapterStore, room: str = "kitchen") -> int:
    current = store.current(room)
    return current.number if current else 0


def test_versions_are_numbered_and_the_newest_answers(store: AdapterStore, tmp_path: Path) -> None:
    assert [version.number for version in store.versions("kitchen")] == [1, 2, 3]
    assert number(store) == 3
    assert store.rooms() == ["kitchen"]
    assert store.current("hall") is None and store.versions("hall") == []
    assert store.adopt("hall", job(tmp_path / "hall")).folder.name == "0001"
    assert store.rooms() == ["hall", "kitchen"]


def test_rolling_back_goes_the_way_back_to_the_untouched_student(store: AdapterStore) -> None:
    store.promote("kitchen", 1)
    assert number(store) == 1
    seen = []
    for _ in range(4):
        version = store.rollback("kitchen")
        seen.append(version.number if version else 0)
    assert seen == [3, 2, 1, 0]
    with pytest.raises(InputError, match="nothing to go back to"):
        store.rollback("kitchen")
    assert store.promote("kitchen", 2).number == number(store) == 2


@pytest.mark.parametrize("outcome", ["reject", "cancelled", "failed"])
def test_only_what_the_gate_let_through_is_taken(store: AdapterStore, tmp_path: Path, outcome: str) -> None:
    with pytest.raises(InputError, match=f"{outcome}: Because"):
        store.adopt("kitchen", job(tmp_path / "bad", outcome))
    with pytest.raises(InputError, match="not ended"):
        store.adopt("kitchen", tmp_path)
    assert number(store) == 3


@pytest.mark.parametrize("file", ["adapter_model.safetensors", "version.json"])
def test_a_damaged_version_is_passed_over_and_named(store: AdapterStore, file: str) -> None:
    path = store.version("kitchen", 3).folder / file
    os.truncate(path, 2)
    assert number(store) == 2
    assert len(store.problems("kitchen")) == 1 and "0003" in store.problems("kitchen")[0]
    with pytest.raises(WeightsError, match="Roll back"):
        store.promote("kitchen", 3)
    path.unlink()
    assert number(store) == 2
    assert store.rollback("kitchen") is not None and number(store) == 2


def test_a_damaged_pointer_means_the_newest_good_version(store: AdapterStore) -> None:
    (store.version("kitchen", 1).folder.parent / "current").write_text("{")
    assert number(store) == 3


def test_a_damaged_candidate_leaves_everything_as_it_was(store: AdapterStore, tmp_path: Path) -> None:
    bad = job(tmp_path / "bad")
    os.truncate(bad / "candidate" / "adapter_model.safetensors", 1)
    with pytest.raises(WeightsError, match="damaged"):
        store.adopt("kitchen", bad)
    assert number(store) == 3 and len(store.versions("kitchen")) == 3


def test_a_job_that_is_taken_twice_is_one_version(store: AdapterStore, tmp_path: Path) -> None:
    done = job(tmp_path / "again")
    first = store.adopt("kitchen", done)
    assert store.adopt("kitchen", done) == first
    # A kill may have come between the copy and the pointer.
    store.rollback("kitchen")
    assert number(store) == 3
    assert store.adopt("kitchen", done).number == number(store) == 4
    # What was taken and is damaged since is taken anew.
    os.truncate(first.folder / "adapter_model.safetensors", 2)
    assert store.adopt("kitchen", done).number == number(store) == 5


def test_leftovers_of_a_kill_are_swept(store: AdapterStore) -> None:
    folder = store.version("kitchen", 1).folder.parent
    (folder / ".0004.x.part").mkdir()
    (folder / ".current.y.part").write_text("half")
    store.sweep()
    assert not list(folder.glob(".*"))
    assert number(store) == 3 and len(store.versions("kitchen")) == 3


@pytest.mark.parametrize("room", ["a/b", "..", ".hidden", "Küche 2", "x\\y", "a%2Fb"])
def test_any_name_is_one_folder_below_the_root(store: AdapterStore, tmp_path: Path, room: str) -> None:
    store.adopt(room, job(tmp_path / "job"))
    assert room in store.rooms()
    version = store.current(room)
    assert version is not None
    assert version.folder.parent.parent == store.version("kitchen", 1).folder.parent.parent


def test_names_that_cannot_be_folders_are_refused(store: AdapterStore) -> None:
    for room in ("", "x" * 300):
        with pytest.raises(StorageError, match="room's name"):
            store.current(room)


def test_the_command_lists_shows_changes_and_exports(store: AdapterStore, tmp_path: Path) -> None:
    def said(*args: str) -> str:
        result = RUNNER.invoke(app, list(args), catch_exceptions=False)
        assert result.exit_code == 0
        return result.output

    lines = said("list").splitlines()
    assert lines[2].startswith("* kitchen 3") and "pairs 50% -> 50%" in lines[2]
    assert lines[0].startswith("  kitchen 1")
    rows = json.loads(said("list", "kitchen", "--json"))["adapters"]
    assert [row["current"] for row in rows] == [False, False, True]
    assert json.loads(said("show", "kitchen", "2"))["pairs"] == ["a", "b"]
    assert said("promote", "kitchen", "1") == "kitchen: adapter 1 answers.\n"
    assert json.loads(said("rollback", "kitchen", "--json")) == {"room": "kitchen", "current": 3}
    out = tmp_path / "out"
    assert said("export", "kitchen", "2", str(out)) == f"{out}\n"
    assert (out / "adapter_model.safetensors").read_bytes() == b"two"
    with pytest.raises(StorageError, match="not empty"):
        RUNNER.invoke(app, ["export", "kitchen", "2", str(out)], catch_exceptions=False)
    with pytest.raises(InputError, match="no adapter 9"):
        RUNNER.invoke(app, ["show", "kitchen", "9"], catch_exceptions=False)
    assert "No adapters yet" in said("list", "attic")


def listed(*more: str) -> list[list[object]]:
    result = RUNNER.invoke(app, ["list", *more, "--json"])
    return [[row["room"], row["version"], row["current"]] for row in json.loads(result.output)["adapters"]]


def test_what_is_of_all_rooms_is_home_to_people_and_no_room(store: AdapterStore, tmp_path: Path) -> None:
    with pytest.raises(RoomNameError):
        check_room(HOME)
    store.adopt(HOME, job(tmp_path / "first"))
    store.adopt(HOME, job(tmp_path / "second"))
    assert listed("home") == [["home", 1, False], ["home", 2, True]]
    assert [row[0] for row in listed()] == ["home"] * 2 + ["kitchen"] * 3
    told = RUNNER.invoke(app, ["rollback", "home"])
    assert "home: adapter 1 answers" in told.output and number(store, HOME) == 1
    assert RUNNER.invoke(app, ["promote", "home", "2"]).exit_code == 0 and number(store, HOME) == 2
    assert RUNNER.invoke(app, ["show", "home", "2"]).exit_code == 0
    assert RUNNER.invoke(app, ["export", "home", "2", str(tmp_path / "out")]).exit_code == 0


def test_a_room_that_somebody_called_home_is_told_from_it(store: AdapterStore, tmp_path: Path) -> None:
    store.adopt(HOME, job(tmp_path / "all"))
    store.adopt("home", job(tmp_path / "room"))
    assert number(store, "home") == number(store, HOME) == 1
    assert [row[0] for row in listed()] == [HOME, "home", *["kitchen"] * 3]
    assert listed("home") == [["home", 1, True]] and listed(HOME) == [[HOME, 1, True]]
    assert RUNNER.invoke(app, ["rollback", "home"]).exit_code == 0
    assert (number(store, "home"), number(store, HOME)) == (0, 1)
