"""What a person, a model, a server or a file says is shown as words on every surface, and acts on none."""

import asyncio
import dataclasses
import io
import json
import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tiny_console import FakeConsole, pulse
from tiny_memory import frame, jpeg
from tiny_recordings import ABOUT, events

import roomwise
from adapters.jobs.store import AdapterStore
from agent.console import Back, Gone
from agent.recording.record import Recorder, Recording, read_recording
from agent.recording.summary import summarise
from agent.replay.outcome import show_summary
from agent.replay.report import write_report
from agent.replay.show import Watcher
from agent.sentences import sentence
from agent.sessions.mcap_export import export_mcap
from agent.sessions.parquet_export import export_parquet
from agent.sessions.sessions import export
from agent.sessions.text import plain_sentence
from agent.station.run import Journal
from core.events import AdaptationProgressed, AdaptationStarted, Compared, Event, Failed, RoomEntered
from core.files import atomic_write_text, state_dir
from core.lazy import run, say
from core.text import strip_controls
from memory.store import Memory
from tui.app import Dashboard
from tui.words import line_of

HOSTILE = "[bold [/x] \\ \x1b]0;t\x07\x1b[2J\x9b1m \u202eevil\u2066 \ud800 [red]r[/] :smile: \\"
SEEN = strip_controls(HOSTILE)
_OURS = {"by", "to", "frame", "job", "session", "pair", "adapter"}  # names and kinds of this program's own


def _hostile(listed: list[Event]) -> list[Event]:
    return [dataclasses.replace(event, **_hostile_texts(event)) for event in listed]


def _hostile_texts(event: Event) -> dict[str, Any]:
    texts = (name for name, value in vars(event).items() if isinstance(value, str))
    return dict.fromkeys(set(texts) - _OURS, HOSTILE)


def _events(frames: list[str]) -> list[Event]:
    entered = RoomEntered(at=1, room="den", before="", new=True, reason="r", moved=False, kind="k")
    compared = Compared(at=1, turn=3, method="m", text="x", right=True)
    return _hostile([*events(frames), entered, Failed(at=1, what="w", error="e"), compared])


def _assert_harmless(text: str, times: int = 1) -> None:
    kinds = {character: unicodedata.category(character) for character in text}
    assert not [c for c, kind in kinds.items() if kind in ("Cc", "Cf", "Cs", "Co") and c != "\n"]
    assert " ".join(text.replace(" ? ", " ").split()).count(SEEN) >= times  # a log has ? for a surrogate


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    folder = state_dir() / "sessions" / "visit"
    unicode = HOSTILE.replace("\ud800", "")  # a file with it is not read
    with Recorder(folder, {**ABOUT, "room": unicode, "expert": unicode}) as recorder:
        names = [recorder.keep(jpeg(seed, (64, 48)), ".jpg") for seed in range(2)]
        for event in _events(names):
            recorder.append(event)
    return read_recording(folder)


@pytest.mark.parametrize("terminal", [False, True])
def test_a_replay_on_a_terminal(terminal: bool) -> None:
    file = io.StringIO()
    console = Console(file=file, width=1000, force_terminal=terminal, color_system=None)
    watch, listed = Watcher(console), _events(["f", "f"])
    for event in listed:
        if not isinstance(event, AdaptationStarted | AdaptationProgressed):  # a bar moves the cursor
            watch(event)
    show_summary(summarise(listed), console)
    _assert_harmless(file.getvalue(), 10)


def test_the_log_of_a_session_without_a_screen() -> None:
    file = io.StringIO()
    journal = Journal(Console(file=file, width=1000))
    for event in _events(["f", "f"]):
        journal(event)
    _assert_harmless(file.getvalue(), 3)


def test_lines_of_events_whatever_stands_beside_them() -> None:
    for event in _events(["f", "f"]):
        if line := sentence(event):
            for shown in (plain_sentence(event), line_of(line).plain):
                _assert_harmless(shown, HOSTILE in vars(event).values())


def test_a_report(recording: Recording, tmp_path: Path) -> None:
    page = write_report(recording, summarise(recording.events), tmp_path / "report")
    _assert_harmless(page.read_text("utf-8"), 10)


@pytest.mark.parametrize("verb", ["list", "show", "list --json", "show --json"])
def test_sessions_in_a_shell(recording: Recording, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [part for part in verb.split() if part != "--json"] + (["visit"] if "show" in verb else [])
    assert run(roomwise.app, "roomwise", ["sessions", *words, *(["--json"] if "json" in verb else [])]) == 0
    printed = capsys.readouterr().out
    _assert_harmless(printed, 0 if "json" in verb else 1)
    assert "json" not in verb or json.loads(printed)


def test_exports(recording: Recording, tmp_path: Path) -> None:
    hostile: dict[str, Any] = {**recording.about, "student": HOSTILE}
    recording = dataclasses.replace(recording, about=hostile)
    export(recording, tmp_path / "visit.zip", "zip")
    assert export_mcap(recording, tmp_path / "visit.mcap") > 10
    assert export_parquet(recording, tmp_path / "visit.parquet") == 4
    for name in ("visit.mcap", "visit.parquet"):
        assert b"\x1b]0;t" not in (tmp_path / name).read_bytes()


def test_memory_rooms_and_adapters_in_a_shell(capsys: pytest.CaptureFixture[str]) -> None:
    with Memory.open(state_dir() / "memory") as memory:
        memory.add("den", frame(), HOSTILE, HOSTILE, "expert", HOSTILE)
    name = AdapterStore(state_dir() / "adapters")._folder("\x1b[2J[bold]").name
    atomic_write_text(state_dir() / "adapters" / name / "0001" / "version.json", "{}")
    for words in (["memory", "list"], ["rooms", "list"], ["adapters", "list"], ["doctor"]):
        run(roomwise.app, "roomwise", words)
        _assert_harmless(capsys.readouterr().out, words[0] == "memory")


def test_the_door_to_the_terminal_keeps_the_lines_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"a    b\n{HOSTILE}")
    printed = capsys.readouterr().out
    assert printed.startswith("a    b\n")
    _assert_harmless(printed)


async def _screen(app: Dashboard) -> str:
    async with app.run_test(size=(200, 60)) as pilot:
        for key in ("f2", "f3", "f4", "f5", "f6", "f2"):
            await pilot.pause(0.3)
            await pilot.press(key)
        await pilot.pause(0.5)
        return "\n".join(str(widget.render()) for widget in app.screen.query("_Entry"))


def test_a_dashboard() -> None:
    problem = dataclasses.replace(pulse(), camera=HOSTILE, microphone=HOSTILE)
    app = Dashboard(FakeConsole(Gone(HOSTILE), Back(_events(["f", "f"])), problem))
    _assert_harmless(asyncio.run(_screen(app)), 8)


def test_a_name_from_the_shell_in_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(roomwise.app, "roomwise", ["sessions", "show", os.fsdecode(b"\x1b[2J\xff[/x]")]) == 2
    _assert_harmless(capsys.readouterr().err, 0)
