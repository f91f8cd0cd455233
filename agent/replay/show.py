"""A session on a terminal as it happens: each turn, and what the training child is doing."""

from rich.console import Console
from rich.padding import Padding

from agent.learning.training import TrainingBar
from agent.sentences import quoted, read, sentence
from core import events
from core.events import Event

_MARKS = {True: "[green]right[/]", False: "[red]wrong[/]"}
_COLOURS = {"memory": "magenta", "student": "cyan", "expert": "yellow"}


class Watcher:
    """Prints events as they come."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = TrainingBar(console)
        self._age = 0.0
        self._why = ""

    def __call__(self, event: Event) -> None:
        match event:
            case events.Asked():
                self._age = event.frame_age_ms
                self._say(f"[bold]{event.turn:>3}[/]  {quoted(event.question)}")
            case events.Routed():
                self._why = event.reason
            case events.Answered():
                self._answered(event)
            case events.Judged():
                truth = "" if event.right else f": {quoted(event.reference)}"
                self._say(f"     {_MARKS[event.right]}{truth}")
            case events.ExpertUnreachable():
                self._say(f"     [red]no expert[/]: {quoted(event.reason)}")
            case events.SessionStarted() | events.Resumed() | events.SessionEnded():
                self._session(event)
            case _:
                self._between(event)

    def _answered(self, event: events.Answered) -> None:
        self._say(
            f"     [{_COLOURS[event.by]}]{event.by}[/]: [bold]{quoted(event.text) or '(no words)'}[/]  "
            f"[dim]{event.confidence:.2f} sure, {event.latency_ms:.0f} ms, frame {self._age:.0f} ms old; "
            f"{quoted(self._why)}[/]"
        )

    def _session(self, event: events.SessionStarted | events.Resumed | events.SessionEnded) -> None:
        match event:
            case events.SessionStarted():
                pair = f"{quoted(event.student)} learns from {quoted(event.expert)}"
                self._say(f"[bold]{quoted(event.room)}[/]: {pair}")
            case events.Resumed():
                self._say(f"Going on with question {event.turn}; what came before it is answered.")
            case events.SessionEnded():
                self._bar.stop()

    def _between(self, event: Event) -> None:
        match event:
            case events.AdaptationStarted():
                self._bar.start(event.pairs)
            case events.AdaptationProgressed():
                self._bar.step(event.step, event.steps, event.loss)
            case events.AdaptationEnded() | events.Failed():
                self._bar.stop()
        line = sentence(event)
        if line:
            self._say(f"     {line}")

    def _say(self, text: str) -> None:
        """A line. On a terminal a long one goes on below where it began; elsewhere it stays one line."""
        if self._console.is_terminal:
            plain = text.lstrip()
            line = Padding.indent(read(plain), len(text) - len(plain))
            self._console.print(line, highlight=False)
        else:
            self._console.print(read(text), highlight=False, soft_wrap=True)
