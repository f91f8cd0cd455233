"""`roomwise sessions`: look at what was recorded, take it elsewhere, take things out of it, delete it."""

import json
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.errors import InputError
from core.files import state_dir
from core.lazy import confirm, say

if TYPE_CHECKING:
    from agent.recording.record import Recording

app = typer.Typer(no_args_is_help=True, add_completion=False)

Name = Annotated[str, typer.Argument(help="A session's name, as `sessions list` shows it, or its folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


class Format(str, Enum):
    zip = "zip"
    mcap = "mcap"
    parquet = "parquet"


@app.callback()
def sessions() -> None:
    """Recorded visits: questions, frames, answers and what was learnt, each in a folder.

    Example: roomwise sessions list
    """


@app.command("list")
def listed(as_json: AsJson = False) -> None:
    """List the recorded sessions, newest first.

    Example: roomwise sessions list --json
    """
    from agent.sessions.sessions import list_sessions
    from agent.sessions.text import table

    sessions = list_sessions(state_dir())
    if as_json:
        lines = [
            {
                **(
                    vars(session.line) if session.line else {"name": session.name, "problem": session.problem}
                ),
                "folder": str(session.folder),
            }
            for session in sessions
        ]
        _print_json("list", sessions=lines)
    else:
        _print_lines(table(sessions), "Nothing is recorded yet.")


@app.command()
def show(session: Name, as_json: AsJson = False) -> None:
    """Show a session: every question with its answer, who gave it, how sure, and what was learnt between.

    Example: roomwise sessions show kitchen-1
    """
    from agent.sessions.text import as_dict, transcript

    folder, recording = _read(session)
    if as_json:
        _print_json("show", **as_dict(session, folder, recording))
    else:
        _print_lines(transcript(session, recording))


@app.command("export")
def exported(
    session: Name,
    file: Annotated[Path, typer.Argument(help="A new file.")],
    format: Annotated[
        Format | None, typer.Option("--format", help="Default: as the file's name ends.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a session to one file: zip to import elsewhere, mcap for Foxglove, parquet for datasets.

    Example: roomwise sessions export kitchen-1 kitchen-1.zip

    Example: roomwise sessions export kitchen-1 kitchen-1.mcap

    Example: roomwise sessions export kitchen-1 rows --format parquet
    """
    from agent.sessions.sessions import export

    kind = format.value if format else file.suffix.removeprefix(".").lower()
    _, recording = _read(session)
    export(recording, file, kind)
    size = file.stat().st_size
    if as_json:
        _print_json("export", file=str(file), format=kind, bytes=size)
    else:
        say(f"{file}: {size / 1e6:.1f} MB")


@app.command("import")
def imported(
    file: Annotated[Path, typer.Argument(help="A zip file that `sessions export` wrote.")],
    name: Annotated[str | None, typer.Option("--name", help="Default: the file's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Add a session from a zip file; everything in it is checked first, and nothing is replaced.

    Example: roomwise sessions import kitchen-1.zip --name from-anna
    """
    from agent.sessions.archive_import import import_archive
    from core.config import load_config

    most = load_config().images.max_pixels
    imported_name = import_archive(file, state_dir(), most, name)
    if as_json:
        _print_json("import", name=imported_name)
    else:
        say(f"Imported as {imported_name}. See: roomwise sessions show {imported_name}")


@app.command()
def redact(
    session: Name,
    turns: Annotated[
        list[int] | None, typer.Option("--turn", min=1, help="Of this turn; may be repeated.")
    ] = None,
    all_turns: Annotated[bool, typer.Option("--all", help="Of all turns.")] = False,
    frames: Annotated[bool, typer.Option("--frames", help="Take the frames out.")] = False,
    words: Annotated[bool, typer.Option("--words", help="Take questions, answers and speech out.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether to go on.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take frames or words out of a recording for good; it says what stays elsewhere.

    Example: roomwise sessions redact kitchen-1 --all --frames

    Example: roomwise sessions redact kitchen-1 --turn 3 --turn 4 --frames --words
    """
    from agent.sessions.redact import Choice, redact
    from agent.sessions.sessions import hold_session
    from agent.sessions.text import what_stays

    if bool(turns) == all_turns:
        raise InputError("Of which turns? Say --turn NUMBER, more than once if need be, or --all.")
    if not (frames or words):
        raise InputError("What is to go? Say --frames, --words or both.")
    folder, _ = _read(session)
    what = " and ".join(part for part, gone in (("frames", frames), ("words", words)) if gone)
    confirm(f"Take {what} out of {session} for good?", yes)
    choice = Choice(frozenset(turns) if turns else None, frames, words)
    with hold_session(folder):
        redacted = redact(folder, choice)
    kept = _remembered(redacted.pairs)
    if as_json:
        _print_json("redact", name=session, **vars(redacted), in_memory=kept)
    else:
        _print_lines(what_stays(session, choice, redacted, kept))


@app.command()
def delete(
    session: Annotated[str, typer.Argument(help="A session's name, as `sessions list` shows it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether to go on.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a recording for good. What was remembered from it stays, but for a replay's own memory.

    Example: roomwise sessions delete kitchen-1
    """
    from agent.sessions.sessions import delete, deletion_folder
    from agent.sessions.sessions import size as size_it

    folder = deletion_folder(session, state_dir())
    size = size_it(folder)
    confirm(f"Delete {folder} ({size / 1e6:.1f} MB) for good?", yes)
    delete(session, state_dir())
    if as_json:
        _print_json("delete", name=session, bytes=size)
    else:
        say(f"Deleted {session}. What memory and adapters have of it: roomwise memory list, adapters list")


def _read(session: str) -> "tuple[Path, Recording]":
    from agent.recording.record import read_recording
    from agent.sessions.sessions import locate

    folder = locate(session, state_dir())
    return folder, read_recording(folder)


def _remembered(pairs: tuple[str, ...]) -> list[str]:
    """Which of these pairs the memory of live sessions still has."""
    from memory.store import Memory

    folder = state_dir() / "memory"
    if not pairs or not folder.exists():
        return []
    with Memory.open(folder, None, read_only=True) as memory:
        present = {pair.id for pair in memory.pairs()}
    return [pair for pair in pairs if pair in present]


def _print_lines(lines: Iterable[str], otherwise: str = "") -> None:
    text = "\n".join(lines) or otherwise
    if text:
        say(text)


def _print_json(verb: str, **values: Any) -> None:
    say(json.dumps({"schema": 1, "command": f"sessions {verb}", **values}))
