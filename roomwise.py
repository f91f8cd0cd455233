"""The `roomwise` command: a table of verbs, each imported from its own package when it is called."""

import sys
from typing import Annotated

import typer

from core.lazy import Verb, lazy_group, run

__version__ = "0.1.0"

VERBS = {
    "ask": Verb("agent.cli:app", "Ask a question about a picture."),
    "look": Verb("agent.looking.cli:app", "Show where student and expert look for their answers."),
    "run": Verb("agent.station.cli:app", "Answer in a room, and learn: camera, voice and dashboard."),
    "dash": Verb("agent.attach.cli:app", "Open the dashboard of an agent that runs elsewhere."),
    "replay": Verb("agent.replay.cli:app", "Play a session again: the student learns and takes over."),
    "sessions": Verb("agent.sessions.cli:app", "List, show, export, import, redact and delete recordings."),
    "memory": Verb("memory.cli:app", "List, search, correct, delete, export and import what is remembered."),
    "rooms": Verb("agent.whereabouts.cli:app", "List rooms; give them names, merge them, forget them."),
    "adapt": Verb("agent.learning.cli:app", "Let the student learn a room now from what is remembered."),
    "adapters": Verb("adapters.cli:app", "List, promote, roll back and export adapters."),
    "models": Verb("agent.checkpoints.cli:app", "List, fetch, try and choose models."),
    "render": Verb("bench.rooms.cli:app", "Render rooms, sessions of questions, and check them."),
    "pretrain": Verb("bench.pretrain.cli:app", "Train a built-in model on rendered rooms."),
    "bench": Verb("bench.cli:app", "Measure models: accuracy on unseen rooms, latency."),
    "study": Verb("bench.studies.cli:app", "Do published distillation studies again, beside ours."),
    "expert": Verb("expert.cli:app", "Serve an expert to devices on other machines."),
    "doctor": Verb("agent.doctor.cli:app", "Look over the installation: what is missing, and what fixes it."),
    "config": Verb("core.cli:app", "Show the settings, where they come from, and start a file."),
}

# What a verb needs of a layer that its own may not import; a context carries these names to it.
PARTS = {
    "embedder": "models.embedder:load_embedder",
    "picture": "models.images:load_image",
    "screen": "tui.app:show",
}

app = typer.Typer(cls=lazy_group(VERBS), no_args_is_help=True, add_completion=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"roomwise {__version__}")
        raise typer.Exit


@app.callback()
def roomwise(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """An on-device agent that gets wise about the room it is in.

    Example: roomwise ask picture.jpg "What colour is the sofa?"
    """
    context.obj = PARTS


def main() -> None:
    """Run the command and leave with its exit code."""
    sys.exit(run(app, "roomwise"))


if __name__ == "__main__":
    main()
