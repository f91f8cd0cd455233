"""`roomwise bench`: each measurement lives in its own module and is imported when it is called."""

import typer

from core.lazy import Verb, lazy_group

VERBS = {
    "models": Verb("bench.pair.models:app", "Accuracy of the built-in pair on rooms it never saw."),
    "learning": Verb("bench.learning.cli:app", "What the student gains from ten answers about a room."),
    "takeover": Verb("bench.takeover.cli:app", "Whether the student is right as often as was asked for."),
    "adapting": Verb("bench.pair.adapting:app", "Seconds of one adaptation, and of answers meanwhile."),
    "expert": Verb("bench.serving.cli:app", "How many devices one expert serves, and at how many bytes."),
    "recognition": Verb("bench.recognition.cli:app", "Whether rooms are known again, in the dark too."),
    "voice": Verb(
        "bench.voice.bench:app", "Words heard wrong, seconds to text, and questions out of nothing."
    ),
    "dashboard": Verb(
        "bench.screen.cli:app", "What the dashboard adds to an answer, and how soon it shows a key."
    ),
    "look": Verb("bench.looking.cli:app", "How much of what models look at is the thing asked about."),
    "pruning": Verb("bench.pruning.cli:app", "Milliseconds against the share of vision tokens kept."),
    "size": Verb("bench.pair.size:app", "A round of learning at the size that people run, against peft."),
    "steps": Verb("bench.pair.steps:app", "A step of training, with fused attention and without."),
    "layers": Verb("bench.pair.layers:app", "Large layers over one row, against torch's own."),
    "latency": Verb(
        "bench.pair.latency:app", "Seconds to an answer, against plain generate() on the same weights."
    ),
}

app = typer.Typer(cls=lazy_group(VERBS), no_args_is_help=True, add_completion=False)


@app.callback()
def bench() -> None:
    """Measure, as a table or with --json as one object.

    Example: roomwise bench models --rooms 50 --json
    """
