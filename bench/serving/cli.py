"""`roomwise bench expert`: how many devices one expert serves, with batching and without."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from agent.replay import jpeg
from agent.visit import read_visit
from bench.report import Report, Value, emit
from bench.rooms.sessions import make_session, write_session
from bench.serving.load import Asker, Question, Round, ask_together
from bench.serving.rows import report_rows
from bench.serving.servers import expert_server
from core.config import Config, load_config
from models.remote.wire import WANTED

app = typer.Typer(add_completion=False)
_ROOMS, _SIZE = 10, 224
_METHODS = {"batched": 32, "one by one": 1}
_SIGNALS = tuple(name for name in WANTED if name != "code")


@app.command()
def expert(
    model: Annotated[str | None, typer.Option("--model", help="Default: expert.model.")] = None,
    clients: Annotated[str, typer.Option("--clients", help="How many at once, with commas.")] = "1,8,32",
    looks: Annotated[int | None, typer.Option("--looks", min=1, max=5, help="Default: expert.looks.")] = None,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Of each kind, taking turns.")] = 5,
    questions: Annotated[int, typer.Option("--questions", min=1, help="A round, of all clients.")] = 64,
    signals: Annotated[
        bool, typer.Option("--signals/--words", help="Ask for teacher signals, or for words alone.")
    ] = True,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the intervals.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Ask an expert on this machine from many clients at once: one that batches, and one that does not.

    Both run as servers of their own; rounds take turns, so that whatever else the machine does hits both.
    Every question comes with a frame that was not asked about just before.

    Example: roomwise bench expert

    Example: roomwise bench expert --clients 1,32 --looks 1 --words --json
    """
    config = load_config()
    name = model if model is not None else config.expert.model
    count = looks if looks is not None else config.expert.looks
    counts = [int(part) for part in clients.split(",")]
    wanted = _SIGNALS if signals else ()
    asker = Asker(_questions(config))
    found: dict[tuple[str, int], list[Round]] = {}
    with (
        expert_server(name, count, _METHODS["batched"]) as batched,
        expert_server(name, count, _METHODS["one by one"]) as single,
    ):
        servers = dict(zip(_METHODS, (batched, single), strict=True))
        for address in servers.values():
            ask_together(address, asker, 4, 4, wanted)  # the first passes of a process are slower
        for number in range(rounds):
            for several in counts:
                order = list(servers.items())[:: 1 if number % 2 == 0 else -1]
                for method, address in order:
                    each = max(1, questions // several)
                    one = ask_together(address, asker, several, each, wanted)
                    found.setdefault((method, several), []).append(one)
    about: dict[str, Value] = {"model": name, "looks": count}
    emit(Report("bench expert", seed, report_rows(found, about, seed)), json=as_json)


def _questions(config: Config) -> list[Question]:
    """Of several rendered rooms, room by room in turn."""
    rooms = []
    with tempfile.TemporaryDirectory() as folder:
        for index in range(_ROOMS):
            path = Path(folder) / str(index)
            write_session(make_session("test", index, _SIZE), path)
            turns = read_visit(path).turns
            limit = config.images.max_pixels
            rooms.append([Question(jpeg(turn.frame, limit), turn.question) for turn in turns])
    return [question for together in zip(*rooms, strict=False) for question in together]
