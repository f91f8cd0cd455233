"""Which sessions there are, by which names, and taking one for this process alone.

    STATE/sessions/NAME            what was recorded live: called NAME
    STATE/replays/STAMP/session    what a replay without --out left: called replays/STAMP

A live session learns into the memory and adapters of all; a replay has its own beside it.
"""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.console import SessionLine
from agent.recording.record import SESSION, Recording, read_recording
from agent.sessions.archive import write_archive
from agent.sessions.mcap_export import export_mcap
from agent.sessions.parquet_export import export_parquet
from agent.sessions.turns import finite
from core.errors import InputError, RoomwiseError
from core.events import Answered, SessionEnded
from core.files import delete_folder, storage_errors, sweep
from core.lock import lock_folder
from core.parts import is_left_over, parts_of
from core.text import did_you_mean

SESSIONS, REPLAYS = "sessions", "replays"
_REPLAYED = "session"
_LOCK = ".lock"


@dataclass(frozen=True)
class Shelved:
    """A recorded session. `line` is None where it cannot be read; `problem` says why."""

    name: str
    folder: Path
    line: SessionLine | None
    problem: str = ""


def folders(state: Path) -> dict[str, Path]:
    """All session folders below the state, by name."""
    live = {path.parent.name: path.parent for path in (state / SESSIONS).glob(f"*/{SESSION}")}
    replays = {
        f"{REPLAYS}/{path.parent.parent.name}": path.parent
        for path in (state / REPLAYS).glob(f"*/{_REPLAYED}/{SESSION}")
    }
    by_name = live | replays
    # Names that begin with a dot are being written or deleted.
    return {name: folder for name, folder in by_name.items() if not name.split("/")[-1].startswith(".")}


def list_sessions(state: Path) -> list[Shelved]:
    """All recorded sessions, newest first; unreadable ones last."""
    sessions = [_read_shelved(name, folder) for name, folder in folders(state).items()]
    return sorted(
        sessions, key=lambda entry: (entry.line.began if entry.line else "", entry.name), reverse=True
    )


def session_lines(state: Path) -> list[SessionLine]:
    """All readable sessions, newest first."""
    return [session.line for session in list_sessions(state) if session.line is not None]


def locate(name: str, state: Path) -> Path:
    """The folder of a session by name or path. Raises InputError when there is none."""
    by_name = folders(state)
    if name in by_name:
        return by_name[name]
    if Path(name).is_dir():
        return Path(name)
    remedy = did_you_mean(name, by_name) if by_name else "Nothing is recorded yet."
    raise InputError(f"There is no session {name!r}. {remedy} See: roomwise sessions list")


def line_of(name: str, recording: Recording) -> SessionLine:
    """A recording as a line of a list."""
    answered = {event.turn: event.by for event in recording.events if isinstance(event, Answered)}
    own = sum(by != "expert" for by in answered.values())
    return SessionLine(
        name=name,
        room=str(recording.about.get("room", "")),
        began=when(recording.events[0].at) if recording.events else "",
        turns=len(answered),
        taken_over=own / len(answered) if answered else 0.0,
        bytes=size(recording.folder),
    )


def when(at: float) -> str:
    """ISO 8601 in UTC, to the second; "" for a time no calendar has."""
    try:
        moment = datetime.datetime.fromtimestamp(finite(at), datetime.timezone.utc)
    except (ValueError, OverflowError, OSError):
        return ""
    return moment.isoformat(timespec="seconds")


def size(folder: Path) -> int:
    """Bytes of all files below a folder. Raises StorageError."""
    with storage_errors("read", folder):
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def owner(folder: Path) -> Path | None:
    """The folder whose lock guards a session: its replay's, or that of all live sessions."""
    above = (folder.resolve().parent, folder.resolve().parent.parent)
    return next((place for place in above if (place / _LOCK).exists()), None)


@contextmanager
def hold_session(folder: Path) -> Iterator[None]:
    """Keep others from writing this session. Raises StorageError when somebody does. An ended live session is
    never written again, so an agent running in the same state is no hindrance.
    """
    place = owner(folder)
    if place is None or (place != folder.resolve().parent and _has_ended(folder)):
        yield
        return
    lock = lock_folder(place)
    try:
        yield
    finally:
        lock.release()


def deletion_folder(name: str, state: Path) -> Path:
    """The folder that deleting this session removes: a replay's with all that it learnt, or what an
    interrupted deletion left of either. Raises InputError when there is no such session.
    """
    by_name = folders(state)
    if name in by_name:
        return by_name[name].parent if name.startswith(f"{REPLAYS}/") else by_name[name]
    left = _left_over(name, state)
    if not left:
        remedy = did_you_mean(name, by_name) if by_name else "Nothing is recorded yet."
        raise InputError(f"There is no session {name!r} to delete. {remedy} See: roomwise sessions list")
    return left[0]


def delete(name: str, state: Path) -> None:
    """Delete a session for good, and what interrupted deletions left. Raises InputError, and StorageError
    when it is in use.
    """
    folder, session = deletion_folder(name, state), folders(state).get(name)
    if session is not None:
        with hold_session(session):
            delete_folder(folder)
    for place in (SESSIONS, REPLAYS):
        sweep(state / place)


def _left_over(name: str, state: Path) -> list[Path]:
    place, _, own = name.rpartition("/")
    if place not in ("", REPLAYS) or own in ("", ".", ".."):
        return []
    return [part for part in parts_of(state / (place or SESSIONS) / own) if is_left_over(part)]


def _read_shelved(name: str, folder: Path) -> Shelved:
    try:
        return Shelved(name, folder, line_of(name, read_recording(folder)))
    except (RoomwiseError, RecursionError) as error:
        return Shelved(name, folder, None, str(error) or "It is nested too deeply. Delete it.")


def _has_ended(folder: Path) -> bool:
    try:
        events = read_recording(folder).events
    except RoomwiseError:
        return False
    return bool(events) and isinstance(events[-1], SessionEnded)


_WRITERS = {"zip": write_archive, "mcap": export_mcap, "parquet": export_parquet}


def export(recording: Recording, target: Path, kind: str) -> None:
    """Write a recording to a new file, whole or not at all. Raises InputError for an unknown format,
    StorageError, MissingDependencyError without the extra `export`.
    """
    if kind not in _WRITERS:
        raise InputError(f"Nothing is written as {kind[:40]!r}. Say which: --format zip, mcap or parquet")
    _WRITERS[kind](recording, target)


def export_aside(session: str, kind: str, state: Path) -> Path:
    """Export the recording of this name below the state's `exports`; returns the file. Raises InputError when
    there is no such recording, StorageError when the file exists.
    """
    recording = read_recording(locate(session, state))
    target = state / "exports" / f"{session.replace('/', '-')}.{kind}"
    export(recording, target, kind)
    return target
