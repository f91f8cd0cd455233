"""Exports a recording to one file."""

from pathlib import Path

from agent.recording.record import Recording, read_recording
from agent.sessions.archive import write_archive
from agent.sessions.mcap_export import export_mcap
from agent.sessions.parquet_export import export_parquet
from agent.sessions.sessions import locate
from core.errors import InputError

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
