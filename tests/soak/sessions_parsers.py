"""Settings and sessions."""

import contextlib
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

from tiny_recordings import events, write_recording

from agent.recording.record import EVENTS, SESSION, read_recording
from agent.recording.visit import read_visit
from agent.sessions.archive import write_archive
from agent.sessions.archive_import import import_archive
from agent.sessions.redact import Choice, redact
from agent.sessions.sessions import list_sessions
from agent.sessions.text import table, transcript
from core.config import load_config
from core.errors import ConfigError
from core.event_lines import from_line, to_line
from soak.parser import LARGEST, Parser, bytes_parser, file_parser

_CONFIG = '[student]\nmodel = "x"\nmax_new_tokens = 8\n[adaptation]\nseconds = 60.5\n[voice]\nhint = "a"\n'
_VISIT = {
    "room": "den", "answers": "truth", "frames": ["a.jpg", "b.jpg"], "depth": ["a.png"],
    "turns": [{"frame": 0, "question": "What is it?", "answer": "a sofa", "seen": [1], "pause": 1.5}],
}  # fmt: skip


def _read_env(folder: Path) -> None:
    value = (folder / "value").read_bytes().decode(errors="surrogateescape")
    for name in ("STUDENT__MODEL", "ADAPTATION__SECONDS", "EXPERT__TOKEN", "STUDENT"):
        with contextlib.suppress(ConfigError):
            load_config(env={f"ROOMWISE_{name}": value})


def _prepare_session(folder: Path) -> Sequence[str]:
    write_recording(folder / "state" / "sessions" / "den-1")
    return [f"state/sessions/den-1/{name}" for name in (SESSION, EVENTS, EVENTS)]


def _read_session(folder: Path) -> None:
    sessions = list_sessions(folder / "state")
    list(table(sessions))
    one = folder / "state" / "sessions" / "den-1"
    recording = read_recording(one)
    list(transcript("den-1", recording))
    read_visit(one)


def _redact(folder: Path) -> None:
    redact(folder / "state" / "sessions" / "den-1", Choice(frozenset({1}), frames=True, words=True))


def _prepare_archive(folder: Path) -> Sequence[str]:
    write_recording(folder / "one")
    write_archive(read_recording(folder / "one"), folder / "one.zip")
    return ["one.zip"]


def _read_archive(folder: Path) -> None:
    import_archive(folder / "one.zip", folder / "in", LARGEST)


def _prepare_unpacked(folder: Path) -> Sequence[str]:
    """Zipped again after it was spoilt, so that what is inside is read."""
    write_recording(folder / "one")
    return [f"one/{SESSION}", f"one/{EVENTS}", f"one/{EVENTS}"]


def _read_unpacked(folder: Path) -> None:
    path = folder / "two.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in (folder / "one").rglob("*"):
            if file.is_file():
                archive.write(file, file.relative_to(folder / "one").as_posix())
    import_archive(path, folder / "in", LARGEST)


def _lines() -> bytes:
    return "".join(to_line(event) + "\n" for event in events(["a" * 64])).encode()


def _read_lines(data: bytes) -> None:
    for line in data.split(b"\n"):
        with contextlib.suppress(UnicodeDecodeError):
            from_line(line.decode())


PARSERS = (
    file_parser("configuration", "roomwise.toml", _CONFIG, lambda f: load_config(f / "roomwise.toml", {})),
    file_parser("variables", "value", "builtin-student", _read_env),
    file_parser("questions", "session.json", json.dumps(_VISIT), read_visit),
    Parser("recorded session", _prepare_session, _read_session, 3),
    Parser("redaction", _prepare_session, _redact, 3),
    Parser("session archive", _prepare_archive, _read_archive, 3),
    Parser("session inside an archive", _prepare_unpacked, _read_unpacked, 6),
    bytes_parser("event lines", _lines, _read_lines),
)  # fmt: skip
