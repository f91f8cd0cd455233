"""`roomwise sessions`: what it prints and asks before, and that nothing recorded steers a terminal."""

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_memory import frame, jpeg
from tiny_recordings import ANSWERS, QUESTIONS, write_recording
from typer.testing import CliRunner, Result

import roomwise
from agent.recording.record import Recorder, read_recording
from agent.sessions.cli import app
from core.errors import InputError, RoomwiseError
from core.events import Answered, Asked, Failed, Routed
from core.lazy import run
from memory.store import Memory

RUNNER = CliRunner()


@pytest.fixture
def state(isolated: Path) -> Path:
    write_recording(isolated / "state" / "sessions" / "kitchen-1")
    write_recording(isolated / "state" / "replays" / "then" / "session")
    return isolated / "state"


def _run(*args: str, answer: str = "") -> Result:
    return RUNNER.invoke(app, list(args), input=answer, catch_exceptions=False)


def _json(*args: str) -> Any:
    result = _run(*args, "--json")
    assert result.exit_code == 0 and result.stdout.count("\n") == 1, result.output
    told = json.loads(result.stdout)
    assert (told["schema"], told["command"]) == (1, f"sessions {args[0]}")
    return told


def test_a_list_is_a_table_or_json(state: Path) -> None:
    shown = _run("list").stdout.splitlines()
    assert shown[0].split("  ")[0] == "name" and len({len(line) for line in shown}) == 1
    assert [line.split()[0] for line in shown[1:]] == ["replays/then", "kitchen-1"]
    listed = _json("list")["sessions"]
    assert [one["name"] for one in listed] == ["replays/then", "kitchen-1"]
    assert listed[1] | {"bytes": 0} == {
        "name": "kitchen-1", "room": "den", "began": "2023-11-14T22:13:20+00:00", "turns": 4,
        "taken_over": 0.5, "bytes": 0, "folder": str(state / "sessions" / "kitchen-1"),
    }  # fmt: skip


def test_nothing_recorded_is_said() -> None:
    assert _run("list").stdout == "Nothing is recorded yet.\n"
    assert _json("list")["sessions"] == []


def test_a_session_is_shown_with_its_turns(state: Path) -> None:
    shown = _run("show", "kitchen-1").stdout
    for question, answer in zip(QUESTIONS, ANSWERS, strict=True):
        assert question in shown and f": {answer}" in shown
    assert "student: three  ✗ wrong, known: three; a person says: four  (0.50 sure, 900 ms, because)" in shown
    assert shown.index(QUESTIONS[1]) < shown.index("promoted after 2.0 s") < shown.index(QUESTIONS[2])
    told = _json("show", "kitchen-1")
    assert [turn["question"] for turn in told["of_turns"]] == list(QUESTIONS)
    assert told["about"]["student"] == "small" and told["turns"] == 4


def test_nothing_recorded_steers_the_terminal(state: Path) -> None:
    evil = "\x1b[2J\x1b]0;x\x07[red]gone[/]\n\u202e[/nothing]"
    with Recorder(
        state / "sessions" / "evil", {"room": evil, "student": evil, "redacted": [evil, {"turns": 3}]}
    ) as recorder:
        frame = recorder.keep(jpeg(), ".jpg")
        recorder.append(Asked(at=float("nan"), turn=1, question=evil, frame=frame, frame_age_ms=float("inf")))
        recorder.append(Routed(at=1e300, turn=1, to="student", reason=evil))
        recorder.append(
            Answered(at=1, turn=1, by="student", text=evil, confidence=float("nan"), latency_ms=1e308)
        )
        recorder.append(Failed(at=2, what=evil, error=evil))
    for shown in (_run("list").stdout, _run("show", "evil").stdout):
        assert not set(shown) & set("\x1b\x07\u202e") and "[red]gone[/]" in shown
    assert json.dumps(_json("show", "evil"), allow_nan=False)


@pytest.mark.parametrize("kind", ["zip", "mcap", "parquet"])
def test_an_export_is_written_as_its_name_ends(state: Path, tmp_path: Path, kind: str) -> None:
    if kind != "zip":
        pytest.importorskip("mcap" if kind == "mcap" else "pyarrow")
    told = _json("export", "kitchen-1", str(tmp_path / f"x.{kind}"))
    assert told["format"] == kind and told["bytes"] == (tmp_path / f"x.{kind}").stat().st_size > 0
    again = _run("export", "replays/then", str(tmp_path / "plain"), "--format", kind)
    assert again.exit_code == 0 and (tmp_path / "plain").is_file()


def test_what_is_written_as_nothing_known_is_refused(state: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--format zip, mcap or parquet"):
        _run("export", "kitchen-1", str(tmp_path / "x.tar"))
    assert not list(tmp_path.iterdir())


def test_an_archive_is_imported_under_a_name(state: Path, tmp_path: Path) -> None:
    _run("export", "kitchen-1", str(tmp_path / "My Visit.zip"))
    assert _json("import", str(tmp_path / "My Visit.zip"))["name"] == "my-visit"
    assert "Imported as anna" in _run("import", str(tmp_path / "My Visit.zip"), "--name", "anna").stdout
    assert len(_json("list")["sessions"]) == 4
    assert _json("show", "anna")["of_turns"] == _json("show", "kitchen-1")["of_turns"]


def test_redacting_says_what_stays(state: Path) -> None:
    with Memory.open(state / "memory") as memory:
        for pair in ("1" * 32, "2" * 32):
            memory.add("den", frame(), f"What is {pair}?", "a mug", "expert", "large", id=pair)
    shown = _run("redact", "kitchen-1", "--turn", "1", "--frames", "--words", "--yes").stdout
    assert "frames and words of turn 1 are gone; 1 file deleted" in shown and "shown in turn 3" in shown
    assert f"roomwise memory delete {'1' * 12}\n" in shown and "Adapters" in shown
    told = _json("redact", "kitchen-1", "--all", "--frames", "--yes")
    assert told["in_memory"] == ["1" * 32, "2" * 32] and told["turns"] == [1, 2, 3, 4]
    assert "redacted: frames and words of turn 1\n" in _run("show", "kitchen-1").stdout
    replay = _run("redact", "replays/then", "--all", "--frames", "--yes").stdout
    assert "roomwise memory delete 1" in replay


@pytest.mark.parametrize(
    "args", [("--frames",), ("--all", "--turn", "1", "--frames"), ("--all",), ("--turn", "9", "--words")]
)
def test_what_to_redact_must_be_said(state: Path, args: tuple[str, ...]) -> None:
    before = _json("show", "kitchen-1")
    with pytest.raises(InputError):
        _run("redact", "kitchen-1", *args, "--yes")
    assert _json("show", "kitchen-1") == before


@pytest.mark.parametrize("args", [("redact", "kitchen-1", "--all", "--frames"), ("delete", "kitchen-1")])
def test_what_cannot_be_undone_is_asked_first(state: Path, args: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="--yes"):
        _run(*args, answer="n\n")
    assert _run(*args).exit_code != 0  # nobody is there to answer
    assert read_recording(state / "sessions" / "kitchen-1").events[1].frame  # type: ignore[attr-defined]
    done = _run(*args, answer="y\n")
    assert done.exit_code == 0 and "for good?" in done.stderr and "for good?" not in done.stdout


def test_deleting_says_what_and_how_much(state: Path) -> None:
    assert _json("delete", "kitchen-1", "--yes")["bytes"] > 1000
    assert [one["name"] for one in _json("list")["sessions"]] == ["replays/then"]
    with pytest.raises(RoomwiseError, match="no session"):
        _run("delete", "kitchen-1", "--yes")


def test_the_command_knows_the_verb(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(roomwise.app, "roomwise", ["sessions", "show", "kitchn-1"]) == 2
    assert "Did you mean kitchen-1" in capsys.readouterr().err
