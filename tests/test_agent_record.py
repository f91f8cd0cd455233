"""Sessions on disk: what was appended is there, whatever happens next."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.recording.record import BLOBS, EVENTS, SESSION, Recorder, pause_between, read_recording
from core.errors import InputError, StorageError
from core.events import Asked, Event, Remembered, SessionEnded

_EVENTS: list[Event] = [
    Asked(at=1.5, turn=1, question="What is on the table?", frame="f" * 64, frame_age_ms=12.0),
    Remembered(at=2.0, turn=1, pair="p"),
    SessionEnded(at=3.0, turns=1),
]


def _written(folder: Path) -> Path:
    with Recorder(folder, {"room": "kitchen"}) as recorder:
        for event in _EVENTS:
            recorder.append(event)
    return folder


def test_a_session_is_read_as_it_was_written(tmp_path: Path) -> None:
    recording = read_recording(_written(tmp_path / "s"))
    assert list(recording.events) == _EVENTS
    assert recording.about["room"] == "kitchen"
    assert not recording.cut_off


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.integers(min_value=0))
def test_a_log_cut_anywhere_gives_every_whole_line(tmp_path: Path, cut: int) -> None:
    folder = tmp_path / "s"
    if not folder.exists():
        _written(folder)
        (tmp_path / "whole").write_bytes((folder / EVENTS).read_bytes())
    whole = (tmp_path / "whole").read_bytes()
    kept = whole[: cut % (len(whole) + 1)]
    (folder / EVENTS).write_bytes(kept)
    recording = read_recording(folder)
    assert list(recording.events) == _EVENTS[: kept.count(b"\n")]
    assert recording.cut_off == (not kept.endswith(b"\n") and bool(kept))


def test_a_blob_is_kept_once_and_checked(tmp_path: Path) -> None:
    with Recorder(tmp_path / "s", {}) as recorder:
        digest = recorder.keep(b"picture", ".jpg")
        assert recorder.keep(b"picture", ".jpg") == digest
    recording = read_recording(tmp_path / "s")
    path = recording.blob(digest, ".jpg")
    assert path.read_bytes() == b"picture"
    path.write_bytes(b"another")
    with pytest.raises(InputError, match="damaged"):
        recording.blob(digest, ".jpg")


def test_a_session_is_never_written_over(tmp_path: Path) -> None:
    folder = _written(tmp_path / "s")
    with pytest.raises(StorageError, match="already"):
        Recorder(folder, {})
    assert len(read_recording(folder).events) == 3


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (SESSION, "{", "is damaged"),
        (SESSION, "[]", "should be a valid dictionary|should be an object"),
        (EVENTS, '{"event": "SessionEnded"}\n{"event": "SessionEnded", "at": 1, "turns": 1}\n', "Line 1"),
        (EVENTS, "\xff\n", "Line 1"),
    ],
)
def test_what_is_not_a_session_says_so(tmp_path: Path, name: str, content: str, told: str) -> None:
    folder = _written(tmp_path / "s")
    (folder / name).write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=told):
        read_recording(folder)


def test_a_folder_without_a_session_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=SESSION):
        read_recording(tmp_path)


def test_a_full_disk_takes_the_half_line_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(tmp_path / "s", {})
    recorder.append(_EVENTS[0])

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="full"):
            recorder.append(_EVENTS[1])
    recorder.append(_EVENTS[2])
    recorder.close()
    assert list(read_recording(tmp_path / "s").events) == [_EVENTS[0], _EVENTS[2]]


def test_it_goes_on_after_the_last_whole_line(tmp_path: Path) -> None:
    folder = _written(tmp_path / "s")
    with (folder / EVENTS).open("ab") as log:
        log.write(b'{"event": "Asked", "at"')
    (folder / BLOBS).mkdir()
    for left in (folder / ".events.jsonl.x.part", folder / BLOBS / ".a.jpg.y.part"):
        left.write_bytes(b"half")
    with Recorder.reopen(folder) as recorder:
        recorder.append(_EVENTS[0])
    recording = read_recording(folder)
    assert list(recording.events) == [*_EVENTS, _EVENTS[0]]
    assert recording.about["room"] == "kitchen"
    assert not list(folder.rglob("*.part"))


def test_it_goes_on_where_no_line_was_written_yet(tmp_path: Path) -> None:
    folder = _written(tmp_path / "s")
    (folder / EVENTS).unlink()
    with Recorder.reopen(folder) as recorder:
        recorder.append(_EVENTS[0])
    assert list(read_recording(folder).events) == [_EVENTS[0]]


_WRITER = """
import sys
from pathlib import Path
from agent.recording.record import Recorder
from core.events import Remembered
recorder = Recorder(Path(sys.argv[1]), {})
for turn in range(1_000_000):
    recorder.append(Remembered(at=0.0, turn=turn, pair="p"))
    print(turn, flush=True)
"""


def test_killed_at_any_moment_it_has_what_it_told(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(tmp_path / "s")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout as told:
        last = [int(next(told)) for _ in range(20)][-1]
        process.send_signal(signal.SIGKILL)
        last = max([last, *map(int, told.read().split())])
    process.wait()
    turns = [event.turn for event in read_recording(tmp_path / "s").events if isinstance(event, Remembered)]
    assert turns == list(range(len(turns)))
    assert len(turns) > last


def test_the_session_file_is_plain_json(tmp_path: Path) -> None:
    folder = _written(tmp_path / "s")
    assert json.loads((folder / SESSION).read_text())["format"] == 1


@pytest.mark.parametrize(
    ("early", "late", "pause"), [(10.0, 12.5, 2.5), (1e9, 1.7e9, 3600.0), (1.7e9, 1e9, 0.0)]
)
def test_a_clock_that_is_set_makes_no_pause_of_years(early: float, late: float, pause: float) -> None:
    assert pause_between(early, late) == pause
