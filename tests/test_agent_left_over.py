"""Whatever is cut short is found again: a second try ends it, the next start sweeps it, doctor says it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tiny_memory import embedder, frame, jpeg
from tiny_processes import killed_before
from tiny_recordings import write_recording

import roomwise
from adapters.jobs.store import AdapterStore
from agent.doctor.left import left_over
from agent.recording.record import read_recording
from agent.sessions.archive_import import import_archive
from agent.sessions.redact import Choice, end_redactions, redact
from agent.sessions.sessions import export
from agent.whereabouts.rooms import end_change, known_rooms
from core.events import Asked
from core.files import atomic_directory, atomic_write_text, delete_folder, new_file, state_dir, sweep
from core.lazy import run
from core.parts import new_part
from memory.store import Memory
from memory.strays import strays
from memory.transfer import export as export_memory

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked child")


@pytest.fixture(autouse=True)
def _state() -> None:
    _fill(state_dir())


def _fill(state: Path) -> None:
    with Memory.open(state / "memory", embedder()) as memory:
        for seed in range(3):
            memory.add("attic", frame(seed), "What colour is the sofa?", "red", "expert", "e")
        memory.add("hall", frame(9), "How many chairs are there?", "two", "expert", "e")
        memory.gallery.add("attic", "rgb", jpeg(5), np.array([1, 0], np.float32), "colours")
    for version in ("0001", "0002"):
        atomic_write_text(state / "adapters" / "attic" / version / "version.json", "{}")
    write_recording(state / "sessions" / "visit")
    write_recording(state / "replays" / "then" / "session")


def _roomwise(*words: str) -> int:
    return run(roomwise.app, "roomwise", [*words, "--yes"])


def _kills(work: Callable[[], object]) -> Iterator[int]:
    """Kill it before each of its steps in turn, on a fresh state each time."""
    for step in range(100):
        if not killed_before(step, work):
            assert step > 3
            return
        yield step
        sweep(state_dir())
        _remove_all()
        _fill(state_dir())


def _remove_all() -> None:
    for folder in ("memory", "adapters", "sessions", "replays"):
        if (state_dir() / folder).exists():
            delete_folder(state_dir() / folder)


def _start() -> None:
    sweep(state_dir())
    with Memory.open(state_dir() / "memory", embedder()) as memory:
        end_change(memory, AdapterStore(state_dir() / "adapters"))


def _bytes_left(word: bytes) -> list[Path]:
    return [path for path in state_dir().rglob("*") if path.is_file() and word in path.read_bytes()]


@pytest.mark.parametrize("words", [("rooms", "forget", "attic"), ("rooms", "merge", "attic", "hall")])
def test_a_second_try_ends_what_was_killed_at_any_step(words: tuple[str, ...]) -> None:
    for step in _kills(lambda: _roomwise(*words)):
        again = _roomwise(*words)
        _start()
        with Memory.open(state_dir() / "memory", read_only=True) as memory:
            # Where it was done but for the sweeping there is no such room any more.
            assert again == 0 or "attic" not in memory.rooms(), step
            assert set(memory.rooms()) == {"hall"} and set(memory.gallery.counts()) <= {"hall"}
        assert not AdapterStore(state_dir() / "adapters").rooms()
        assert not list(left_over()) and not strays(state_dir() / "memory")
        assert sorted(path.name for path in (state_dir() / "adapters").iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [("rooms", "forget", "attic"), ("rooms", "merge", "attic", "hall"), ("rooms", "name", "attic", "loft")],
)
def test_a_start_ends_what_was_killed_at_any_step_or_nothing_was_done(words: tuple[str, ...]) -> None:
    options = ["--yes"] * (words[1] != "name")
    before, found = _rooms(), set()
    for _ in _kills(lambda: run(roomwise.app, "roomwise", [*words, *options])):
        _start()
        assert not list(left_over())
        found.add(_rooms())
    assert found == {before, _rooms()}


def _rooms() -> tuple[tuple[str, int, int, int], ...]:
    with Memory.open(state_dir() / "memory", read_only=True) as memory:
        known = known_rooms(memory, AdapterStore(state_dir() / "adapters"))
    return tuple((room.name, room.pairs, room.views, room.adapters) for room in known)


@pytest.mark.parametrize("name", ["visit", "replays/then"])
def test_a_session_goes_whole_at_the_second_try_or_at_a_start(name: str) -> None:
    for step in _kills(lambda: _roomwise("sessions", "delete", name)):
        if step % 2:
            assert _roomwise("sessions", "delete", name) == 0 or not list(left_over())
        elif step:  # before the first step there is a session
            assert [finding.name for finding in left_over()] == ["left over"]
            _start()
        else:
            continue
        place = state_dir() / ("replays" if "/" in name else "sessions")
        assert not list(place.iterdir()) and not list(left_over())


@pytest.mark.parametrize("at_start", [True, False])
def test_what_was_to_be_taken_out_goes_at_a_start_or_the_second_try(at_start: bool) -> None:
    folder, choice = state_dir() / "sessions" / "visit", Choice(None, frames=True, words=True)
    for step in range(20):
        killed = killed_before(step, lambda: redact(folder, choice))
        begun = (folder / "redacting.json").exists()
        assert begun == any("half" in finding.found for finding in left_over()) or step == 0
        sweep(state_dir())
        (end_redactions if at_start else lambda state: redact(folder, choice))(state_dir())
        asked = [event for event in read_recording(folder).events if isinstance(event, Asked)]
        whole = at_start and killed and not begun
        assert [event.frame != "" for event in asked] == [whole] * 4
        assert [event.question != "(redacted)" for event in asked] == [whole] * 4
        assert bool(list((folder / "blobs").iterdir())) == whole and not list(left_over())
        if not killed:
            break
        delete_folder(folder)
        write_recording(folder)
    assert step > 5


def test_a_memory_import_that_was_killed_is_found_and_swept(tmp_path: Path) -> None:
    with Memory.open(state_dir() / "memory", read_only=True) as memory:
        export_memory(memory, tmp_path / "out")
    delete_folder(state_dir() / "memory")
    Memory.open(state_dir() / "memory").close()
    arguments = ["memory", "import", str(tmp_path / "out")]
    # The frames are there, and the pairs are not.
    assert killed_before(3, lambda: run(roomwise.app, "roomwise", arguments))
    assert [finding.name for finding in left_over() if "half written" in finding.found] == ["left over"]
    assert run(roomwise.app, "roomwise", arguments) == 0
    assert not list(left_over())


def test_an_import_that_was_killed_is_found_and_swept(tmp_path: Path) -> None:
    folder = write_recording(tmp_path / "session")
    export(read_recording(folder), tmp_path / "a.zip", "zip")
    assert killed_before(0, lambda: import_archive(tmp_path / "a.zip", state_dir(), 10**7, "new"))
    assert "half written" in next(left_over()).found
    sweep(state_dir())
    assert not list(left_over()) and not (state_dir() / "sessions" / "new").exists()


@pytest.mark.parametrize("kind", ["zip", "memory"])
def test_an_export_clears_up_after_one_that_was_killed(tmp_path: Path, kind: str) -> None:
    def work() -> None:
        if kind == "zip":
            export(read_recording(state_dir() / "sessions" / "visit"), tmp_path / "out", "zip")
        else:
            with Memory.open(state_dir() / "memory", read_only=True) as memory:
                export_memory(memory, tmp_path / "out")

    assert killed_before(0, work)
    assert [path.name.endswith(".part") for path in tmp_path.iterdir()] == [True]
    work()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_is_being_written_is_no_leftover(tmp_path: Path) -> None:
    b, c = tmp_path / "b", tmp_path / "c"
    with new_part(tmp_path / "a") as (_, part), atomic_directory(b) as folder, new_file(c) as path:
        sweep(tmp_path)
        assert part.exists() and folder.exists() and path.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "c"]


def test_adapters_of_a_room_that_nothing_else_knows_can_be_forgotten() -> None:
    atomic_write_text(state_dir() / "adapters" / "den" / "0001" / "version.json", "{}")
    assert "rooms forget den" in next(left_over()).fix
    assert _roomwise("rooms", "forget", "den") == 0
    assert not list(left_over())
