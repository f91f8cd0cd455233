"""What is taken out of a recording is nowhere in its folder any more, and the rest is as it was."""

import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_memory import jpeg
from tiny_recordings import ANSWERS, QUESTIONS, lines, write_recording

from agent.recording.record import BLOBS, EVENTS, REDACTED, SESSION, Recorder, read_recording
from agent.recording.visit import read_visit
from agent.sessions import redact as sessions_redact
from agent.sessions.redact import Choice, _speaks_of, redact, without
from agent.sessions.turns import turns_of
from core.errors import InputError, StorageError
from core.events import Event, SpeechHeard

_WORDS = frozenset(QUESTIONS + ANSWERS)


def _choice(*turns: int, frames: bool = False, words: bool = False) -> Choice:
    return Choice(frozenset(turns) if turns else None, frames, words)


def _everything(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def _said(folder: Path, turn: int) -> bool:
    data = _everything(folder).decode("latin-1")
    return QUESTIONS[turn - 1] in data or f'"{ANSWERS[turn - 1]}"' in data


def test_frames_go_from_the_disk_and_from_the_log(tmp_path: Path) -> None:
    folder = write_recording(tmp_path / "s")
    before = lines(folder)
    names = {path.name.split(".")[0] for path in (folder / BLOBS).iterdir()}
    done = redact(folder, _choice(frames=True))
    assert (done.files, done.turns, done.also) == (2, (1, 2, 3, 4), ())
    assert not list((folder / BLOBS).iterdir())
    assert not any(name.encode() in _everything(folder) for name in names)
    assert lines(folder) == [line | ({"frame": ""} if "frame" in line else {}) for line in before]


def test_a_frame_that_other_turns_show_goes_there_as_well(tmp_path: Path) -> None:
    folder = write_recording(tmp_path / "s")
    done = redact(folder, _choice(1, frames=True))
    assert (done.turns, done.also, done.files) == ((1,), (3,), 1)
    assert [bool(turn.frame) for turn in turns_of(read_recording(folder).events)] == [False, True] * 2


def test_words_of_a_turn_go_and_those_of_others_stay(tmp_path: Path) -> None:
    folder = write_recording(tmp_path / "s")
    done = redact(folder, _choice(3, words=True))
    assert [_said(folder, turn) for turn in (1, 2, 3, 4)] == [True, True, False, True]
    assert b"four" not in _everything(folder) and b"on the shelf" in _everything(folder)
    assert done.pairs == ("c" * 32,) and done.learnt and done.files == 0
    turn = turns_of(read_recording(folder).events)[2]
    assert (turn.question, turn.answer, turn.correction) == (REDACTED,) * 3
    assert (turn.by, turn.confidence, turn.reason) == ("student", 0.5, "because")


def test_words_said_aloud_or_about_a_pair_go_with_their_turn(tmp_path: Path) -> None:
    folder = write_recording(tmp_path / "s")
    redact(folder, _choice(4, words=True))
    assert not _said(folder, 4)
    redact(folder, _choice(1, words=True))
    assert b"on the shelf" not in _everything(folder)


def test_of_all_turns_no_word_is_left_and_it_is_still_a_recording(tmp_path: Path) -> None:
    folder = write_recording(tmp_path / "s")
    with Recorder.reopen(folder) as recorder:
        recorder.append(SpeechHeard(at=2e9, text="nobody answered me", confidence=0.9, seconds=1.0))
    for left_over in (folder / BLOBS / ".x.jpg.y.part", folder / f".{EVENTS}.y.part"):
        left_over.write_bytes(b"half a qu")
    with (folder / EVENTS).open("ab") as log:
        log.write(b'{"event": "Wondered", "at": 1.0, "thought": "a secret", "deep": [{"x": "hidden"}]}\n')
        log.write(b'{"event": "Asked", "question": "half a qu')
    redact(folder, _choice(frames=True, words=True))
    left = _everything(folder)
    told = (*QUESTIONS, "nobody answered", "a secret", "hidden", "half a qu", "four", "on the shelf")
    assert not [text for text in told if text.encode() in left]
    recording = read_recording(folder)
    assert not recording.cut_off and recording.about["redacted"][0]["turns"] == [1, 2, 3, 4]
    assert recording.events[0].session == "s" * 32  # type: ignore[attr-defined]
    assert {path.name for path in folder.iterdir()} == {SESSION, EVENTS, BLOBS}
    assert not list((folder / BLOBS).iterdir())
    with pytest.raises(InputError, match="No question was asked"):
        read_visit(folder)


def test_the_inquiries_words_go_and_the_pairs_stay_known(tmp_path: Path) -> None:
    line = {"event": "Inquired", "at": 1.0, "turn": 2, "calls": 1, "pairs": {"a" * 32: "What is that?"}}
    asked = {"event": "Asked", "at": 0.0, "turn": 2, "question": "?", "frame": "", "frame_age_ms": 0.0}
    _, left = without([asked, line], _choice(2, words=True), frozenset())
    assert left["pairs"] == {"a" * 32: REDACTED}
    (_, same) = without([asked, line], _choice(1, words=True), frozenset())
    assert same == line


@pytest.mark.parametrize("kind", [kind for kind in Event.__subclasses__() if kind.about == "session"])
def test_what_speaks_of_the_session_alone_stays(kind: type[Event]) -> None:
    """Learning that waits for a cool machine was once taken for what somebody said."""
    texts = {spec.name: spec.name for spec in dataclasses.fields(kind) if spec.type is str}
    line = {"event": kind.__name__, "at": 1.0, **texts}
    asked = {"event": "Asked", "at": 0.0, "turn": 2, "question": "?", "frame": "", "frame_age_ms": 0.0}
    assert not _speaks_of(line, _choice(words=True), frozenset(), (2, 2))
    assert list(without([asked, line, asked], _choice(words=True), frozenset()))[1] == line


def test_a_redacted_turn_is_not_asked_again(tmp_path: Path) -> None:
    folder = write_recording(tmp_path / "s", frames=4)
    redact(folder, _choice(1, frames=True))
    redact(folder, _choice(2, words=True))
    assert [turn.question for turn in read_visit(folder).turns] == list(QUESTIONS[2:])
    assert len(read_recording(folder).about["redacted"]) == 2


def test_turns_that_are_not_there_change_nothing(tmp_path: Path) -> None:
    folder = write_recording(tmp_path / "s")
    before = _everything(folder)
    with pytest.raises(InputError, match=r"no turn 9 .* The last one is 4"):
        redact(folder, _choice(1, 9, frames=True, words=True))
    assert _everything(folder) == before


def test_what_a_power_cut_left_is_ended_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_recording(tmp_path / "s")

    def cut(*args: Any) -> None:
        raise StorageError("The power is gone. Wait for it.")

    with monkeypatch.context() as patched:
        patched.setattr(sessions_redact, "_delete_strays", cut)
        with pytest.raises(StorageError):
            redact(folder, _choice(frames=True))
    assert len(list((folder / BLOBS).iterdir())) == 2
    assert redact(folder, _choice(frames=True)).files == 2
    assert not list((folder / BLOBS).iterdir())
    assert json.loads((folder / SESSION).read_text())["room"] == "den"


@settings(max_examples=12, deadline=None)
@given(st.sets(st.integers(1, 4), min_size=1), st.booleans(), st.booleans(), st.integers(1, 4))
def test_any_choice_takes_what_it_says_and_twice_is_as_once(
    turns: set[int], frames: bool, words: bool, count: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = write_recording(Path(name) / "s", frames=count)
        shown = {turn.turn: turn.frame for turn in turns_of(read_recording(folder).events)}
        choice = Choice(frozenset(turns), frames, words)
        redact(folder, choice)
        gone = {shown[turn] for turn in turns} if frames else set()
        after = turns_of(read_recording(folder).events)
        assert [turn.frame for turn in after] == [
            "" if shown[t.turn] in gone else shown[t.turn] for t in after
        ]
        assert {path.name[:64] for path in (folder / BLOBS).iterdir()} == set(shown.values()) - gone
        for turn in after:
            assert (turn.question == REDACTED) == (words and turn.turn in turns)
        once = lines(folder)
        redact(folder, choice)
        assert lines(folder) == once


def test_the_frames_bytes_are_gone(tmp_path: Path) -> None:
    folder = write_recording(tmp_path / "s")
    assert jpeg(0, (64, 48)) in _everything(folder)
    redact(folder, _choice(1, frames=True))
    assert jpeg(0, (64, 48)) not in _everything(folder) and jpeg(1, (64, 48)) in _everything(folder)
