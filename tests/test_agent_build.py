"""What a session needs is put together, or refused before anything is written; what was damaged is named."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from tiny_jobs import save_student
from tiny_memory import WordsAndColours, jpeg
from tiny_sessions import write_visit

from agent.loop import build
from agent.recording.record import EVENTS, SESSION, read_recording
from agent.recording.summary import Summary
from agent.replay.session import ReplayOptions, replay_session
from core.config import Config
from core.errors import ImageError, InputError, StorageError, UnknownModelError
from core.events import Answered, Event, Failed, Resumed, SessionStarted
from core.lock import lock_folder
from memory.store import Memory


@pytest.fixture(autouse=True)
def small_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "room_embedder", lambda student: WordsAndColours())


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_student(tmp_path_factory.mktemp("student") / "tiny")


@pytest.fixture
def visit(tmp_path: Path) -> Path:
    return write_visit(tmp_path / "visit", 4)


def replayed(visit: Path, student: str, out: Path, **wishes: Any) -> Summary:
    """The expert answers everything; nothing is learnt."""
    wanted = {"expert": build.RECORDED, "warm_up": 20, "quiet": True, **wishes}
    return replay_session(ReplayOptions(visit, student, out=out, **wanted), Config())


def unfinished(visit: Path, student: str, out: Path) -> None:
    """One question answered; the second one's frame cannot be read, and is mended afterwards."""
    frame = visit / "frame-1.jpg"
    whole = frame.read_bytes()
    frame.write_bytes(b"not a picture")
    with pytest.raises(ImageError):
        replayed(visit, student, out)
    frame.write_bytes(whole)


def of(out: Path, kind: type[Event]) -> list[Any]:
    return [event for event in read_recording(out / "session").events if isinstance(event, kind)]


def test_a_session_goes_on_where_it_stopped(visit: Path, student: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    unfinished(visit, student, out)
    (first,) = of(out, Answered)
    summary = replayed(visit, student, out)
    assert [turn.answer for turn in summary.turns] == ["red", "two", "on the table", "red"]
    assert [event.turn for event in of(out, Resumed)] == [2]
    assert of(out, Answered)[0] == first and len(of(out, Answered)) == 4
    assert len(of(out, SessionStarted)) == 1
    with Memory.open(out / "memory", read_only=True) as memory:
        assert len(memory.pairs()) == 4


def test_what_the_expert_said_to_a_question_without_answer_is_asked_again(
    visit: Path, student: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    replayed(visit, student, out)
    log = out / "session" / EVENTS
    kept = log.read_text().splitlines(keepends=True)
    cut = next(n for n, line in enumerate(kept) if json.loads(line)["event"] == "Remembered" and n > 5)
    log.write_text("".join(kept[: cut + 1]))
    assert len(of(out, Answered)) == 1
    summary = replayed(visit, student, out)
    assert [turn.by for turn in summary.turns] == ["expert"] * 4
    with Memory.open(out / "memory", read_only=True) as memory:
        assert len(memory.pairs()) == 4


def test_a_finished_session_and_another_one_are_refused(visit: Path, student: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    replayed(visit, student, out)
    before = (out / "session" / EVENTS).read_bytes()
    with pytest.raises(InputError, match="from beginning to end"):
        replayed(visit, student, out)
    with pytest.raises(InputError, match="warm_up is not the same"):
        replayed(visit, student, out, warm_up=3)
    other = write_visit(tmp_path / "other", 5)
    with pytest.raises(InputError, match="visit is not the same"):
        replayed(other, student, out)
    assert (out / "session" / EVENTS).read_bytes() == before


def test_a_second_owner_is_told_before_anything_is_written(visit: Path, student: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    lock = lock_folder(out)
    try:
        with pytest.raises(StorageError, match=r"in use by process \d+ .*Wait for it to end"):
            replayed(visit, student, out)
        assert [path.name for path in out.iterdir()] == [".lock"]
    finally:
        lock.release()
    replayed(visit, student, out)


def test_a_mistyped_model_leaves_no_folder(visit: Path, student: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError):
        replayed(visit, student, tmp_path / "out", expert="builtin-expret")
    with pytest.raises(UnknownModelError):
        replayed(visit, "builtin-stundet", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_damaged_vectors_are_made_again_and_it_is_said(visit: Path, student: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    unfinished(visit, student, out)
    (out / "memory" / "vectors.safetensors").write_bytes(b"damaged")
    replayed(visit, student, out)
    (said,) = of(out, Failed)
    assert said.what == "index" and "made again from 1 pairs" in said.error


@pytest.mark.parametrize("name", ["memory/memory.sqlite3", f"session/{SESSION}"])
def test_what_cannot_be_made_again_is_an_error_and_stays_as_it_is(
    visit: Path, student: str, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "out"
    unfinished(visit, student, out)
    path = out / name
    damaged = path.read_bytes()[:50] + b"damaged" * 100
    path.write_bytes(damaged)
    before = (out / "session" / EVENTS).read_bytes()
    with pytest.raises((StorageError, InputError), match=r"damaged|not valid JSON"):
        replayed(visit, student, out)
    assert path.read_bytes() == damaged
    assert (out / "session" / EVENTS).read_bytes() == before


def test_a_disk_that_fills_up_costs_nothing_that_was_answered(
    visit: Path, student: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    writes = 0

    def fsync(descriptor: int) -> None:
        nonlocal writes
        writes += 1
        if writes > 20:
            raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        with pytest.raises(StorageError, match="The disk is full"):
            replayed(visit, student, out)
    answered = of(out, Answered)
    assert answered
    summary = replayed(visit, student, out)
    assert of(out, Answered)[: len(answered)] == answered
    assert [turn.answer for turn in summary.turns] == ["red", "two", "on the table", "red"]


def test_frames_are_kept_by_what_is_in_them(visit: Path, student: str, tmp_path: Path) -> None:
    replayed(visit, student, tmp_path / "out")
    recording = read_recording(tmp_path / "out" / "session")
    asked = {turn.frame for turn in replayed(visit, student, tmp_path / "again").turns}
    assert {recording.blob(frame, ".jpg").read_bytes() for frame in asked} == {
        jpeg(number, (64, 48)) for number in range(2)
    }
