"""Killed at random moments, agent and worker lose nothing that was answered; the session goes on."""

import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from tiny_jobs import save_student
from tiny_processes import alive
from tiny_sessions import PID, ROOM, Nursery, write_visit

from adapters.jobs.store import AdapterStore
from agent.recording.record import EVENTS, read_recording
from agent.recording.summary import summarise
from agent.turns.remembering import pair_id
from core.events import AdaptationEnded, Answered, Remembered, SessionEnded
from memory.store import Memory

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="replays run in forks")
KILLS = [3, pytest.param(20, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])]


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as running:
        yield running


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_student(tmp_path_factory.mktemp("student") / "tiny")


def lines(out: Path) -> int:
    """How many events are kept."""
    log = out / "session" / EVENTS
    return log.read_bytes().count(b"\n") if log.exists() else 0


def wait_for(what: Callable[[], bool], seconds: float = 120.0) -> bool:
    until = time.monotonic() + seconds
    while not what() and time.monotonic() < until:
        time.sleep(0.002)
    return what()


def workers(out: Path) -> list[int]:
    """Who has worked, or does."""
    return [int(path.read_text() or "0") for path in (out / "jobs").glob(f"*/{PID}")]


def kill(nursery: Nursery, pid: int, out: Path) -> None:
    """The replay, if it is not over; its workers end with it."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    assert nursery.end() in (-signal.SIGKILL, 0)
    assert wait_for(lambda: not any(map(alive, workers(out))))


def said(out: Path) -> dict[int, tuple[str, str]]:
    """Every answer there is."""
    events = read_recording(out / "session").events
    return {event.turn: (event.by, event.text) for event in events if isinstance(event, Answered)}


def weights(out: Path) -> list[str]:
    """What identifies each adapter's weights."""
    return [version.about["sha256"] for version in AdapterStore(out / "adapters").versions(ROOM)]


def check_whole(out: Path, before: dict[int, tuple[str, str]]) -> dict[int, tuple[str, str]]:
    """Whatever was answered is there, and so is all that came of it."""
    if not (out / "session" / "session.json").exists():
        assert not before
        return {}
    recording = read_recording(out / "session")
    now = said(out)
    assert {turn: now.get(turn) for turn in before} == before
    session = recording.about["session"]
    with Memory.open(out / "memory", read_only=True) as memory:
        pairs = {pair.id: pair.answer for pair in memory.pairs(ROOM)}
    taught = {event.turn for event in recording.events if isinstance(event, Remembered)} & now.keys()
    assert {turn: pairs.get(pair_id(session, turn)) for turn in taught} == {
        turn: now[turn][1] for turn in taught
    }
    check_adapters(out)
    return now


def check_adapters(out: Path) -> None:
    """The one that was said to answer, or a newer one, does, undamaged."""
    store = AdapterStore(out / "adapters")
    ended = [event for event in read_recording(out / "session").events if isinstance(event, AdaptationEnded)]
    adapters = [int(event.adapter) for event in ended if event.promoted]
    current = store.current(ROOM)
    assert store.problems(ROOM) == []
    assert (current.number if current else 0) >= max(adapters, default=0)


def remembered(out: Path) -> list[tuple[str, str, str, str]]:
    """Every pair: who asked, what, about which frame, and what was said."""
    with Memory.open(out / "memory", read_only=True) as memory:
        return sorted((pair.asker, pair.question, pair.frame, pair.answer) for pair in memory.pairs(ROOM))


def kept(out: Path) -> int:
    """How many pairs are on the disk, while somebody writes."""
    file = out / "memory" / "memory.sqlite3"
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT count(*) FROM pairs").fetchone()[0])
    return 0


def _over(out: Path) -> bool:
    return lines(out) > 0 and isinstance(read_recording(out / "session").events[-1], SessionEnded)


@pytest.mark.parametrize("kills", KILLS)
def test_an_agent_that_is_killed_goes_on_as_if_it_never_had_been(
    nursery: Nursery, student: str, tmp_path: Path, kills: int
) -> None:
    visit = write_visit(tmp_path / "visit", 8)
    whole, out = tmp_path / "whole", tmp_path / "out"
    nursery.begin(visit, student, whole)
    assert nursery.end() == 0
    rng = random.Random(kills)
    answered: dict[int, tuple[str, str]] = {}
    for moment in sorted(rng.sample(range(lines(whole)), kills)):
        pid = nursery.begin(visit, student, out)
        wait_for(lambda moment=moment: lines(out) >= moment)  # type: ignore[misc]
        time.sleep(rng.uniform(0, 0.1))
        kill(nursery, pid, out)
        answered = check_whole(out, answered)
        if _over(out):  # its last line was written before the kill came
            break
    else:
        nursery.begin(visit, student, out)
        assert nursery.end() == 0
    check_whole(out, answered)
    assert said(out) == said(whole)
    assert weights(out) == weights(whole)
    events = read_recording(out / "session").events
    assert isinstance(events[-1], SessionEnded)
    assert summarise(events).table == summarise(read_recording(whole / "session").events).table
    with Memory.open(out / "memory", read_only=True) as memory:
        assert len(memory.pairs(ROOM)) == 4
    assert not list(out.rglob("*.part"))


@pytest.mark.parametrize("kills", KILLS)
def test_what_the_agent_asked_of_its_own_accord_is_asked_once_and_kept(
    nursery: Nursery, student: str, tmp_path: Path, kills: int
) -> None:
    """Killed between its own questions too, it asks the rest and no other."""
    visit = write_visit(tmp_path / "visit", 6)
    whole, out = tmp_path / "whole", tmp_path / "out"
    nursery.begin(visit, student, whole, expert=student)
    assert nursery.end() == 0
    rng = random.Random(kills)
    for moment in sorted(rng.sample(range(1, len(remembered(whole))), kills)):
        pid = nursery.begin(visit, student, out, expert=student)
        wait_for(lambda moment=moment: _over(out) or kept(out) >= moment)  # type: ignore[misc]
        kill(nursery, pid, out)
    nursery.begin(visit, student, out, expert=student)
    assert nursery.end() == 0
    assert remembered(out) == remembered(whole)
    assert {asker for asker, *_ in remembered(out)} == {"agent", "person"}
    assert said(out) == said(whole) and weights(out) == weights(whole)


@pytest.mark.parametrize("kills", KILLS)
def test_a_worker_that_is_killed_costs_nothing(
    nursery: Nursery, student: str, tmp_path: Path, kills: int
) -> None:
    """Two of three workers die; the third one learns what they were to learn."""
    jobs = kills // 2 + 2
    visit, out = write_visit(tmp_path / "visit", 3 + jobs), tmp_path / "out"
    rng = random.Random(kills)
    nursery.begin(visit, student, out, often=True)
    seen: set[Path] = set()
    for number in range(kills):
        if number and number % 2 == 0:
            new_job(out, seen)
        job, moment = new_job(out, seen), rng.randrange(14)
        wait_for(lambda job=job, moment=moment: steps(job) >= moment)  # type: ignore[misc]
        os.kill(int((job / PID).read_text()), signal.SIGKILL)
        check_whole(out, {})
    assert nursery.end() == 0
    check_whole(out, {})
    assert sorted(said(out)) == list(range(1, 4 + jobs))
    events = read_recording(out / "session").events
    ended = [event for event in events if isinstance(event, AdaptationEnded)]
    assert sum(event.again for event in ended) >= kills - kills // 5
    assert sum(event.promoted for event in ended) >= 1


def steps(job: Path) -> int:
    """How far a job has come, in lines of its progress; a job that has ended is far enough."""
    log = job / "progress.jsonl"
    return 99 if (job / "result.json").exists() else log.read_bytes().count(b"\n") if log.exists() else 0


def new_job(out: Path, seen: set[Path]) -> Path:
    """The job that was begun since."""

    def found() -> set[Path]:
        return {path.parent for path in (out / "jobs").glob(f"*/{PID}")} - seen

    assert wait_for(lambda: bool(found()))
    (new,) = found()
    seen.add(new)
    return new
