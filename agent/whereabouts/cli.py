"""`roomwise rooms`: the rooms that are known, their names, and what is kept of them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from core.files import state_dir
from core.lazy import confirm, say

if TYPE_CHECKING:
    from adapters.jobs.store import AdapterStore
    from agent.whereabouts.rooms import KnownRoom
    from memory.store import Memory

app = typer.Typer(no_args_is_help=True, add_completion=False)

Room = Annotated[str, typer.Argument(help="The room's name, as it is listed.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether that is meant.")]


@app.callback()
def rooms() -> None:
    """Rooms the agent has been in. It names new ones itself; they can have better names.

    Example: roomwise rooms list
    """


@app.command("list")
def listed(as_json: AsJson = False) -> None:
    """List the rooms: pairs, views to know them by, and which adapter answers.

    Example: roomwise rooms list --json
    """
    from agent.whereabouts.rooms import known_rooms

    with _open_stores(read_only=True) as parts:
        rooms = known_rooms(*parts)
    if as_json:
        say(json.dumps({"rooms": [asdict(room) for room in rooms]}))
        return
    for room in rooms:
        say(_line(room))
    if not rooms:
        say("No room is known yet. Begin in one: roomwise run")


@app.command()
def name(
    room: Room, new: Annotated[str, typer.Argument(help="What it is to be called.")], as_json: AsJson = False
) -> None:
    """Give a room another name; pairs, views and adapters stay with it.

    Example: roomwise rooms name room-2 kitchen
    """
    from agent.whereabouts.rooms import rename

    with _open_stores() as parts:
        _say(rename(*parts, room, new), as_json)


@app.command()
def merge(
    room: Room,
    into: Annotated[str, typer.Argument(help="The room that it is part of.")],
    as_json: AsJson = False,
    yes: Yes = False,
) -> None:
    """Make two rooms one: pairs and views move; the adapters of the first one go for good.

    Example: roomwise rooms merge room-3 kitchen
    """
    from agent.whereabouts.rooms import merge

    confirm(f"Move all of {room} to {into}, and delete the adapters of {room}?", yes)
    with _open_stores() as parts:
        _say(merge(*parts, room, into), as_json)


@app.command()
def forget(room: Room, as_json: AsJson = False, yes: Yes = False) -> None:
    """Forget a room for good: pairs, frames, views and adapters. Recordings stay: roomwise sessions.

    Example: roomwise rooms forget room-2
    """
    from agent.whereabouts.rooms import forget

    confirm(f"Delete everything that is remembered and learnt of {room}?", yes)
    with _open_stores() as parts:
        was = forget(*parts, room)
    say(json.dumps({"forgotten": asdict(was)}) if as_json else f"Forgotten: {_line(was)}")


@contextmanager
def _open_stores(read_only: bool = False) -> Iterator["tuple[Memory, AdapterStore]"]:
    """Memory and adapters, locked where something is to change. Raises StorageError."""
    from adapters.jobs.store import AdapterStore
    from memory.store import Memory

    folder = state_dir()
    with Memory.open(folder / "memory", read_only=read_only) as memory:
        yield memory, AdapterStore(folder / "adapters")


def _say(room: "KnownRoom", as_json: bool) -> None:
    say(json.dumps(asdict(room)) if as_json else _line(room))


def _line(room: "KnownRoom") -> str:
    adapter = "the untouched student" if room.adapter is None else f"adapter {room.adapter}"
    views = f"{room.views} views, {room.depth_views} by depth"
    return f"{room.name}  {room.pairs} pairs, {views}, {adapter} answers"
