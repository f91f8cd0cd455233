"""`roomwise memory`: list, search, correct, delete, export and import pairs."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.config import load_config
from core.extras import load
from core.files import state_dir
from core.lazy import say
from core.text import check_question

if TYPE_CHECKING:
    from core.ports import Embedder
    from core.types import Pair
    from memory.store import Memory

app = typer.Typer(no_args_is_help=True, add_completion=False)

Id = Annotated[str, typer.Argument(help="A pair's id, or enough of its beginning.")]
Room = Annotated[str | None, typer.Option("--room", help="Only this room's pairs.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Folder = Annotated[Path, typer.Argument(help="The folder of the export.")]


@app.callback()
def memory() -> None:
    """What was asked and answered in each room: the student learns from it.

    Example: roomwise memory list
    """


@app.command("list")
def listed(room: Room = None, as_json: AsJson = False) -> None:
    """List the pairs, oldest first: id, room, question, answer.

    Example: roomwise memory list --room kitchen --json
    """
    with _open_memory(read_only=True) as memory:
        pairs = memory.pairs(room)
    if as_json:
        _print_json(pairs=[asdict(pair) for pair in pairs])
    else:
        _print_lines((_line(pair) for pair in pairs), "Nothing is remembered yet.")


@app.command()
def search(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="Words to search by; '' to search by the view alone.")],
    image: Annotated[Path | None, typer.Option("--image", help="Search by this view too.")] = None,
    room: Room = None,
    count: Annotated[int, typer.Option("--count", "-k", min=1, help="How many pairs at most.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Find the pairs that are most like a question, a picture, or both; best first.

    Example: roomwise memory search "What colour is the sofa?" --image picture.jpg -k 3
    """
    from memory.recall import embed_cue, search

    config = load_config()
    words = check_question(question) if question or image is None else None
    read: Any = load(context.obj["picture"])
    picture = None if image is None else read(image, config.images.max_pixels)
    embedder: Any = load(context.obj["embedder"])(config.student.model)
    cue = embed_cue(embedder, words, picture)
    with _open_memory(embedder, read_only=True) as memory:
        weight = config.memory.question_weight
        hits = search(memory, cue, room, count, weight)
    if as_json:
        _print_json(hits=[asdict(hit) for hit in hits])
    else:
        _print_lines((f"{hit.score:5.2f}  {_line(hit.pair)}" for hit in hits), "Nothing is remembered yet.")


@app.command()
def show(id: Id, as_json: AsJson = False) -> None:
    """Show a pair: where it comes from, what it was before, where its frame is.

    Example: roomwise memory show 3f2a
    """
    with _open_memory(read_only=True) as memory:
        pair = memory.get(id)
        history = [asdict(former) for former in memory.history(pair)]
        files = {"frame_file": str(memory.frame_path(pair))}
        if pair.signal is not None:
            files["signal_file"] = str(memory.signal_path(pair))
    if as_json:
        _print_json(**asdict(pair), **files, history=history)
        return
    for name, value in (asdict(pair) | files).items():
        say(f"{name:12} {'-' if value is None else value}")
    for former in history:
        say(f"{'before':12} {former['answer']} ({former['source']}, until {former['replaced']})")


@app.command()
def correct(
    id: Id, answer: Annotated[str, typer.Argument(help="The right answer.")], as_json: AsJson = False
) -> None:
    """Put your answer in place of a pair's; the student learns it with its next adapter.

    Example: roomwise memory correct 3f2a "dark green"
    """
    with _open_memory() as memory:
        pair = memory.correct(id, answer)
    _print_json(**asdict(pair)) if as_json else say(_line(pair))


@app.command()
def delete(
    ids: Annotated[list[str], typer.Argument(help="Ids of pairs, or enough of their beginnings.")],
    as_json: AsJson = False,
) -> None:
    """Forget pairs for good: they are not found again, and the next adapter does not know them.

    Example: roomwise memory delete 3f2a 77b0
    """
    with _open_memory() as memory:
        pairs = memory.delete(*ids)
    if as_json:
        _print_json(deleted=[asdict(pair) for pair in pairs])
    else:
        _print_lines((f"Deleted {_line(pair)}" for pair in pairs), "")


@app.command("export")
def exported(folder: Folder, room: Room = None, as_json: AsJson = False) -> None:
    """Write pairs, frames and teacher signals to a new folder, as JSON lines and plain files.

    Example: roomwise memory export my-kitchen --room kitchen
    """
    from memory.transfer import export

    with _open_memory(read_only=True) as memory:
        count = export(memory, folder, room)
    if as_json:
        _print_json(folder=str(folder), pairs=count)
    else:
        say(f"{count} pairs in {folder}")


@app.command("import")
def imported(folder: Folder, as_json: AsJson = False) -> None:
    """Add the pairs of an export, all or none; everything in it is checked first.

    Example: roomwise memory import my-kitchen
    """
    from memory.transfer import import_

    with _open_memory() as memory:
        counts = import_(memory, folder)
    if as_json:
        _print_json(new=counts.new, known=counts.known)
    else:
        say(f"{counts.new} new pairs, {counts.known} were here already")


def _open_memory(embedder: "Embedder | None" = None, read_only: bool = False) -> "Memory":
    from memory.store import Memory

    return Memory.open(
        state_dir() / "memory",
        embedder,
        read_only=read_only,
        on_notice=lambda sentence: say(sentence, err=True),
    )


def _line(pair: "Pair") -> str:
    return f"{pair.id[:8]}  {pair.room}  {pair.question}  {pair.answer}"


def _print_lines(lines: Iterable[str], otherwise: str) -> None:
    text = "\n".join(lines) or otherwise
    if text:
        say(text)


def _print_json(**values: Any) -> None:
    say(json.dumps(values))
